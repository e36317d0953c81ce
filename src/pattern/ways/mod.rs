//! Patterns of `->>` with unary terms, loops and alternatives included, without unfinished matches: the face of the evaluator by way columns.
//!
//! `plan` makes a table of the pattern (from [`Net`](super::net::Net)): kinds of entries, and what an event does. `columns` keeps the entries
//! of a partition; `listing` walks over the matches that an event finishes; `rows` writes them. Where every output is a plain word, a list
//! of words or a count, only words are kept; otherwise, and with HAVING, whole events are, and each match goes through the outputs of the
//! general evaluator.

mod columns;
mod entries;
mod listing;
mod plan;
mod rows;
mod tails;

use std::sync::Arc;

use self::columns::WayColumns;
use self::entries::Arriving;
use self::listing::{Visitor, Walk};
use self::plan::{Kinds, Sources};
use self::rows::{Rows, Writer};
use super::event::{Candidate, Event, RowOf};
use super::masks::{Masks, masks};
use super::net::Net;
use super::outputs::Outputs;
use super::registers::Taking;
use super::runs::{Emitted, Having};
use super::terms::Terms;
use super::thread::{History, Match};
use crate::data::{ColumnBuilder, EventBatch, Place, StateError};
use crate::spec::{AfterMatch, PatternSpec, VariableId, Within};

/// Lists the matches of one pattern, for any number of partitions.
#[derive(Debug)]
pub(crate) struct WayEvaluator {
    terms: Terms,
    kinds: Kinds,
    output: Output,
    walk: Walk,
    most: usize,
    dropped: u64,
}

#[derive(Debug)]
enum Output {
    Columns(Sources, Rows),
    /// No column is read; of each variable an empty list.
    Matches(Outputs, Vec<Vec<usize>>),
}

/// What the evaluator keeps for a partition.
#[derive(Debug)]
pub(crate) struct WayPartition {
    columns: WayColumns,
    /// Events so far.
    events: u64,
}

crate::saved!(WayPartition { columns, events });

impl WayEvaluator {
    /// A partition holds at most so many entries; beyond it the oldest starts are dropped, and the entries lost with them are counted.
    pub(crate) fn new(spec: Arc<PatternSpec>, most: usize) -> Self {
        let kinds = Kinds::new(&Net::new(&spec.root));
        let output = match Sources::new(&spec, &kinds) {
            Some(sources) => Output::Columns(sources, Rows::default()),
            None => Output::Matches(Outputs::new(spec.clone()), vec![Vec::new(); spec.variables.len()]),
        };
        Self { terms: Terms::new(spec), kinds, output, walk: Walk::default(), most, dropped: 0 }
    }

    /// A partition that has seen nothing.
    pub(crate) fn partition(&self) -> WayPartition {
        WayPartition { columns: WayColumns::new(&self.kinds), events: 0 }
    }

    /// For each input, which variables its rows fit, as bits.
    pub(crate) fn masks(&self, inputs: &[EventBatch]) -> Vec<Masks> {
        masks(&self.terms, inputs)
    }

    /// What an event does that fits these variables; 0 is nothing.
    #[inline]
    pub(crate) fn moves_of(&mut self, mask: u64) -> u32 {
        self.kinds.number_of(mask)
    }

    /// Whether matches begin with such events.
    #[inline]
    pub(crate) fn begins(&self, moves: u32) -> bool {
        self.kinds.begins(moves)
    }

    /// Whether a match that comes out ends all that has begun.
    pub(crate) fn restarts(&self) -> bool {
        self.terms.spec.after_match == AfterMatch::Restart
    }

    /// The earliest time at which a start is not over when this place is reached, in nanoseconds.
    pub(crate) fn earliest(&self, place: Place) -> i64 {
        let Some(Within::Time(span)) = self.terms.spec.within else { return i64::MIN };
        place.time().0.checked_sub(span.0).unwrap_or(i64::MIN)
    }

    /// A partition as it has been written, if it is one of this pattern.
    pub(crate) fn taken_up(&self, partition: WayPartition) -> Result<WayPartition, StateError> {
        if partition.columns.is_sound(&self.kinds) { Ok(partition) } else { Err(StateError::new("ways that lead nowhere")) }
    }

    /// Whether an event that does this finishes a match. What is over is forgotten.
    #[inline]
    pub(crate) fn finishes(&self, partition: &mut WayPartition, moves: u32, place: Place) -> bool {
        partition.columns.expire(self.earliest(place));
        let moves = self.kinds.moves(moves);
        !moves.alone.is_empty() || partition.columns.finishes(moves)
    }

