//! Functions of the user's own, made of closures.

use std::fmt;

use crate::data::{DataType, Value};
use crate::expr::{ScalarFunction, TypeError};

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
