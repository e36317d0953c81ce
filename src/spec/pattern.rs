//! Patterns, of FROM PATTERN and of MATCH_RECOGNIZE alike: variables, a tree of steps and arrows, terms, and what a match gives.
//!
//! Expressions of a pattern read *slots*; the table `slots` says what each stands for. A term is checked when its variable takes an event
//! (the candidate counts as taken then), HAVING and the outputs on the finished match.

use std::sync::Arc;

use super::AggregateCall;
use crate::data::{DataType, Duration, Schema};
use crate::expr::Expr;

/// The number of a variable in [`PatternSpec::variables`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VariableId(pub u32);

crate::saved!(VariableId(number));

/// A whole pattern query.
#[derive(Debug, Clone)]
pub struct PatternSpec {
    /// Which matches there are.
    pub mode: Mode,
    /// All variables: those that take events, negated ones, and those of UNTIL.
    pub variables: Vec<VariableSpec>,
    /// Schema of each input stream that the pattern names.
    pub inputs: Vec<Arc<Schema>>,
    /// The pattern.
    pub root: PatternNode,
    /// What the slots of all expressions stand for.
    pub slots: Vec<Slot>,
    /// Terms on a negated variable that also name a later one.
    pub late_checks: Vec<LateCheck>,
    /// PARTITION BY.
    pub partition: PartitionKeys,
    /// WITHIN.
    pub within: Option<Within>,
    /// HAVING, on the finished match.
    pub having: Option<Expr>,
    /// AFTER MATCH.
    pub after_match: AfterMatch,
    /// RUNS.
    pub runs: Runs,
    /// KEYS.
    pub keys: Option<KeysBound>,
    /// LIMIT n PER PARTITION.
    pub limit_per_partition: Option<u64>,
    /// Which rows a match gives.
    pub rows: RowOutput,
    /// The output columns, one expression a field of `schema`.
    pub outputs: Vec<Expr>,
    /// Names and types of the output columns. Of MATCH_RECOGNIZE the last are START_TIME and END_TIME, where no other column has the name.
    pub schema: Arc<Schema>,
    /// TIMEOUT INTO: the columns of a timeout row (those of `outputs`, then the step that was waited for), which leave by port 1.
    pub timeout: Option<Arc<Schema>>,
    /// ORDER BY of MATCH_RECOGNIZE behind the event time: column of input 0, descending, NULLs first. Rows of equal time are put in this
    /// order before they are matched.
    pub tie_order: Vec<(usize, bool, bool)>,
}

/// Which matches there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// FROM PATTERN: at most one match a start, the preferred one.
    OnePerStart,
    /// FROM PATTERN with `->>`, `ANY` or ALL MATCHES: every way to match.
    AllMatches,
    /// MATCH_RECOGNIZE: starts are decided in order, steps follow each other without gaps.
    Rows,
}

/// A variable.
#[derive(Debug, Clone)]
pub struct VariableSpec {
    /// Its name, as CLASSIFIER() gives it.
    pub name: Arc<str>,
    /// The input that its events are of.
    pub input: usize,
    /// What it is for.
    pub kind: VariableKind,
    /// Whether it can take more than one event.
    pub looped: bool,
    /// Terms that hold for each event it takes. They are AND-ed; the cheap ones stand first.
    pub checks: Vec<Expr>,
    /// Terms that are not checked on the first event of a loop, before which there is none: those with PREV (FROM PATTERN only).
    pub checks_after_first: Vec<Expr>,
}

/// What a variable is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VariableKind {
    /// It takes events of the match.
    Step,
    /// Events that must not come.
    Negated,
    /// Events that end a loop.
    Until,
}

/// A term on a negated variable that also names a later variable: it is checked when that one takes an event, over the events between.
///
/// A negated variable has one of them, over all its late terms, at the last variable that they name. Where the order of these is open
/// (operands of `&`) it has one at each that can be the last, guarded so that it is true only where the others have their events: an event
/// between is then forbidden as soon as one of the conditions is true, and stays undecided until then.
#[derive(Debug, Clone)]
pub struct LateCheck {
    /// The negated variable; slots of its columns read the event between.
    pub negated: VariableId,
    /// The later variable.
    pub at: VariableId,
    /// True: the event between is forbidden.
    pub condition: Expr,
}

