//! What is asked, without how it is answered: the plain data that the checker fills, the planner reads and the operators are built from.
//!
//! Names are gone: streams and columns are numbers, and every expression reads numbered slots. Which slot means what is said at each
//! expression's field.

mod attention;
mod choice;
mod comparisons;
mod counting;
mod flat;
mod join;
mod lookup;
mod near;
mod pattern;
mod unary;
mod window;

pub use attention::{Attention, Wanted, attention};
pub use choice::{EvaluatorChoice, choose, column_of_step, is_unary};
pub use comparisons::{ComparedTerm, Comparison, WordKind, compared_terms};
pub use counting::{CountSpec, MatchCall, MatchTrait};
pub use join::{JoinKind, JoinSpec};
pub use lookup::LookupSpec;
pub use pattern::{
    AfterMatch, Arrow, FollowUp, KeysBound, LateCheck, Mode, NavigationBase, PartitionKeys, PatternNode, PatternSpec, RowOutput, Runs,
    Slot, SlotKind, VariableId, VariableKind, VariableSpec, Within,
};
pub use unary::{always_takes, follows_by_any};
pub use window::{AggregateCall, OrderKey, WindowKind, WindowOutput, WindowSpec};
