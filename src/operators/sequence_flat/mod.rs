//! Patterns that flat threads run: partitions by key, time, and what comes out.
//!
//! An event that cannot start anything makes no partition, and one that a partition has no use for leaves it as it is. A partition stands
//! among the starts that are undecided once, by its oldest: that is the only one whose WITHIN it waits for, and the first of all is what the
//! operator holds back. It is looked at again when its turn comes. Partitions in which nothing goes on are kept for a while: the next event of the key finds them ready.

mod by_partition;
mod keys;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use self::by_partition::ByPartition;
use self::keys::{Keys, UNKNOWN};
use super::{Held, Operator, Outbox, Plain, Sequence};
use crate::data::{Entry, EventBatch, Inbox, Phase, Place, StateError, StateReader, StateWriter, Timestamp};
use crate::operators::memory::fit_heap;
use crate::pattern::{Arriving, FlatEvaluator, FlatPartition, Found, RowOf};
use crate::spec::{PatternSpec, Within};

/// So many partitions in which nothing goes on are kept beside as many as there are others.
const IDLE_MAX: usize = 16_384;
/// For so many rows at once it is read beforehand what they will look at, where there are more than a few partitions.
const AHEAD: usize = 32;
const FEW: usize = 512;

/// Matches a pattern by flat threads. Port 0 gives the matches, port 1 the runs that WITHIN ended (TIMEOUT INTO).
#[derive(Debug)]
pub struct FlatSequence {
    evaluator: FlatEvaluator,
    keys: Keys,
    /// By the number of the key.
    partitions: Vec<Option<Kept>>,
    /// How many partitions there are, and of these those in which nothing goes on.
    count: usize,
    idle: usize,
    /// The oldest undecided start of each partition, as it once was; kept where there is a WITHIN, or rows may be certain later than they
    /// stand.
    starts: BinaryHeap<Reverse<(Place, u32)>>,
    waits: bool,
    /// No WITHIN is over before.
    due: Timestamp,
    /// Whether rows may be certain later than they stand.
    lags: bool,
    /// The least place held back, as last said.
    held_from: Place,
    /// It may be another by now.
    may_hold_less: bool,
    /// The rows that matter, kept for its memory alone.
    rows: Vec<u32>,
    /// The partitions of those that come next.
    ahead: Vec<u32>,
    by_partition: ByPartition,
    /// Partitions in which a time is over at the moment; empty between moments.
    touched: Vec<u32>,
}

/// A partition.
#[derive(Debug)]
struct Kept {
    state: FlatPartition,
    /// Its start among `starts`.
    noted: Option<Place>,
    /// Where it is ahead of the row at hand: its oldest undecided start before that.
    before: Option<Option<Place>>,
    is_idle: bool,
}

impl Kept {
    /// Waits for the next time of the partition, whose number this is: that of its oldest start.
    fn wait(&mut self, id: u32, evaluator: &FlatEvaluator, starts: &mut BinaryHeap<Reverse<(Place, u32)>>) {
        self.noted = evaluator.oldest_start(&self.state);
        starts.extend(self.noted.map(|start| Reverse((start, id))));
    }
}

/// Puts out what has been found in a partition, in the order of the starts.
fn put_out_of(evaluator: &mut FlatEvaluator, partition: &Kept, moment: Place, out: &mut Outbox) {
    let mut found = std::mem::take(evaluator.found());
    found.sort_by_key(|found| found.start);
    for found in found.drain(..) {
        out.rows(found.port, found.end, moment, |builders| {
            evaluator.write(&partition.state, &found, builders);
            1
        });
    }
    *evaluator.found() = found;
}

impl FlatSequence {
    /// The operator of a pattern. `threads_max` bounds the threads of a partition; beyond it the oldest runs are dropped and counted.
    pub fn new(spec: impl Into<Arc<PatternSpec>>, threads_max: usize) -> Self {
        let spec = spec.into();
        let lags = Sequence::lags(&spec);
        Self {
            starts: BinaryHeap::new(),
            waits: lags || matches!(spec.within, Some(Within::Time(_))),
            due: Timestamp::MAX,
            lags,
            rows: Vec::new(),
            held_from: Place::MAX,
            may_hold_less: true,
            ahead: Vec::new(),
            by_partition: ByPartition::default(),
            keys: Keys::new(spec.partition.clone()),
            evaluator: FlatEvaluator::new(spec, threads_max),
            partitions: Vec::new(),
            count: 0,
            idle: 0,
            touched: Vec::new(),
        }
    }

