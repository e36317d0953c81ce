//! Patterns over merged streams: partitions by key, time, and what comes out.
//!
//! Each event goes to the partition of its key, where `pattern` steps the runs. A partition asks to be called when a time is over; all
//! such alarms stand in one queue, so that what they make certain comes out in the order of time across partitions.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;

use super::{Held, Operator, Outbox, StepTaken};
use crate::data::{
    Allowance, Entry, EventBatch, Inbox, Key, KeyBuffer, KeyRange, KeyTable, Phase, Place, StateError, StateReader, StateWriter, Timestamp,
    Value,
};
use crate::expr::{EvalContext, Row, SlotId};
use crate::operators::memory::{fit_heap, fit_queue};
use crate::pattern::{Bounds, Evaluator, FromBatches, PartitionState, RowOf, Verdicts};
use crate::spec::{AfterMatch, Arrow, Mode, PatternNode, PatternSpec, VariableKind};

/// Matches a pattern. Port 0 gives the matches, port 1 the runs that WITHIN ended (TIMEOUT INTO).
#[derive(Debug)]
pub struct Sequence {
    spec: Arc<PatternSpec>,
    evaluator: Evaluator,
    keys: KeyTable,
    key: KeyBuffer,
    /// By the number of the key.
    partitions: Vec<Option<Kept>>,
    /// (time, start, partition): call the partition when the time is over.
    alarms: BinaryHeap<Reverse<(Timestamp, Place, u32)>>,
    /// Where KEYS says that the oldest go: the partitions in the order in which they began; some are gone.
    begun: VecDeque<(Place, u32)>,
    /// Starts that were undecided when last looked at; kept where rows may be certain later than they stand.
    starts: Option<BinaryHeap<Reverse<(Place, u32)>>>,
    /// The least place held back, as last said.
    held_from: Place,
    /// Rows of one time that ORDER BY puts in order before they are matched.
    ties: Vec<Tie>,
    context: EvalContext,
}

/// A partition.
#[derive(Debug)]
struct Kept {
    state: PartitionState,
    /// Its newest start among `starts`.
    noted: Option<Place>,
    /// The event with which it began.
    begun: Place,
}

crate::saved!(Kept { state, noted, begun });

/// A row that waits until all rows of its time are there.
#[derive(Debug)]
struct Tie {
    order: Vec<Value<'static>>,
    row: TiedRow,
}

#[derive(Debug)]
struct TiedRow {
    batch: EventBatch,
    row: usize,
    place: Place,
}

impl Sequence {
    /// The operator of a pattern. `threads_max` bounds the threads of a partition; beyond it the oldest runs are dropped and counted.
    pub fn new(spec: impl Into<Arc<PatternSpec>>, threads_max: usize) -> Self {
        let spec = spec.into();
        let evaluator = Evaluator::new(spec.clone(), Bounds { threads: threads_max, allowance: Allowance::default() });
        Self {
            starts: Self::lags(&spec).then(BinaryHeap::new),
            held_from: Place::MAX,
            evaluator,
            keys: KeyTable::new(),
            key: KeyBuffer::new(),
            partitions: Vec::new(),
            alarms: BinaryHeap::new(),
            begun: VecDeque::new(),
            ties: Vec::new(),
            context: EvalContext::new(),
            spec,
        }
    }

    /// Whether rows may be certain later than they stand: where a start can have several threads at once, of which a less preferred one may
    /// have to wait, and where matches wait for their turn.
    pub fn lags(spec: &PatternSpec) -> bool {
        match spec.mode {
            Mode::Rows => true,
            Mode::AllMatches => is_skip(&spec.after_match),
            Mode::OnePerStart => is_skip(&spec.after_match) || !has_one_way(&spec.root),
        }
    }

