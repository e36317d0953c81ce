//! How a program is compiled and run: plain fields, each with its default and its limit.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::DataError;
use super::functions::{self as own, UserFunction};
use crate::data::{DataType, Value};
use crate::expr::{AggregateFunction, RegisteredAggregate, ScalarFunction, aggregates, functions};
use crate::runtime::{Clock, Limits, SystemClock, chunks_under_way};

/// How a program is compiled and run.
#[derive(Debug, Clone)]
pub struct Options {
    /// What diagnostics call the program's text. Default: `<query>`.
    pub name: String,
    /// Values of parameters, as text; they go before the defaults that `SET` gives. Default: none.
    pub set: BTreeMap<String, String>,
    /// The field of an event that says which stream it is of, with dots between keys. Default: `type`.
    pub type_field: String,
    /// Names of the streams that leave. Default: none, which means every unnamed output and every derived stream that no statement reads.
    pub outputs: Vec<String>,
    /// How many events are handled in one go; 0 counts as 1. No result depends on it. Default: 4096.
    pub batch_size: usize,
    /// How many bytes a line of JSON may have, its end not counted; a longer one is a bad event. Default: 1 MiB.
    pub max_line: usize,
    /// The first bad event is an error. Default: false: bad events are counted and kept for [`crate::Engine::take_bad_events`].
    pub strict: bool,
    /// The input never ends: a program whose state grows for ever is refused instead of warned of, and events more than 5 minutes ahead of
    /// the clock are bad unless their stream says otherwise. Default: false.
    pub endless: bool,
    /// All events wait for the end of input (as many as `limits.waiting_events` allows), whatever `DELAY` and `IDLE AFTER` say: so none is
    /// late, in whatever order they come. Default: false.
    pub whole_input: bool,
    /// Patterns are run by the general evaluator, whatever faster one there is. The rows are the same: it is for comparing. Default: false.
    pub general_evaluators: bool,
    /// Statements may be added and dropped while the program runs, see [`crate::Engine::add`]. Events are then read with all their columns,
    /// wait for the watermark whether or not a statement reads them, and every declared stream holds the watermark back. Default: false.
    pub open: bool,
    /// Rows written as JSON begin with an id, `"$id"`: which output it is (a digest of what the program computes for it), and the number of
    /// the row there, from 1. The same row has the same id in every run of the program over the same events, interrupted or not.
    /// Default: false.
    pub ids: bool,
    /// Functions of your own, see [`Options::register`]. Default: none.
    pub functions: Vec<Arc<dyn ScalarFunction>>,
    /// Aggregates of your own, see [`Options::register_aggregate`]. Default: none.
    pub aggregates: Vec<RegisteredAggregate>,
    /// How many threads decode lines of JSON and run operators that have keys ([`crate::Engine::explain`] says which), 0 for as many as the
    /// machine has cores. No result depends on it: rows, bad events and counters are the same, in the same order. With more than one,
    /// [`crate::Engine::push_json`] may come back before all of its lines have been taken up, see there; in a strict run, what was pushed
    /// behind the first bad event is lost. Functions of your own are called on several threads.
    /// Default: 1, with which the engine has no thread of its own.
    pub threads: usize,
    /// An operator that several threads may run hands fewer rows than these to no other thread: they are done sooner than handed over. No
    /// result depends on it. Default: 512.
    pub hand_over_from: usize,
    /// All other caps, each with its default and policy.
    pub limits: Limits,
    /// Where relative paths of the program (those of tables) start from. Default: the working directory. The command line says the folder of
    /// the program's file.
    pub folder: Option<PathBuf>,
    /// The arrival clock: the time of events of streams without `TIMESTAMP BY`, and what `IDLE AFTER` and `AHEAD` look at. Default: the
    /// machine's.
    pub clock: Arc<dyn Clock>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            name: "<query>".to_owned(),
            set: BTreeMap::new(),
            type_field: "type".to_owned(),
            outputs: Vec::new(),
            batch_size: 4096,
            max_line: 1 << 20,
            strict: false,
            endless: false,
            whole_input: false,
            general_evaluators: false,
            open: false,
            ids: false,
            functions: Vec::new(),
            aggregates: Vec::new(),
            threads: 1,
            hand_over_from: 512,
            limits: Limits::default(),
            folder: None,
            clock: Arc::new(SystemClock),
        }
    }
}