    /// One event. Its rows mostly have one key; where they differ, each key's partition gets the rows that have it. `fits` says for each row
    /// the variables, as bits, whose unary terms hold.
    fn event(&mut self, event: &Arriving<'_>, fits: &[u64], moment: Place, out: &mut Outbox) {
        let rows = event.rows;
        if rows.len() == 1 {
            if self.evaluator.heeds(event.fits) {
                self.event_of_row(UNKNOWN, event, moment, out);
            }
            return;
        }
        let mut done = vec![false; rows.len()];
        for first in 0..rows.len() {
            if done[first] {
                continue;
            }
            let same: Vec<usize> =
                (first..rows.len()).filter(|&other| !done[other] && self.keys.are_one(&rows[first], &rows[other])).collect();
            same.iter().for_each(|&row| done[row] = true);
            let of_key: Vec<RowOf<'_>> = same.iter().map(|&row| rows[row]).collect();
            let fits = same.iter().fold(0, |bits, &row| bits | fits[row]);
            if let Some(id) = self.partition_of(&rows[first], fits) {
                self.event_of(id, &Arriving { rows: &of_key, fits, ..*event }, moment, out);
            }
        }
    }

    /// An event that is one row, whose partition is known by its number, or [`UNKNOWN`].
    #[inline]
    fn event_of_row(&mut self, known: u32, event: &Arriving<'_>, moment: Place, out: &mut Outbox) {
        let is_there = self.partitions.get(known as usize).is_some_and(Option::is_some);
        if let Some(id) = if is_there { Some(known) } else { self.partition_of(&event.rows[0], event.fits) } {
            self.event_of(id, event, moment, out);
        }
    }

    fn event_of(&mut self, id: u32, event: &Arriving<'_>, moment: Place, out: &mut Outbox) {
        let Self { evaluator, partitions, starts, waits, due, .. } = self;
        let Some(partition) = partitions[id as usize].as_mut() else { return };
        if !evaluator.event(&mut partition.state, event) {
            return;
        }
        // What is held back is the first start: only what happens to its partition, or a first one, changes it.
        self.may_hold_less |= self.lags && starts.peek().is_none_or(|Reverse((_, first))| *first == id);
        if !evaluator.found().is_empty() {
            put_out_of(evaluator, partition, moment, out);
        }
        if *waits && partition.noted.is_none() {
            partition.wait(id, evaluator, starts);
            if let Some(deadline) = partition.noted.and_then(|start| evaluator.deadline(start)) {
                *due = deadline.min(*due);
            }
        }
        let is_idle = evaluator.tidy(&mut partition.state);
        if is_idle != partition.is_idle {
            partition.is_idle = is_idle;
            self.count_idle(is_idle);
            self.forget_too_many();
        }
    }

    /// The number of the partition of a row; nothing where its key takes no part, or where nothing goes on for it and nothing can start.
    fn partition_of(&mut self, row: &RowOf<'_>, fits: u64) -> Option<u32> {
        let can_start = self.evaluator.can_start(fits);
        let id = self.keys.number_of(row, can_start)?;
        let index = id as usize;
        if self.partitions.len() <= index {
            self.partitions.resize_with(index + 1, || None);
        }
        if self.partitions[index].is_none() {
            if !can_start {
                return None;
            }
            let state = self.evaluator.partition(self.keys.of_row(row));
            self.partitions[index] = Some(Kept { state, noted: None, before: None, is_idle: false });
            self.count += 1;
        }
        Some(id)
    }

    /// Reads what the next rows will look at, all rows at each depth before the next: partitions lie anywhere in memory, and to wait for many
    /// of them at once takes little longer than to wait for one.
    fn touch(&self) {
        for depth in 0..2 {
            let there = self.ahead.iter().filter_map(|&id| self.partitions.get(id as usize)?.as_ref());
            std::hint::black_box(there.map(|kept| FlatEvaluator::touch(&kept.state, depth)).fold(0usize, usize::wrapping_add));
        }
    }

    /// Puts out what has been found in several partitions at one moment, in the order of the starts.
    fn put_out(&self, mut found: Vec<(u32, Found)>, moment: Place, out: &mut Outbox) {
        found.sort_by_key(|(_, found)| found.start);
        for (id, found) in found {
            let Some(partition) = &self.partitions[id as usize] else { continue };
            out.turn(found.start);
            out.rows(found.port, found.end, moment, |builders| {
                self.evaluator.write(&partition.state, &found, builders);
                1
            });
        }
        out.end_turn();
    }

    /// Lets go what a partition does not need any more, once what was found in it has been written.
    fn tidy(&mut self, id: u32) {
        let Self { evaluator, partitions, .. } = self;
        let Some(partition) = partitions[id as usize].as_mut() else { return };
        let is_idle = evaluator.tidy(&mut partition.state);
        if is_idle != partition.is_idle {
            partition.is_idle = is_idle;
            self.count_idle(is_idle);
        }
    }

