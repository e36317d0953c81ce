//! State cut by ranges of keys, and parts of it put together again.
//!
//! A part is cut where nothing waits: in front of operators a row belongs to no key yet. All parts of a snapshot have the same watermarks
//! and promises. What was counted so far is in the part that has what belongs to no key, so that the parts together count each event once.
//!
//! Parts that have gone on by themselves are put together at one watermark. Each has numbered its events itself: the largest position goes
//! on. What the edges of the graph promise then is the least of what they had promised, at the latest of the moments.

use super::{Parts, SnapshotError, opened};
use crate::data::{Place, StateError, StateReader};
use crate::runtime::Ended;
use crate::runtime::lines::Lines;
use crate::runtime::running::Running;
use crate::runtime::snapshot::Passport;

impl Running {
    /// Why the state cannot be cut now, if it cannot.
    pub(super) fn waits(&self) -> Option<String> {
        let events: u64 = self.intake.reorder.stats().iter().map(|stream| stream.held).sum();
        let rows = self.pipeline.waiting();
        let things = [
            (events, "events wait for the watermark"),
            (rows as u64, "rows wait in front of operators"),
            (self.departures.len() as u64, "batches of rows have not been taken"),
            (self.intake.bad.len() as u64, "bad events have not been taken"),
            (
                u64::from(!self.lines.is_between()) + u64::from(self.intake.csv.has_begun()),
                "inputs are in the middle of a line, or of a table",
            ),
            (u64::from(self.is_finished), "input has ended"),
        ];
        things.iter().find(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"))
    }
}

/// Takes in a part beside what is there.
pub(super) fn add(running: &mut Running, passport: &Passport, bytes: &[u8]) -> Result<(), SnapshotError> {
    let mut body = StateReader::new(opened(bytes)?);
    let _: super::Origin = body.take()?;
    let saved: Passport = body.take()?;
    if saved != *passport {
        return Err(SnapshotError::Differs(vec!["the parts are of different programs".to_owned()]));
    }
    let _: std::collections::BTreeMap<String, [u8; 32]> = body.take()?;
    let ranks = super::ranks_now(running, &body.take::<Vec<u32>>()?, &(0..passport.nodes()).map(Some).collect::<Vec<_>>())?;
    let mut parts = Parts { body, ranks };
    parts.read(|from| running.add_front(from))?;
    // Parts of a state in which a statement has ended in some and not in others are not put together: see `Pipeline::add_stage`.
    parts.read(|from| from.take::<Vec<Ended>>().map(drop))?;
    parts.read(|from| running.intake.reorder.add(from))?;
    for source in 0..passport.sources() {
        parts.read(|from| running.intake.reorder.add_stream(source, from))?;
    }
    for node in 0..passport.nodes() {
        parts.read(|from| running.pipeline.add_stage(node, from))?;
    }
    Ok(parts.body.end()?)
}

impl Running {
    /// In the order of `save_front`.
    fn add_front(&mut self, from: &mut StateReader<'_>) -> Result<(), StateError> {
        let lines: Lines = from.take()?;
        let (rows_out, forced, is_finished): (u64, u64, bool) = from.take()?;
        let taken: Vec<u64> = from.take()?;
        let shown: Place = from.take()?;
        let intake = &mut self.intake;
        let (events, unrouted, next_number): (u64, u64, u64) = from.take()?;
        let _: (Option<String>, Option<String>) = from.take()?;
        let mut csv = crate::codec::CsvDecoder::new(crate::runtime::assemble::line_limits(&self.options));
        csv.load(from, intake.decoder.specs(), crate::data::Timestamp::MIN, &mut intake.decoded)?;
        let bad: Vec<crate::codec::BadEvent> = from.take()?;
        let bad_counts: std::collections::BTreeMap<crate::codec::BadCause, u64> = from.take()?;
        let (bad_not_kept, values_pushed): (u64, u64) = from.take()?;
        let nulls: u64 = from.take()?;
        let departures = from.number()?;
        if !lines.is_between() || csv.has_begun() || is_finished || !bad.is_empty() || departures > 0 || taken.len() != self.taken.len() {
            return Err(StateError::new("a part in which something waits cannot be put beside others"));
        }
        self.rows_out += rows_out;
        self.forced += forced;
        self.taken.iter_mut().zip(taken).for_each(|(all, more)| *all += more);
        self.pipeline.set_shown(self.pipeline.shown().min(shown));
        intake.decoded.events += events;
        intake.decoded.unrouted += unrouted;
        intake.decoded.next_number = intake.decoded.next_number.max(next_number);
        for (cause, count) in bad_counts {
            *intake.bad_counts.entry(cause).or_default() += count;
        }
        intake.bad_not_kept += bad_not_kept;
        intake.values_pushed += values_pushed;
        intake.decoded.eval_nulls += nulls;
        Ok(())
    }
}
