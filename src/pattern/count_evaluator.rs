//! The face of the evaluator that counts matches: which rows are of interest, and what an event does to a partition's counters.

use std::sync::Arc;

use super::counters::{Counters, Frame, Moves, Scratch};
use super::event::RowOf;
use super::lanes::{Lanes, Totals, number_of};
use super::masks::{ByMask, Masks, masks};
use super::net::{Net, NetState, START};
use super::plain_counters::{PlainCounters, PlainFrame, Stretch};
use super::terms::Terms;
use crate::data::{EventBatch, Place, StateError, StateReader, StateWriter};
use crate::spec::{AfterMatch, CountSpec, MatchTrait, Within};

/// Counts the matches of one pattern, for any number of partitions.
#[derive(Debug)]
pub(crate) struct CountEvaluator {
    spec: Arc<CountSpec>,
    terms: Terms,
    net: Net,
    /// For each state, its number among those that can go on.
    live: Vec<Option<usize>>,
    frame: Frame,
    /// Where nothing is asked but how many matches there are, `frame` as bare numbers.
    plain: Option<PlainFrame>,
    /// For each set of variables seen so far, its moves.
    moves_of: ByMask,
    given: Vec<Option<i128>>,
    found: Totals,
    most: usize,
    dropped: u64,
}

/// What the evaluator keeps for a partition.
#[derive(Debug)]
pub(crate) enum CountPartition {
    /// With sums and extremes.
    Valued(Box<Counters>),
    /// Bare numbers.
    Plain(PlainCounters),
}

crate::saved!(enum CountPartition { 0 => Valued(counters), 1 => Plain(counters) });

impl CountEvaluator {
    /// A partition holds at most so many events, where WITHIN makes it hold any; beyond it the oldest starts are dropped and counted.
    pub(crate) fn new(spec: Arc<CountSpec>, most: usize) -> Self {
        let net = Net::new(&spec.pattern.root);
        let mut states = 0;
        let mut number = |(state, of): (usize, &NetState)| {
            let is_live = state != START && !of.ways.is_empty();
            states += usize::from(is_live);
            is_live.then(|| states - 1)
        };
        let live: Vec<Option<usize>> = net.states().iter().enumerate().map(&mut number).collect();
        let lanes = Lanes::new(&spec);
        let expires = matches!(spec.pattern.within, Some(Within::Time(_)));
        let found = lanes.no_totals();
        let steps = net.states().iter().zip(&live).filter_map(|(state, from)| Some((state, (*from)?)));
        let steps: Vec<(usize, usize)> = steps
            .flat_map(|(state, from)| state.ways.iter().filter_map(|way| live[way.to]).map(move |to| (from, to)).collect::<Vec<_>>())
            .collect();
        let plain = spec.traits.is_empty().then(|| PlainFrame::new(states, expires, &steps));
        let frame = Frame { lanes, states, moves: vec![Moves::default()], expires, scratch: Scratch::default() };
        let terms = Terms::new(Arc::new(spec.pattern.clone()));
        let mut moves_of = ByMask::default();
        moves_of.insert(0, 0);
        Self { spec, terms, net, live, frame, plain, moves_of, given: Vec::new(), found, most, dropped: 0 }
    }

    /// Writes which kind of events each number stands for, and what was dropped.
    pub(crate) fn save(&self, to: &mut StateWriter) {
        to.put(self.moves_of.masks());
        to.put(&self.dropped);
    }

    /// Takes it in, before partitions: numbers that are read from now on stand for the same.
    pub(crate) fn load(&mut self, from: &mut StateReader<'_>) -> Result<(), StateError> {
        let masks: Vec<u64> = from.take()?;
        from.translate(masks.into_iter().map(|mask| self.moves_of(mask)).collect());
        self.dropped += from.take::<u64>()?;
        Ok(())
    }

    /// A partition that has seen nothing.
    pub(crate) fn partition(&self) -> CountPartition {
        match self.plain {
            Some(_) => CountPartition::Plain(PlainCounters::default()),
            None => CountPartition::Valued(Box::new(Counters::new(&self.frame))),
        }
    }

    /// Whether a partition that was read can be of this pattern.
    pub(crate) fn takes(&self, partition: &CountPartition) -> bool {
        match (partition, &self.plain) {
            (CountPartition::Plain(counters), Some(frame)) => counters.are_of(frame),
            (CountPartition::Valued(_), None) => true,
            (CountPartition::Plain(_), None) | (CountPartition::Valued(_), Some(_)) => false,
        }
    }

    /// Whether partitions are bare numbers.
    pub(crate) fn counts_alone(&self) -> bool {
        self.plain.is_some()
    }

    /// For each input, which variables its rows fit.
    pub(crate) fn masks(&self, inputs: &[EventBatch]) -> Vec<Masks> {
        masks(&self.terms, inputs)
    }

    /// What an event does that fits these variables; 0 is nothing.
    #[inline]
    pub(crate) fn moves_of(&mut self, mask: u64) -> u32 {
        self.moves_of.get(mask).unwrap_or_else(|| self.find_moves(mask))
    }

    #[cold]
    fn find_moves(&mut self, mask: u64) -> u32 {
        let mut moves = Moves::default();
        for (number, state) in self.net.states().iter().enumerate() {
            for way in state.ways.iter().filter(|way| mask >> way.variable.0 & 1 == 1) {
                let (to, accepts) = (self.live[way.to], self.net.states()[way.to].accepts);
                if let Some(from) = self.live[number] {
                    moves.steps.extend(to.map(|to| (from, to, way.variable)));
                    moves.ends.extend(accepts.then_some((from, way.variable)));
                } else {
                    moves.starts.extend(to.map(|to| (to, way.variable)));
                    moves.alone.extend(accepts.then_some(way.variable));
                }
            }
        }
        let number = u32::try_from(self.frame.moves.len()).expect("a stream has fewer than 2^32 kinds of events");
        self.plain.iter_mut().for_each(|plain| plain.add(&moves));
        self.frame.moves.push(moves);
        self.moves_of.insert(mask, number);
        number
    }