    /// One event: its rows in the inputs that it belongs to.
    fn event(&mut self, rows: &[RowOf<'_>], known: &Known<'_>, place: Place, moment: Place, out: &mut Outbox) {
        out.come_to(place, moment);
        if let ([row], Known::Given(fits)) = (rows, known) {
            if let Some(key) = self.key_of(row) {
                self.event_of_key(key, rows, Verdicts::Fits(fits[0]), (place, moment), out);
            }
            return;
        }
        // Rows of one event mostly have one key; where they differ, each key's partition gets the rows that have it.
        let mut done = vec![false; rows.len()];
        for first in 0..rows.len() {
            if done[first] {
                continue;
            }
            let Some(key) = self.key_of(&rows[first]) else { continue };
            let mut of_key = vec![rows[first]];
            let mut fits = known.of(first);
            for other in first + 1..rows.len() {
                if !done[other] && self.key_of(&rows[other]) == Some(key) {
                    done[other] = true;
                    of_key.push(rows[other]);
                    fits |= known.of(other);
                }
            }
            let verdicts = match known {
                Known::Masks(masks) => Verdicts::Masks(masks),
                Known::Given(_) => Verdicts::Fits(fits),
            };
            self.event_of_key(key, &of_key, verdicts, (place, moment), out);
        }
    }

    fn event_of_key(&mut self, id: u32, rows: &[RowOf<'_>], verdicts: Verdicts<'_>, (place, moment): (Place, Place), out: &mut Outbox) {
        let index = id as usize;
        if self.partitions.len() <= index {
            self.partitions.resize_with(index + 1, || None);
        }
        let evaluator = &mut self.evaluator;
        let is_new = self.partitions[index].is_none();
        let partition = self.partitions[index].get_or_insert_with(|| Kept { state: evaluator.partition(), noted: None, begun: place });
        evaluator.event(&mut partition.state, &FromBatches { rows, verdicts, place });
        self.let_out(id, moment, out);
        if is_new {
            self.keep_to_keys(id, place);
        }
    }

    /// KEYS n ON OVERFLOW DROP OLDEST: behind an event with which a partition has begun, the one that began first is given up where there are
    /// too many.
    fn keep_to_keys(&mut self, id: u32, place: Place) {
        let Some(most) = self.spec.drops_keys_beyond() else { return };
        let has_begun_at = |partitions: &[Option<Kept>], id: u32, place: Place| {
            partitions.get(id as usize).and_then(Option::as_ref).is_some_and(|partition| partition.begun == place)
        };
        if has_begun_at(&self.partitions, id, place) {
            self.begun.push_back((place, id));
        }
        while self.keys.len() > most
            && let Some((begun, oldest)) = self.begun.pop_front()
        {
            fit_queue(&mut self.begun);
            if has_begun_at(&self.partitions, oldest, begun) {
                self.evaluator.count_dropped();
                self.forget(oldest);
            }
        }
        // Keys that come and go leave nothing for ever.
        if self.begun.len() > 2 * self.keys.len() + 16 {
            let partitions = &self.partitions;
            self.begun.retain(|&(begun, id)| has_begun_at(partitions, id, begun));
        }
    }

    fn forget(&mut self, id: u32) {
        self.partitions[id as usize] = None;
        self.keys.remove(id);
        self.keys.fit(&mut self.partitions);
    }

    /// The number of the partition of a row; `None` where its key takes no part.
    fn key_of(&mut self, row: &RowOf<'_>) -> Option<u32> {
        let exprs = self.spec.partition.by_input.get(row.input).map_or(&[][..], |e| e);
        let view = BatchRow { batch: row.batch, row: row.row };
        let values: Vec<Value<'_>> = exprs.iter().map(|e| e.eval(&view, &self.context)).collect();
        if self.spec.partition.null_takes_no_part && values.iter().any(Value::is_null) {
            return None;
        }
        Some(self.keys.intern(self.key.encode(values.into_iter())))
    }

    /// Puts out what a partition has let go, and follows it.
    fn let_out(&mut self, id: u32, moment: Place, out: &mut Outbox) {
        self.put_out(moment, out);
        self.follow(id);
    }

    /// Asks for the alarms of a partition, and forgets it when nothing of it is left.
    fn follow(&mut self, id: u32) {
        self.alarms.extend(self.evaluator.take_alarms().into_iter().map(|(time, start)| Reverse((time, start, id))));
        let Some(partition) = &mut self.partitions[id as usize] else { return };
        if let (Some(starts), Some(start)) = (&mut self.starts, partition.state.newest_start())
            && partition.noted != Some(start)
        {
            partition.noted = Some(start);
            starts.push(Reverse((start, id)));
        }
        if self.evaluator.is_forgettable(&partition.state) {
            self.forget(id);
        }
    }

    /// Puts out what has been let go at one moment, in the order of the starts.
    fn put_out(&mut self, moment: Place, out: &mut Outbox) {
        let mut rows = self.evaluator.take_rows();
        rows.sort_by_key(|row| row.start);
        for row in rows {
            out.turn(row.start);
            out.row(row.port, row.values, row.place, moment);
        }
        out.end_turn();
    }

    /// Lets times be over that end before this place. What one time makes certain in several partitions comes out in the order of the starts.
    fn pass_time(&mut self, until: Place, floor: Place, out: &mut Outbox) {
        self.pass_ties(until, floor, out);
        while let Some(&Reverse((time, ..))) = self.alarms.peek() {
            if Place::behind(time) >= until {
                break;
            }
            let over = Place::bound(time, Phase::After);
            while let Some(&Reverse((at, start, id))) = self.alarms.peek()
                && at == time
            {
                self.alarms.pop();
                fit_heap(&mut self.alarms);
                let Some(partition) = self.partitions.get_mut(id as usize).and_then(Option::as_mut) else { continue };
                self.evaluator.time_over(&mut partition.state, (time, start));
                self.follow(id);
            }
            let moment = over.max(floor);
            self.put_out(moment, out);
            self.report(moment, out);
        }
    }

    /// Says what is held back: undecided starts, and rows that wait for the end of their time.
    fn report(&mut self, moment: Place, out: &mut Outbox) {
        if self.starts.is_none() {
            return;
        }
        let least = self.least_held();
        out.hold_back(&mut self.held_from, least, moment);
    }

    /// The least place of what may still come out, where rows may be certain later than they stand.
    fn least_held(&mut self) -> Place {
        let Some(starts) = &mut self.starts else { return Place::MAX };
        while let Some(&Reverse((start, id))) = starts.peek() {
            if self.partitions.get(id as usize).and_then(Option::as_ref).is_some_and(|p| p.state.is_undecided(start)) {
                break;
            }
            starts.pop();
            fit_heap(starts);
        }
        let undecided = starts.peek().map(|Reverse((start, _))| *start);
        let tied = self.ties.first().map(|tie| tie.row.place);
        undecided.into_iter().chain(tied).min().unwrap_or(Place::MAX)
    }

    /// Matches rows of one time in the order that ORDER BY asks for, once that time is over.
    fn pass_ties(&mut self, until: Place, floor: Place, out: &mut Outbox) {
        let Some(time) = self.ties.first().map(|t| t.row.place.time()) else { return };
        if Place::behind(time) >= until {
            return;
        }
        let over = Place::bound(time, Phase::After);
        let order = self.spec.tie_order.clone();
        let mut ties = std::mem::take(&mut self.ties);
        ties.sort_by(|a, b| {
            let keys = a.order.iter().zip(&b.order).zip(&order);
            keys.map(|((a, b), (_, descending, nulls_first))| compare(a, b, *descending, *nulls_first))
                .find(|o| o.is_ne())
                .unwrap_or(std::cmp::Ordering::Equal)
        });
        let moment = over.max(floor);
        // Their order is that of the places that they had between them.
        let mut places: Vec<Place> = ties.iter().map(|tie| tie.row.place).collect();
        places.sort_unstable();
        for (tie, place) in ties.into_iter().zip(places) {
            let masks = self.evaluator.masks(std::slice::from_ref(&tie.row.batch));
            let rows = [RowOf { input: 0, batch: &tie.row.batch, row: tie.row.row }];
            self.event(&rows, &Known::Masks(&masks), place, moment, out);
        }
        self.report(moment, out);
    }

    fn hold_tie(&mut self, row: &RowOf<'_>, place: Place) {
        let order = self.spec.tie_order.iter().map(|(column, ..)| row.batch.value(*column, row.row).into_owned()).collect();
        let batch = row.batch.gather(&[u32::try_from(row.row).expect("a batch has fewer than 2^32 rows")]);
        self.ties.push(Tie { order, row: TiedRow { batch, row: 0, place } });
    }

    /// The input is over: what is finished comes out, in the order of the starts.
    fn end(&mut self, moment: Place, out: &mut Outbox) {
        let ids = (0u32..).zip(&self.partitions);
        let mut open: Vec<(Place, u32)> =
            ids.filter_map(|(id, p)| p.as_ref().and_then(|p| p.state.oldest_start()).map(|s| (s, id))).collect();
        open.sort_unstable();
        for (_, id) in open {
            let Some(partition) = self.partitions.get_mut(id as usize).and_then(Option::as_mut) else { continue };
            self.evaluator.end(&mut partition.state);
        }
        self.put_out(moment, out);
        self.report(moment, out);
    }

    /// The rows and watermarks of an inbox, whose unary terms have been asked.
    fn take(&mut self, inbox: &Inbox, known: &Known<'_>, out: &mut Outbox) {
        self.evaluator.allow(*out.allowance());
        let mut rows: Vec<RowOf<'_>> = Vec::new();
        let mut entries = inbox.entries.iter().enumerate().peekable();
        while let Some((index, entry)) = entries.next() {
            let Entry::Row { input, row, place, moment, floor } = *entry else {
                if let Entry::Watermark(step) = entry {
                    self.pass_time(step.watermark, step.moment, out);
                }
                continue;
            };
            rows.push(RowOf { input: input.into(), batch: &inbox.inputs[usize::from(input)], row: row as usize });
            let goes_on = matches!(entries.peek(), Some((_, Entry::Row { place: next, .. })) if *next == place && place.is_source());
            if goes_on {
                continue;
            }
            self.pass_time(place, floor, out);
            if self.spec.tie_order.is_empty() {
                let known = match known {
                    Known::Masks(masks) => Known::Masks(masks),
                    Known::Given(fits) => Known::Given(&fits[index + 1 - rows.len()..=index]),
                };
                self.event(&rows, &known, place, moment, out);
            } else {
                rows.iter().for_each(|row| self.hold_tie(row, place));
            }
            self.report(moment, out);
            rows.clear();
        }
        self.pass_time(inbox.watermark, inbox.floor, out);
        if inbox.watermark == Place::MAX {
            self.end(Place::MAX, out);
        }
    }
}

impl Operator for Sequence {
    fn advance(&mut self, inbox: &Inbox, out: &mut Outbox) {
        let masks = if inbox.entries.is_empty() { Vec::new() } else { self.evaluator.masks(&inbox.inputs) };
        self.take(inbox, &Known::Masks(&masks), out);
    }

    fn advance_given(&mut self, inbox: &Inbox, fits: &[u64], out: &mut Outbox) {
        self.take(inbox, &Known::Given(fits), out);
    }

    fn wakes_at(&self) -> Place {
        self.alarms.peek().map_or(Place::MAX, |Reverse((time, ..))| Place::bound(*time, Phase::After))
    }

    fn held_from(&self) -> Place {
        self.held_from
    }

    fn take_nulls(&mut self) -> u64 {
        self.context.take_nulls() + self.evaluator.take_nulls()
    }

    fn steps_taken(&self) -> Vec<StepTaken> {
        let counted = self.spec.variables.iter().zip(self.evaluator.taken()).zip(self.evaluator.reached());
        counted
            .filter(|((variable, _), _)| variable.kind == VariableKind::Step)
            .map(|((variable, taken), reached)| StepTaken { name: variable.name.clone(), taken: *taken, reached: *reached })
            .collect()
    }

    fn keys(&self) -> usize {
        self.keys.len()
    }

    fn held(&self) -> Held {
        let sizes = self.partitions.iter().flatten().map(|p| self.evaluator.size(&p.state));
        let (rows, bytes) = sizes.fold((0, 0), |(rows, bytes), (r, b)| (rows + r, bytes + b));
        let bytes = bytes + self.keys.bytes() + self.alarms.len() * size_of::<(Timestamp, Place, u32)>();
        Held { keys: self.keys.len(), rows, bytes, dropped: self.evaluator.dropped() }
    }

    fn save(&self, to: &mut StateWriter) {
        self.evaluator.save(to);
        let kept = to.keys(&self.keys);
        for id in kept.ids() {
            to.put(self.partitions.get(id as usize).unwrap_or(&None));
        }
        // What stands for a key that is gone comes to nothing.
        let mut alarms: Vec<_> = self.alarms.iter().filter(|Reverse((.., id))| kept.has(*id)).copied().collect();
        alarms.sort_unstable();
        to.put(&alarms);
        let mut starts: Vec<_> = self.starts.iter().flatten().filter(|Reverse((_, id))| kept.has(*id)).copied().collect();
        starts.sort_unstable();
        to.put(&starts);
        to.put(&self.held_from);
        let ties: Vec<&Tie> = self.ties.iter().filter(|tie| self.is_asked(&tie.row, to.range())).collect();
        to.number(ties.len() as u64);
        for Tie { order, row } in ties {
            to.put(order);
            to.put(&row.place);
            to.batch(&row.batch);
        }
    }

    fn load(&mut self, from: &mut StateReader<'_>) -> Result<(), StateError> {
        self.evaluator.load(from)?;
        let ids = from.keys(&mut self.keys)?;
        self.partitions.resize_with(self.keys.capacity(), || None);
        for (_, id) in ids.pairs() {
            self.partitions[id as usize] = from.take()?;
        }
        for Reverse((time, start, id)) in from.take::<Vec<Reverse<(Timestamp, Place, u32)>>>()? {
            self.alarms.push(Reverse((time, start, ids.get(id)?)));
        }
        for Reverse((start, id)) in from.take::<Vec<Reverse<(Place, u32)>>>()? {
            let id = ids.get(id)?;
            self.starts.as_mut().ok_or_else(|| StateError::new("starts that nobody waits for"))?.push(Reverse((start, id)));
        }
        let _: Place = from.take()?;
        for _ in 0..from.length()? {
            let (order, place) = from.take()?;
            let batch = from.batch(&self.spec.inputs[0])?;
            self.ties.push(Tie { order, row: TiedRow { batch, row: 0, place } });
        }
        self.ties.sort_by_key(|tie| tie.row.place);
        if self.spec.drops_keys_beyond().is_some() {
            let begun = |(id, partition): (u32, &Option<Kept>)| partition.as_ref().map(|partition| (partition.begun, id));
            let mut all: Vec<(Place, u32)> = (0u32..).zip(&self.partitions).filter_map(begun).collect();
            all.sort_unstable();
            self.begun = all.into();
        }
        // Of a state that was cut by keys, each part has what all parts had told together.
        self.held_from = self.least_held();
        Ok(())
    }
}

impl Sequence {
    /// Whether a row's partition is among those that are written.
    fn is_asked(&self, row: &TiedRow, range: KeyRange) -> bool {
        let exprs = self.spec.partition.by_input.first().map_or(&[][..], |e| e);
        let view = BatchRow { batch: &row.batch, row: row.row };
        range.contains(Key::encode(exprs.iter().map(|expr| expr.eval(&view, &self.context))).as_ref())
    }
}

/// What is known of the unary terms.
enum Known<'a> {
    /// For each variable, by the row of its input.
    Masks(&'a [Vec<bool>]),
    /// For each row at hand, the variables as bits.
    Given(&'a [u64]),
}

impl Known<'_> {
    /// The bits of a row at hand, where they are given.
    fn of(&self, row: usize) -> u64 {
        match self {
            Self::Masks(_) => 0,
            Self::Given(fits) => fits[row],
        }
    }
}

/// The columns of one row of a batch.
struct BatchRow<'a> {
    batch: &'a EventBatch,
    row: usize,
}

impl Row for BatchRow<'_> {
    fn slot(&self, slot: SlotId) -> Value<'_> {
        self.batch.value(slot.0 as usize, self.row)
    }
}

