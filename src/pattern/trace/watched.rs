//! A run that is watched: its furthest thread, and the best reason so far why it does not go on.

use std::sync::Arc;

use super::alone::Live;
use super::look::{Awaited, Depth, FalseTerm, Sight, Verdict, awaited_of, depth_of, is_step, watches_of};
use super::story::{Cause, Clue, Story, TooLateBy};
use crate::data::{Duration, Phase, Place, Timestamp, Value};
use crate::pattern::event::{Candidate, Event};
use crate::pattern::state::State;
use crate::pattern::terms::Surroundings;
use crate::pattern::thread::{Entry, Match, Matcher, Thread};
use crate::pattern::variables::VariableSet;
use crate::spec::{Arrow, VariableId, Within};

/// Events of a run that a story shows: so many of the first, so many of the last.
const SHOWN: usize = 12;

/// See the module.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) partition: u32,
    pub(super) start: Place,
    index: u64,
    pub(super) depth: Depth,
    pub(super) thread: Thread,
    awaited: Vec<VariableId>,
    clue: Option<Clue>,
    /// A match of this start has come out.
    pub(super) has_matched: bool,
    /// The run that kept the pattern itself from beginning one here.
    pub(super) no_room: Option<Place>,
    /// WITHIN has ended it.
    pub(super) is_over: bool,
    /// Events seen since.
    lingered: u64,
}

/// What an event means for a run that does not take it.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// It came close.
    near: Option<Clue>,
    /// It ends the run, or a way on of it.
    end: Option<Clue>,
}

impl Seen {
    /// What it means for a run that it ended.
    pub(super) fn into_end(self) -> Option<Clue> {
        self.end.or(self.near)
    }
}

/// Whether these terms are nearer to true than those.
pub(super) fn is_closer(a: &[FalseTerm], b: &[FalseTerm]) -> bool {
    let measure = |terms: &[FalseTerm]| (terms.len(), terms.iter().map(|term| term.distance).sum::<f64>());
    measure(a) < measure(b)
}

/// What an event means for the furthest thread of a run.
pub(super) fn look(
    matcher: &Matcher,
    watched: &Watched,
    live: &Live,
    candidate: &Candidate<'_>,
    fits: &VariableSet,
    around: Surroundings<'_>,
) -> Seen {
    let Some(thread) = watched.same_in(live) else { return Seen::default() };
    let sight = Sight { matcher, thread, candidate, fits, around };
    let event = candidate.event();
    let mut seen = Seen::default();
    for step in awaited_of(thread) {
        let variable = step.variable;
        let clue = match sight.verdict(&step) {
            Verdict::Fits => continue,
            Verdict::OtherStream if step.arrow == Arrow::Strict => Some(Clue::certain(Cause::NotNext { variable, event: event.clone() })),
            Verdict::OtherStream => None,
            Verdict::Forbidden(negated, event) => Some(Clue::certain(Cause::Negated { negated, event })),
            Verdict::False(terms) if step.arrow == Arrow::Strict => {
                Some(Clue::certain(Cause::False { variable, event: event.clone(), terms, is_next: true }))
            }
            Verdict::False(terms) => {
                offer(&mut seen.near, Clue::missed(variable, event.clone(), terms));
                None
            }
        };
        if let Some(clue) = clue {
            offer(&mut seen.end, clue);
        }
        if let Some(until) = sight.ended(&step.way.untils) {
            offer(&mut seen.end, Clue::certain(Cause::Ended { until, event: event.clone() }));
        }
    }
    let mut watches = Vec::new();
    watches_of(&thread.state, &mut watches);
    if let Some(negated) = sight.hit(&watches) {
        seen.end = Some(Clue::certain(Cause::Negated { negated, event: event.clone() }));
    }
    seen
}

fn offer(to: &mut Option<Clue>, clue: Clue) {
    if to.as_ref().is_none_or(|known| clue.is_before(known)) {
        *to = Some(clue);
    }
}

fn threads(entries: &[Entry]) -> impl Iterator<Item = &Thread> {
    entries.iter().filter_map(|entry| match entry {
        Entry::Live(thread) => Some(thread),
        Entry::Finished(_) => None,
    })
}

/// The thread that got furthest; of equal ones the preferred.
fn furthest(entries: &[Entry]) -> Option<(&Thread, Depth)> {
    let mut best: Option<(&Thread, Depth)> = None;
    for thread in threads(entries) {
        let depth = depth_of(thread, &awaited_of(thread));
        if best.as_ref().is_none_or(|(_, known)| depth > *known) {
            best = Some((thread, depth));
        }
    }
    best
}

fn variables_of(awaited: &[Awaited]) -> Vec<VariableId> {
    awaited.iter().map(|step| step.variable).collect()
}

