//! Where aligned windows start and end: window k starts at `offset + k * every` and lasts `size`.
//!
//! With a zone and a distance of whole days, windows start at a local time of day (midnight plus the offset) of every so many days, so that
//! a day has 23, 24 or 25 hours; where the distance is a whole number of weeks, on Mondays. A size of whole days counts calendar days too;
//! another size is a length of time. A distance that is not of whole days is aligned to the epoch as without a zone. A local time that the
//! clock skips is taken as many hours after the skip began; of one that comes twice the first is taken.
//!
//! Starts and ends never decrease with k; all arithmetic is wide and cut at the ends of time.

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, Offset, TimeDelta, TimeZone};
use chrono_tz::Tz;

use crate::data::{Duration, Phase, Place, Timestamp};

const DAY: i64 = 86_400_000_000_000;
/// 1970-01-05, a Monday, counted in days since the epoch.
const MONDAY: i64 = 4;

/// The starts and ends of aligned windows.
#[derive(Debug, Clone)]
pub(super) struct Alignment {
    size: i64,
    every: i64,
    offset: i64,
    calendar: Option<Calendar>,
}

/// Windows that start at a local time of every so many days.
#[derive(Debug, Clone)]
struct Calendar {
    zone: Tz,
    every_days: i64,
    /// The size in days, where it is one of whole days.
    size_days: Option<i64>,
    /// The day on which window 0 starts.
    first_day: i64,
}

impl Alignment {
    /// Sizes and distances are positive: the checker has refused others.
    pub(super) fn new(size: Duration, every: Duration, offset: Duration, zone: Option<Tz>) -> Self {
        assert!(size.0 > 0 && every.0 > 0, "windows have a length and a distance");
        let calendar = zone.filter(|_| every.0 % DAY == 0).map(|zone| Calendar {
            zone,
            every_days: every.0 / DAY,
            size_days: (size.0 % DAY == 0).then_some(size.0 / DAY),
            first_day: if every.0 % (7 * DAY) == 0 { MONDAY } else { 0 },
        });
        Self { size: size.0, every: every.0, offset: offset.0, calendar }
    }

    /// Where window k starts.
    pub(super) fn start(&self, k: i64) -> Timestamp {
        clamp(self.wide_start(k))
    }

    /// Where window k ends; that point is not in it.
    pub(super) fn end(&self, k: i64) -> Timestamp {
        clamp(self.wide_end(k))
    }

    /// The place at which window k closes. A window that outlasts time closes when time does.
    pub(super) fn closing(&self, k: i64) -> Place {
        let end = self.wide_end(k);
        let phase = if end > i128::from(i64::MAX) { Phase::After } else { Phase::Before };
        Place::bound(clamp(end), phase)
    }

    /// The last window that starts at or before `time`.
    pub(super) fn last_start(&self, time: i64) -> i64 {
        let Some(calendar) = &self.calendar else {
            return narrow((i128::from(time) - i128::from(self.offset)).div_euclid(i128::from(self.every)));
        };
        let mut k = (calendar.local_day(time, self.offset) - calendar.first_day).div_euclid(calendar.every_days);
        while self.wide_start(k) > i128::from(time) {
            k -= 1;
        }
        while self.wide_start(k + 1) <= i128::from(time) {
            k += 1;
        }
        k
    }

    /// The first window that ends behind `time`.
    pub(super) fn first_open(&self, time: i64) -> i64 {
        let Some(calendar) = &self.calendar else {
            let ended = i128::from(time) - i128::from(self.offset) - i128::from(self.size);
            return narrow(ended.div_euclid(i128::from(self.every)) + 1);
        };
        let days = calendar.size_days.unwrap_or(self.size / DAY);
        let mut k = (calendar.local_day(time, self.offset) - days - calendar.first_day).div_euclid(calendar.every_days) + 1;
        while self.wide_end(k - 1) > i128::from(time) {
            k -= 1;
        }
        while self.wide_end(k) <= i128::from(time) {
            k += 1;
        }
        k
    }

    fn wide_start(&self, k: i64) -> i128 {
        match &self.calendar {
            None => i128::from(self.offset) + i128::from(k) * i128::from(self.every),
            Some(calendar) => calendar.instant(calendar.day_of(k), self.offset),
        }
    }

    fn wide_end(&self, k: i64) -> i128 {
        match &self.calendar {
            Some(calendar @ Calendar { size_days: Some(days), .. }) => {
                calendar.instant(calendar.day_of(k).saturating_add(*days), self.offset)
            }
            _ => self.wide_start(k) + i128::from(self.size),
        }
    }
}

impl Calendar {
    fn day_of(&self, k: i64) -> i64 {
        k.saturating_mul(self.every_days).saturating_add(self.first_day)
    }

    /// The local day that `time` less the offset falls on, in days since 1970-01-01.
    fn local_day(&self, time: i64, offset: i64) -> i64 {
        let local = DateTime::from_timestamp_nanos(time).with_timezone(&self.zone).naive_local() - TimeDelta::nanoseconds(offset);
        local.date().signed_duration_since(NaiveDate::default()).num_days()
    }

    /// Nanoseconds since the epoch of midnight of a day plus the offset, on the clocks of the zone.
    fn instant(&self, day: i64, offset: i64) -> i128 {
        let Some(local) = local_time(day, offset) else {
            // Beyond the years that the calendar knows, far beyond those of a timestamp.
            return i128::from(day) * i128::from(DAY) + i128::from(offset);
        };
        let shift = match self.zone.offset_from_local_datetime(&local).earliest() {
            Some(shift) => shift,
            // Skipped by the clock: as if it had not been put forward yet. No zone is further than 15 hours from UTC.
            None => self.zone.offset_from_utc_datetime(&(local - TimeDelta::hours(36))),
        };
        let utc = local.and_utc();
        let seconds = i128::from(utc.timestamp()) - i128::from(shift.fix().local_minus_utc());
        seconds * 1_000_000_000 + i128::from(utc.timestamp_subsec_nanos())
    }
}

