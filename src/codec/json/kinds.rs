//! Which streams an event of a stretch is of, and what it needs to be plainly theirs: one kind for all events of the same streams.

use super::block::Block;
use super::decode::TypeRoutes;
use super::scan::Reading;
use super::typed::{Layout, Time};
use crate::codec::{Route, SourceSpec};
use crate::data::{Duration, Interner, TextWord, Timestamp};

/// Values of a line that are needed at most; each has a bit.
const MAX_SLOTS: usize = 64;
/// Stands for a kind that is never plain.
const NEVER: u32 = u32::MAX;

/// The kinds of events that the streams tell apart.
#[derive(Debug)]
pub(super) struct Kinds {
    /// The first is that of events that are of no stream but those of every event.
    kinds: Vec<Kind>,
    route: Option<TextRoute>,
}

/// Events of the same streams.
#[derive(Debug)]
pub(super) struct Kind {
    pub(super) streams: Vec<usize>,
    /// The slots that have to be there, and those that are NULL where they are not.
    needs: u64,
    wants: u64,
    times: Vec<Time>,
    /// Event times that may be only so far ahead of the clock.
    ahead: Vec<(Time, Duration)>,
}

/// The field that tells streams apart.
#[derive(Debug)]
struct TextRoute {
    slot: usize,
    codes: Interner,
    /// The kind of each code.
    kinds: Vec<u32>,
}

impl Kinds {
    /// None where an event has to be looked at to know whether it is of a stream, or where the values of a stream are never plain.
    pub(super) fn new(specs: &[SourceSpec], layouts: &[Layout], routes: &[TypeRoutes], readings: &[Reading]) -> Option<Self> {
        let has_conditions = specs.iter().any(|spec| matches!(spec.route, Route::When(_)));
        if readings.is_empty() || readings.len() > MAX_SLOTS || has_conditions || routes.len() > 1 {
            return None;
        }
        let takers = (0..specs.len()).filter(|&source| matches!(specs[source].route, Route::All)).collect();
        let kinds = vec![Kind::of(takers, specs, layouts)?];
        let Some(route) = routes.first() else { return Some(Self { kinds, route: None }) };
        let is_text = readings[route.slot] == Reading::Text;
        is_text.then(|| Self { kinds, route: Some(TextRoute { slot: route.slot, codes: Interner::new(), kinds: Vec::new() }) })
    }

    /// Whether all events are of one kind.
    pub(super) fn is_one(&self) -> bool {
        self.route.is_none()
    }

    pub(super) fn get(&self, number: u32) -> Option<&Kind> {
        self.kinds.get(number as usize)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.kinds.len()
    }

    /// Whether every kind takes all of these rows, which have these slots.
    pub(super) fn take_all(&self, block: &Block, rows: usize, slots: u64) -> bool {
        self.kinds.iter().all(|kind| kind.takes_all(slots) && kind.times.iter().all(|time| time.fits_all(block, rows)))
    }

    /// Of each kind whether its events are of this stream, and whether they are of any.
    pub(super) fn taken_by(&self, source: usize, taken: &mut Vec<(bool, bool)>) {
        taken.clear();
        taken.extend(self.kinds.iter().map(|kind| (kind.streams.contains(&source), !kind.streams.is_empty())));
    }

    /// The kinds of rows of these slots, up to one whose kind is none; gives how many.
    #[allow(clippy::too_many_arguments, reason = "what the streams are, and where the rows stand")]
    pub(super) fn of_rows(
        &mut self,
        specs: &[SourceSpec],
        layouts: &[Layout],
        routes: &[TypeRoutes],
        (block, rows): (&Block, usize),
        slots: u64,
        text: &str,
        out: &mut Vec<u32>,
    ) -> usize {
        out.clear();
        match &mut self.route {
            Some(route) if slots >> route.slot & 1 == 1 && !block.has_nulls(route.slot) => {
                let TextRoute { codes, kinds, .. } = route;
                let words = block.column(route.slot)[..rows].iter().map(|&bits| TextWord::from_bits(bits));
                let known = |word| codes.known(word, text).and_then(|code| kinds.get(code as usize));
                out.extend(words.map(|word| known(word).copied().unwrap_or(NEVER)));
                codes.count_asked(rows);
            }
            _ => out.resize(rows, NEVER),
        }
        // Those that are new, or are not found at once.
        let mut row = 0;
        while let Some(next) = out[row..].iter().position(|&kind| kind == NEVER) {
            row += next;
            match self.kind_of(specs, layouts, routes, (block, row), slots, text) {
                NEVER => {
                    out.truncate(row);
                    break;
                }
                kind => out[row] = kind,
            }
        }
        out.len()
    }

