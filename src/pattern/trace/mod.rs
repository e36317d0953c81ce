//! Why a pattern did not match: every start is followed on its own, and what became of it is told.
//!
//! In: the rows of the pattern's inputs, as its operator gets them, and late rows. Out: [`Traced`]: the matches, and the stories of the runs
//! that came to nothing, the closest miss first. Two evaluations go side by side: the pattern as it is, and the pattern without AFTER MATCH, RUNS, HAVING
//! and LIMIT, in which each start stands alone. What the second matches and the first does not was taken away.
//!
//! Nothing here runs in a usual run: the evaluators know nothing of it. Memory is bounded: so many runs a partition are followed, so many
//! stories kept, and what was let go is counted.

mod alone;
mod elsewhere;
mod keys;
mod look;
mod real;
mod story;
mod watched;

use std::collections::BTreeSet;
use std::sync::Arc;

pub(crate) use self::look::{FalseTerm, columns_shown, false_terms};
pub(crate) use self::story::{Cause, Emission, Story, TooLateBy, order};

use self::alone::{Alone, Side};
use self::keys::{Keys, Numbered};
use self::look::Depth;
use self::story::Stories;
use self::watched::Watched;
use super::event::{Candidate, RowOf};
use super::rows::{Reach, RowPartition};
use super::runs::{Alarm, Partition};
use super::thread::Match;
use super::variables::VariableSet;
use crate::data::{Duration, Entry, EventBatch, Inbox, Phase, Place, Timestamp, Value};
use crate::spec::{AfterMatch, Mode, PatternSpec, Runs, VariableId};

pub(crate) use super::event::Event;

/// Threads of one partition that are followed alone.
const THREADS_FOLLOWED: usize = 1_024;
/// Matches that are remembered, to tell what they took.
const MATCHES_KEPT: usize = 100_000;
/// Starts that would have matched, until it is known whether they did.
const CANDIDATES_KEPT: usize = 20_000;
/// Late rows that wait to be shown.
const LATE_KEPT: usize = 10_000;
/// Runs that are shown the events of other keys.
const AHEAD: usize = 48;
/// Runs of one partition that WITHIN has ended and that still wait to see what came too late.
const LINGERING: usize = 64;

/// What is asked of a trace.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    /// Runs of this key alone, or with an event that has this value in this column.
    pub(crate) key: Vec<(String, String)>,
    /// Runs that were under way at this time.
    pub(crate) at: Option<Timestamp>,
    /// Stories that are kept.
    pub(crate) most: usize,
    /// Keys that are followed; of further ones, those that are asked for.
    pub(crate) keys: usize,
}

/// What is known of a variable by itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct StepSeen {
    /// Rows of its stream.
    pub(crate) rows: u64,
    /// Those for which all terms on the row alone hold.
    pub(crate) fitting: u64,
    /// The row that came closest, where none fits.
    pub(crate) closest: Option<(Arc<Event>, Vec<FalseTerm>)>,
    /// A late row that would have fitted: the row, its time, and how late it was.
    pub(crate) late: Option<(Arc<Event>, Timestamp, Duration)>,
}

