//! Points and lengths of time: nanoseconds in 64 bits, UTC.
//!
//! Text goes in and out exactly: RFC 3339 for points, the language's `2m 3.5s` for lengths. The common shape of a timestamp is read by hand
//! (it stands on the ingest path); other shapes go through a format. 64 bits of nanoseconds span the years 1677 to 2262; what lies
//! outside is no timestamp, never a wrapped one.

use std::fmt;

use chrono::format::{Item, Parsed, StrftimeItems, parse};

/// A point in time: nanoseconds since 1970-01-01T00:00:00Z. `Display` writes RFC 3339 with as many fraction digits as needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

/// A length of time in nanoseconds. `Display` writes it as the language does: `2m 3.5s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Duration(pub i64);

/// The unit of integer epoch times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum TimeUnit {
    /// seconds
    Second,
    /// milliseconds, the default
    #[default]
    Milli,
    /// microseconds
    Micro,
    /// nanoseconds
    Nano,
}

impl TimeUnit {
    /// How many nanoseconds one of it has.
    pub const fn nanos(self) -> i64 {
        match self {
            Self::Second => SECOND,
            Self::Milli => 1_000_000,
            Self::Micro => 1_000,
            Self::Nano => 1,
        }
    }
}

const SECOND: i64 = 1_000_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const MINUTES_OF_DAY: i64 = DAY / MINUTE;
const WEEK: i64 = 7 * DAY;

impl Timestamp {
    /// The end of time: where the watermark stands after the end of input.
    pub const MAX: Timestamp = Timestamp(i64::MAX);
    /// The beginning of time.
    pub const MIN: Timestamp = Timestamp(i64::MIN);

    /// The point `span` later; at the end of time it stays there.
    #[must_use]
    pub fn saturating_add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// The point `span` earlier; at the beginning of time it stays there.
    #[must_use]
    pub fn saturating_sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(span.0))
    }

    /// How much later this is than `earlier`.
    pub fn since(self, earlier: Self) -> Duration {
        Duration(self.0.saturating_sub(earlier.0))
    }

    /// The point this many units after the epoch, if 64 bits of nanoseconds hold it.
    pub fn from_epoch(value: i64, unit: TimeUnit) -> Option<Self> {
        value.checked_mul(unit.nanos()).map(Self)
    }

    /// Reads RFC 3339. A space may stand for the `T`, letters may be small, a missing zone is UTC, the offset may be `+02:00`, `+0200` or
    /// `+02`, and a date alone is its midnight. Fraction digits beyond the ninth are cut off; a leap second is the second after it.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() < 10 || bytes[4] != b'-' || bytes[7] != b'-' {
            return None;
        }
        let days = days_of_date(number(&bytes[0..4])?, number(&bytes[5..7])?, number(&bytes[8..10])?)?;
        let midnight = i128::from(days) * i128::from(DAY);
        if bytes.len() == 10 {
            return i64::try_from(midnight).ok().map(Self);
        }
        if bytes.len() < 19 || !matches!(bytes[10], b'T' | b't' | b' ') || bytes[13] != b':' || bytes[16] != b':' {
            return None;
        }
        let (hour, minute, second) = (number(&bytes[11..13])?, number(&bytes[14..16])?, number(&bytes[17..19])?);
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let (fraction, rest) = read_fraction(&bytes[19..])?;
        let offset = read_offset(rest)?;
        let in_day = (hour * 3600 + minute * 60 + second - offset) * SECOND + fraction;
        i64::try_from(midnight + i128::from(in_day)).ok().map(Self)
    }

    /// Reads text by a strftime format. Without a zone in the format the text is UTC; without a time it is midnight.
    pub fn parse_with_format(text: &str, format: &str) -> Option<Self> {
        let separator = match format {
            "%Y-%m-%d %H:%M:%S" => b' ',
            "%Y-%m-%dT%H:%M:%S" => b'T',
            _ => return Self::parse_with_any_format(text, format),
        };
        // Very common forms, and a general parser is ten times slower. What is not plainly of the form, it shall judge.
        let bytes = text.as_bytes();
        let is_plain = bytes.len() == 19 && bytes[10] == separator && matches!(bytes[17], b'0'..=b'5');
        if is_plain { Self::parse(text) } else { None }.or_else(|| Self::parse_with_any_format(text, format))
    }

    fn parse_with_any_format(text: &str, format: &str) -> Option<Self> {
        let mut parsed = Parsed::new();
        parse(&mut parsed, text, StrftimeItems::new(format)).ok()?;
        let offset = parsed.offset().unwrap_or(0);
        let local = match parsed.to_naive_datetime_with_offset(offset) {
            Ok(local) => local,
            Err(_) if parsed.hour_mod_12().is_none() && parsed.minute().is_none() => {
                parsed.to_naive_date().ok()?.and_hms_opt(0, 0, 0).expect("midnight exists")
            }
            Err(_) => return None,
        };
        let utc = local.checked_sub_signed(chrono::TimeDelta::seconds(i64::from(offset)))?;
        utc.and_utc().timestamp_nanos_opt().map(Self)
    }

    /// Whether this is a strftime format that can be used.
    pub fn is_format(format: &str) -> bool {
        StrftimeItems::new(format).all(|item| !matches!(item, Item::Error))
    }

    /// Writes the point by a strftime format, in UTC; `None` where the format is none.
    pub fn format(self, format: &str) -> Option<String> {
        use fmt::Write;
        let mut text = String::new();
        write!(text, "{}", chrono::DateTime::from_timestamp_nanos(self.0).format(format)).ok()?;
        Some(text)
    }
}

