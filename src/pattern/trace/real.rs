//! The pattern as it is, beside its starts alone: which matches came out, and what they took from others.

use std::collections::BTreeMap;

use super::watched::Watched;
use super::{Cause, Emission, MATCHES_KEPT, Part, Real, Side, Tracer, look};
use crate::data::Place;
use crate::expr::{Expr, ExprKind};
use crate::pattern::event::{Candidate, RowOf};
use crate::pattern::rows::{Reach, RowPartition, RowTools};
use crate::pattern::runs::{Alarm, Emitted};
use crate::pattern::thread::Match;
use crate::pattern::variables::VariableSet;
use crate::spec::{AfterMatch, Runs};

/// Places of a match that are remembered.
const PLACES_KEPT: usize = 256;

impl Tracer {
    /// The next event of a partition. Gives the run that is under way, where RUNS lets no other begin.
    pub(super) fn run_real(&mut self, id: u32, rows: &[RowOf<'_>], fits: &VariableSet, place: Place) -> Option<Place> {
        let part = &mut self.parts[id as usize];
        let mut alarms = Vec::new();
        let mut no_room = None;
        let found = match &mut part.real {
            Real::Runs(runs) => {
                if let Runs::Count(n) = self.spec.runs {
                    let open: Vec<Place> = runs.live().map(|(start, ..)| start).collect();
                    no_room = open.first().copied().filter(|_| open.len() as u64 >= n);
                }
                let candidate = Candidate::of_rows(place, runs.next_index(), rows);
                matches_of(self.real.on_runs(&mut alarms, |tools| runs.event(&candidate, fits, tools)))
            }
            Real::Rows(partition) => {
                let candidate = Candidate::of_rows(place, partition.next_number(), rows);
                let row = candidate.event().clone();
                on_rows(&mut self.real, self.reach, partition, &mut alarms, |partition, tools| partition.row(row, fits.clone(), tools))
            }
        };
        part.real_alarms.extend(alarms);
        self.emitted(id, found);
        no_room
    }

    /// A time is over that the pattern asked for.
    pub(super) fn real_time_over(&mut self, id: u32, alarm: Alarm) {
        let part = &mut self.parts[id as usize];
        let mut alarms = Vec::new();
        let found = match &mut part.real {
            Real::Runs(runs) => {
                let found = matches_of(self.real.on_runs(&mut alarms, |tools| runs.time_over(alarm, tools)));
                runs.forget(alarm.0, &self.real.matcher);
                found
            }
            Real::Rows(partition) if partition.undecided_start() == Some(alarm.1) => {
                on_rows(&mut self.real, self.reach, partition, &mut alarms, |partition, tools| partition.time_over(alarm.0, tools))
            }
            Real::Rows(_) => Vec::new(),
        };
        alarms.retain(|new| *new != alarm);
        part.real_alarms.extend(alarms);
        self.emitted(id, found);
    }

    /// The end of input.
    pub(super) fn end_real(&mut self, id: u32) {
        let Part { real, .. } = &mut self.parts[id as usize];
        let mut alarms = Vec::new();
        let found = match real {
            Real::Runs(runs) => matches_of(self.real.on_runs(&mut alarms, |tools| runs.end(tools))),
            Real::Rows(partition) => on_rows(&mut self.real, self.reach, partition, &mut alarms, |partition, tools| partition.end(tools)),
        };
        self.emitted(id, found);
    }

    fn emitted(&mut self, partition: u32, found: Vec<(Place, Match)>) {
        for (start, found) in found {
            self.matches += 1;
            if self.emissions.len() < MATCHES_KEPT {
                let events = found.history.iter_back().take(PLACES_KEPT).map(|link| link.taking.event.place).collect();
                self.emissions.push(Emission { partition, start, end: found.end, events });
            }
        }
    }

    /// Tells the starts that would have matched and did not.
    pub(super) fn tell_taken_away(&mut self) {
        let are_all_known = self.matches as usize == self.emissions.len();
        let by_start: BTreeMap<(u32, Place), usize> =
            self.emissions.iter().enumerate().map(|(at, emission)| ((emission.partition, emission.start), at)).collect();
        for (watched, found) in std::mem::take(&mut self.candidates) {
            let id = watched.partition;
            if by_start.contains_key(&(id, watched.start)) || !are_all_known {
                continue;
            }
            let key = self.parts[id as usize].key.clone();
            if !self.is_asked(&watched, &key, found.end) {
                continue;
            }
            let cause = self.why_taken_away(&watched, &found, &by_start);
            self.stories.add(watched.into_story_of(key, cause));
        }
    }

    fn why_taken_away(&self, watched: &Watched, found: &Match, by_start: &BTreeMap<(u32, Place), usize>) -> Cause {
        if let Some(having) = &self.spec.having {
            let parts: Vec<Expr> = if matches!(having.kind(), ExprKind::And) { having.args().to_vec() } else { vec![having.clone()] };
            let terms: Vec<_> = self
                .real
                .outputs
                .ask(watched.start, found, |row, context| parts.iter().filter_map(|term| look::false_term(term, row, context)).collect());
            if !terms.is_empty() {
                return Cause::Having { terms };
            }
        }
        if watched.no_room.is_some() {
            return Cause::NoRoom { by: watched.no_room };
        }
        let id = watched.partition;
        let earlier = || by_start.range((id, Place::MIN)..(id, watched.start)).rev().take(64).map(|(_, at)| &self.emissions[*at]);
        let by = match &self.spec.after_match {
            AfterMatch::Consume => {
                let shares =
                    |emission: &&Emission| found.history.iter_back().any(|link| emission.events.contains(&link.taking.event.place));
                let all = by_start.range((id, Place::MIN)..=(id, Place::MAX)).take(4_096).map(|(_, at)| &self.emissions[*at]);
                all.into_iter().find(shares)
            }
            AfterMatch::Everything => None,
            _ => earlier().find(|emission| emission.end >= watched.start),
        };
        if by.is_none() && self.real.dropped > 0 {
            return Cause::Budget;
        }
        if by.is_none() && self.spec.limit_per_partition.is_some() {
            return Cause::TakenAway { by: earlier().next().cloned() };
        }
        Cause::TakenAway { by: by.cloned() }
    }
}

fn matches_of(out: Vec<Emitted>) -> Vec<(Place, Match)> {
    let found = out.into_iter().filter_map(|emitted| match emitted {
        Emitted::Match { start, found } => Some((start, found)),
        Emitted::Timeout { .. } => None,
    });
    found.collect()
}

fn on_rows(
    side: &mut Side,
    reach: Reach,
    partition: &mut RowPartition,
    alarms: &mut Vec<Alarm>,
    act: impl FnOnce(&mut RowPartition, &mut RowTools<'_>),
) -> Vec<(Place, Match)> {
    let mut out = Vec::new();
    let Side { matcher, outputs, bounds, dropped, skips_failed } = side;
    let mut tools = RowTools {
        matcher,
        reach,
        bounds: *bounds,
        dropped,
        skips_failed,
        on_decided: &mut |decided, kept, ended| {
            let is_known = outputs.of_start(decided, kept, ended).is_some();
            if let Some(found) = decided.found.as_ref().filter(|_| is_known) {
                out.push((decided.row.place, found.clone()));
            }
            is_known
        },
    };
    act(partition, &mut tools);
    alarms.extend(partition.deadline(matcher));
    out
}