/// What a trace has found.
#[derive(Debug)]
pub(crate) struct Traced {
    pub(crate) spec: Arc<PatternSpec>,
    pub(crate) matches: u64,
    pub(crate) runs: u64,
    pub(crate) let_go: u64,
    /// Runs of one partition that were too many to be followed.
    pub(crate) not_followed: u64,
    /// Runs that the pattern itself gave up at its bound.
    pub(crate) dropped: u64,
    pub(crate) stories: Vec<Story>,
    pub(crate) steps: Vec<StepSeen>,
    /// The variables that a run begins with.
    pub(crate) first: Vec<VariableId>,
    /// Rows whose key took no part.
    pub(crate) without_key: u64,
    /// Rows whose key is beyond those that are followed.
    pub(crate) beyond: u64,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Tracer {
    spec: Arc<PatternSpec>,
    asked: Asked,
    real: Side,
    alone: Side,
    reach: Reach,
    keys: Keys,
    parts: Vec<Part>,
    stories: Stories,
    steps: Vec<StepSeen>,
    matches: u64,
    emissions: Vec<Emission>,
    candidates: Vec<(Watched, Match)>,
    late: Vec<LateRow>,
    /// The runs that got furthest: partition and start.
    ahead: Vec<(u32, Place, Depth)>,
    last_time: Timestamp,
    without_key: u64,
    beyond: u64,
    ties: Vec<Tie>,
}

#[derive(Debug)]
struct LateRow {
    input: usize,
    batch: EventBatch,
    time: Timestamp,
}

/// A row that waits until all rows of its time are there (ORDER BY of MATCH_RECOGNIZE).
#[derive(Debug)]
struct Tie {
    order: Vec<Value<'static>>,
    batch: EventBatch,
    place: Place,
}

/// A partition.
#[derive(Debug)]
struct Part {
    key: Arc<[Value<'static>]>,
    real: Real,
    real_alarms: BTreeSet<Alarm>,
    alone: Alone,
    alone_alarms: BTreeSet<Alarm>,
    watched: Vec<Watched>,
    lingering: Vec<Watched>,
    /// For each variable, the last events that fitted by themselves.
    recent: Vec<Vec<Arc<Event>>>,
}

/// The pattern as it is.
#[derive(Debug)]
enum Real {
    Runs(Partition),
    Rows(RowPartition),
}

impl Tracer {
    /// A trace of a pattern; `threads` is the bound that the pattern itself has.
    pub(crate) fn new(spec: Arc<PatternSpec>, threads: usize, asked: Asked) -> Self {
        let mut plain = PatternSpec::clone(&spec);
        plain.after_match = AfterMatch::Everything;
        plain.runs = Runs::All;
        plain.having = None;
        plain.limit_per_partition = None;
        plain.timeout = None;
        let real = Side::new(spec.clone(), threads);
        Self {
            reach: Reach::new(&real.matcher),
            alone: Side::new(Arc::new(plain), THREADS_FOLLOWED),
            real,
            keys: Keys::new(spec.clone(), &asked),
            parts: Vec::new(),
            stories: Stories::new(asked.most),
            steps: vec![StepSeen::default(); spec.variables.len()],
            matches: 0,
            emissions: Vec::new(),
            candidates: Vec::new(),
            late: Vec::new(),
            ahead: Vec::new(),
            last_time: Timestamp::MIN,
            without_key: 0,
            beyond: 0,
            ties: Vec::new(),
            spec,
            asked,
        }
    }

    /// Late rows of an input: where each stands in time is told by its place, where it should have stood by `times`.
    pub(crate) fn late(&mut self, input: usize, batch: &EventBatch, times: &[Timestamp]) {
        for (row, time) in (0u32..).zip(times) {
            if self.late.len() < LATE_KEPT {
                self.late.push(LateRow { input, batch: batch.gather(&[row]), time: *time });
            }
        }
    }

    /// The rows that the pattern's operator is given.
    pub(crate) fn take(&mut self, inbox: &Inbox) {
        self.look_at_late();
        let masks = if inbox.inputs.iter().all(EventBatch::is_empty) { Vec::new() } else { self.alone.matcher.terms.masks(&inbox.inputs) };
        if inbox.is_plain {
            let batch = &inbox.inputs[0];
            for row in 0..batch.len() {
                self.rows(&[RowOf { input: 0, batch, row }], &masks, batch.places()[row]);
            }
        } else {
            let mut rows: Vec<RowOf<'_>> = Vec::new();
            let mut entries = inbox.entries.iter().peekable();
            while let Some(entry) = entries.next() {
                let Entry::Row { input, row, place, .. } = *entry else { continue };
                rows.push(RowOf { input: input.into(), batch: &inbox.inputs[usize::from(input)], row: row as usize });
                if matches!(entries.peek(), Some(Entry::Row { place: next, .. }) if *next == place && place.is_source()) {
                    continue;
                }
                self.rows(&rows, &masks, place);
                rows.clear();
            }
        }
        self.pass_ties(inbox.watermark);
    }

