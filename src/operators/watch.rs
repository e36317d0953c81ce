//! Looking over the shoulders of operators: whoever asks why is given each operator before it runs, and puts one in its place that does the
//! same and takes notes.

use super::reorder::Released;
use super::{Operator, Transform};

/// Is given the operators of a program before they run. What it puts in their places must give the same rows.
pub trait Watch {
    /// The operator with state of this number in the graph.
    fn operator(&mut self, node: usize, operator: Box<dyn Operator>) -> Box<dyn Operator>;

    /// The one without.
    fn transform(&mut self, node: usize, transform: Box<dyn Transform>) -> Box<dyn Transform>;
}

/// Is shown what the event-time order lets go, before the operators get it.
pub trait WatchOrder: Send + std::fmt::Debug {
    /// What goes, and the arrival numbers of its events by position.
    fn released(&mut self, released: &Released, numbers: Vec<u64>);
}