    /// In a partition something goes on from now on, or nothing does.
    fn count_idle(&mut self, is_idle: bool) {
        self.idle = if is_idle { self.idle + 1 } else { self.idle - 1 };
    }

    /// Of partitions in which nothing goes on only so many are kept.
    fn forget_too_many(&mut self) {
        if self.idle > IDLE_MAX + self.count / 2 {
            self.forget_idle();
        }
    }

    fn forget_idle(&mut self) {
        for (id, partition) in (0u32..).zip(&mut self.partitions) {
            if partition.as_ref().is_some_and(|partition| partition.is_idle) {
                *partition = None;
                self.count -= 1;
                self.keys.forget(id);
            }
        }
        self.idle = 0;
        self.ahead.fill(UNKNOWN);
        self.keys.fit(&mut self.partitions);
    }

    /// Lets times be over that end before this place. What one time makes certain in several partitions comes out in the order of the starts.
    #[inline]
    fn pass_time(&mut self, until: Place, floor: Place, out: &mut Outbox) {
        if until.time() >= self.due {
            self.end_times(until, floor, out);
        }
    }

    #[inline(never)]
    fn end_times(&mut self, until: Place, floor: Place, out: &mut Outbox) {
        while let Some(time) = self.first_deadline().filter(|time| Place::behind(*time) < until) {
            self.end_time(time, floor, out);
        }
        self.due = self.first_deadline().unwrap_or(Timestamp::MAX);
    }

    /// When WITHIN is over for what was the first start, at the earliest.
    #[inline]
    fn first_deadline(&self) -> Option<Timestamp> {
        self.starts.peek().and_then(|Reverse((start, _))| self.evaluator.deadline(*start))
    }

    /// A time is over.
    #[inline(never)]
    fn end_time(&mut self, time: Timestamp, floor: Place, out: &mut Outbox) {
        let mut found = Vec::new();
        let mut touched = std::mem::take(&mut self.touched);
        while let Some(&Reverse((start, id))) = self.starts.peek()
            && self.evaluator.deadline(start) == Some(time)
        {
            self.starts.pop();
            fit_heap(&mut self.starts);
            let partition = self.partitions.get_mut(id as usize).and_then(Option::as_mut);
            let Some(partition) = partition.filter(|partition| partition.noted == Some(start)) else { continue };
            partition.noted = None;
            if self.evaluator.oldest_start(&partition.state) == Some(start) {
                self.evaluator.time_over(&mut partition.state, time);
                found.extend(self.evaluator.found().drain(..).map(|found| (id, found)));
            }
            partition.wait(id, &self.evaluator, &mut self.starts);
            touched.push(id);
        }
        let moment = Place::bound(time, Phase::After).max(floor);
        self.put_out(found, moment, out);
        touched.drain(..).for_each(|id| self.tidy(id));
        self.touched = touched;
        self.forget_too_many();
        self.may_hold_less = true;
        self.report(moment, out);
    }

    /// Says what is held back: undecided starts.
    fn report(&mut self, moment: Place, out: &mut Outbox) {
        if !std::mem::take(&mut self.may_hold_less) || !self.lags {
            return;
        }
        let least = self.least_held();
        out.hold_back(&mut self.held_from, least, moment);
    }

    /// The first undecided start, where rows may be certain later than they stand.
    fn least_held(&mut self) -> Place {
        let Self { starts, partitions, evaluator, lags: true, .. } = self else { return Place::MAX };
        loop {
            let Some(&Reverse((start, id))) = starts.peek() else { return Place::MAX };
            let partition = partitions.get_mut(id as usize).and_then(Option::as_mut);
            let Some(partition) = partition.filter(|partition| partition.noted == Some(start)) else {
                starts.pop();
                continue;
            };
            let oldest = partition.before.unwrap_or_else(|| evaluator.oldest_start(&partition.state));
            if oldest == Some(start) {
                return start;
            }
            partition.noted = oldest;
            match oldest {
                Some(oldest) => starts.peek_mut().into_iter().for_each(|mut first| *first = Reverse((oldest, id))),
                None => {
                    starts.pop();
                    fit_heap(starts);
                }
            }
        }
    }

