//! Events that are no part of a run and still tell why it came to nothing: those of other keys, and late ones; and what each step has seen by
//! itself.

use std::sync::Arc;

use super::alone::Alone;
use super::look::{Depth, Sight};
use super::{AHEAD, Numbered, Tracer, watched};
use crate::data::{EventBatch, Place};
use crate::pattern::event::{Candidate, RowOf};
use crate::pattern::state::State;
use crate::pattern::variables::VariableSet;
use crate::spec::{VariableId, VariableKind};

impl Tracer {
    /// Counts what each variable has seen by itself.
    pub(super) fn see(&mut self, rows: &[RowOf<'_>], fits: &VariableSet, place: Place) {
        let candidate = Candidate::of_rows(place, 0, rows);
        let alone = Alone::new(self.alone.matcher.spec());
        let thread = self.alone.matcher.thread(Arc::new(State { ways: Vec::new() }), place);
        for at in 0..self.spec.variables.len() {
            let id = VariableId(u32::try_from(at).expect("a pattern has fewer than 2^32 variables"));
            if !rows.iter().any(|row| row.input == self.spec.variables[at].input) {
                continue;
            }
            self.steps[at].rows += 1;
            if fits.contains(id) {
                self.steps[at].fitting += 1;
                self.steps[at].closest = None;
            } else if self.steps[at].fitting == 0 {
                let sight =
                    Sight { matcher: &self.alone.matcher, thread: &thread, candidate: &candidate, fits, around: alone.around(None) };
                let unary = sight.unary_misses(id);
                let seen = &mut self.steps[at];
                if seen.closest.as_ref().is_none_or(|(_, known)| watched::is_closer(&unary, known)) {
                    seen.closest = Some((candidate.event().clone(), unary));
                }
            }
        }
    }

    /// Notes how far the runs of a partition have come: the furthest are shown the events of other keys.
    pub(super) fn note_ahead(&mut self, news: Vec<(u32, Place, Depth)>) {
        for (id, start, depth) in news {
            if let Some(known) = self.ahead.iter_mut().find(|(part, of, _)| (*part, *of) == (id, start)) {
                known.2 = depth;
            } else if self.ahead.len() < AHEAD {
                self.ahead.push((id, start, depth));
            } else if let Some(least) = self.ahead.iter_mut().min_by_key(|(.., depth)| *depth).filter(|least| least.2 < depth) {
                *least = (id, start, depth);
            }
        }
    }

    /// Shows an event to the runs of other keys that got furthest.
    pub(super) fn show_to_others(&mut self, key: Numbered, rows: &[RowOf<'_>], fits: &VariableSet, place: Place) {
        if self.keys.is_one() {
            return;
        }
        let candidate = Candidate::of_rows(place, u64::MAX / 2, rows);
        let values = self.keys.values_of(&rows[0]);
        for (id, start, _) in self.ahead.clone() {
            if key == Numbered::Key(id) {
                continue;
            }
            let within = self.spec.within;
            let part = &mut self.parts[id as usize];
            let Some(at) = part.watched.iter().position(|watched| watched.start == start) else { continue };
            if !part.watched[at].is_under_way(place.time(), within) {
                continue;
            }
            let around = part.alone.around(Some(start));
            part.watched[at].see_other_key(&self.alone.matcher, &candidate, fits, around, &values);
        }
    }

    /// Shows late rows to the runs that they would have belonged to.
    pub(super) fn look_at_late(&mut self) {
        for late in std::mem::take(&mut self.late) {
            let row = RowOf { input: late.input, batch: &late.batch, row: 0 };
            let known = late.batch.places()[0];
            let place = Place::event(late.time, known.position());
            let by = known.time().since(late.time);
            let mut inputs: Vec<EventBatch> = self.spec.inputs.iter().map(|schema| EventBatch::empty(schema.clone())).collect();
            inputs[late.input] = late.batch.clone();
            let masks = self.alone.matcher.terms.masks(&inputs);
            let numbered = (0..).map(VariableId).zip(&self.spec.variables).zip(&masks);
            let of_input = numbered.filter(|((_, variable), mask)| variable.input == late.input && mask[0]);
            let fits: VariableSet = of_input.map(|((id, _), _)| id).collect();
            let rows = [row];
            let candidate = Candidate::of_rows(place, u64::MAX / 2, &rows);
            for (at, seen) in self.steps.iter_mut().enumerate() {
                let is_fit = fits.contains(VariableId(u32::try_from(at).expect("a pattern has fewer than 2^32 variables")));
                if is_fit && seen.late.is_none() && self.spec.variables[at].kind == VariableKind::Step {
                    seen.late = Some((candidate.event().clone(), late.time, by));
                }
            }
            let Some(id) = self.keys.known(&row).filter(|id| (*id as usize) < self.parts.len()) else { continue };
            let within = self.spec.within;
            let part = &mut self.parts[id as usize];
            for watched in part.watched.iter_mut().chain(&mut part.lingering) {
                if watched.start.time() <= late.time && watched.is_under_way(late.time, within) {
                    watched.see_late(&self.alone.matcher, &candidate, &fits, part.alone.around(Some(watched.start)), (late.time, by));
                }
            }
        }
    }
}
