//! Text to tree. pest is named only here; nothing here knows what a name means.

pub mod ast;
mod codes;
mod expect;
mod format;
mod hints;
mod literal;
mod parse;
mod parse_expr;
mod parse_grammar;
mod parse_pattern;
mod parse_query;
mod parse_statement;
mod print;
mod print_expr;
mod scan;

pub use codes::{CODES, CodeEntry};
pub use format::{FormatError, format};
pub use parse::{cuts, parse, parse_behind};
pub use parse_grammar::keywords;
pub use print::print;
pub use print_expr::{quoted_name, quoted_text};
