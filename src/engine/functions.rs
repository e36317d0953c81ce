//! Functions of the user's own: those made of closures, and the names that they may have.

use std::fmt;

use crate::data::{DataType, Value};
use crate::expr::{ScalarFunction, TypeError};
use crate::syntax::ast::{ExprKind, SelectItem, StatementKind};
use crate::syntax::parse;
use crate::text::Source;

/// Names that have a meaning of their own in patterns.
const OF_PATTERNS: [&str; 4] = ["PREV", "NEXT", "CLASSIFIER", "MATCH_NUMBER"];

/// Whether a program can call a function of this name: the parser is asked.
pub(super) fn is_callable(name: &str) -> bool {
    let (file, told) = parse(&Source::new("", format!("SELECT {name}(x) FROM s")));
    let [statement] = file.statements.as_slice() else { return false };
    let StatementKind::Query(query) = &statement.kind else { return false };
    let [SelectItem::Expr { expr, .. }] = query.items.as_slice() else { return false };
    let is_call = matches!(&expr.kind, ExprKind::Call(call) if call.name.node == name && !call.quoted);
    is_call && !told.has_errors() && !OF_PATTERNS.iter().any(|word| word.eq_ignore_ascii_case(name))
}

type Call = dyn Fn(&[Value<'_>]) -> Value<'static> + Send + Sync;

/// A closure with its types.
pub(super) struct UserFunction {
    name: String,
    args: Vec<DataType>,
    result: DataType,
    call: Box<Call>,
}

impl UserFunction {
    pub(super) fn new(
        name: &str,
        args: &[DataType],
        result: DataType,
        call: impl Fn(&[Value<'_>]) -> Value<'static> + Send + Sync + 'static,
    ) -> Self {
        Self { name: name.to_uppercase(), args: args.to_vec(), result, call: Box::new(call) }
    }
}

impl fmt::Debug for UserFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({:?}) {}", self.name, self.args, self.result)
    }
}

impl ScalarFunction for UserFunction {
    fn name(&self) -> &str {
        &self.name
    }

    fn resolve(&self, found: &[DataType]) -> Result<(Vec<DataType>, DataType), TypeError> {
        if found.len() == self.args.len() {
            return Ok((self.args.clone(), self.result.clone()));
        }
        let arguments = if self.args.len() == 1 { "argument" } else { "arguments" };
        Err(TypeError::new(&self.name, found.to_vec(), format!("{} {arguments}", self.args.len())))
    }

    fn call(&self, args: &[Value<'_>]) -> Value<'static> {
        (self.call)(args)
    }
}
