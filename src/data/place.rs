//! Where a row stands in the one total order that all operators see.
//!
//! A place is (time, phase, position, rank). Source events get increasing positions when the reorder buffer releases them, so places of
//! source events order by (event time, tie-breaker, arrival). A row that an operator derives takes the place of the event that ends it, with
//! the operator's own rank behind it: it stands right after its cause and before later events of the same time. What happens when time
//! passes a bound (a window closes, an absence is certain) stands before or after the events of that very time: its phase says which.
//!
//! An operator may derive several rows at one place: groups of a window that closes, matches that one event ends. Operators put them out
//! under the same place; where rows are merged for the next one, each gets a place of its own ([`Place::next_to`]), in their order.

use super::Timestamp;

/// Whether something happens before, with, or after the events of its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Before the events of that time: a window `[start, end)` closes at `end`.
    Before = 0,
    /// An event of that time.
    Event = 1,
    /// After the events of that time: a bound that includes its end is over.
    After = 2,
}

/// A point of the total order. `Ord` is that order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    time: i64,
    /// phase: 2 bits, position: 42 bits, rank: 20 bits.
    sequence: u64,
    /// Tells rows apart that were derived at one place.
    nth: u32,
}

const RANK_BITS: u32 = 20;
const POSITION_BITS: u32 = 42;

impl Place {
    /// Before everything.
    pub const MIN: Place = Place { time: i64::MIN, sequence: 0, nth: 0 };
    /// After everything: the end of input.
    pub const MAX: Place = Place { time: i64::MAX, sequence: u64::MAX, nth: u32::MAX };
    /// The largest position of a source event (about 4·10¹²); the runtime stops there with an error rather than wrap.
    pub const POSITION_MAX: u64 = (1 << POSITION_BITS) - 1;

    /// Behind every operator's.
    pub const LAST_RANK: u32 = (1 << RANK_BITS) - 1;

    /// The place of a source event: `position` counts released events from 1.
    pub fn event(time: Timestamp, position: u64) -> Self {
        assert!(position <= Self::POSITION_MAX, "event positions fit {POSITION_BITS} bits");
        Self { time: time.0, sequence: (Phase::Event as u64) << 62 | position << RANK_BITS, nth: 0 }
    }

    /// The place of a bound in time, before or after the events of that time.
    pub fn bound(time: Timestamp, phase: Phase) -> Self {
        let position = if phase == Phase::Event { 0 } else { Self::POSITION_MAX };
        Self { time: time.0, sequence: (phase as u64) << 62 | position << RANK_BITS, nth: 0 }
    }

    /// Behind all that can stand at this time, also behind what operators derive when it is over: a bound that includes its end is over here.
    pub fn behind(time: Timestamp) -> Self {
        Self::bound(time, Phase::After).end_of_event()
    }

    /// The first place at which an event of this time can stand.
    pub fn start_of(time: Timestamp) -> Self {
        Self::bound(time, Phase::Event)
    }

    /// The place of what the operator of this rank (its number in topological order, from 1) derives at this place.
    #[must_use]
    pub fn derived_by(self, rank: u32) -> Self {
        debug_assert!(rank < 1 << RANK_BITS, "operator ranks fit {RANK_BITS} bits");
        let mask = (1u64 << RANK_BITS) - 1;
        Self { time: self.time, sequence: self.sequence & !mask | u64::from(rank), nth: 0 }
    }

    /// The place right behind this one, for another row that was derived where this one was. (Behind the 2^32nd there is no other.)
    #[must_use]
    pub fn next_to(self) -> Self {
        Self { nth: self.nth.saturating_add(1), ..self }
    }

    /// Whether both rows were derived at one place.
    pub fn is_beside(self, other: Self) -> bool {
        (self.time, self.sequence) == (other.time, other.sequence)
    }

    /// The last place at which something can stand that an operator derives at this place.
    #[must_use]
    pub fn end_of_event(self) -> Self {
        Self { nth: u32::MAX, ..self.derived_by((1 << RANK_BITS) - 1) }
    }

    /// The event time of the place.
    pub fn time(self) -> Timestamp {
        Timestamp(self.time)
    }

    /// The phase of the place.
    pub fn phase(self) -> Phase {
        match self.sequence >> 62 {
            0 => Phase::Before,
            1 => Phase::Event,
            _ => Phase::After,
        }
    }

    /// Whether the row at this place is a source event (and not derived from one).
    pub fn is_source(self) -> bool {
        self.phase() == Phase::Event && self.sequence & ((1 << RANK_BITS) - 1) == 0
    }

    /// The position of a source event; of a derived row that of its cause.
    pub fn position(self) -> u64 {
        self.sequence >> RANK_BITS & Self::POSITION_MAX
    }

    /// The rank of the operator that derived the row at this place; 0 for a source event.
    pub fn rank(self) -> u32 {
        u32::try_from(self.sequence & u64::from(Self::LAST_RANK)).expect("ranks have 20 bits")
    }

    /// Its parts, for snapshots.
    pub fn to_parts(self) -> (i64, u64, u32) {
        (self.time, self.sequence, self.nth)
    }

    /// The place of these parts.
    pub fn from_parts(time: i64, sequence: u64, nth: u32) -> Self {
        Self { time, sequence, nth }
    }
}
