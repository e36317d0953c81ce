//! How a program is compiled and run: plain fields, each with its default and its limit.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::runtime::{Clock, Limits, SystemClock};

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
    /// Patterns are run by the general evaluator, whatever faster one there is. The rows are the same: it is for comparing. Default: false.
    pub general_evaluators: bool,
    /// Rows written as JSON begin with an id, `"$id"`: which output it is (a digest of what the program computes for it), and the number of
    /// the row there, from 1. The same row has the same id in every run of the program over the same events, interrupted or not.
    /// Default: false.
    pub ids: bool,
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
            general_evaluators: false,
            ids: false,
            limits: Limits::default(),
            folder: None,
            clock: Arc::new(SystemClock),
        }
    }
}
