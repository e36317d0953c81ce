//! Every cap of a running program, its default, and what happens at it. Nothing is capped elsewhere, and nothing silently.

use super::memory::resident_bytes;
use crate::data::Allowance;
use crate::spec::PatternSpec;

/// The most events of a round where memory is bounded: it is looked at between rounds.
pub(super) const ROUND: usize = 1024;

/// Caps of a running program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many events wait for the watermark. At the cap the oldest go before it has passed them; how many is counted (`forced`), and
    /// events that come behind them are late. Default: 4,000,000.
    pub waiting_events: usize,
    /// How many rows wait in front of one operator because another of its inputs is not certain yet. At the cap the run ends with an
    /// error that names the operator. Default: 16,000,000.
    pub waiting_rows: usize,
    /// How many threads (ways on of unfinished matches) one partition of a pattern holds. Beyond it its oldest runs are dropped and counted
    /// (`dropped` of the operator). Default: 100,000.
    pub pattern_threads: usize,
    /// How many events one partition of a pattern in rank columns or way columns holds (`explain` tells which those are), an event that
    /// stands at several steps counted at each; and how many one that is counted and not listed remembers for `WITHIN`. Beyond it its oldest starts are dropped, and the events that are lost with them are counted (`dropped` of the
    /// operator). Default: 10,000,000.
    pub pattern_events: usize,
    /// How many bad events are kept until they are taken. Beyond it they are only counted (`bad_not_kept`). Default: 10,000.
    pub kept_bad_events: usize,
    /// How many rows one event (or one moment: all groups of a window that closes) may give in one statement's operator. Beyond it the
    /// statement ends with that reason, and others go on ([`crate::Engine::ended`]). Default: 50,000,000.
    pub event_rows: usize,
    /// How many keys one operator may hold behind a row. At the row whose key is one too many its statement ends with that reason, and others
    /// go on; what was certain before that row comes out. Default: no bound.
    pub keys: usize,
    /// How many bytes the operators of one statement may hold together, by their own accounts. Beyond it the statement ends with that
    /// reason, and others go on. Default: no bound.
    pub statement_memory: Option<usize>,
    /// How many bytes the whole process may have in memory (its resident set, where the system says; elsewhere what the operators hold by
    /// their own accounts). Beyond it the run ends with an error that names the operator which holds the most. Rounds are made smaller for
    /// it. Default: no bound.
    pub memory: Option<usize>,
}

impl Limits {
    /// What one operator may give.
    pub(super) fn allowance(&self) -> Allowance {
        Allowance { rows: self.event_rows, keys: self.keys, memory: self.memory, resident: resident_bytes }
    }

    /// What the operator of a pattern may give, which may say itself how many keys it has.
    pub(super) fn allowance_of(&self, spec: &PatternSpec) -> Allowance {
        let keys = spec.ends_beyond_keys().map_or(self.keys, |keys| keys.min(self.keys));
        Allowance { keys, ..self.allowance() }
    }

    /// How many events a round may have where memory is bounded.
    pub(crate) fn round(&self) -> usize {
        if self.memory.is_some() { ROUND } else { usize::MAX }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            waiting_events: 4_000_000,
            waiting_rows: 16_000_000,
            pattern_threads: 100_000,
            pattern_events: 10_000_000,
            kept_bad_events: 10_000,
            event_rows: 50_000_000,
            keys: usize::MAX,
            statement_memory: None,
            memory: None,
        }
    }
}
