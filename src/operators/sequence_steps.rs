//! Sequences that step lists evaluate: only rows that fit a step are looked at, and of those only what has a start is kept.
//!
//! A partition goes when all that it holds is over. Where matches wait for their turn (SKIP), all starts stand in one queue: the time of each
//! is over in that order, and the first of them is what the operator holds back.

use std::collections::VecDeque;
use std::sync::Arc;

use super::partitions::{ABSENT, Partitions, RowKeys, UNKNOWN};
use super::{Held, Operator, Outbox, Plain};
use crate::data::{Entry, EventBatch, Inbox, Phase, Place, StateError, StateReader, StateWriter, Timestamp};
use crate::pattern::{Arrival, RowOf, StepEvaluator, StepPartition};
use crate::spec::{Arrow, PatternSpec, VariableId};

/// For so many rows at once it is read beforehand what they will look at, where there are more than a few partitions.
const AHEAD: usize = 32;
const FEW: usize = 512;

/// The room of so many partitions that have gone is kept, of a quarter as many as there are.
const SPARE: usize = 64;

/// So many finished matches wait to be written together.
const TOGETHER: usize = 4096;

/// Matches a sequence of single steps.
#[derive(Debug)]
pub struct StepSequence {
    evaluator: StepEvaluator,
    partitions: Partitions<StepPartition>,
    /// Starts in order, where they are decided in turn; some have been decided.
    starts: VecDeque<(Place, u32)>,
    /// The most partitions at one time since the events that nobody needs were dropped.
    most_partitions: usize,
    /// Before this time, no start is over.
    due: Timestamp,
    /// The least place held back, as last said.
    held_from: Place,
    /// It may be another by now.
    may_hold_less: bool,
    /// The rows that matter, kept for their memory alone.
    rows: Vec<Next>,
    /// Room of partitions that have gone, for those that begin.
    spare: Vec<StepPartition>,
}

/// A row that comes soon.
#[derive(Debug, Clone, Copy)]
struct Next {
    row: u32,
    /// The number of its partition, once that has been asked.
    id: u32,
    /// The steps that it fits as far as it alone says, as bits.
    fits: u64,
}

impl StepSequence {
    /// The operator of a sequence of these steps. At most so many unfinished matches wait in a partition; beyond it the oldest are dropped
    /// and counted.
    pub fn new(spec: impl Into<Arc<PatternSpec>>, steps: &[(VariableId, Arrow)], most: usize) -> Self {
        let spec = spec.into();
        Self {
            partitions: Partitions::new(&spec),
            starts: VecDeque::new(),
            most_partitions: 0,
            due: Timestamp::MAX,
            held_from: Place::MAX,
            may_hold_less: false,
            rows: Vec::new(),
            spare: Vec::new(),
            evaluator: StepEvaluator::new(spec, steps, most),
        }
    }

    /// A row that is an event by itself, and the steps that it fits.
    fn row(&mut self, keys: RowKeys<'_>, row: &RowOf<'_>, fits: u64, at: (Place, Place), out: &mut Outbox) {
        if let Some(id) = self.partition_of(keys, row, fits) {
            self.event_of_key(id, std::slice::from_ref(row), fits, at, out);
        }
    }

    /// The number of the partition of a row that fits these steps, if it has one or begins one.
    #[inline]
    fn partition_of(&mut self, keys: RowKeys<'_>, row: &RowOf<'_>, fits: u64) -> Option<u32> {
        let Self { partitions, evaluator, spare, .. } = self;
        partitions.find_by(keys, row, (fits & 1 == 1).then_some(|| spare.pop().unwrap_or_else(|| evaluator.partition())))
    }