impl Options {
    /// Behind how many calls of [`crate::Engine::push_json`] at most what they brought has been taken up, where each brings no more lines than
    /// `batch_size`: 1 with one thread.
    pub fn chunks_under_way(&self) -> usize {
        chunks_under_way(self.all_threads())
    }

    /// As many threads as are asked for, or as there are cores.
    pub(super) fn all_threads(&self) -> usize {
        match self.threads {
            0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            threads => threads,
        }
    }

    /// Lets programs call a function of your own, by its name in any case.
    ///
    /// # Errors
    /// A name that the language or another function has, or that no program could call.
    pub fn register(&mut self, function: impl ScalarFunction + 'static) -> Result<(), DataError> {
        self.check_name(function.name())?;
        self.functions.push(Arc::new(function));
        Ok(())
    }

    /// Lets programs call an aggregate of your own, by its name in any case, wherever those of the language stand: over groups and windows of
    /// all kinds, in HAVING, over the events of patterns, with FILTER, and, where it takes one argument, with DISTINCT. Its state is part of
    /// snapshots. For an example see [`AggregateFunction`].
    ///
    /// # Errors
    /// A name that the language or another function has, or that no program could call.
    pub fn register_aggregate(&mut self, aggregate: impl AggregateFunction) -> Result<(), DataError> {
        self.check_name(aggregate.name())?;
        self.aggregates.push(RegisteredAggregate::new(aggregate));
        Ok(())
    }

    fn check_name(&self, name: &str) -> Result<(), DataError> {
        let own = self.functions.iter().map(|known| known.name()).chain(self.aggregates.iter().map(RegisteredAggregate::name));
        let is_own = own.into_iter().any(|known| known.eq_ignore_ascii_case(name));
        if is_own || functions::lookup(name).is_some() || aggregates::lookup(name).is_some() {
            return Err(DataError::Value(format!("there is a function `{name}` already")));
        }
        if !own::is_callable(name) {
            let form = "a letter or `_`, then letters, digits and `_`, and no word of the language";
            return Err(DataError::Value(format!("no program could call a function `{name}`: its name is {form}")));
        }
        Ok(())
    }

    /// The same with a closure: arguments are cast to `args`, NULL in gives NULL out without a call, and a value that is not of the type
    /// `result` becomes NULL and is counted.
    ///
    /// ```
    /// use betide::{DataType, Engine, Options, Value};
    ///
    /// let mut options = Options::default();
    /// options.register_fn("SHOUT", &[DataType::String], DataType::String, |args| match &args[0] {
    ///     Value::String(text) => Value::String(format!("{}!", text.to_uppercase()).into()),
    ///     _ => Value::Null,
    /// })?;
    /// let program = "CREATE STREAM Said (who STRING); SELECT shout(who) AS loud FROM Said;";
    /// let mut engine = Engine::with_options(program, &options)?;
    /// engine.push_json(b"{\"who\":\"ann\"}\n")?;
    /// engine.finish()?;
    /// assert_eq!(engine.take_rows()[0].to_json(), r#"{"loud":"ANN!"}"#);
    /// # Ok::<(), betide::Error>(())
    /// ```
    pub fn register_fn(
        &mut self,
        name: &str,
        args: &[DataType],
        result: DataType,
        call: impl Fn(&[Value<'_>]) -> Value<'static> + Send + Sync + 'static,
    ) -> Result<(), DataError> {
        self.register(UserFunction::new(name, args, result, call))
    }
}
