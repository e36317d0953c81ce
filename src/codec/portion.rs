//! Events that were decoded apart from those before them, by one decoder of several, and how they join what has been decoded so far.
//!
//! Arrival numbers, texts and counts of a portion begin at nothing. Joined in the order of their lines, portions give what a single decoder
//! would have given, whoever decoded which.

use super::{BadEvent, Decoded};
use crate::data::{Arrivals, CodeMap};

/// What was decoded of one chunk of lines.
#[derive(Debug)]
pub struct Portion {
    /// The rows of each source stream; their numbers count from zero.
    sources: Vec<Arrivals>,
    bad: Vec<BadEvent>,
    unrouted: u64,
    events: u64,
    /// How many numbers were given.
    numbers: u64,
    eval_nulls: u64,
    /// The first two values of the watched field.
    pub(super) types_seen: (Option<String>, Option<String>),
}

impl Portion {
    /// A line that is no good, alone.
    pub fn of_bad(bad: BadEvent) -> Self {
        let bad = vec![bad];
        Self { sources: Vec::new(), bad, unrouted: 0, events: 1, numbers: 0, eval_nulls: 0, types_seen: (None, None) }
    }

    /// Whether a line is no good.
    pub fn has_bad(&self) -> bool {
        !self.bad.is_empty()
    }
}

/// What is known of the texts of one decoder, as whoever joins its portions keeps them: one a column, by streams.
#[derive(Debug, Default)]
pub struct KnownTexts(Vec<Vec<CodeMap>>);

impl Decoded {
    /// Everything that has been decoded, apart; nothing is left, and counting begins anew.
    pub(super) fn take_portion(&mut self, types_seen: (Option<String>, Option<String>)) -> Portion {
        let sources = self.take_rows();
        let take = |count: &mut u64| std::mem::take(count);
        Portion {
            sources,
            bad: std::mem::take(&mut self.bad),
            unrouted: take(&mut self.unrouted),
            events: take(&mut self.events),
            numbers: take(&mut self.next_number),
            eval_nulls: take(&mut self.eval_nulls),
            types_seen,
        }
    }

    /// Takes up a portion behind all that has been decoded, of which no rows are left; gives its rows. `known` is of the portion's decoder.
    pub fn join(&mut self, portion: Portion, known: &mut KnownTexts) -> Vec<Arrivals> {
        let first = self.next_number;
        self.next_number += portion.numbers;
        self.events += portion.events;
        self.unrouted += portion.unrouted;
        self.eval_nulls += portion.eval_nulls;
        self.bad.extend(portion.bad);
        known.0.resize_with(self.sources.len(), Vec::new);
        let mut joined = Vec::with_capacity(self.sources.len());
        for ((mut rows, own), maps) in portion.sources.into_iter().zip(&mut self.sources).zip(&mut known.0) {
            maps.resize_with(own.columns.len(), CodeMap::default);
            let columns = rows.columns.into_iter().zip(&mut own.columns).zip(maps);
            rows.columns = columns.map(|((column, builder), map)| builder.adopt(column, map)).collect();
            rows.numbers.iter_mut().for_each(|number| *number += first);
            joined.push(rows);
        }
        joined.resize_with(self.sources.len(), Arrivals::default);
        joined
    }
}