    /// Whether matches begin with such events.
    #[inline]
    pub(crate) fn begins(&self, moves: u32) -> bool {
        let of = &self.frame.moves[moves as usize];
        !of.starts.is_empty() || !of.alone.is_empty()
    }

    /// An event; its rows are those that lie in the partition. Gives what it finishes, if it finishes any match.
    #[inline]
    pub(crate) fn event(&mut self, partition: &mut CountPartition, moves: u32, rows: &[RowOf<'_>], place: Place) -> Option<&Totals> {
        let earliest = self.earliest(place);
        let restarts = self.spec.pattern.after_match == AfterMatch::Restart;
        let time = place.time().0;
        match partition {
            CountPartition::Plain(counters) => {
                let frame = self.plain.as_mut().expect("bare counters have a frame of their own");
                counters.expire(frame, earliest);
                let found = counters.event(frame, moves, time);
                if counters.events() > self.most {
                    self.dropped += counters.keep_within(frame, self.most);
                }
                self.found.set_count(found);
                if found > 0 && restarts {
                    counters.clear();
                }
            }
            CountPartition::Valued(counters) => {
                self.take_given(rows);
                counters.expire(&mut self.frame, earliest);
                self.frame.lanes.reset(self.found.cell_mut(), 1);
                counters.event(&mut self.frame, moves, (time, &self.given), self.found.cell_mut());
                if counters.events() > self.most {
                    self.dropped += counters.keep_within(&mut self.frame, self.most);
                }
                if !self.found.is_none() && restarts {
                    counters.clear(&self.frame);
                }
            }
        }
        (!self.found.is_none()).then_some(&self.found)
    }

    /// What each row does that fits these variables.
    pub(crate) fn moves_of_all(&mut self, masks: &[u64], moves: &mut Vec<u32>) {
        moves.clear();
        moves.extend(masks.iter().map(|&mask| self.moves_of(mask)));
    }

    /// Events of a partition of bare numbers, what each does and where it stands: as [`Self::event`] for the first and those behind it that stand
    /// before `until`, up to one that finishes matches if `ends_with_match`. Gives how many those are, and what they finish, if it is any match.
    #[inline]
    pub(crate) fn run(
        &mut self,
        counters: &mut PlainCounters,
        (moves, places): (&[u32], &[Place]),
        until: i64,
        ends_with_match: bool,
    ) -> (usize, Option<&Totals>) {
        let frame = self.plain.as_mut().expect("bare counters have a frame of their own");
        let within = match self.spec.pattern.within {
            Some(Within::Time(span)) => Some(span.0),
            Some(Within::Events(_)) | None => None,
        };
        let restarts = self.spec.pattern.after_match == AfterMatch::Restart;
        let stretch = Stretch { until, ends_with_match: ends_with_match || restarts, within, most: self.most };
        let ran = counters.run(frame, (moves, places), stretch);
        self.dropped += ran.dropped;
        if ran.matches > 0 && restarts {
            counters.clear();
        }
        self.found.set_count(ran.matches);
        (ran.events, (ran.matches > 0).then_some(&self.found))
    }

    fn take_given(&mut self, rows: &[RowOf<'_>]) {
        self.given.clear();
        self.given.resize(self.frame.lanes.traits(), None);
        for (of, input, column) in self.frame.lanes.columns() {
            let MatchTrait::Column { data_type, .. } = &self.spec.traits[of] else { continue };
            let row = rows.iter().find(|row| row.input == input);
            self.given[of] = row.and_then(|row| number_of(&row.batch.value(column, row.row), data_type));
        }
    }

    /// The earliest time at which a start is not over when this place is reached, in nanoseconds.
    fn earliest(&self, place: Place) -> i64 {
        let Some(Within::Time(span)) = self.spec.pattern.within else { return i64::MIN };
        place.time().0.checked_sub(span.0).unwrap_or(i64::MIN)
    }

    /// Forgets what is over at this place. Gives whether nothing is left.
    pub(crate) fn expire(&mut self, partition: &mut CountPartition, place: Place) -> bool {
        let earliest = self.earliest(place);
        match (&mut *partition, &mut self.plain) {
            (CountPartition::Plain(counters), Some(plain)) => counters.expire(plain, earliest),
            (CountPartition::Plain(_), None) => {}
            (CountPartition::Valued(counters), _) => counters.expire(&mut self.frame, earliest),
        }
        partition.is_empty()
    }

    /// How many NULLs its terms had to make up since the last call.
    pub(crate) fn take_nulls(&self) -> u64 {
        self.terms.context.take_nulls()
    }

    /// Starts given up at the bound so far.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }
}

impl CountPartition {
    /// Whether nothing is kept.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Plain(counters) => counters.is_empty(),
            Self::Valued(counters) => counters.is_empty(),
        }
    }

    /// Events and bytes, about.
    pub(crate) fn size(&self) -> (usize, usize) {
        let (events, bytes) = match self {
            Self::Plain(counters) => (counters.events(), counters.bytes()),
            Self::Valued(counters) => (counters.events(), counters.bytes()),
        };
        (events, size_of::<Self>() + bytes)
    }
}