/// The tree of a pattern.
#[derive(Debug, Clone, PartialEq)]
pub enum PatternNode {
    /// Takes one event for a variable.
    Step(VariableId),
    /// Elements in a row. The first element's arrow is not looked at: it follows as the whole does.
    Sequence(Vec<FollowUp>),
    /// The first that matches, in order of preference.
    Either(Vec<PatternNode>),
    /// All, side by side, in any order.
    Both(Vec<PatternNode>),
    /// A loop.
    Repeat {
        /// What is repeated.
        inner: Box<PatternNode>,
        /// At least so often.
        min: u64,
        /// At most so often.
        max: Option<u64>,
        /// Rather longer than shorter.
        greedy: bool,
        /// How an iteration follows the one before.
        inside: Arrow,
        /// Ends the loop.
        until: Option<VariableId>,
    },
    /// `!B` without FOR: no B from here until the next step is taken (at the end of the pattern: until WITHIN is over; at the start: before
    /// the first step, back to WITHIN or to the beginning).
    Not(VariableId),
    /// `!B FOR d`: goes on when d is over without a B (at the start: no B in the time d before the first step).
    NotFor(VariableId, Duration),
    /// Matches without an event.
    Empty,
    /// `^`: the first row of the partition.
    PartitionStart,
    /// `$`: behind the last row of the partition.
    PartitionEnd,
    /// All of them, in any order; the order written first is preferred, then as a dictionary sorts.
    Permute(Vec<PatternNode>),
    /// `{- … -}`: matched, but its rows do not come out.
    Exclude(Box<PatternNode>),
}

/// An element of a sequence and the arrow before it.
#[derive(Debug, Clone, PartialEq)]
pub struct FollowUp {
    /// The arrow before the element.
    pub arrow: Arrow,
    /// The element.
    pub node: PatternNode,
}

/// How a step follows the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Arrow {
    /// `->`
    Next,
    /// `->>`
    Any,
    /// `,` and, in MATCH_RECOGNIZE, all.
    Strict,
}

crate::saved!(enum Arrow { 0 => Next, 1 => Any, 2 => Strict });

/// Keys of the partitions.
#[derive(Debug, Clone, Default)]
pub struct PartitionKeys {
    /// For each input, the key over its columns (all of one length and of the same types). Empty: one partition.
    pub by_input: Vec<Vec<Expr>>,
    /// `a.x = b.y`: a NULL in the key takes no part. Otherwise NULL is a key like others.
    pub null_takes_no_part: bool,
}

/// WITHIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Within {
    /// Last event time − first event time is at most this.
    Time(Duration),
    /// The match spans at most so many events of the partition.
    Events(u64),
}

/// AFTER MATCH.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum AfterMatch {
    /// No clause: matches from different starts may overlap.
    Everything,
    /// SKIP PAST LAST EVENT
    SkipPastLast,
    /// SKIP TO LAST EVENT
    SkipToLastEvent,
    /// SKIP TO NEXT EVENT
    SkipToNext,
    /// SKIP TO FIRST v (a subset has several variables)
    SkipToFirst(Vec<VariableId>),
    /// SKIP TO LAST v
    SkipToLast(Vec<VariableId>),
    /// RESTART
    Restart,
    /// CONSUME
    Consume,
}

/// RUNS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Runs {
    /// No bound but the budget.
    All,
    /// One thread a remaining pattern.
    Latest,
    /// At most so many undecided starts: while there are so many, no other begins.
    Count(u64),
    /// At most so many undecided starts: beyond it the oldest is given up, and counted.
    DropOldest(u64),
    /// At most so many undecided starts: beyond it the statement ends.
    OrEnd(u64),
}

/// KEYS: how many partitions may have something under way behind an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeysBound {
    /// Beyond it the one that began first is given up, and counted.
    DropOldest(u64),
    /// Beyond it the statement ends.
    OrEnd(u64),
}

impl PatternSpec {
    /// How many partitions there may be before the one that began first is given up.
    pub fn drops_keys_beyond(&self) -> Option<usize> {
        match self.keys {
            Some(KeysBound::DropOldest(most)) => Some(usize::try_from(most).unwrap_or(usize::MAX)),
            Some(KeysBound::OrEnd(_)) | None => None,
        }
    }

