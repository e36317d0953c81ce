//! Tree to typed program: names become numbers, every expression gets a type, all mistakes are told at once. Nothing runs here.
//!
//! The pieces: `context` holds what is shared and the list of mistakes, `infer` types expressions and asks a `scope::Names` what names mean,
//! `statements` orders the program, `query` checks one query and leaves FROM PATTERN and MATCH_RECOGNIZE to `pattern` and `row_pattern`.

mod aggregate;
mod call;
mod codes;
mod constant;
mod context;
mod elsewhere;
mod feeds;
mod infer;
mod join;
mod literal;
mod options;
mod pattern;
mod query;
mod range;
mod reads;
mod refusal;
mod row_pattern;
mod scope;
mod select;
mod source;
mod statements;
mod table;
mod tree;
mod typed;
mod types;
mod view;
mod window;

#[cfg(test)]
mod tests;

pub use codes::CODES;
pub(crate) use codes::{UNKNOWN_FUNCTION, UNKNOWN_STREAM};
pub use options::CheckOptions;
pub use pattern::PATTERN_CODES;
pub(crate) use reads::names as named_streams;
pub use row_pattern::ROW_PATTERN_CODES;
pub use statements::{check, check_behind};
pub(crate) use tree::children as tree_children;
pub use typed::{
    Input, OrderKey, Output, Program, Query, Route, SourceColumn, SourceStream, Stage, Statement, StreamDef, StreamId, Table, TableFile,
    TableFormat,
};
