//! The functions and operators of the language: one table, one family a file.
//!
//! A definition says everything about its function: its name, what types it takes and gives, what it computes, and how it is told to users
//! (the documentation and its examples are made from here). The kernels work on values; evaluation over batches and for one candidate call
//! the same ones. NULL in gives NULL out, unless a function says otherwise.

mod arithmetic;
mod conditional;
mod digest;
mod json;
mod like;
mod list;
mod math;
mod network;
mod pattern;
mod signature;
#[cfg(test)]
mod test;
mod text;
mod time;

use std::fmt;
use std::sync::Arc;

pub use self::arithmetic::{FloatOp, IntOp};
pub(super) use self::arithmetic::{decimal_of_result, division_scale};
use self::signature::Signature;
use super::{EvalContext, Expr, TypeError};
use crate::data::{DataType, Value};

/// What a function computes from its arguments, which it may take out of the slice. What is prepared comes from constant arguments.
pub type ValueKernel = for<'a> fn(&mut [Value<'a>], &Prepared, &EvalContext) -> Value<'a>;

/// How a call is computed.
#[derive(Debug, Clone, Copy)]
pub enum Kernel {
    /// From any values.
    Values(ValueKernel),
    /// From two values of 64 bits (INT, TIMESTAMP, DURATION), to one of the call's type. Over columns this is one tight loop.
    Int(IntOp),
    /// From two FLOATs.
    Float(FloatOp),
}

/// What is worked out once from constant arguments.
#[derive(Debug, Clone, Default)]
pub enum Prepared {
    /// Nothing.
    #[default]
    None,
    /// A regular expression.
    Regex(Arc<regex::Regex>),
    /// A pattern of LIKE.
    Like(Arc<like::LikePattern>),
    /// A time zone.
    Zone(chrono_tz::Tz),
    /// A path into JSON.
    Path(Arc<[json::PathStep]>),
    /// Networks, one an argument behind the address.
    Networks(Arc<[network::Network]>),
    /// A part of a point in time, and a zone where one is given.
    Part(time::Part, Option<chrono_tz::Tz>),
}

/// Types of a call: what its arguments are cast to, what it gives, how.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// What each argument is cast to.
    pub args: Vec<DataType>,
    /// The type of the result.
    pub result: DataType,
    /// How it is computed.
    pub kernel: Kernel,
}

/// Families of functions, for the documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Category {
    /// `+`, `-`, …
    Operator,
    /// Numbers.
    Math,
    /// Text.
    Text,
    /// Patterns in text.
    Pattern,
    /// Choices.
    Conditional,
    /// Time.
    Time,
    /// Lists.
    List,
    /// JSON.
    Json,
    /// Network addresses and places.
    Network,
    /// Digests.
    Digest,
}