    /// The input is over: what is finished comes out, in the order of the starts.
    fn end(&mut self, moment: Place, out: &mut Outbox) {
        let Self { evaluator, partitions, .. } = self;
        let mut found = Vec::new();
        for (id, partition) in (0u32..).zip(&mut *partitions) {
            let Some(partition) = partition else { continue };
            evaluator.end(&mut partition.state);
            found.extend(evaluator.found().drain(..).map(|found| (id, found)));
        }
        self.put_out(found, moment, out);
        let Self { evaluator, partitions, .. } = self;
        partitions.iter_mut().flatten().for_each(|partition| {
            evaluator.tidy(&mut partition.state);
        });
        self.may_hold_less = true;
        self.report(moment, out);
    }
}

impl FlatSequence {
    fn is_worth_touching(&self) -> bool {
        self.keys.are_there && self.partitions.len() > FEW
    }

    /// Whether no time is over between rows that stand at these places, and nothing else keeps the partitions from being taken one by one.
    fn may_take_by_partition(&self, places: &[Place]) -> bool {
        let (Some(first), Some(last)) = (places.first(), places.last()) else { return false };
        let is_over = |deadline: Timestamp| deadline <= last.time();
        self.evaluator.takes_several() && !is_over(self.due) && !self.evaluator.deadline(*first).is_some_and(is_over)
    }

    /// The rows of the only input, as they stand. Those that do not matter are passed over: what time makes certain has its own moment.
    fn take_rows(&mut self, batch: &EventBatch, fits: &[u64], out: &mut Outbox) {
        let (places, moments) = (&**batch.places(), &**batch.moments());
        let words = self.evaluator.words_of(std::slice::from_ref(batch));
        if self.may_take_by_partition(places) && self.take_by_partition(batch, &words, fits, out) {
            return;
        }
        let all = 0..u32::try_from(fits.len()).expect("a batch has fewer rows");
        let mut rows = std::mem::take(&mut self.rows);
        rows.clear();
        if self.evaluator.heeds_all() {
            rows.extend(all);
        } else {
            rows.extend(fits.iter().zip(all).filter(|(fits, _)| self.evaluator.heeds(**fits)).map(|(_, row)| row));
        }
        let is_worth_touching = self.is_worth_touching();
        let row_of = |row: &u32| RowOf { input: 0, batch, row: *row as usize };
        for next in rows.chunks(AHEAD) {
            self.keys.known_of(batch, next, &mut self.ahead);
            if is_worth_touching {
                self.touch();
            }
            for (nth, row) in next.iter().map(row_of).enumerate() {
                let (place, moment) = (places[row.row], moments[row.row]);
                self.pass_time(place, Place::MIN, out);
                let event = Arriving { rows: std::slice::from_ref(&row), words: &words, place, fits: fits[row.row] };
                self.event_of_row(self.ahead[nth], &event, moment, out);
                self.report(moment, out);
            }
        }
        self.rows = rows;
    }

    /// The rows and watermarks of an inbox, written down; `fits_of` says of each entry, by its number, which variables its row fits.
    fn take_entries(&mut self, inbox: &Inbox, fits_of: impl Fn(usize, &RowOf<'_>) -> u64, out: &mut Outbox) {
        let is_worth_touching = self.is_worth_touching();
        let words = self.evaluator.words_of(&inbox.inputs);
        let mut rows: Vec<RowOf<'_>> = Vec::new();
        let mut fits: Vec<u64> = Vec::new();
        for (number, entry) in inbox.entries.iter().enumerate() {
            if is_worth_touching && number.is_multiple_of(AHEAD) {
                let mut ahead = std::mem::take(&mut self.ahead);
                ahead.clear();
                ahead.extend((number..inbox.entries.len().min(number + AHEAD)).filter_map(|number| {
                    let Entry::Row { input, row, .. } = inbox.entries[number] else { return None };
                    let row = RowOf { input: input.into(), batch: &inbox.inputs[usize::from(input)], row: row as usize };
                    if self.evaluator.heeds(fits_of(number, &row)) { self.keys.known(&row) } else { None }
                }));
                self.ahead = ahead;
                self.touch();
            }
            let Entry::Row { input, row, place, moment, floor } = *entry else {
                if let Entry::Watermark(step) = entry {
                    self.pass_time(step.watermark, step.moment, out);
                }
                continue;
            };
            let row = RowOf { input: input.into(), batch: &inbox.inputs[usize::from(input)], row: row as usize };
            let next = inbox.entries.get(number + 1);
            let goes_on = matches!(next, Some(Entry::Row { place: next, .. }) if *next == place && place.is_source());
            if goes_on || !rows.is_empty() {
                fits.push(fits_of(number, &row));
                rows.push(row);
                if goes_on {
                    continue;
                }
            }
            self.pass_time(place, floor, out);
            if rows.is_empty() {
                let event = Arriving { rows: std::slice::from_ref(&row), words: &words, place, fits: fits_of(number, &row) };
                self.event(&event, &[], moment, out);
            } else {
                self.event(&Arriving { rows: &rows, words: &words, place, fits: 0 }, &fits, moment, out);
                rows.clear();
                fits.clear();
            }
            self.report(moment, out);
        }
    }

    /// What stands behind the last row.
    fn finish(&mut self, inbox: &Inbox, out: &mut Outbox) {
        self.pass_time(inbox.watermark, inbox.floor, out);
        if inbox.watermark == Place::MAX {
            self.end(Place::MAX, out);
        }
    }
}

impl Operator for FlatSequence {
    fn advance(&mut self, inbox: &Inbox, out: &mut Outbox) {
        let fits = if inbox.is_empty() { Vec::new() } else { self.evaluator.fits(&inbox.inputs) };
        self.keys.turn_to(&inbox.inputs);
        match (inbox.plain(), fits.as_slice()) {
            (Some(batch), [fits]) => self.take_rows(batch, fits, out),
            _ => self.take_entries(inbox, |_, row| fits[row.input][row.row], out),
        }
        self.finish(inbox, out);
    }

