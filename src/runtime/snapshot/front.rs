//! What stands in front of the operators, and what has left them: the unfinished line, the decoder's counters, bad events and rows that were
//! not taken yet.

use std::collections::BTreeMap;

use crate::codec::BadCause;
use crate::data::{StateError, StateReader, StateWriter, Timestamp};
use crate::plan::OperatorGraph;
use crate::runtime::departures::Departures;
use crate::runtime::lines::Lines;
use crate::runtime::running::Running;

impl Running {
    /// Writes it.
    pub(super) fn save_front(&self, to: &mut StateWriter) {
        to.put(&self.lines);
        // Of several parts one has what was counted.
        let counts = |count: u64| if to.range().has_unkeyed() { count } else { 0 };
        let (rows_out, forced) = (counts(self.rows_out), counts(self.forced));
        let taken: Vec<u64> = self.taken.iter().map(|&taken| counts(taken)).collect();
        let intake = &self.intake;
        let (events, unrouted) = (counts(intake.decoded.events), counts(intake.decoded.unrouted));
        let bad_counts: BTreeMap<BadCause, u64> = intake.bad_counts.iter().map(|(&cause, &count)| (cause, counts(count))).collect();
        let (bad_not_kept, values_pushed) = (counts(intake.bad_not_kept), counts(intake.values_pushed));
        let nulls = counts(intake.decoded.eval_nulls);
        to.put(&(rows_out, forced, self.is_finished));
        to.put(&taken);
        to.put(&self.pipeline.shown());
        to.put(&(events, unrouted, intake.decoded.next_number));
        to.put(&intake.decoder.types_seen());
        intake.csv.save(to);
        to.put(&intake.bad);
        to.put(&bad_counts);
        to.put(&(bad_not_kept, values_pushed));
        to.put(&nulls);
        to.number(self.departures.len() as u64);
        self.departures.iter().for_each(|gone| gone.save(to));
    }

    /// Takes it in. `outputs` are the numbers that outputs have now, where they are still there.
    pub(super) fn load_front(
        &mut self,
        from: &mut StateReader<'_>,
        graph: &OperatorGraph,
        outputs: &[Option<usize>],
    ) -> Result<(), StateError> {
        let lines: Lines = from.take()?;
        self.lines = lines.keeping(self.options.max_line)?;
        (self.rows_out, self.forced, self.is_finished) = from.take()?;
        let taken: Vec<u64> = from.take()?;
        for (count, output) in taken.into_iter().zip(outputs) {
            output.iter().for_each(|&output| self.taken[output] = count);
        }
        self.pipeline.set_shown(from.take()?);
        let intake = &mut self.intake;
        (intake.decoded.events, intake.decoded.unrouted, intake.decoded.next_number) = from.take()?;
        let (first, second) = from.take()?;
        intake.decoder.set_types_seen(first, second);
        intake.csv.load(from, intake.decoder.specs(), Timestamp::MIN, &mut intake.decoded)?;
        intake.bad = from.take()?;
        intake.bad_counts = from.take()?;
        (intake.bad_not_kept, intake.values_pushed) = from.take()?;
        intake.decoded.eval_nulls = from.take()?;
        let output = |number: usize| {
            let now = outputs.get(number).copied().flatten()?;
            Some((now, graph.schema(graph.outputs()[now].edge).clone()))
        };
        for _ in 0..from.length()? {
            let gone = Departures::load(from, output)?;
            if !gone.is_empty() {
                self.departures.push_back(gone);
            }
        }
        Ok(())
    }
}
