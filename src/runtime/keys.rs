//! The bounds of an operator that depend on its rows alone, kept to the row: the statement ends at the row whose key, run or match is one too
//! many, however its input was cut.
//!
//! A row brings one key at most. So an operator that is given no more rows than it has room for keys cannot pass its bound, and is asked
//! nothing; near the bound it is given so many rows as there is room, and then one event after the other. What comes out of an operator
//! does not depend on how it is given its rows. Other bounds unwind it where they are reached ([`Over`]); what it had put out before stays.

use std::any::Any;
use std::ops::Range;
use std::panic::resume_unwind;

use super::fault::guarded;
use super::frontier::Promises;
use super::merge::Flow;
use super::shards::Share;
use crate::data::{Entries, Entry, Inbox, Over, Place, Timestamp, WatermarkStep};
use crate::operators::{Operator, Outbox};

/// A row at which a bound was passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Passed {
    /// When it was certain.
    pub(super) moment: Place,
    /// Where it stands.
    pub(super) place: Place,
    /// How much there may be.
    limit: usize,
    /// Of what.
    what: &'static str,
}

/// Gives an operator its inbox, up to the row at which it passes a bound. `fits` goes with the entries, where it is known.
pub(super) fn advance(operator: &mut dyn Operator, inbox: &Inbox, fits: Option<&[u64]>, out: &mut Outbox) -> Option<Passed> {
    let limit = out.allowance().keys;
    let rows = if inbox.is_plain { inbox.inputs[0].len() } else { inbox.entries.len() };
    if limit == usize::MAX || operator.keys().saturating_add(rows) <= limit {
        return give(operator, inbox, fits, out);
    }
    let mut from = 0;
    while from < rows {
        let room = limit.saturating_sub(operator.keys());
        let Some((to, moment, place)) = piece_end(inbox, from, room) else { break };
        // Nothing stands between a row and the place next to it: no time passes there.
        let piece = part(inbox, from..to, place.next_to(), Place::MIN);
        let passed = give(operator, &piece, fits.map(|fits| &fits[from..to]), out);
        if passed.is_some() {
            return passed;
        }
        if operator.keys() > limit {
            operator.forget_idle(place.next_to());
            if operator.keys() > limit {
                return Some(Passed { moment, place, limit, what: "keys" });
            }
        }
        out.seal();
        from = to;
    }
    let rest = part(inbox, from..rows, inbox.watermark, inbox.floor);
    give(operator, &rest, fits.map(|fits| &fits[from..]), out)
}

/// Gives an operator these rows; what unwinds it, but for a bound that is reached at a row, goes on.
fn give(operator: &mut dyn Operator, inbox: &Inbox, fits: Option<&[u64]>, out: &mut Outbox) -> Option<Passed> {
    let payload = guarded(|| match fits {
        Some(fits) => operator.advance_given(inbox, fits, out),
        None => operator.advance(inbox, out),
    });
    let payload = payload.err()?;
    Some(Passed::of(&*payload, out).unwrap_or_else(|| resume_unwind(payload)))
}

/// Where a piece ends that has so many rows at most, or else the rows of one event; with moment and place of its last row. Nothing where
/// there are no rows any more.
fn piece_end(inbox: &Inbox, from: usize, room: usize) -> Option<(usize, Place, Place)> {
    if inbox.is_plain {
        let batch = &inbox.inputs[0];
        let to = batch.len().min(from.saturating_add(room.max(1)));
        return Some((to, batch.moments()[to - 1], batch.places()[to - 1]));
    }
    let mut found = None;
    let mut rows = 0;
    for (index, entry) in inbox.entries.iter().enumerate().skip(from) {
        let Entry::Row { place, moment, .. } = *entry else { continue };
        rows += 1;
        if rows > room && found.is_some() {
            break;
        }
        let goes_on = matches!(inbox.entries.get(index + 1), Some(Entry::Row { place: next, .. }) if *next == place);
        if !goes_on {
            found = Some((index + 1, moment, place));
        }
    }
    found
}

/// A part of an inbox, up to this watermark.
fn part(inbox: &Inbox, range: Range<usize>, watermark: Place, floor: Place) -> Inbox {
    if inbox.is_plain {
        let inputs = inbox.inputs.iter().map(|batch| batch.slice(range.clone())).collect();
        return Inbox { inputs, entries: Entries::default(), is_plain: true, watermark, floor };
    }
    Share::of_entries(inbox.entries[range].to_vec()).inbox(&inbox.inputs, false, watermark, floor)
}

impl Passed {
    /// Where an operator was when this unwound it, if that is a bound that is reached at a row: what was put out before is whole then.
    pub(super) fn of(payload: &(dyn Any + Send), out: &mut Outbox) -> Option<Self> {
        let over = payload.downcast_ref::<Over>().filter(|over| !over.is_of_run)?;
        let (place, moment) = out.cut_back()?;
        Some(Self { moment, place, limit: over.limit, what: over.what })
    }

    /// The first of both.
    pub(super) fn first(one: Option<Self>, other: Self) -> Option<Self> {
        Some(one.map_or(other, |one| one.min(other)))
    }

    /// What is promised before it.
    pub(super) fn promises(self, promises: &[WatermarkStep]) -> Promises {
        let before = promises.iter().filter(|step| step.moment < self.moment);
        before.map(|step| WatermarkStep { watermark: step.watermark.min(self.place), ..*step }).collect()
    }

    /// What was certain before it.
    pub(super) fn rows(self, flow: Flow) -> Flow {
        let before = flow.rows.moments().partition_point(|&moment| moment < self.moment);
        Flow { rows: flow.rows.slice(0..before), promises: flow.promises }
    }

    /// The bound.
    pub(super) fn over(self) -> Over {
        Over { what: self.what, limit: self.limit, is_of_run: false }
    }

    /// The time of the row.
    pub(super) fn time(self) -> Timestamp {
        self.place.time()
    }
}
