//! Patterns and the evaluator that is exact for all of them: ordered threads over a lazily built automaton.
//!
//! | here | in the language page, section 6 | in the literature |
//! |---|---|---|
//! | `automaton` | "an automaton with ordered choices" | Thompson's construction, as in Pike's regex machine |
//! | `State`, `Way` | "the ordered list of next steps" | ordered list of instructions |
//! | `Thread` | "a history and the next steps" | Pike thread |
//! | `History` | "which event was taken for which variable" | captures; shared as in SASE+'s versioned buffer |
//! | `Matcher::merge` | "two threads … are one" | thread equivalence of Trino's matcher |
//! | `Partition`, `Run` | "start" | run |
//!
//! `nodes` lays the pattern flat; `automaton` tells the ways on; `step` is what an event does to a state; `terms` decide whether it fits,
//! with `registers` for what they need of the past; `thread` puts this together, and `merge` drops what is twice; `runs` (FROM PATTERN) and `rows` (MATCH_RECOGNIZE) keep the
//! threads of a partition and say which matches come out; `outputs` turns them into rows; `evaluator` is the face of it all.
//! What needs no threads because every way stays open (`net`) is listed by `ranks` and `ways`, or counted by `counters`.
//!
//! Time and memory: an event costs one step of each live thread of its partition, and a thread a handful of words beside the events it
//! holds. Threads of one start are merged where nothing can tell them apart any more, so patterns without terms on their own history have
//! at most as many threads a start as the automaton has states; what cannot be merged is bounded by `Bounds`, and counted.

mod automaton;
mod count_evaluator;
mod counters;
mod evaluator;
mod event;
mod flat;
mod lanes;
mod level;
mod masks;
mod merge;
mod net;
mod nodes;
mod outputs;
mod plain_counters;
mod rank_evaluator;
mod ranks;
mod registers;
mod rows;
mod runs;
mod state;
mod step;
mod steps;
mod terms;
mod thread;
pub(crate) mod trace;
mod variables;
mod ways;

pub(crate) use count_evaluator::{CountEvaluator, CountPartition};
pub(crate) use evaluator::{Evaluator, FromBatches, PartitionState, Verdicts};
pub(crate) use event::RowOf;
pub(crate) use flat::{Arriving, FlatEvaluator, FlatPartition, Found, Stretch, states_of_starts};
pub(crate) use lanes::{Total, Totals, TotalsReader, value_of_number};
pub(crate) use masks::Masks;
pub(crate) use rank_evaluator::{Fits, RankEvaluator, RankPartition};
pub(crate) use runs::Bounds;
pub(crate) use steps::{Arrival, StepEvaluator, StepPartition};
pub(crate) use terms::over_columns;
pub(crate) use ways::{WayEvaluator, WayPartition};