    /// An event that has rows in several inputs. They mostly have one key; where they differ, each key's partition gets the rows that have it.
    fn rows(&mut self, rows: &[RowOf<'_>], place: Place, moment: Place, out: &mut Outbox) {
        let fits = rows.iter().fold(0, |fits, row| fits | self.evaluator.fits(row.input, row.row));
        let evaluator = &self.evaluator;
        let find = |row| self.partitions.find(row, (fits & 1 == 1).then_some(|| evaluator.partition()));
        let ids: Vec<Option<u32>> = rows.iter().map(find).collect();
        for (first, id) in ids.iter().enumerate() {
            let Some(id) = id.filter(|id| !ids[..first].contains(&Some(*id))) else { continue };
            let of_key: Vec<RowOf<'_>> = rows.iter().zip(&ids).filter(|(_, of)| **of == Some(id)).map(|(row, _)| *row).collect();
            let fits = of_key.iter().fold(0, |fits, row| fits | self.evaluator.fits(row.input, row.row));
            self.event_of_key(id, &of_key, fits, (place, moment), out);
        }
    }

    /// An event that fits these steps comes to a partition. Gives whether it does anything there.
    fn event_of_key(&mut self, id: u32, rows: &[RowOf<'_>], fits: u64, (place, moment): (Place, Place), out: &mut Outbox) -> bool {
        let Some(partition) = self.partitions.get_mut(id) else { return false };
        if !self.evaluator.concerns(partition, fits) {
            return false;
        }
        self.evaluator.event(partition, &Arrival { rows, place, moment, fits });
        if self.evaluator.lags() {
            // What is held back is the first start, so only what happens to that one, or a first one, changes it.
            self.may_hold_less |= self.starts.front().is_none_or(|(_, first)| *first == id);
            if fits & 1 == 1 {
                if self.starts.is_empty() {
                    self.due = self.end_of(place);
                }
                self.starts.push_back((place, id));
            }
            self.put_out(moment, out);
        }
        self.partitions.drop_if(id, StepPartition::is_empty);
        true
    }

    /// Puts out the matches that are finished, if there are so many.
    fn write(&mut self, least: usize, inputs: &[EventBatch], out: &mut Outbox) {
        if self.evaluator.unwritten() < least {
            return;
        }
        self.evaluator.read_events(inputs);
        let evaluator = &self.evaluator;
        out.rows_of_places(0, evaluator.unwritten_of_events(), |events, builders| evaluator.write(events, inputs, builders));
        self.evaluator.forget_written();
    }

    /// Finds the partitions of the next rows, and puts first those that may do something there: a row that does nothing as things are now
    /// does something only behind another one that does. Gives how many those are.
    fn put_first_what_does_something(&self, keys: RowKeys<'_>, rows: &mut [Next]) -> usize {
        self.partitions.put_known(keys, 0, rows.iter_mut().map(|next| (next.row, &mut next.id)));
        // Of the partitions that change, the last bits of their numbers. (Rows of one key have one number, or all have none.)
        let (mut change, mut count) = (0u64, 0);
        for at in 0..rows.len() {
            let next = rows[at];
            let (does, is_asked_later) = match self.partitions.get(next.id) {
                Some(partition) => (self.evaluator.concerns(partition, next.fits), false),
                None => (next.fits & 1 == 1, next.id != ABSENT),
            };
            let may_do = does || is_asked_later || change >> (next.id & 63) & 1 == 1;
            change |= u64::from(does) << (next.id & 63);
            rows[count] = next;
            count += usize::from(may_do);
        }
        count
    }

    /// Reads what the next rows will look at: partitions lie anywhere in memory, and to wait for many of them at once takes little longer
    /// than to wait for one.
    fn touch(&self, rows: &[Next]) {
        let partitions = rows.iter().filter_map(|next| Some((self.partitions.get(next.id)?, next.fits)));
        std::hint::black_box(partitions.fold(0, |touched, (partition, fits)| touched ^ self.evaluator.touch(partition, fits)));
    }

    /// Puts out the matches whose turn it is.
    fn put_out(&mut self, moment: Place, out: &mut Outbox) {
        if !self.evaluator.is_any_ready() {
            return;
        }
        self.evaluator.let_ready_go(|start, place, write| {
            out.turn(start);
            out.rows(0, place, moment, |builders| {
                write(builders);
                1
            });
        });
        out.end_turn();
    }

    /// When a match that starts here is over at the latest.
    fn end_of(&self, start: Place) -> Timestamp {
        self.evaluator.end_of(start.time()).unwrap_or(Timestamp::MAX)
    }

    /// Lets times be over that end before this place, where matches wait for their turn. What one time makes certain in several partitions
    /// comes out in the order of the starts.
    #[inline]
    fn pass_time(&mut self, until: Place, floor: Place, out: &mut Outbox) {
        // A look at the time is mostly enough.
        if until.time() >= self.due {
            self.end_times(until, floor, out);
        }
    }

    #[inline(never)]
    fn end_times(&mut self, until: Place, floor: Place, out: &mut Outbox) {
        while let Some(time) = self.starts.front().and_then(|(start, _)| self.evaluator.end_of(start.time())) {
            self.due = time;
            if Place::behind(time) >= until {
                return;
            }
            self.end_time(time, floor, out);
        }
        self.due = Timestamp::MAX;
    }

    /// A time is over for the first start, at least.
    fn end_time(&mut self, time: Timestamp, floor: Place, out: &mut Outbox) {
        while let Some(&(start, id)) = self.starts.front()
            && self.evaluator.end_of(start.time()) == Some(time)
        {
            self.starts.pop_front();
            let Some(partition) = self.partitions.get_mut(id) else { continue };
            if partition.has_turn(start) {
                self.evaluator.expire(partition, start);
            }
        }
        let moment = Place::bound(time, Phase::After).max(floor);
        self.put_out(moment, out);
        self.report(moment, out);
    }

    /// Says what is held back.
    fn report(&mut self, moment: Place, out: &mut Outbox) {
        let least = self.least_held();
        out.hold_back(&mut self.held_from, least, moment);
    }

    /// The first start that has not had its turn.
    fn least_held(&mut self) -> Place {
        let has_turn = |&(start, id): &(Place, u32)| self.partitions.get(id).is_some_and(|partition| partition.has_turn(start));
        while self.starts.front().is_some_and(|first| !has_turn(first)) {
            self.starts.pop_front();
        }
        self.starts.front().map_or(Place::MAX, |(start, _)| *start)
    }

    /// Looks at the partitions whose turn it is, and now and then for events that nobody needs.
    fn visit(&mut self, watermark: Place) {
        let earliest = self.evaluator.earliest(watermark);
        let Self { partitions, evaluator, spare, .. } = self;
        partitions.visit(watermark.time(), |partition| {
            evaluator.purge(partition, earliest);
            let is_over = partition.is_empty();
            if is_over && spare.len() < SPARE {
                spare.push(std::mem::replace(partition, evaluator.partition()).into_room());
            }
            is_over
        });
        let room = SPARE.min(partitions.len() / 4);
        if spare.len() > room {
            spare.truncate(room);
            spare.shrink_to(room);
        }
        // Where most partitions have gone, their events have too.
        let partitions = self.partitions.room();
        self.most_partitions = self.most_partitions.max(partitions);
        if self.evaluator.should_collect(partitions) || self.most_partitions > 64 + 4 * partitions {
            self.evaluator.collect(self.partitions.iter_mut(), earliest);
            self.most_partitions = partitions;
        }
    }

    /// The input is over: matches that waited come out, in the order of their starts.
    fn end(&mut self, out: &mut Outbox) {
        let mut open: Vec<(Place, u32)> = self.partitions.numbered().filter_map(|(id, p)| Some((p.first_turn()?, id))).collect();
        open.sort_unstable();
        for (_, id) in open {
            if let Some(partition) = self.partitions.get_mut(id) {
                self.evaluator.end(partition);
            }
        }
        self.put_out(Place::MAX, out);
        self.report(Place::MAX, out);
    }

    /// The rows and watermarks of an inbox, whose batches have been looked at.
    fn take(&mut self, inbox: &Inbox, out: &mut Outbox) {
        self.partitions.turn_to(&inbox.inputs);
        match inbox.plain() {
            Some(batch) => self.take_rows(batch, out),
            None => self.take_entries(inbox, out),
        }
        if self.evaluator.lags() {
            self.pass_time(inbox.watermark, inbox.floor, out);
            if inbox.watermark == Place::MAX {
                self.end(out);
            }
        }
        self.visit(inbox.watermark);
    }

    fn is_worth_touching(&self) -> bool {
        self.partitions.are_keyed() && self.partitions.room() > FEW
    }

    /// Puts the rows of a batch that matter, which has been looked at, in place of others.
    fn put_rows_that_matter(&self, batch: &EventBatch, rows: &mut Vec<Next>) {
        let (fits, all) = (&self.evaluator.all_fits()[..batch.len()], self.evaluator.looks_at_all());
        rows.clear();
        rows.resize(fits.len(), Next { row: 0, id: UNKNOWN, fits: 0 });
        let mut count = 0;
        // PERF: every row is written, and the next one over it where it does not matter: whether it does would often be guessed wrong.
        for (row, &fits) in (0..).zip(fits) {
            rows[count] = Next { row, id: UNKNOWN, fits };
            count += usize::from(all || fits != 0);
        }
        rows.truncate(count);
    }

    /// The rows of the only input, as they stand. Those that do not matter are passed over: what time makes certain has its own moment.
    fn take_rows(&mut self, batch: &EventBatch, out: &mut Outbox) {
        let mut rows = std::mem::take(&mut self.rows);
        self.put_rows_that_matter(batch, &mut rows);
        let (places, moments, lags) = (&**batch.places(), &**batch.moments(), self.evaluator.lags());
        let (inputs, together) = (std::slice::from_ref(batch), together(out));
        let starts = rows.iter().filter(|next| next.fits & 1 == 1);
        self.evaluator.begin(inputs, starts.map(|next| (0, next.row, places[next.row as usize])));
        let (is_worth_touching, keys) = (self.is_worth_touching(), self.partitions.keys_of(0, batch));
        for rows in rows.chunks_mut(AHEAD) {
            let forgotten = self.partitions.forgotten();
            let count = self.put_first_what_does_something(keys, rows);
            let rows = &rows[..count];
            if is_worth_touching {
                self.touch(rows);
            }
            for &Next { row, id, fits } in rows {
                let at = row as usize;
                let place = places[at];
                if lags {
                    self.pass_time(place, Place::MIN, out);
                }
                let row = RowOf { input: 0, batch, row: at };
                let is_known = id < ABSENT && self.partitions.forgotten() == forgotten;
                let Some(id) = (if is_known { Some(id) } else { self.partition_of(keys, &row, fits) }) else { continue };
                if self.event_of_key(id, std::slice::from_ref(&row), fits, (place, moments[at]), out) {
                    self.write(together, inputs, out);
                    if std::mem::take(&mut self.may_hold_less) {
                        self.report(moments[at], out);
                    }
                }
            }
        }
        self.write(1, inputs, out);
        self.evaluator.read_events(inputs);
        self.rows = rows;
    }

    /// The next rows among entries, with their partitions.
    fn next_of(&self, inbox: &Inbox, from: usize) -> Vec<Next> {
        let next = |entry: &Entry| match *entry {
            Entry::Row { input, row, .. } => {
                let (input, at) = (usize::from(input), row as usize);
                let fits = self.evaluator.fits(input, at);
                let id = self.partitions.known(self.partitions.keys_of(input, &inbox.inputs[input]), input, at);
                Some(Next { row, id: id.unwrap_or(UNKNOWN), fits })
            }
            Entry::Watermark(_) => None,
        };
        inbox.entries[from..].iter().take(AHEAD).filter_map(next).collect()
    }

    fn take_entries(&mut self, inbox: &Inbox, out: &mut Outbox) {
        let is_worth_touching = self.is_worth_touching();
        let rows = inbox.entries.iter().filter_map(|entry| match *entry {
            Entry::Row { input, row, place, .. } => Some((usize::from(input), row, place)),
            Entry::Watermark(_) => None,
        });
        self.evaluator.begin(&inbox.inputs, rows);
        let (looks_at_all, lags, together) = (self.evaluator.looks_at_all(), self.evaluator.lags(), together(out));
        let mut rows: Vec<RowOf<'_>> = Vec::new();
        let row_of = |entry: &Entry| match *entry {
            Entry::Row { input, row, .. } => {
                Some(RowOf { input: input.into(), batch: &inbox.inputs[usize::from(input)], row: row as usize })
            }
            Entry::Watermark(_) => None,
        };
        for (number, entry) in inbox.entries.iter().enumerate() {
            if is_worth_touching && number.is_multiple_of(AHEAD) {
                self.touch(&self.next_of(inbox, number));
            }
            let Entry::Row { input, row, place, moment, floor } = *entry else {
                if let (Entry::Watermark(step), true) = (entry, lags) {
                    self.pass_time(step.watermark, step.moment, out);
                }
                continue;
            };
            let next = inbox.entries.get(number + 1);
            let goes_on = matches!(next, Some(Entry::Row { place: next, .. }) if *next == place && place.is_source());
            let matters = looks_at_all || self.evaluator.fits(input.into(), row as usize) != 0;
            rows.extend(row_of(entry).filter(|_| matters));
            if goes_on {
                continue;
            }
            if lags {
                self.pass_time(place, floor, out);
            }
            match rows.as_slice() {
                [] => {}
                [row] => {
                    let (keys, fits) = (self.partitions.keys_of(row.input, row.batch), self.evaluator.fits(row.input, row.row));
                    self.row(keys, row, fits, (place, moment), out);
                }
                _ => self.rows(&rows, place, moment, out),
            }
            rows.clear();
            self.write(together, &inbox.inputs, out);
            if std::mem::take(&mut self.may_hold_less) {
                self.report(moment, out);
            }
        }
        self.write(1, &inbox.inputs, out);
        self.evaluator.read_events(&inbox.inputs);
    }
}

/// How many finished matches are written together: where memory is bounded, those of one event.
fn together(out: &Outbox) -> usize {
    let allowance = out.allowance();
    if allowance.memory.is_some() || allowance.rows <= TOGETHER { 1 } else { TOGETHER }
}

impl Operator for StepSequence {
    fn advance(&mut self, inbox: &Inbox, out: &mut Outbox) {
        if !inbox.is_empty() {
            self.evaluator.look_at(&inbox.inputs);
        }
        self.take(inbox, out);
    }

    fn advance_given(&mut self, inbox: &Inbox, fits: &[u64], out: &mut Outbox) {
        let row_of = |(entry, fits): (&Entry, &u64)| match entry {
            Entry::Row { input, row, .. } => Some((usize::from(*input), *row, *fits)),
            Entry::Watermark(_) => None,
        };
        self.evaluator.take(&inbox.inputs, inbox.entries.iter().zip(fits).filter_map(row_of));
        self.take(inbox, out);
    }

    fn takes_plain(&self) -> Plain {
        Plain::Apart
    }

    fn wakes_at(&self) -> Place {
        let turn = self.starts.front().and_then(|(start, _)| self.evaluator.end_of(start.time()));
        let visit = self.partitions.next_visit();
        turn.into_iter().chain(visit).min().map_or(Place::MAX, |time| Place::bound(time, Phase::After))
    }

    fn held_from(&self) -> Place {
        self.held_from
    }

    fn take_nulls(&mut self) -> u64 {
        self.partitions.take_nulls() + self.evaluator.take_nulls()
    }

    fn save(&self, to: &mut StateWriter) {
        self.evaluator.save(to);
        let written = self.partitions.save(to);
        to.put(&self.starts.iter().copied().filter(|(_, id)| written.has(*id)).collect::<Vec<_>>());
        to.put(&self.held_from);
    }

    fn load(&mut self, from: &mut StateReader<'_>) -> Result<(), StateError> {
        let before = self.evaluator.load(from)?;
        let evaluator = &self.evaluator;
        let now = self.partitions.load(from, |mut partition: StepPartition| {
            evaluator.move_behind(&mut partition, &before)?;
            Ok(partition)
        })?;
        for (place, id) in from.take::<Vec<(Place, u32)>>()? {
            self.starts.push_back((place, now.get(id)?));
        }
        self.starts.make_contiguous().sort_by_key(|(place, _)| *place);
        self.due = Timestamp::MIN;
        let _: Place = from.take()?;
        // Each part has the events of all.
        if before.iter().any(|events| *events > 0) {
            self.evaluator.collect(self.partitions.iter_mut(), i64::MIN);
        }
        // Of a state that was cut by keys, each part has what all parts had told together.
        self.held_from = self.least_held();
        Ok(())
    }

    fn keys(&self) -> usize {
        self.partitions.len()
    }

    fn forget_idle(&mut self, at: Place) {
        let earliest = self.evaluator.earliest(at);
        let evaluator = &self.evaluator;
        self.partitions.forget_all(|partition| {
            evaluator.purge(partition, earliest);
            partition.is_empty()
        });
    }

    fn held(&self) -> Held {
        let sizes = self.partitions.iter().map(StepPartition::size);
        let (rows, bytes) = sizes.fold((0, 0), |(rows, bytes), (r, b)| (rows + r, bytes + b));
        let starts = self.starts.capacity() * size_of::<(Place, u32)>();
        let spare: usize = self.spare.iter().map(|partition| partition.size().1).sum();
        let bytes = bytes + self.evaluator.bytes() + self.partitions.bytes() + starts + spare;
        Held { keys: self.partitions.iter().count(), rows, bytes, dropped: self.evaluator.dropped() }
    }
}