/// The digits as a number; anything else is none.
fn number(digits: &[u8]) -> Option<i64> {
    let mut value = 0;
    for &digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value * 10 + i64::from(digit - b'0');
    }
    Some(value)
}

/// `.25` as nanoseconds, and what stands behind.
fn read_fraction(bytes: &[u8]) -> Option<(i64, &[u8])> {
    if bytes.first() != Some(&b'.') {
        return Some((0, bytes));
    }
    let digits = bytes[1..].iter().take_while(|b| b.is_ascii_digit()).count();
    if digits == 0 {
        return None;
    }
    let used = digits.min(9);
    let scale = 10i64.pow(9 - u32::try_from(used).expect("at most nine"));
    Some((number(&bytes[1..1 + used])? * scale, &bytes[1 + digits..]))
}

/// The zone behind the time as seconds east of UTC.
fn read_offset(bytes: &[u8]) -> Option<i64> {
    let bytes = bytes.strip_prefix(b" ").unwrap_or(bytes);
    let sign = match bytes {
        [] | [b'Z' | b'z'] => return Some(0),
        [b'+', ..] => 1,
        [b'-', ..] => -1,
        _ => return None,
    };
    let (hours, minutes) = match bytes.len() {
        3 => (number(&bytes[1..3])?, 0),
        5 => (number(&bytes[1..3])?, number(&bytes[3..5])?),
        6 if bytes[3] == b':' => (number(&bytes[1..3])?, number(&bytes[4..6])?),
        _ => return None,
    };
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

/// Days since 1970-01-01 of a date of the Gregorian calendar, if there is one. Years begin in March here, so that the leap day is their last.
fn days_of_date(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    if day < 1 || day > length {
        return None;
    }
    let from_march = if month > 2 { year } else { year - 1 };
    let era = from_march.div_euclid(400);
    let year_of_era = from_march.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

/// The date of a day since 1970-01-01: the inverse of [`days_of_date`], for days that 64 bits of nanoseconds reach.
fn date_of_days(days: i64) -> (u32, u32, u32) {
    // Counted from March of the year 0; 32 bits divide faster.
    let shifted = u32::try_from(days + 719_468).expect("64 bits of nanoseconds reach back to 1677");
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (year_of_era + era * 400 + u32::from(month <= 2), month, day)
}

/// The numbers below a hundred as two digits each.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut number = 0;
    while number < 100 {
        pairs[number as usize] = [b'0' + number / 10, b'0' + number % 10];
        number += 1;
    }
    pairs
};

impl Timestamp {
    /// The text that `Display` writes, as the first bytes of an array and their count: for writing many of them.
    #[inline]
    pub fn to_rfc3339(self) -> ([u8; 30], usize) {
        MinuteText::new().of(self)
    }
}

/// The texts of timestamps, where most are of the same minute as the one before: all but seconds and fraction is kept.
#[derive(Debug, Clone, Copy)]
pub struct MinuteText {
    /// When the minute begins.
    begin: i64,
    text: [u8; 30],
    /// The same behind a quote.
    quoted: [u8; 32],
}

impl Default for MinuteText {
    fn default() -> Self {
        Self::new()
    }
}

impl MinuteText {
    /// Of the first minute of 1970.
    pub const fn new() -> Self {
        Self { begin: 0, text: *b"1970-01-01T00:00:00.000000000Z", quoted: *b"\"1970-01-01T00:00:00.000000000Z\"" }
    }

    /// Whether a time is of the minute.
    #[inline(always)]
    pub fn has(&self, time: Timestamp) -> bool {
        time.0.wrapping_sub(self.begin).cast_unsigned() < MINUTE.cast_unsigned()
    }

    /// How long after the beginning of its minute a time is, which is the minute from now on.
    #[inline(always)]
    fn since_minute(&mut self, time: Timestamp) -> u64 {
        if !self.has(time) {
            self.begin_minute(time.0.div_euclid(MINUTE));
        }
        time.0.wrapping_sub(self.begin).cast_unsigned()
    }

    /// Puts the text in quotes into 32 bytes of room, and gives the place behind it.
    #[inline(always)]
    pub fn put_quoted(&mut self, time: Timestamp, room: &mut [u8], at: usize) -> usize {
        let in_minute = self.since_minute(time);
        let room = &mut room[at..at.wrapping_add(32)];
        room.copy_from_slice(&self.quoted);
        let millis = (in_minute / 1_000_000) as u32;
        let (seconds, of_second) = (millis / 1000, millis % 1000);
        if u64::from(millis).wrapping_mul(1_000_000) != in_minute || of_second.is_multiple_of(10) {
            let (bare, length) = self.of(time);
            room[1..31].copy_from_slice(&bare);
            room[length + 1] = b'"';
            return at + length + 2;
        }
        let pair = |pair: u32| u64::from(u16::from_le_bytes(PAIRS[(pair & 127).min(99) as usize]));
        let tenths = of_second / 100;
        let ends = u64::from_le_bytes(*b"\0\0.0\0\0Z\"") | u64::from(tenths) << 24;
        let text = ends | pair(seconds) | pair(of_second.wrapping_sub(tenths.wrapping_mul(100))) << 32;
        room[18..26].copy_from_slice(&text.to_le_bytes());
        at.wrapping_add(26)
    }

    /// The text of a timestamp, see [`Timestamp::to_rfc3339`].
    #[inline]
    pub fn of(&mut self, time: Timestamp) -> ([u8; 30], usize) {
        let in_minute = self.since_minute(time);
        let mut text = self.text;
        let (seconds, nanos) = ((in_minute / SECOND.unsigned_abs()) as u32, (in_minute % SECOND.unsigned_abs()) as u32);
        [text[17], text[18]] = PAIRS[seconds as usize];
        if nanos == 0 {
            text[19] = b'Z';
            return (text, 20);
        }
        if nanos.is_multiple_of(1_000_000) {
            let millis = nanos / 1_000_000;
            text[20] = PAIRS[(millis / 100) as usize][1];
            [text[21], text[22]] = PAIRS[(millis % 100) as usize];
            let end = 23 - usize::from(text[22] == b'0') - usize::from(text[22] == b'0' && text[21] == b'0');
            text[end] = b'Z';
            return (text, end + 1);
        }
        let (mut fraction, mut digits) = match nanos {
            _ if nanos.is_multiple_of(1_000) => (nanos / 1_000, 6),
            _ => (nanos, 9),
        };
        while fraction.is_multiple_of(10) {
            fraction /= 10;
            digits -= 1;
        }
        let end = 20 + digits;
        for at in (20..end).rev() {
            text[at] = PAIRS[(fraction % 10) as usize][1];
            fraction /= 10;
        }
        text[end] = b'Z';
        (text, end + 1)
    }

    fn begin_minute(&mut self, minute: i64) {
        let (year, month, day) = date_of_days(minute.div_euclid(MINUTES_OF_DAY));
        let in_day = minute.rem_euclid(MINUTES_OF_DAY).unsigned_abs() as u32;
        let pairs = [(0, year / 100), (2, year % 100), (5, month), (8, day), (11, in_day / 60), (14, in_day % 60)];
        for (at, pair) in pairs {
            [self.text[at], self.text[at + 1]] = PAIRS[pair as usize];
        }
        self.quoted[1..31].copy_from_slice(&self.text);
        self.begin = minute.wrapping_mul(MINUTE);
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (text, length) = self.to_rfc3339();
        f.write_str(std::str::from_utf8(&text[..length]).expect("the text is ASCII"))
    }
}

impl Duration {
    /// The longest there is.
    pub const MAX: Duration = Duration(i64::MAX);

    /// So many milliseconds.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// Reads the language's text: numbers with units, `1h 30m`, `2m 3.5s`, `10 minutes`, with a sign before all of it. A fraction that is
    /// no whole number of nanoseconds, and a length that 64 bits do not hold, are none.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (negative, mut rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest.trim_start()),
            None => (false, text),
        };
        if rest.is_empty() {
            return None;
        }
        let mut total: i128 = 0;
        while !rest.is_empty() {
            let (part, behind) = read_part(rest)?;
            total = total.checked_add(part)?;
            rest = behind.trim_start();
        }
        i64::try_from(if negative { -total } else { total }).ok().map(Self)
    }
}

