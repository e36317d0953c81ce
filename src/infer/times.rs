//! Times among the values of one place: in which form they are written, and how far out of order they came.

use crate::data::{Duration, TimeUnit, Timestamp};

/// Forms of times that are tried where RFC 3339 does not fit, the likelier first.
pub(super) const FORMATS: [&str; 17] = [
    "%d/%b/%Y:%H:%M:%S %z",
    "%Y-%m-%d %H:%M:%S,%3f",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M:%S%.f",
    "%m/%d/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %I:%M:%S %p",
    "%d.%m.%Y %H:%M:%S",
    "%d-%m-%Y %H:%M:%S",
    "%a %b %d %H:%M:%S %Y",
    "%a, %d %b %Y %H:%M:%S %z",
    "%b %d %Y %H:%M:%S",
    "%d %b %Y %H:%M:%S",
    "%Y%m%dT%H%M%SZ",
    "%Y%m%d %H:%M:%S",
    "%Y%m%d%H%M%S",
    "%Y-%m-%d %H:%M",
];

/// Years that a time of an event is taken to lie in.
const PLAUSIBLE: std::ops::Range<i64> = 315_532_800..4_102_444_800;

/// How a column of times is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// RFC 3339, or near it.
    Plain,
    /// A text of this form.
    Format(&'static str),
    /// Whole numbers since 1970.
    Epoch(TimeUnit),
}

/// Whether the values of a place can be times, in every form that still fits all of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Times {
    has_begun: bool,
    plain: Option<Track>,
    /// One a form of [`FORMATS`].
    formats: Vec<(usize, Track)>,
    numbers: Option<Numbers>,
    /// All were dates without a time of day.
    dates_only: bool,
}

#[derive(Debug, Clone, Copy)]
struct Numbers {
    unit: TimeUnit,
    track: Track,
}

/// How far out of order times came.
#[derive(Debug, Clone, Copy)]
pub(super) struct Track {
    min: i64,
    max: i64,
    /// The furthest behind the largest before it, in nanoseconds.
    worst: i64,
    /// How many came behind one of by how much: less than a second, a minute, an hour, a day, or more.
    behind: [u64; 5],
}

impl Track {
    fn new(nanos: i64) -> Self {
        Self { min: nanos, max: nanos, worst: 0, behind: [0; 5] }
    }

    fn see(&mut self, nanos: i64) {
        let late = self.max.saturating_sub(nanos);
        self.worst = self.worst.max(late);
        if late > 0 {
            let class = [1, 60, 3600, 86_400].iter().position(|seconds| late <= seconds * 1_000_000_000).unwrap_or(4);
            self.behind[class] += 1;
        }
        self.max = self.max.max(nanos);
        self.min = self.min.min(nanos);
    }

    /// How far behind the latest event before it one came at most.
    pub(super) fn disorder(&self) -> Duration {
        Duration(self.worst)
    }

    /// The first and the last time.
    pub(super) fn span(&self) -> (Timestamp, Timestamp) {
        (Timestamp(self.min), Timestamp(self.max))
    }

    /// How many came out of order.
    pub(super) fn out_of_order(&self) -> u64 {
        self.behind.iter().sum()
    }
}

impl Times {
    pub(super) fn see_number(&mut self, value: i64) {
        let is_first = !self.has_begun;
        self.has_begun = true;
        self.plain = None;
        self.formats.clear();
        let unit = unit_of(value);
        let time = unit.and_then(|unit| Some((unit, Timestamp::from_epoch(value, unit)?.0)));
        match (&mut self.numbers, time) {
            (numbers @ None, Some((unit, nanos))) if is_first => *numbers = Some(Numbers { unit, track: Track::new(nanos) }),
            (Some(numbers), Some((unit, nanos))) if unit == numbers.unit => numbers.track.see(nanos),
            (numbers, _) => *numbers = None,
        }
    }

    pub(super) fn see_text(&mut self, text: &str) {
        self.numbers = None;
        let is_first = !self.has_begun;
        self.has_begun = true;
        if is_first {
            self.dates_only = true;
            self.plain = plausible(Timestamp::parse(text.trim())).map(Track::new);
            let fits = |(index, format): (usize, &&str)| Some((index, Track::new(read(text, format)?)));
            self.formats = if self.plain.is_some() { Vec::new() } else { FORMATS.iter().enumerate().filter_map(fits).collect() };
        } else {
            let time = self.plain.and_then(|_| plausible(Timestamp::parse(text.trim())));
            self.plain = self.plain.zip(time).map(|(mut track, nanos)| {
                track.see(nanos);
                track
            });
            self.formats.retain_mut(|(index, track)| read(text, FORMATS[*index]).map(|nanos| track.see(nanos)).is_some());
        }
        self.dates_only &= text.len() <= 10;
    }

    /// How the times are written, and in which order they came. Of several forms that fit, the one that gives the least disorder.
    pub(super) fn found(&self) -> Option<(Written, Track)> {
        if let Some(track) = self.plain {
            return Some((Written::Plain, track));
        }
        if let Some(numbers) = self.numbers {
            return Some((Written::Epoch(numbers.unit), numbers.track));
        }
        let best = self.formats.iter().min_by_key(|(index, track)| (track.worst, *index))?;
        Some((Written::Format(FORMATS[best.0]), best.1))
    }

    /// Another form that fits as well, like day and month the other way round.
    pub(super) fn other_form(&self, chosen: Written) -> Option<&'static str> {
        let Written::Format(chosen) = chosen else { return None };
        let swapped = |format: &str| format.starts_with("%m/%d") || format.starts_with("%d/%m");
        self.formats.iter().map(|(index, _)| FORMATS[*index]).find(|format| *format != chosen && swapped(format) && swapped(chosen))
    }

    /// Whether all were dates without a time of day.
    pub(super) fn are_dates(&self) -> bool {
        self.dates_only && self.plain.is_some()
    }
}

fn plausible(time: Option<Timestamp>) -> Option<i64> {
    time.map(|time| time.0).filter(|nanos| PLAUSIBLE.contains(&nanos.div_euclid(1_000_000_000)))
}

fn read(text: &str, format: &str) -> Option<i64> {
    // A form without a blank or a letter must not find a time in any long number.
    let is_possible = (8..=40).contains(&text.len()) && text.bytes().filter(u8::is_ascii_digit).count() >= 6;
    if is_possible { plausible(Timestamp::parse_with_format(text, format)) } else { None }
}

/// The unit in which a number is a time of these years.
fn unit_of(value: i64) -> Option<TimeUnit> {
    [TimeUnit::Second, TimeUnit::Milli, TimeUnit::Micro, TimeUnit::Nano].into_iter().find(|unit| {
        let seconds = value / (1_000_000_000 / unit.nanos());
        // From 2001 on: smaller numbers are more often counts.
        (1_000_000_000..PLAUSIBLE.end).contains(&seconds)
    })
}