    fn advance_given(&mut self, inbox: &Inbox, fits: &[u64], out: &mut Outbox) {
        self.keys.turn_to(&inbox.inputs);
        self.take_entries(inbox, |entry, _| fits[entry], out);
        self.finish(inbox, out);
    }

    fn takes_plain(&self) -> Plain {
        Plain::Apart
    }

    fn wakes_at(&self) -> Place {
        self.first_deadline().map_or(Place::MAX, |time| Place::bound(time, Phase::After))
    }

    fn held_from(&self) -> Place {
        self.held_from
    }

    fn take_nulls(&mut self) -> u64 {
        self.keys.take_nulls() + self.evaluator.take_nulls()
    }

    fn save(&self, to: &mut StateWriter) {
        self.evaluator.save(to);
        let kept = self.keys.save(to);
        let has_unkeyed = to.range().has_unkeyed();
        let is_kept = |id: u32| if self.keys.are_there { kept.has(id) } else { has_unkeyed };
        let partitions = (0u32..).zip(&self.partitions).filter(|(id, _)| is_kept(*id));
        let partitions: Vec<(u32, &Kept)> = partitions.filter_map(|(id, partition)| Some((id, partition.as_ref()?))).collect();
        to.number(partitions.len() as u64);
        for (id, Kept { state, noted, is_idle, before: _ }) in partitions {
            to.put(&id);
            to.put(state);
            to.put(&(*noted, *is_idle));
        }
        let mut starts: Vec<_> = self.starts.iter().filter(|Reverse((_, id))| is_kept(*id)).copied().collect();
        starts.sort_unstable();
        to.put(&starts);
        to.put(&self.held_from);
    }

    fn load(&mut self, from: &mut StateReader<'_>) -> Result<(), StateError> {
        self.evaluator.load(from)?;
        let ids = self.keys.load(from)?;
        let are_there = self.keys.are_there;
        let now = |written: u32| if are_there { ids.get(written) } else { Ok(0) };
        self.partitions.resize_with(self.keys.capacity(), || None);
        for _ in 0..from.length()? {
            let id = now(from.take()?)?;
            let state = self.evaluator.load_partition(from)?;
            let (noted, is_idle) = from.take()?;
            self.count += 1;
            self.idle += usize::from(is_idle);
            self.partitions[id as usize] = Some(Kept { state, noted, before: None, is_idle });
        }
        for Reverse((start, id)) in from.take::<Vec<Reverse<(Place, u32)>>>()? {
            self.starts.push(Reverse((start, now(id)?)));
        }
        self.due = self.first_deadline().unwrap_or(Timestamp::MAX);
        let _: Place = from.take()?;
        // Of a state that was cut by keys, each part has what all parts had told together.
        self.held_from = self.least_held();
        self.may_hold_less = true;
        Ok(())
    }

    fn keys(&self) -> usize {
        self.count - self.idle
    }

    fn held(&self) -> Held {
        let sizes = self.partitions.iter().flatten().map(|partition| self.evaluator.size(&partition.state));
        let (rows, bytes) = sizes.fold((0, 0), |(rows, bytes), (r, b)| (rows + r, bytes + b));
        let waiting = self.starts.capacity() * size_of::<(Place, u32)>();
        let bytes = bytes + self.keys.bytes() + waiting + self.partitions.capacity() * size_of::<Option<Kept>>();
        Held { keys: self.count - self.idle, rows, bytes, dropped: self.evaluator.dropped() }
    }
}