impl Watched {
    pub(super) fn new(partition: u32, live: &Live) -> Self {
        let (thread, depth) =
            furthest(&live.entries).map_or_else(|| (nothing(live.start), Depth::default()), |(thread, depth)| (thread.clone(), depth));
        let awaited = variables_of(&awaited_of(&thread));
        Self {
            partition,
            start: live.start,
            index: live.index,
            depth,
            thread,
            awaited,
            clue: None,
            has_matched: false,
            no_room: None,
            is_over: false,
            lingered: 0,
        }
    }

    /// A run that matched as it began.
    pub(super) fn of_match(partition: u32, start: Place, found: &Match, matcher: &Matcher) -> Self {
        let state = Arc::new(State { ways: Vec::new() });
        let thread = Thread { history: found.history.clone(), ..matcher.thread(state, found.end) };
        let live = Live { start, index: 0, entries: vec![Entry::Live(thread)] };
        Self::new(partition, &live)
    }

    /// The furthest thread as it stands now.
    fn same_in<'l>(&self, live: &'l Live) -> Option<&'l Thread> {
        threads(&live.entries).find(|thread| thread.history.equals(&self.thread.history))
    }

    /// Takes a reason in, if it is likelier than the one that is known.
    pub(super) fn note(&mut self, clue: Option<Clue>) {
        if let Some(clue) = clue {
            offer(&mut self.clue, clue);
        }
    }

    /// The run goes on behind an event, with or without having taken it.
    pub(super) fn go_on(&mut self, now: &Live, event: u64, seen: Seen) {
        let has_taken = threads(&now.entries).any(|thread| thread.history.last().is_some_and(|link| link.taking.event.index == event));
        if has_taken {
            let Some((thread, depth)) = furthest(&now.entries).filter(|(_, depth)| *depth >= self.depth) else { return };
            let awaited = variables_of(&awaited_of(thread));
            if awaited != self.awaited {
                self.clue = None;
            }
            (self.thread, self.depth, self.awaited) = (thread.clone(), depth, awaited);
            return;
        }
        self.note(seen.near);
        let Some(thread) = self.same_in(now) else {
            self.note(seen.end);
            return;
        };
        if seen.end.is_some() && awaited_of(thread).len() < awaited_of(&self.thread).len() {
            self.note(seen.end);
        }
        self.thread = thread.clone();
    }

    fn end(&self, within: Option<Within>) -> Option<Timestamp> {
        match within {
            Some(Within::Time(duration)) => Some(self.start.time().saturating_add(duration)),
            Some(Within::Events(_)) | None => None,
        }
    }

    /// Whether an event of this time can belong to it.
    pub(super) fn is_under_way(&self, time: Timestamp, within: Option<Within>) -> bool {
        self.start.time() <= time && self.end(within).is_none_or(|end| time <= end)
    }

    /// Whether it ended at this place because WITHIN was over.
    pub(super) fn ends_by_within(&self, within: Option<Within>, at: Place) -> bool {
        let has_certain_end = self.clue.as_ref().is_some_and(|clue| clue.weight() == 0);
        match within {
            _ if has_certain_end => false,
            Some(Within::Time(_)) => self.end(within).is_some_and(|end| at.time() > end || at.time() == end && at.phase() == Phase::After),
            Some(Within::Events(_)) => at != Place::MAX,
            None => false,
        }
    }

    /// An event came when WITHIN was over.
    pub(super) fn see_too_late(
        &mut self,
        matcher: &Matcher,
        candidate: &Candidate<'_>,
        fits: &VariableSet,
        around: Surroundings<'_>,
        within: Option<Within>,
    ) {
        self.is_over = true;
        self.lingered += 1;
        let Some(variable) = self.fitting(matcher, candidate, fits, around) else { return };
        let event = candidate.event().clone();
        let (by, is_near, how_far) = match within {
            Some(Within::Time(duration)) => {
                let by = candidate.time().since(self.start.time().saturating_add(duration));
                (TooLateBy::Time(by), by <= duration, by.0 as f64)
            }
            Some(Within::Events(n)) => {
                let by = (candidate.index + 1).saturating_sub(self.index + n);
                (TooLateBy::Events(by), by <= n, by as f64)
            }
            None => return,
        };
        self.note(Some(Clue::at_wrong_time(Cause::TooLate { variable, event, by }, is_near, how_far)));
    }

    /// Whether what it waited for has come too late, or will not come soon any more.
    pub(super) fn has_seen_enough(&self, within: Option<Within>, now: Place) -> bool {
        let is_told = self.clue.as_ref().is_some_and(|clue| matches!(clue.cause, Cause::TooLate { .. }));
        is_told
            || match within {
                Some(Within::Time(duration)) => now.time() > self.start.time().saturating_add(Duration(duration.0.saturating_mul(5))),
                Some(Within::Events(n)) => self.lingered > n.saturating_mul(4),
                None => true,
            }
    }

    /// The awaited step that would take an event.
    fn fitting(&self, matcher: &Matcher, candidate: &Candidate<'_>, fits: &VariableSet, around: Surroundings<'_>) -> Option<VariableId> {
        let sight = Sight { matcher, thread: &self.thread, candidate, fits, around };
        let awaited = awaited_of(&self.thread).into_iter().filter(|step| is_step(matcher, step.variable));
        awaited.into_iter().find(|step| matches!(sight.verdict(step), Verdict::Fits)).map(|step| step.variable)
    }

    /// An event of another key came.
    pub(super) fn see_other_key(
        &mut self,
        matcher: &Matcher,
        candidate: &Candidate<'_>,
        fits: &VariableSet,
        around: Surroundings<'_>,
        key: &Arc<[Value<'static>]>,
    ) {
        if self.clue.as_ref().is_some_and(|clue| clue.weight() <= 45) {
            return;
        }
        if let Some(variable) = self.fitting(matcher, candidate, fits, around) {
            let cause = Cause::OtherKey { variable, event: candidate.event().clone(), key: key.clone() };
            self.note(Some(Clue::other_key(cause)));
        }
    }

    /// An event that belongs here was late.
    pub(super) fn see_late(
        &mut self,
        matcher: &Matcher,
        candidate: &Candidate<'_>,
        fits: &VariableSet,
        around: Surroundings<'_>,
        (time, by): (Timestamp, Duration),
    ) {
        if let Some(variable) = self.fitting(matcher, candidate, fits, around) {
            self.note(Some(Clue::late(Cause::Late { variable, event: candidate.event().clone(), time, by })));
        }
    }

    /// Looks among the last events that fitted a step by themselves for one that came too early.
    pub(super) fn look_back(&mut self, matcher: &Matcher, recent: &[Vec<Arc<Event>>], around: Surroundings<'_>, within: Option<Within>) {
        let has_taken = |step: &Awaited| self.thread.history.iter_back().any(|link| link.taking.variable == step.variable);
        let awaited: Vec<Awaited> = awaited_of(&self.thread).into_iter().filter(|step| !has_taken(step)).collect();
        for step in awaited {
            let events = recent.get(step.variable.0 as usize).map_or(&[][..], Vec::as_slice);
            for event in events.iter().rev() {
                if event.place >= self.thread.end || self.thread.history.contains(event.index) {
                    continue;
                }
                let candidate = Candidate::of_event(event.clone());
                let fits: VariableSet = std::iter::once(step.variable).collect();
                let sight = Sight { matcher, thread: &self.thread, candidate: &candidate, fits: &fits, around };
                if !matches!(sight.verdict(&step), Verdict::Fits) {
                    continue;
                }
                let before = self.thread.end.time().since(event.time());
                let is_near = match within {
                    Some(Within::Time(duration)) => before <= duration,
                    Some(Within::Events(_)) => true,
                    None => false,
                };
                let cause = Cause::TooEarly { variable: step.variable, event: event.clone() };
                self.note(Some(Clue::at_wrong_time(cause, is_near, before.0 as f64)));
                break;
            }
        }
    }

    /// What is told of it: `last` is the time of the last event that there was, `end` where it ended.
    pub(super) fn into_story(self, key: Arc<[Value<'static>]>, within: Option<Within>, last: Timestamp, end: Place) -> Story {
        let variable = self.awaited.first().copied();
        // Where the input ends before WITHIN does, it is the input that ended.
        let is_over = self.end(within).map_or(self.is_over, |end| end < last);
        let nothing = match end {
            _ if is_over => Cause::Expired { variable },
            Place::MAX => Cause::InputEnded { variable },
            end if self.ends_by_within(within, end) => Cause::InputEnded { variable },
            _ => Cause::NotFollowed,
        };
        let clue = self.clue.unwrap_or_else(|| Clue::nothing(nothing));
        let (taken, left_out) = shown(&self.thread);
        Story { key, start: self.start, depth: self.depth, taken, left_out, awaited: self.awaited, clue, others: 0 }
    }

    /// What is told of it where the reason is known.
    pub(super) fn into_story_of(mut self, key: Arc<[Value<'static>]>, cause: Cause) -> Story {
        self.clue = Some(Clue::certain(cause));
        self.awaited.clear();
        self.depth.waits_for_next = true;
        self.into_story(key, None, Timestamp::MAX, Place::MAX)
    }
}

/// The events of a thread, the first first; of many the first and the last.
fn shown(thread: &Thread) -> (Vec<(VariableId, Arc<Event>)>, usize) {
    let mut taken: Vec<(VariableId, Arc<Event>)> =
        thread.history.iter_back().map(|link| (link.taking.variable, link.taking.event.clone())).collect();
    taken.reverse();
    let left_out = taken.len().saturating_sub(SHOWN);
    if left_out > 0 {
        taken.drain(SHOWN / 2..SHOWN / 2 + left_out);
    }
    (taken, left_out)
}

fn nothing(start: Place) -> Thread {
    let state = Arc::new(State { ways: Vec::new() });
    Thread { state, history: Default::default(), registers: Arc::new([]), undecided: Arc::new([]), end: start }
}
