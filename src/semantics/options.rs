//! What the caller of the checker says about the run.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::expr::{RegisteredAggregate, ScalarFunction};

/// What is known of a run before its program is checked.
#[derive(Debug, Clone, Default)]
pub struct CheckOptions {
    /// Values of parameters from outside, as text (`--set limit=800`); they go before the defaults of `SET`.
    pub parameters: BTreeMap<String, String>,
    /// The input never ends: state without bound is then an error, where it otherwise is a warning.
    pub endless: bool,
    /// Functions that the user of the library brought; none has the name of a function of the language.
    pub functions: Vec<Arc<dyn ScalarFunction>>,
    /// Aggregates that the user of the library brought, the same.
    pub aggregates: Vec<RegisteredAggregate>,
    /// Keeps where each expression is written ([`super::Program::written`]): for explaining, not for running.
    pub keeps_places: bool,
}
