//! What a program has done with some events: rows in and out of every operator, how often each term was asked and true, how far the runs of
//! patterns came, what was held, and what it cost.
//!
//! Two runs go side by side over the same events. One is the program as it is planned: rows, state and time are of it. The other
//! (`Counting`) has the same operators without what makes them quick, with terms that count; only how often terms were asked and steps
//! taken is of it. Nothing of this is part of a usual run.

mod analyzed;
mod counting;
mod figures;
mod json;
mod taps;
mod text;

pub use self::analyzed::Analyzed;
pub(crate) use self::counting::Counting;
pub use self::figures::{Figures, Held, OperatorFigures, OutputFigures, SourceFigures, StepFigures, TermFigures};
pub(crate) use self::json::json;
