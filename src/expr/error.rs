//! What is wrong with the types of an expression: told to the checker, which knows where it stands and makes a diagnostic of it.

use std::fmt;

use crate::data::DataType;

/// Operands or arguments that do not fit.
#[derive(Debug, Clone, PartialEq)]
pub struct TypeError {
    /// The operator or function, as a person would write it: `=`, `ROUND`.
    pub what: String,
    /// The types of all operands or arguments.
    pub found: Vec<DataType>,
    /// What would fit, in words: `a number`, `2 or 3 arguments`.
    pub expected: String,
    /// Which argument is meant, from 0, where it is one.
    pub argument: Option<usize>,
}

impl TypeError {
    /// An error about all operands together.
    pub fn new(what: impl Into<String>, found: Vec<DataType>, expected: impl Into<String>) -> Self {
        Self { what: what.into(), found, expected: expected.into(), argument: None }
    }

    /// The same error about one argument.
    #[must_use]
    pub fn at(mut self, argument: usize) -> Self {
        self.argument = Some(argument);
        self
    }
}

impl fmt::Display for TypeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} expects {}", self.what, self.expected)?;
        let found: Vec<String> = match self.argument.and_then(|i| self.found.get(i)) {
            Some(one) => vec![one.to_string()],
            None => self.found.iter().map(DataType::to_string).collect(),
        };
        if let Some(i) = self.argument {
            write!(f, " as argument {}", i + 1)?;
        }
        if !found.is_empty() {
            write!(f, ", found {}", found.join(", "))?;
        }
        Ok(())
    }
}

impl std::error::Error for TypeError {}