fn compare(a: &Value<'_>, b: &Value<'_>, descending: bool, nulls_first: bool) -> std::cmp::Ordering {
    use std::cmp::Ordering::{Equal, Greater, Less};
    match (a.is_null(), b.is_null()) {
        (true, true) => Equal,
        (true, false) => {
            if nulls_first {
                Less
            } else {
                Greater
            }
        }
        (false, true) => {
            if nulls_first {
                Greater
            } else {
                Less
            }
        }
        (false, false) if descending => b.total_cmp(a),
        (false, false) => a.total_cmp(b),
    }
}

fn is_skip(clause: &AfterMatch) -> bool {
    !matches!(clause, AfterMatch::Everything | AfterMatch::Restart | AfterMatch::Consume)
}

/// Whether there is never more than one way on.
fn has_one_way(node: &PatternNode) -> bool {
    match node {
        PatternNode::Step(_) | PatternNode::Not(_) | PatternNode::NotFor(..) => true,
        PatternNode::Sequence(elements) => elements.iter().all(|e| has_one_way(&e.node)),
        PatternNode::Repeat { inner, min, max, inside, .. } => *max == Some(*min) && *inside != Arrow::Any && has_one_way(inner),
        PatternNode::Either(_)
        | PatternNode::Both(_)
        | PatternNode::Empty
        | PatternNode::PartitionStart
        | PatternNode::PartitionEnd
        | PatternNode::Permute(_)
        | PatternNode::Exclude(_) => false,
    }
}