/// How a function becomes an expression.
#[derive(Debug, Clone, Copy)]
pub enum Form {
    /// All arguments are evaluated, then the kernel runs.
    Eager(fn(Signature<'_>) -> Result<Resolved, TypeError>),
    /// Not all arguments may be evaluated: another expression stands for the call.
    Lazy(fn(Vec<Expr>) -> Result<Expr, TypeError>),
}

/// Makes what a call needs from its constant arguments (`None` where an argument is not constant).
pub type Prepare = fn(&[Option<&Value<'static>>]) -> Result<Prepared, TypeError>;

/// Refuses constant arguments that make no sense for arguments of these types (`None` where an argument is not constant).
pub type Check = fn(&[DataType], &[Option<&Value<'static>>]) -> Result<(), TypeError>;

/// A function of the language.
pub struct Function {
    /// Its name, in upper case; operators by their symbols.
    pub name: &'static str,
    /// Other names of it.
    pub aliases: &'static [&'static str],
    /// Its family.
    pub category: Category,
    /// How it is written: `ROUND(x [, digits])`.
    pub signature: &'static str,
    /// What it does, in one or two sentences.
    pub doc: &'static str,
    /// Expressions and what they give, as text.
    pub examples: &'static [(&'static str, &'static str)],
    /// NULL in, NULL out.
    pub strict: bool,
    arity: (usize, usize),
    form: Form,
    prepare: Option<Prepare>,
    check: Option<Check>,
    second_as: Option<fn(&DataType) -> DataType>,
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// As many arguments as one likes.
const MANY: usize = usize::MAX;

impl Function {
    /// What definitions leave out.
    const fn of(category: Category) -> Self {
        Self {
            name: "",
            aliases: &[],
            category,
            signature: "",
            doc: "",
            examples: &[],
            strict: true,
            arity: (1, 1),
            form: Form::Lazy(nothing),
            prepare: None,
            check: None,
            second_as: None,
        }
    }

    /// Of two arguments that are compared: the type that a constant at the second place is read as, by the type of the first.
    pub(super) fn second_as(&self, first: &DataType) -> Option<DataType> {
        self.second_as.map(|of| of(first))
    }

    /// Types of a call on arguments of these types.
    pub fn resolve(&'static self, found: &[DataType]) -> Result<Resolved, TypeError> {
        self.check_count(found)?;
        match self.form {
            Form::Eager(resolve) => resolve(Signature::new(self.name, found)),
            Form::Lazy(build) => {
                let args = found.iter().map(|t| Expr::typed_literal(Value::Null, t.clone())).collect();
                let result = build(args)?.data_type().clone();
                Ok(Resolved { args: found.to_vec(), result, kernel: Kernel::Values(|_, _, _| Value::Null) })
            }
        }
    }

    /// The fewest and the most arguments it takes; `None` where there is no most.
    pub fn arity(&self) -> (usize, Option<usize>) {
        (self.arity.0, (self.arity.1 != MANY).then_some(self.arity.1))
    }

    pub(super) fn check_count(&self, found: &[DataType]) -> Result<(), TypeError> {
        let (least, most) = self.arity;
        if (least..=most).contains(&found.len()) {
            return Ok(());
        }
        let plural = |n: usize| if n == 1 { "1 argument".to_owned() } else { format!("{n} arguments") };
        let expected = match (least, most) {
            (least, most) if least == most => plural(least),
            (least, MANY) => format!("at least {}", plural(least)),
            (least, most) => format!("{least} to {}", plural(most)),
        };
        Err(TypeError::new(self.name, found.to_vec(), expected))
    }

    pub(super) fn form(&self) -> Form {
        self.form
    }

    /// What refuses constant arguments by their types, where something does.
    pub(super) fn check(&self) -> Option<Check> {
        self.check
    }

    pub(super) fn prepare(&self) -> Option<Prepare> {
        self.prepare
    }
}

fn nothing(_: Vec<Expr>) -> Result<Expr, TypeError> {
    Ok(Expr::literal(Value::Null))
}

/// A function that the user of the library brings.
pub trait ScalarFunction: fmt::Debug + Send + Sync {
    /// The name by which programs call it, in upper case.
    fn name(&self) -> &str;
    /// What arguments of these types are cast to, and the type of the result. Called while a program is compiled.
    fn resolve(&self, found: &[DataType]) -> Result<(Vec<DataType>, DataType), TypeError>;
    /// Whether NULL in gives NULL out, without a call.
    fn is_strict(&self) -> bool {
        true
    }
    /// The value for these arguments. One that is not of the resolved type becomes NULL and is counted.
    fn call(&self, args: &[Value<'_>]) -> Value<'static>;
}

static FAMILIES: [&[Function]; 11] = [
    arithmetic::FUNCTIONS,
    math::FUNCTIONS,
    text::FUNCTIONS,
    pattern::FUNCTIONS,
    like::FUNCTIONS,
    conditional::FUNCTIONS,
    time::FUNCTIONS,
    list::FUNCTIONS,
    json::FUNCTIONS,
    network::FUNCTIONS,
    digest::FUNCTIONS,
];

/// All functions, family by family.
pub fn all() -> impl Iterator<Item = &'static Function> {
    FAMILIES.iter().flat_map(|family| family.iter())
}

/// The function or operator of this name, in any case.
pub fn lookup(name: &str) -> Option<&'static Function> {
    all().find(|f| f.name.eq_ignore_ascii_case(name) || f.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name)))
}

pub(super) fn like() -> &'static Function {
    &like::FUNCTIONS[0]
}

pub(super) fn ilike() -> &'static Function {
    &like::FUNCTIONS[1]
}

pub(super) fn element_at() -> &'static Function {
    &list::FUNCTIONS[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_complete_and_unambiguous() {
        let mut names: Vec<&str> = all().flat_map(|f| std::iter::once(f.name).chain(f.aliases.iter().copied())).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "every name stands once");
        for f in all() {
            assert!(!f.doc.is_empty() && !f.signature.is_empty() && !f.examples.is_empty(), "{} is documented", f.name);
            assert!(f.arity.0 <= f.arity.1);
        }
        assert_eq!((like().name, ilike().name, element_at().name), ("LIKE", "ILIKE", "[]"));
        assert!(lookup("substr").is_some() && lookup("||").is_some() && lookup("NO_SUCH").is_none());
    }

    #[test]
    fn every_function_of_the_language_is_there() {
        let names = "ABS SIGN FLOOR CEIL ROUND TRUNC SQRT POWER EXP LN LOG MOD GREATEST LEAST LOWER UPPER LENGTH SUBSTRING LEFT RIGHT TRIM LTRIM \
            RTRIM REPLACE SPLIT_PART POSITION CONTAINS STARTS_WITH ENDS_WITH CONCAT LPAD RPAD REVERSE REGEXP_LIKE REGEXP_EXTRACT REGEXP_REPLACE \
            LIKE ILIKE || + - * / % COALESCE NULLIF IF DATE_TRUNC EXTRACT TO_TIMESTAMP FORMAT_TIMESTAMP EPOCH_MS SECONDS MILLIS HOUR \
            DAY_OF_WEEK CARDINALITY ARRAY_CONTAINS ARRAY_JOIN JSON_VALUE CIDR_MATCH HASH MD5 SHA256 GEO_DISTANCE";
        for name in names.split_whitespace() {
            assert!(lookup(name).is_some(), "{name}");
        }
    }

    #[test]
    fn a_wrong_number_of_arguments_is_told() {
        let error = lookup("ROUND").unwrap().resolve(&[]).unwrap_err();
        assert_eq!(error.to_string(), "ROUND expects 1 to 2 arguments");
    }
}