    /// The number of the kind of an event that has these slots.
    #[inline]
    pub(super) fn kind_of(
        &mut self,
        specs: &[SourceSpec],
        layouts: &[Layout],
        routes: &[TypeRoutes],
        (block, row): (&Block, usize),
        slots: u64,
        text: &str,
    ) -> u32 {
        let Some(route) = &mut self.route else { return 0 };
        if slots >> route.slot & 1 == 0 {
            return 0;
        }
        let word = TextWord::from_bits(block.get(route.slot, row));
        if block.is_null(route.slot, row) || word.with_escapes().is_some() {
            return NEVER;
        }
        let code = route.codes.intern_word(word, text);
        match code.and_then(|code| route.kinds.get(code as usize)) {
            Some(&kind) => kind,
            None => word.with(text, |of_route| self.find(code, specs, layouts, routes, of_route)),
        }
    }

    /// The kind of a text that has been seen for the first time, or that has no code.
    #[cold]
    fn find(&mut self, code: Option<u32>, specs: &[SourceSpec], layouts: &[Layout], routes: &[TypeRoutes], text: &str) -> u32 {
        let mut streams = self.kinds[0].streams.clone();
        streams.extend(routes.iter().filter_map(|route| route.streams.get(text)).flatten());
        streams.sort_unstable();
        let number = self.kinds.iter().position(|kind| kind.streams == streams).or_else(|| {
            self.kinds.push(Kind::of(streams, specs, layouts)?);
            Some(self.kinds.len() - 1)
        });
        let number = number.and_then(|number| u32::try_from(number).ok()).unwrap_or(NEVER);
        // Codes are given one after the other, and every one of them comes here first.
        if let (Some(route), Some(_)) = (&mut self.route, code) {
            route.kinds.push(number);
        }
        number
    }
}

impl Kind {
    fn of(streams: Vec<usize>, specs: &[SourceSpec], layouts: &[Layout]) -> Option<Self> {
        let mut kind = Self { streams, needs: 0, wants: 0, times: Vec::new(), ahead: Vec::new() };
        for &source in &kind.streams {
            let (needs, wants, times) = layouts[source].plain_needs()?;
            kind.needs |= needs;
            kind.wants |= wants;
            kind.times.extend_from_slice(times);
            match (layouts[source].plain_event_time(), specs[source].ahead) {
                (Some(time), Some(limit)) => kind.ahead.push((time, limit)),
                (None, _) if specs[source].time.is_some() => return None,
                _ => {}
            }
        }
        Some(kind)
    }

    /// Whether a row of these slots is plainly of this kind; what is not there is NULL then.
    #[inline]
    pub(super) fn takes(&self, block: &mut Block, row: usize, slots: u64, clock: Timestamp) -> bool {
        let mut missing = self.wants & !slots;
        while missing != 0 {
            if self.needs & !slots != 0 || block.put_null(missing.trailing_zeros() as u8, row).is_none() {
                return false;
            }
            missing &= missing - 1;
        }
        let word = |time: &Time| block.get(time.slot, row).cast_signed();
        self.times.iter().all(|time| word(time).unsigned_abs() <= time.limit)
            && self.ahead.iter().all(|(time, limit)| word(time).wrapping_mul(time.unit) <= clock.saturating_add(*limit).0)
    }

    /// Whether it takes all rows of these slots whose times are within their limits.
    pub(super) fn takes_all(&self, slots: u64) -> bool {
        self.wants & !slots == 0 && self.ahead.is_empty()
    }

    /// The largest integer that a slot may have.
    pub(super) fn limit(&self, slot: u8) -> u64 {
        self.times.iter().filter(|time| time.slot == usize::from(slot)).map(|time| time.limit).min().unwrap_or(u64::MAX)
    }
}
