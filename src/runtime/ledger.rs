//! What operators hold, against the bounds of statements and of the run. Without bounds it costs nothing.
//!
//! An operator's own account takes a walk over its keys. So it is asked for when rows have come to it that could have brought it to its
//! bound, as far as the fastest growth so far tells, and seldom while it is far from it. The memory of the process is asked of the system,
//! which costs less than a microsecond, whenever an operator has done something.

use super::error::RunError;
use super::limits::{Limits, ROUND};
use super::memory::resident_bytes;
use super::pipeline::{Pipeline, Stage, Work};
use crate::data::Over;
use crate::operators::Held;

/// See the module.
#[derive(Debug)]
pub(super) struct Ledger {
    keys: usize,
    statement: Option<usize>,
    memory: Option<usize>,
    accounts: Vec<Account>,
    /// The most that the process was seen to have.
    most: usize,
    /// What it had behind the last round, and how many events the next one may have.
    seen: usize,
    round: usize,
}

/// Of one operator.
#[derive(Debug, Clone, Copy, Default)]
struct Account {
    bytes: usize,
    /// Rows that had come when it was last asked, and those at which it is asked again.
    rows: u64,
    next: u64,
    /// The most bytes that a row has brought.
    a_row: usize,
}

/// What a row is taken to bring before it is known.
const A_ROW: usize = 256;
/// An operator is not asked more often than each so many rows.
const ROWS: usize = 64;

/// Events of the first round where memory is bounded.
const ROUND_FIRST: usize = 64;

impl Ledger {
    pub(super) fn new(limits: &Limits, stages: usize) -> Self {
        let accounts = vec![Account { a_row: A_ROW, ..Account::default() }; stages];
        Self {
            keys: limits.keys,
            statement: limits.statement_memory,
            memory: limits.memory,
            accounts,
            most: 0,
            seen: 0,
            round: ROUND_FIRST,
        }
    }

    /// Goes on from that of the pipeline whose place is taken: operators are asked anew.
    pub(super) fn follow(&mut self, before: &Self) {
        (self.most, self.seen, self.round) = (before.most, before.seen, before.round);
    }

    /// The bound of its statement that an operator has come over, if it has; a bound of the run is an error.
    pub(super) fn look(&mut self, index: usize, stages: &[Stage]) -> Result<Option<Over>, RunError> {
        if let Some(limit) = self.memory {
            if resident_bytes().is_none() {
                self.ask(index, &stages[index], limit);
            }
            self.check_memory(stages, 0)?;
        }
        // Operators that read rows one by one keep to it by the row ([`super::keys`]).
        if let Work::View(view) = &stages[index].work
            && view.held().keys > self.keys
        {
            return Ok(Some(Over { what: "keys", limit: self.keys, is_of_run: false }));
        }
        let Some(limit) = self.statement else { return Ok(None) };
        self.ask(index, &stages[index], limit);
        let own = stages[index].statement;
        let of_statement = stages.iter().zip(&self.accounts).filter(|(stage, _)| stage.statement == own && !stage.has_ended());
        let bytes: usize = of_statement.map(|(_, account)| account.bytes).sum();
        Ok((bytes > limit).then_some(Over { what: "bytes of one statement's state", limit, is_of_run: false }))
    }

    /// Whether the process has not more memory than it may, with what is wanted now; where the system does not say, whether its operators
    /// hold no more.
    pub(super) fn check_memory(&mut self, stages: &[Stage], wanted: usize) -> Result<(), RunError> {
        let Some(limit) = self.memory else { return Ok(()) };
        let bytes = resident_bytes().unwrap_or_else(|| self.accounts.iter().map(|account| account.bytes).sum());
        self.most = self.most.max(bytes);
        if bytes.saturating_add(wanted) > limit { Err(self.full(stages)) } else { Ok(()) }
    }

    /// How many events the next round may have, where memory is bounded: fewer behind one that took much, for memory is looked at between
    /// rounds, and more again behind one that took next to none.
    pub(super) fn next_round(&mut self) -> Option<usize> {
        let (limit, bytes) = (self.memory?, resident_bytes()?);
        let grown = bytes.saturating_sub(std::mem::replace(&mut self.seen, bytes));
        if grown > limit / 64 {
            self.round = (self.round / 8).max(1);
        } else if grown < limit / 512 {
            self.round = (self.round * 2).min(ROUND);
        }
        Some(self.round)
    }

    /// The bound of memory, and the most that was seen.
    pub(super) fn memory(&self) -> Option<(usize, usize)> {
        self.memory.map(|limit| (limit, self.most))
    }

    /// Asks an operator what it holds, if it may have come to a bound since it was asked.
    fn ask(&mut self, index: usize, stage: &Stage, limit: usize) {
        let rows = stage.counts.rows_in;
        let account = &mut self.accounts[index];
        // What is given its rows one by one counts them elsewhere: it is asked each time.
        if rows > 0 && rows < account.next {
            return;
        }
        let Held { bytes, .. } = stage.work.held();
        let came = usize::try_from(rows - account.rows.min(rows)).unwrap_or(usize::MAX).max(1);
        account.a_row = account.a_row.max(bytes.saturating_sub(account.bytes) / came);
        (account.bytes, account.rows) = (bytes, rows);
        let of_bytes = limit.saturating_sub(bytes) / (2 * account.a_row);
        account.next = rows.saturating_add(of_bytes.clamp(ROWS, 1 << 20) as u64);
    }

    /// The run has come to the bound of its memory.
    pub(super) fn full(&self, stages: &[Stage]) -> RunError {
        let held = |stage: &Stage| (stage.work.held().bytes, stage.name.clone());
        let most = stages.iter().map(held).max().filter(|(bytes, _)| *bytes > 0);
        let holder = most.map_or_else(String::new, |(bytes, name)| format!(" (operator {name} holds the most, {} kB)", bytes >> 10));
        RunError::Full { what: format!("bytes of memory{holder}"), limit: self.memory.unwrap_or(usize::MAX) }
    }
}

impl Pipeline {
    /// Whether the process has not more memory than it may, with what is wanted now.
    pub(super) fn check_memory(&mut self, wanted: usize) -> Result<(), RunError> {
        self.ledger.check_memory(&self.stages, wanted)
    }

    /// The bound of memory, and the most that the process was seen to have.
    pub(super) fn memory(&self) -> Option<(usize, usize)> {
        self.ledger.memory()
    }
}