    /// Appends the rows of the matches that an event finishes, and gives how many there are. Its rows are those that lie in the partition.
    pub(crate) fn list(
        &mut self,
        partition: &mut WayPartition,
        moves: u32,
        (rows, place): (&[RowOf<'_>], Place),
        out: &mut [ColumnBuilder],
    ) -> usize {
        let Self { terms, kinds, output, walk, .. } = self;
        let moves = kinds.moves(moves);
        let columns = &mut partition.columns;
        columns.reach(kinds, moves);
        match output {
            Output::Columns(sources, kept) => {
                let mut writer = Writer::new(kept, (kinds, columns, sources), (rows, place, moves), terms, out);
                walk.list(columns, kinds, moves, &mut writer);
                moves.alone.iter().for_each(|variable| writer.alone(*variable));
                writer.end()
            }
            Output::Matches(outputs, _) => {
                let candidate = Candidate::of_rows(place, partition.events + 1, rows);
                let mut matches = Matches { outputs, kinds, columns, last: candidate.event(), taken: Vec::new(), out, rows: 0 };
                walk.list(columns, kinds, moves, &mut matches);
                matches.taken.clear();
                moves.alone.iter().for_each(|variable| matches.finish(0, *variable));
                matches.rows
            }
        }
    }

    /// Keeps an event for matches to come.
    #[inline]
    pub(crate) fn keep(&mut self, partition: &mut WayPartition, moves: u32, (rows, place): (&[RowOf<'_>], Place)) {
        partition.events += 1;
        let moves = self.kinds.moves(moves);
        if moves.enters.is_empty() {
            return;
        }
        let candidate = Candidate::of_rows(place, partition.events, rows);
        let (kinds, terms) = (&self.kinds, &self.terms);
        let (reads, event) = match &self.output {
            Output::Columns(sources, _) => (&sources.reads, None),
            Output::Matches(_, reads) => (reads, Some(&candidate)),
        };
        let number = partition.columns.next();
        let event_of = |kind: usize| {
            let variable = kinds.all[kind].variable;
            let row = row_of(rows, terms.input_of(variable));
            let event = event.map(|candidate| candidate.event());
            let arriving = Arriving { number, time: place.time().0, columns: row.batch.columns(), row: row.row, event };
            (arriving, reads[variable.0 as usize].as_slice())
        };
        self.dropped += partition.columns.keep(kinds, moves, event_of, self.most);
    }

    /// How many NULLs its expressions had to make up since the last call.
    pub(crate) fn take_nulls(&self) -> u64 {
        let of_outputs = match &self.output {
            Output::Columns(..) => 0,
            Output::Matches(outputs, _) => outputs.context().take_nulls(),
        };
        self.terms.context.take_nulls() + of_outputs
    }

    /// Entries given up at the bound so far.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Counts those of an evaluator that was before this one.
    pub(crate) fn add_dropped(&mut self, before: u64) {
        self.dropped += before;
    }
}

/// The row of an event in an input, of whose variables one fits.
pub(super) fn row_of<'a, 'r>(rows: &'r [RowOf<'a>], input: usize) -> &'r RowOf<'a> {
    rows.iter().find(|row| row.input == input).expect("what fits a variable has a row in its input")
}

impl WayPartition {
    /// Forgets what cannot be part of a match any more. Gives whether nothing is left.
    pub(crate) fn expire(&mut self, earliest: i64) -> bool {
        self.columns.expire(earliest);
        self.is_empty()
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.columns.clear();
    }

    /// Whether nothing is kept.
    pub(crate) fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// Entries and bytes, about.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.columns.rows(), size_of::<Self>() + self.columns.bytes())
    }
}

/// Matches that go through the outputs of the general evaluator.
struct Matches<'m> {
    outputs: &'m Outputs,
    kinds: &'m Kinds,
    columns: &'m WayColumns,
    last: &'m Arc<Event>,
    /// The entries on the way.
    taken: Vec<(usize, u64)>,
    out: &'m mut [ColumnBuilder],
    rows: usize,
}

impl Visitor for Matches<'_> {
    fn enter(&mut self, _depth: usize, kind: usize, entry: u64) {
        self.taken.push((kind, entry));
    }

    fn leave(&mut self, _depth: usize, _kind: usize, _entry: u64) {
        self.taken.pop();
    }

    fn repeat(&mut self, _depth: usize, _kind: usize, _entry: u64) -> bool {
        false
    }

    fn finish(&mut self, _depth: usize, last: VariableId) {
        let taken = self.taken.iter().map(|&(kind, entry)| {
            let event = self.columns.entries[kind].kept(entry).clone();
            Taking { event, variable: self.kinds.all[kind].variable }
        });
        let taken = taken.chain([Taking { event: self.last.clone(), variable: last }]);
        let mut start = None;
        let history = taken.fold(History::default(), |history, taking| {
            start.get_or_insert(taking.event.place);
            // Whether it is the first of its loop matters to PREV alone, and no output has that.
            history.with(taking, true, false)
        });
        let (start, found) = (start.unwrap_or(self.last.place), Match { history, end: self.last.place });
        if self.outputs.accepts(start, &found) {
            let row = self.outputs.of_run(&Emitted::Match { start, found });
            self.out.iter_mut().zip(row.values).for_each(|(builder, value)| builder.push(value));
            self.rows += 1;
        }
    }
}
