//! Patterns and the evaluator that is exact for all of them.

mod automaton;
mod event;
mod nodes;
mod registers;
mod state;
mod step;
mod terms;
mod thread;
mod variables;