    /// How many partitions there may be.
    pub fn most_keys(&self) -> Option<usize> {
        self.drops_keys_beyond().or(self.ends_beyond_keys())
    }

    /// How many partitions there may be before the statement ends.
    pub fn ends_beyond_keys(&self) -> Option<usize> {
        match self.keys {
            Some(KeysBound::OrEnd(most)) => Some(usize::try_from(most).unwrap_or(usize::MAX)),
            Some(KeysBound::DropOldest(_)) | None => None,
        }
    }
}

/// Which rows a match gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RowOutput {
    /// One a match.
    OnePerMatch,
    /// One for each of its rows that is not excluded.
    AllRows {
        /// An empty match gives a row.
        show_empty: bool,
        /// Rows of no match come out too; in them all outputs that are not plainly a [`SlotKind::CurrentRow`] are NULL.
        with_unmatched: bool,
    },
}

/// What a slot stands for.
#[derive(Debug, Clone)]
pub struct Slot {
    /// What it reads.
    pub kind: SlotKind,
    /// Its type.
    pub data_type: DataType,
}

/// Where a navigation starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NavigationBase {
    /// `FIRST(v.x, n)`: the n-th event from the front, from 0.
    First(u32),
    /// `v.x`, `LAST(v.x, n)`: the n-th event from the back, from 0. In a term of v the candidate is number 0.
    Last(u32),
}

/// What a slot reads.
#[derive(Debug, Clone)]
pub enum SlotKind {
    /// A column of an event of these variables (several for a subset; all for the universal variable of MATCH_RECOGNIZE).
    Column {
        /// Of which variables.
        variables: Vec<VariableId>,
        /// Column of their input.
        column: usize,
        /// Which of their events.
        base: NavigationBase,
        /// Then so many rows of the partition further (NEXT, positive) or back (PREV, negative); MATCH_RECOGNIZE only.
        physical: i64,
        /// FINAL: over the whole match, whatever the row.
        is_final: bool,
    },
    /// `PREV(v.x, n)` of FROM PATTERN: the event so many before the last in the same run of v's innermost loop.
    PreviousInLoop {
        /// The loop variable.
        variable: VariableId,
        /// Column of its input.
        column: usize,
        /// From 1.
        back: u32,
    },
    /// An aggregate over the events of these variables taken so far; its arguments read the columns of their input.
    Aggregate {
        /// Of which variables.
        variables: Vec<VariableId>,
        /// What of them. `COUNT(v)` is `COUNT(*)` here.
        call: AggregateCall,
        /// FINAL: over the whole match.
        is_final: bool,
    },
    /// An aggregate of MATCH_RECOGNIZE whose argument names CLASSIFIER() or MATCH_NUMBER(): arguments over inner slots, evaluated on each
    /// row of these variables (slot numbers are those of this same table; navigation in them is at that row).
    AggregateOverSlots {
        /// Of which variables.
        variables: Vec<VariableId>,
        /// What of them; its arguments read slots of this table.
        call: AggregateCall,
        /// FINAL: over the whole match.
        is_final: bool,
    },
    /// The last (or only) event of a variable as a struct of its input's columns; NULL where it took none.
    Event(VariableId),
    /// All events of a variable as a list of structs.
    Events(VariableId),
    /// The name of the variable of an event of these variables: CLASSIFIER().
    Classifier {
        /// Of which variables.
        variables: Vec<VariableId>,
        /// Which of their events.
        base: NavigationBase,
        /// Then so many rows further or back.
        physical: i64,
        /// FINAL: over the whole match.
        is_final: bool,
    },
    /// MATCH_NUMBER()
    MatchNumber,
    /// Event time of the match's first event.
    StartTime,
    /// Event time of the match's end.
    EndTime,
    /// A column of the current row of the match (ALL ROWS PER MATCH); for ONE ROW the match's last row, for an empty match its own row.
    CurrentRow(usize),
    /// In a timeout row: the alias that was waited for. Otherwise NULL.
    WaitingStep,
}

impl SlotKind {
    /// The aggregate that it stands for.
    pub fn aggregate(&self) -> Option<&AggregateCall> {
        match self {
            Self::Aggregate { call, .. } | Self::AggregateOverSlots { call, .. } => Some(call),
            _ => None,
        }
    }
}