/// One number and its unit as nanoseconds, and what stands behind.
fn read_part(text: &str) -> Option<(i128, &str)> {
    let number_end = text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_').unwrap_or(text.len());
    let (number, rest) = text.split_at(number_end);
    let rest = rest.trim_start();
    let unit_end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(unit_end);
    let unit = i128::from(unit_nanos(unit)?);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.chars().filter(|c| *c != '_').collect::<String>();
    let (whole, fraction) = (digits(whole), digits(fraction));
    if !whole.starts_with(|c: char| c.is_ascii_digit())
        || whole.len() > 19
        || fraction.len() > 15
        || (number.contains('.') && fraction.is_empty())
    {
        return None;
    }
    let mut nanos = whole.parse::<i128>().ok()?.checked_mul(unit)?;
    if !fraction.is_empty() {
        let scale = 10i128.pow(u32::try_from(fraction.len()).expect("at most fifteen"));
        let scaled = fraction.parse::<i128>().ok()?.checked_mul(unit)?;
        if scaled % scale != 0 {
            return None;
        }
        nanos += scaled / scale;
    }
    Some((nanos, rest))
}

fn unit_nanos(unit: &str) -> Option<i64> {
    Some(match unit.to_ascii_lowercase().as_str() {
        "ns" | "nanosecond" | "nanoseconds" => 1,
        "us" | "microsecond" | "microseconds" => 1_000,
        "ms" | "millisecond" | "milliseconds" => 1_000_000,
        "s" | "second" | "seconds" => SECOND,
        "m" | "minute" | "minutes" => MINUTE,
        "h" | "hour" | "hours" => HOUR,
        "d" | "day" | "days" => DAY,
        "w" | "week" | "weeks" => WEEK,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_one_minute_and_the_next_read_back() {
        let mut kept = MinuteText::new();
        for begin in [i64::MIN, -61 * SECOND, 1_700_000_000 * SECOND, i64::MAX - 200 * SECOND] {
            for step in [1, 1_000, 123_456, 1_000_000, 250_000_000, 999_999_999, SECOND, 17 * SECOND] {
                for count in 0..9 {
                    let time = Timestamp(begin + step * count);
                    let (text, length) = kept.of(time);
                    let text = std::str::from_utf8(&text[..length]).unwrap();
                    assert_eq!(text, time.to_string());
                    let mut room = [b'.'; 40];
                    let end = kept.put_quoted(time, &mut room, 3);
                    assert_eq!(std::str::from_utf8(&room[..end]).unwrap(), format!("...\"{text}\""));
                    assert_eq!(Timestamp::parse(text), Some(time), "{text}");
                    assert!(text.ends_with('Z') && !(text.contains('.') && text.ends_with("0Z")) && !text.ends_with(".Z"), "{text}");
                }
            }
        }
    }

    #[test]
    fn common_formats_are_read_as_any_format() {
        for format in ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"] {
            for text in [
                "2020-10-09 18:27:49",
                "2020-10-09T18:27:49",
                "2020-02-30 18:27:49",
                "2020-02-29 24:00:00",
                "2020-02-29 23:59:60",
                "2020-02-29 23:59:5x",
                "2020-1-9 1:2:3",
                " 2020-10-09 18:27:49",
                "2020-10-09 18:27:49 ",
                "2020-10-09  8:27:49",
                "+020-10-09 18:27:49",
                "-020-10-09 18:27:49",
                "0000-01-01 00:00:00",
                "9999-12-31 23:59:59",
                "1677-09-21 00:12:44",
                "2020-10-09 18:27:4\u{e9}",
            ] {
                assert_eq!(
                    Timestamp::parse_with_format(text, format),
                    Timestamp::parse_with_any_format(text, format),
                    "{text} by {format}"
                );
            }
        }
        assert!(Timestamp::parse_with_format("2020-10-09 18:27:49", "%Y-%m-%d %H:%M:%S").is_some());
    }

    #[test]
    fn timestamps_read_and_write_the_same() {
        for text in [
            "1970-01-01T00:00:00Z",
            "2026-03-01T10:04:11Z",
            "1969-12-31T23:59:59.999999999Z",
            "2024-02-29T12:00:00.5Z",
            "1700-03-01T00:00:00Z",
        ] {
            assert_eq!(Timestamp::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Timestamp::MAX.to_string(), "2262-04-11T23:47:16.854775807Z");
        assert_eq!(Timestamp::MIN.to_string(), "1677-09-21T00:12:43.145224192Z");
        assert_eq!(Timestamp::parse(&Timestamp::MAX.to_string()), Some(Timestamp::MAX));
        assert_eq!(Timestamp::parse(&Timestamp::MIN.to_string()), Some(Timestamp::MIN));
    }

    #[test]
    fn shapes_of_timestamps() {
        let t = Timestamp::parse("2026-03-01T10:00:00Z");
        assert!(t.is_some());
        for same in [
            "2026-03-01 10:00:00",
            "2026-03-01t10:00:00z",
            "2026-03-01T12:00:00+02:00",
            "2026-03-01T12:00:00+0200",
            "2026-03-01 12:00:00+02",
            "2026-03-01T08:30:00.000-01:30",
            "2026-03-01T09:59:60Z",
        ] {
            assert_eq!(Timestamp::parse(same), t, "{same}");
        }
        assert_eq!(Timestamp::parse("2026-03-01").unwrap().to_string(), "2026-03-01T00:00:00Z");
        for wrong in [
            "",
            "2026",
            "2026-02-29",
            "2026-13-01",
            "2026-00-10",
            "2026-03-01T24:00:00Z",
            "2026-03-01T10:00",
            "2026-03-01T10:00:00.Z",
            "2026-03-01T10:00:00X",
            "2026-03-01T10:00:00+25:00",
            "3000-01-01T00:00:00Z",
            "0001-01-01T00:00:00Z",
            "2026-03-01T10:0a:00Z",
            "2026-03-01T10:00:00Zz",
            "２026-03-01",
        ] {
            assert_eq!(Timestamp::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn every_day_has_its_number() {
        for days in (-106_751..106_752).step_by(1) {
            let (year, month, day) = date_of_days(days);
            assert_eq!(days_of_date(year.into(), month.into(), day.into()), Some(days));
        }
        assert_eq!(days_of_date(1970, 1, 1), Some(0));
        assert_eq!(days_of_date(2000, 3, 1), Some(11_017));
    }

    #[test]
    fn formats() {
        let at = Timestamp::parse_with_format("17/May/2015:10:05:03 +0200", "%d/%b/%Y:%H:%M:%S %z");
        assert_eq!(at.unwrap().to_string(), "2015-05-17T08:05:03Z");
        assert_eq!(Timestamp::parse_with_format("2026/03/01", "%Y/%m/%d").unwrap().to_string(), "2026-03-01T00:00:00Z");
        assert_eq!(Timestamp::parse_with_format("1000.5", "%s%.f").map(|t| t.0), Some(1_000_500_000_000));
        assert_eq!(Timestamp::parse_with_format("nonsense", "%Y"), None);
        assert!(Timestamp::is_format("%Y-%m"));
        assert!(!Timestamp::is_format("%Q!"));
        assert_eq!(Timestamp(0).format("%H:%M").as_deref(), Some("00:00"));
        assert_eq!(Timestamp::from_epoch(1500, TimeUnit::Milli), Some(Timestamp(1_500_000_000)));
        assert_eq!(Timestamp::from_epoch(i64::MAX, TimeUnit::Second), None);
    }

    #[test]
    fn durations_read_and_write_the_same() {
        for text in ["0s", "2m 3.5s", "1h", "-5s", "1h 30m", "250ms", "1.5ms", "3us", "7ns", "1d 1s", "90d", "-1.000000001s"] {
            assert_eq!(Duration::parse(text).map(|d| d.to_string()).as_deref(), Some(text));
        }
        assert_eq!(Duration(i64::MIN).to_string(), "-106751d 23h 47m 16.854775808s");
        assert_eq!(Duration::parse("-106751d 23h 47m 16.854775808s"), Some(Duration(i64::MIN)));
        assert_eq!(Duration::parse("10 Minutes"), Some(Duration(600 * SECOND)));
        assert_eq!(Duration::parse("1_000 ms"), Some(Duration(SECOND)));
        assert_eq!(Duration::parse("1w"), Some(Duration(WEEK)));
        for wrong in ["", "-", "5", "s", "5 parsecs", "0.1ns", "1e3s", "5s 3", "99999999999w", "5.s", ".5s", "--5s"] {
            assert_eq!(Duration::parse(wrong), None, "{wrong}");
        }
    }
}
