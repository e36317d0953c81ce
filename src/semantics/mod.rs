//! Tree to typed program: names become numbers, every expression gets a type, all mistakes are told at once. Nothing runs here.

mod typed;

pub use typed::{Input, OrderKey, Output, Program, Query, SourceStream, Stage, Statement, StreamDef, StreamId};