    /// The rows of one event.
    fn rows(&mut self, rows: &[RowOf<'_>], masks: &[Vec<bool>], place: Place) {
        self.pass_ties(place);
        if !self.spec.tie_order.is_empty() {
            for row in rows {
                let order = self.spec.tie_order.iter().map(|(column, ..)| row.batch.value(*column, row.row).into_owned()).collect();
                let batch = row.batch.gather(&[u32::try_from(row.row).expect("a batch has fewer than 2^32 rows")]);
                self.ties.push(Tie { order, batch, place });
            }
            return;
        }
        self.event(rows, masks, place);
    }

    fn pass_ties(&mut self, until: Place) {
        let Some(time) = self.ties.first().map(|tie| tie.place.time()) else { return };
        if Place::behind(time) >= until {
            return;
        }
        let mut ties = std::mem::take(&mut self.ties);
        let order = self.spec.tie_order.clone();
        ties.sort_by(|a, b| keys::compare_ties(&a.order, &b.order, &order));
        for tie in ties {
            let masks = self.alone.matcher.terms.masks(std::slice::from_ref(&tie.batch));
            self.event(&[RowOf { input: 0, batch: &tie.batch, row: 0 }], &masks, tie.place);
        }
    }

    fn event(&mut self, rows: &[RowOf<'_>], masks: &[Vec<bool>], place: Place) {
        self.last_time = self.last_time.max(place.time());
        let fits_of = |spec: &PatternSpec, rows: &[RowOf<'_>]| -> VariableSet {
            let numbered = (0..).map(VariableId).zip(&spec.variables).zip(masks);
            let holds = |variable: &crate::spec::VariableSpec, mask: &Vec<bool>| {
                rows.iter().any(|row| row.input == variable.input && mask[row.row])
            };
            numbered.filter(|((_, variable), mask)| holds(variable, mask)).map(|((id, _), _)| id).collect()
        };
        self.see(rows, &fits_of(&self.spec, rows), place);
        // Rows of one event mostly have one key; where they differ, each key's partition gets the rows that have it.
        let mut by_key: Vec<(Numbered, Vec<RowOf<'_>>)> = Vec::new();
        for row in rows {
            let key = self.keys.number(row);
            match by_key.iter_mut().find(|(known, _)| *known == key) {
                Some((_, of_key)) => of_key.push(*row),
                None => by_key.push((key, vec![*row])),
            }
        }
        for (key, of_key) in by_key {
            let fits = fits_of(&self.spec, &of_key);
            match key {
                Numbered::Key(id) => self.event_of_key(id, &of_key, &fits, place),
                Numbered::TakesNoPart => self.without_key += 1,
                Numbered::Beyond => self.beyond += 1,
            }
            self.show_to_others(key, &of_key, &fits, place);
        }
    }

    fn event_of_key(&mut self, id: u32, rows: &[RowOf<'_>], fits: &VariableSet, place: Place) {
        while self.parts.len() <= id as usize {
            let number = u32::try_from(self.parts.len()).expect("keys are numbered in 32 bits");
            let key = self.keys.values(number);
            self.parts.push(Part::new(&self.spec, key));
        }
        self.pass_time(id, Some(place));
        let index = self.parts[id as usize].alone.next_index();
        let candidate = Candidate::of_rows(place, index, rows);
        let event = candidate.event().clone();
        // The real one first: where its runs are too many, that is known when a start is looked at.
        let room = self.run_real(id, rows, fits, place);
        let part = &mut self.parts[id as usize];
        part.alone.arrive(&event, fits);
        match self.spec.mode {
            Mode::Rows => self.step_ready(id),
            Mode::OnePerStart | Mode::AllMatches => self.observe(id, &event, fits, room),
        }
        let part = &mut self.parts[id as usize];
        for (at, recent) in part.recent.iter_mut().enumerate() {
            if fits.contains(VariableId(u32::try_from(at).expect("a pattern has fewer than 2^32 variables"))) {
                recent.push(event.clone());
                if recent.len() > 8 {
                    recent.remove(0);
                }
            }
        }
    }

    fn step_ready(&mut self, id: u32) {
        while let Some((row, fits)) = self.parts[id as usize].alone.next_ready() {
            self.observe(id, &row, &fits, None);
        }
    }

    /// Steps the starts of a partition over an event, and notes what became of each.
    fn observe(&mut self, id: u32, event: &Arc<Event>, fits: &VariableSet, no_room: Option<Place>) {
        let part = &mut self.parts[id as usize];
        let candidate = Candidate::of_event(event.clone());
        let before = part.alone.live();
        let mut seen: Vec<watched::Seen> = Vec::with_capacity(before.len());
        for live in &before {
            let Ok(at) = part.watched.binary_search_by_key(&live.start, |watched| watched.start) else {
                seen.push(watched::Seen::default());
                continue;
            };
            let watched = &part.watched[at];
            let around = part.alone.around(Some(live.start));
            seen.push(watched::look(&self.alone.matcher, watched, live, &candidate, fits, around));
        }
        for watched in &mut part.lingering {
            watched.see_too_late(&self.alone.matcher, &candidate, fits, part.alone.around(Some(watched.start)), self.spec.within);
        }
        let mut alarms = Vec::new();
        let matched = part.alone.step(&candidate, fits, &mut self.alone, &mut alarms);
        part.alone_alarms.extend(alarms);
        let after = part.alone.live();
        let mut gone = Vec::new();
        for (live, seen) in before.into_iter().zip(seen) {
            let Ok(at) = part.watched.binary_search_by_key(&live.start, |watched| watched.start) else { continue };
            let now = after.binary_search_by_key(&live.start, |now| now.start).ok().map(|now| &after[now]);
            match now {
                Some(now) => part.watched[at].go_on(now, event.index, seen),
                None => {
                    let mut watched = part.watched.remove(at);
                    watched.note(seen.into_end());
                    if self.spec.mode == Mode::Rows && watched.ends_by_within(self.spec.within, event.place) {
                        let around = part.alone.around(Some(watched.start));
                        watched.see_too_late(&self.alone.matcher, &candidate, fits, around, self.spec.within);
                    }
                    gone.push((watched, event.place));
                }
            }
        }
        for live in after {
            // Starts come in order, and so do those that are watched.
            if part.watched.last().is_none_or(|watched| watched.start < live.start) {
                let mut watched = Watched::new(id, &live);
                watched.no_room = no_room;
                part.watched.push(watched);
            }
        }
        if !self.keys.is_one() {
            let news: Vec<(u32, Place, Depth)> = part.watched.iter().map(|watched| (id, watched.start, watched.depth)).collect();
            self.note_ahead(news);
        }
        self.settle(matched, gone, id);
        self.end_lingering(id, event.place);
    }

    /// What is gone has matched, or has come to nothing.
    fn settle(&mut self, matched: Vec<(Place, Match)>, gone: Vec<(Watched, Place)>, id: u32) {
        let mut matched = matched;
        for (watched, end) in gone {
            let start = watched.start;
            if let Some(at) = matched.iter().position(|(of, _)| *of == start) {
                let (_, found) = matched.swap_remove(at);
                self.candidate(watched, found);
                matched.retain(|(of, _)| *of != start);
            } else if watched.ends_by_within(self.spec.within, end) {
                self.linger(watched, id);
            } else {
                self.close(watched, id, end);
            }
        }
        // A match of a start that was not watched begins and ends with one event, or is one of several of its start.
        for (start, found) in matched {
            if let Some(watched) = self.parts[id as usize].watched.iter_mut().find(|watched| watched.start == start) {
                watched.has_matched = true;
                continue;
            }
            let watched = Watched::of_match(id, start, &found, &self.alone.matcher);
            self.candidate(watched, found);
        }
    }

    /// A start that matches by itself.
    fn candidate(&mut self, watched: Watched, found: Match) {
        if !self.is_plain() && self.candidates.len() < CANDIDATES_KEPT && found.history.last().is_some() {
            self.candidates.push((watched, found));
        }
    }

    /// Whether each start that matches by itself is a match.
    fn is_plain(&self) -> bool {
        let spec = &self.spec;
        let takes_nothing = spec.after_match == AfterMatch::Everything && spec.runs == Runs::All;
        takes_nothing && spec.having.is_none() && spec.limit_per_partition.is_none() && self.real.dropped == 0 && spec.mode != Mode::Rows
    }

    /// A run that WITHIN has ended waits to see whether what it waited for comes too late.
    fn linger(&mut self, mut watched: Watched, id: u32) {
        watched.is_over = true;
        let part = &mut self.parts[id as usize];
        part.lingering.push(watched);
        if part.lingering.len() > LINGERING {
            let watched = part.lingering.remove(0);
            self.close(watched, id, Place::MAX);
        }
    }

    fn end_lingering(&mut self, id: u32, now: Place) {
        let within = self.spec.within;
        let part = &mut self.parts[id as usize];
        let lingering = std::mem::take(&mut part.lingering);
        let (done, left): (Vec<_>, Vec<_>) = lingering.into_iter().partition(|watched| watched.has_seen_enough(within, now));
        part.lingering = left;
        for watched in done {
            self.close(watched, id, now);
        }
    }

    /// A run has come to nothing.
    fn close(&mut self, mut watched: Watched, id: u32, end: Place) {
        self.ahead.retain(|(part, start, _)| (*part, *start) != (id, watched.start));
        if watched.has_matched {
            return;
        }
        let part = &self.parts[id as usize];
        watched.look_back(&self.alone.matcher, &part.recent, part.alone.around(Some(watched.start)), self.spec.within);
        if !self.is_asked(&watched, &part.key, end) {
            return;
        }
        let last_time = self.last_time;
        let story = watched.into_story(part.key.clone(), self.spec.within, last_time, end);
        self.stories.add(story);
    }

    fn is_asked(&self, watched: &Watched, key: &[Value<'static>], end: Place) -> bool {
        let is_at = |at: Timestamp| watched.is_under_way(at, self.spec.within) && (end == Place::MAX || at <= end.time());
        let has = |(name, value): &(String, String)| {
            self.keys.has(key, name, value)
                || watched.thread.history.iter_back().any(|link| keys::has(&self.spec, &link.taking, name, value))
        };
        self.asked.at.is_none_or(is_at) && self.asked.key.iter().all(has)
    }

    /// Lets times be over that end before a place; without one, all.
    fn pass_time(&mut self, id: u32, until: Option<Place>) {
        loop {
            let part = &mut self.parts[id as usize];
            let Some(&alarm) = part.alone_alarms.first() else { break };
            let over = Place::bound(alarm.0, Phase::After);
            if until.is_some_and(|until| Place::behind(alarm.0) >= until) {
                break;
            }
            part.alone_alarms.pop_first();
            let mut alarms = Vec::new();
            let matched = part.alone.time_over(alarm, &mut self.alone, &mut alarms);
            part.alone_alarms.extend(alarms);
            let live: Vec<Place> = part.alone.live().into_iter().map(|live| live.start).collect();
            let (left, gone): (Vec<_>, Vec<_>) = std::mem::take(&mut part.watched).into_iter().partition(|w| live.contains(&w.start));
            part.watched = left;
            let gone = gone.into_iter().map(|watched| (watched, over)).collect();
            self.settle(matched, gone, id);
        }
        loop {
            let part = &mut self.parts[id as usize];
            let Some(&alarm) = part.real_alarms.first() else { break };
            if until.is_some_and(|until| Place::behind(alarm.0) >= until) {
                break;
            }
            part.real_alarms.pop_first();
            self.real_time_over(id, alarm);
        }
    }

    /// The end of input: what is left has come to nothing, or was taken away.
    pub(crate) fn finish(mut self) -> Traced {
        self.pass_ties(Place::MAX);
        self.look_at_late();
        for id in 0..u32::try_from(self.parts.len()).expect("keys are numbered in 32 bits") {
            self.parts[id as usize].alone.no_more();
            self.step_ready(id);
            self.pass_time(id, None);
            self.end_real(id);
            let matched = self.parts[id as usize].alone.end(&mut self.alone);
            let watched = std::mem::take(&mut self.parts[id as usize].watched);
            let gone = watched.into_iter().map(|watched| (watched, Place::MAX)).collect();
            self.settle(matched, gone, id);
            for watched in std::mem::take(&mut self.parts[id as usize].lingering) {
                self.close(watched, id, Place::MAX);
            }
        }
        self.tell_taken_away();
        let first = look::first_of(&self.alone.matcher);
        let (stories, runs, let_go) = self.stories.finish();
        Traced {
            spec: self.spec,
            matches: self.matches,
            runs,
            let_go,
            not_followed: self.alone.dropped,
            dropped: self.real.dropped,
            stories,
            steps: self.steps,
            first,
            without_key: self.without_key,
            beyond: self.beyond,
        }
    }
}

impl Part {
    fn new(spec: &PatternSpec, key: Arc<[Value<'static>]>) -> Self {
        let real = match spec.mode {
            Mode::OnePerStart | Mode::AllMatches => Real::Runs(Partition::default()),
            Mode::Rows => Real::Rows(RowPartition::default()),
        };
        Self {
            key,
            real,
            real_alarms: BTreeSet::new(),
            alone: Alone::new(spec),
            alone_alarms: BTreeSet::new(),
            watched: Vec::new(),
            lingering: Vec::new(),
            recent: vec![Vec::new(); spec.variables.len()],
        }
    }
}