fn local_time(day: i64, offset: i64) -> Option<NaiveDateTime> {
    let date = match u64::try_from(day) {
        Ok(later) => NaiveDate::default().checked_add_days(Days::new(later)),
        Err(_) => NaiveDate::default().checked_sub_days(Days::new(day.unsigned_abs())),
    }?;
    let local = date.and_time(chrono::NaiveTime::MIN).checked_add_signed(TimeDelta::nanoseconds(offset))?;
    // Room for the look-up of the zone.
    (local.checked_sub_signed(TimeDelta::hours(72)).is_some() && local.checked_add_signed(TimeDelta::hours(72)).is_some()).then_some(local)
}

fn clamp(time: i128) -> Timestamp {
    Timestamp(narrow(time))
}

fn narrow(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = DAY / 24;

    fn at(text: &str) -> i64 {
        Timestamp::parse(text).unwrap().0
    }

    fn daily(zone: &str, days: i64, offset: i64) -> Alignment {
        Alignment::new(Duration(days * DAY), Duration(days * DAY), Duration(offset), Some(zone.parse().unwrap()))
    }

    fn bounds(alignment: &Alignment, time: &str) -> (Timestamp, Timestamp) {
        let k = alignment.last_start(at(time));
        assert_eq!(k, alignment.first_open(at(time)), "tumbling: one window");
        (alignment.start(k), alignment.end(k))
    }

    fn both(a: &str, b: &str) -> (Timestamp, Timestamp) {
        (Timestamp(at(a)), Timestamp(at(b)))
    }

    #[test]
    fn windows_without_a_zone() {
        let a = Alignment::new(Duration(10), Duration(4), Duration(1), None);
        assert_eq!((a.first_open(0), a.last_start(0)), (-2, -1));
        assert_eq!((a.start(-2), a.end(-2)), (Timestamp(-7), Timestamp(3)));
        assert_eq!((a.first_open(3), a.first_open(2)), (-1, -2));
        assert_eq!((a.last_start(5), a.last_start(4)), (1, 0));
    }

    #[test]
    fn days_follow_the_clocks_of_the_zone() {
        let berlin = daily("Europe/Berlin", 1, 0);
        assert_eq!(bounds(&berlin, "2026-03-29T12:00:00Z"), both("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"));
        assert_eq!(bounds(&berlin, "2026-10-25T00:30:00Z"), both("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"));
        assert_eq!(bounds(&berlin, "2026-07-01T21:59:59Z"), both("2026-06-30T22:00:00Z", "2026-07-01T22:00:00Z"));
        assert_eq!(bounds(&berlin, "2026-07-01T22:00:00Z"), both("2026-07-01T22:00:00Z", "2026-07-02T22:00:00Z"));
        // 02:30 does not exist on the 29th of March and exists twice on the 25th of October.
        let half_past_two = daily("Europe/Berlin", 1, 2 * HOUR + HOUR / 2);
        assert_eq!(bounds(&half_past_two, "2026-03-29T12:00:00Z").0, Timestamp(at("2026-03-29T01:30:00Z")));
        assert_eq!(bounds(&half_past_two, "2026-10-25T01:15:00Z").0, Timestamp(at("2026-10-25T00:30:00Z")));
    }

    #[test]
    fn weeks_start_on_monday() {
        let weeks = daily("America/New_York", 7, 0);
        assert_eq!(bounds(&weeks, "2026-03-08T12:00:00Z"), both("2026-03-02T05:00:00Z", "2026-03-09T04:00:00Z"));
    }

    #[test]
    fn a_skipped_day_is_no_window() {
        let apia = daily("Pacific/Apia", 1, 0);
        assert_eq!(bounds(&apia, "2011-12-30T09:59:59Z"), both("2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"));
        assert_eq!(bounds(&apia, "2011-12-30T10:00:00Z"), both("2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"));
    }

    #[test]
    fn membership_is_by_start_and_end_alone() {
        let zones = [None, Some("Europe/Berlin"), Some("Australia/Lord_Howe"), Some("America/St_Johns")];
        for (i, zone) in zones.iter().enumerate() {
            for (size, every) in [(DAY, DAY), (3 * DAY, DAY), (36 * HOUR, DAY), (2 * DAY, 7 * DAY), (5 * HOUR, 3 * HOUR)] {
                let a = Alignment::new(Duration(size), Duration(every), Duration(HOUR), zone.map(|z| z.parse().unwrap()));
                for step in 0..3000 {
                    let time = at("2025-09-20T00:00:00Z") + step * (4 * HOUR + 1_234_567 * i64::try_from(i).unwrap());
                    let (first, last) = (a.first_open(time), a.last_start(time));
                    assert!(a.start(last).0 <= time && a.start(last + 1).0 > time);
                    assert!(a.end(first).0 > time && a.end(first - 1).0 <= time);
                }
            }
        }
    }

    #[test]
    fn the_ends_of_time_are_no_overflow() {
        for zone in [None, Some("Europe/Berlin".parse().unwrap())] {
            let a = Alignment::new(Duration(DAY), Duration(DAY), Duration(0), zone);
            for time in [i64::MIN, i64::MIN + 1, i64::MAX - 1, i64::MAX] {
                let k = a.last_start(time);
                assert!(a.start(k).0 <= time && a.first_open(time) <= k);
            }
            assert!(a.closing(a.last_start(i64::MAX)) < Place::MAX);
            assert!(a.closing(a.last_start(i64::MAX)) > Place::event(Timestamp::MAX, 5));
        }
    }
}
