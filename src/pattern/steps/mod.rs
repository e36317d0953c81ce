//! Sequences of single steps by step lists: an unfinished match is a record that waits at one step, and candidates ask the records.
//!
//! `plan` works out what terms and outputs need; `word` turns comparisons into questions about stored words; `log` keeps the events that
//! steps have taken; `waiting` is a list of records, with an `index` when it is long (`equal`, `ordered`); `turns` says whose turn it is
//! (SKIP); `partition` puts lists and turns together; `batch` looks at whole batches, with `marks` for terms over texts; `view` gives terms
//! their slots; `endings` are finished matches until they are written, and `rows` turns matches into rows; `evaluator` is the face of it all.

mod batch;
mod endings;
mod equal;
mod evaluator;
mod index;
mod log;
mod marks;
mod ordered;
mod partition;
mod plan;
mod rows;
mod turns;
mod view;
mod waiting;
mod word;

pub(crate) use evaluator::{Arrival, StepEvaluator};
pub(crate) use partition::StepPartition;
