//! Functions of time. A TIMESTAMP is a point and has no zone; where a function takes a zone, it works on the wall clock there.
//!
//! Calendar questions go through the wall clock as a point that reads, in UTC, what the clock shows. The zone database is compiled in.

use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveDateTime, Offset, TimeDelta, TimeZone, Timelike};
use chrono_tz::Tz;

use super::arithmetic::counted;
use super::signature::Signature;
use super::{Category, Form, Function, Prepared, Resolved};
use crate::data::{DataType, TimeUnit, Timestamp, Value};
use crate::expr::{EvalContext, TypeError};

/// A part of a point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    Nanosecond,
    Microsecond,
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
    /// Sunday is 0.
    DayOfWeek,
    /// Monday is 1, Sunday 7.
    IsoDayOfWeek,
    DayOfYear,
    /// Whole seconds since 1970.
    Epoch,
}

const BASE: Function = Function::of(Category::Time);

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "DATE_TRUNC",
        arity: (2, 3),
        signature: "DATE_TRUNC(unit, time [, zone])",
        doc: "The begin of the unit ('minute', 'day', 'week', 'month', …) that the time lies in, by the clock of UTC or of the zone.",
        examples: &[("DATE_TRUNC('hour', TIMESTAMP '2026-03-01T10:04:11Z')", "2026-03-01T10:00:00Z")],
        form: Form::Eager(|s| s.text()?.timestamp()?.text()?.gives(DataType::Timestamp, date_trunc)),
        prepare: Some(|args| prepare_part("DATE_TRUNC", unit_of, UNITS, args, 2)),
        ..BASE
    },
    Function {
        name: "EXTRACT",
        aliases: &["DATE_PART"],
        arity: (2, 2),
        signature: "EXTRACT(part FROM time)",
        doc: "A part of the time in UTC: YEAR, QUARTER, MONTH, WEEK (ISO), DAY, DOY, DOW (Sunday is 0), ISODOW (Monday is 1), HOUR, MINUTE, SECOND, \
              MILLISECOND, MICROSECOND, NANOSECOND (of the second), EPOCH (seconds since 1970).",
        examples: &[("EXTRACT(HOUR FROM TIMESTAMP '2026-03-01T10:04:11Z')", "10")],
        form: Form::Eager(|s| s.text()?.timestamp()?.gives(DataType::Int, extract)),
        prepare: Some(|args| prepare_part("EXTRACT", part_of, PARTS, args, 2)),
        ..BASE
    },
    Function {
        name: "TO_TIMESTAMP",
        arity: (1, 2),
        signature: "TO_TIMESTAMP(text [, format]), TO_TIMESTAMP(epoch [, unit])",
        doc: "The time that a text says, in RFC 3339 or by a strftime format; or that lies so many milliseconds ('s', 'us', 'ns': other units) after 1970.",
        examples: &[("TO_TIMESTAMP('01/Mar/2026', '%d/%b/%Y')", "2026-03-01T00:00:00Z"), ("TO_TIMESTAMP(1500)", "1970-01-01T00:00:01.5Z")],
        form: Form::Eager(to_timestamp),
        check: Some(check_unit_or_format),
        ..BASE
    },
    Function {
        name: "FORMAT_TIMESTAMP",
        arity: (2, 3),
        signature: "FORMAT_TIMESTAMP(time, format [, zone])",
        doc: "The time as text by a strftime format, in UTC or in the zone.",
        examples: &[("FORMAT_TIMESTAMP(TIMESTAMP '2026-03-01T10:04:11Z', '%H:%M', 'Europe/Berlin')", "11:04")],
        form: Form::Eager(|s| s.timestamp()?.text()?.text()?.gives(DataType::String, format)),
        prepare: Some(prepare_format),
        ..BASE
    },
    Function {
        name: "EPOCH_MS",
        signature: "EPOCH_MS(time)",
        doc: "Whole milliseconds since 1970.",
        examples: &[("EPOCH_MS(TIMESTAMP '1970-01-01T00:00:01.5Z')", "1500")],
        form: Form::Eager(|s| s.timestamp()?.gives(DataType::Int, |args, _, _| of_time(args, |t| t.0.div_euclid(TimeUnit::Milli.nanos())))),
        ..BASE
    },
    Function {
        name: "SECONDS",
        signature: "SECONDS(duration)",
        doc: "The length of time in seconds, with its fraction.",
        examples: &[("SECONDS(2m 3.5s)", "123.5")],
        form: Form::Eager(|s| {
            s.duration()?.gives(DataType::Float, |args, _, _| match args[0] {
                Value::Duration(d) => Value::Float(d.0 as f64 / TimeUnit::Second.nanos() as f64),
                _ => Value::Null,
            })
        }),
        ..BASE
    },
    Function {
        name: "MILLIS",
        signature: "MILLIS(duration)",
        doc: "The length of time in whole milliseconds.",
        examples: &[("MILLIS(1.5s)", "1500")],
        form: Form::Eager(|s| {
            s.duration()?.gives(DataType::Int, |args, _, _| match args[0] {
                Value::Duration(d) => Value::Int(d.0 / TimeUnit::Milli.nanos()),
                _ => Value::Null,
            })
        }),
        ..BASE
    },
    Function {
        name: "HOUR",
        signature: "HOUR(time)",
        doc: "The hour of the day in UTC, from 0 to 23.",
        examples: &[("HOUR(TIMESTAMP '2026-03-01T10:04:11Z')", "10")],
        form: Form::Eager(|s| s.timestamp()?.gives(DataType::Int, |args, _, _| of_time(args, |t| part_value(Part::Hour, t)))),
        ..BASE
    },
    Function {
        name: "DAY_OF_WEEK",
        signature: "DAY_OF_WEEK(time)",
        doc: "The day of the week in UTC: Monday is 1, Sunday 7.",
        examples: &[("DAY_OF_WEEK(TIMESTAMP '2026-03-01')", "7")],
        form: Form::Eager(|s| s.timestamp()?.gives(DataType::Int, |args, _, _| of_time(args, |t| part_value(Part::IsoDayOfWeek, t)))),
        ..BASE
    },
    Function {
        name: "AT TIME ZONE",
        arity: (2, 2),
        signature: "time AT TIME ZONE zone",
        doc: "What the clock of the zone shows at that time, as a TIMESTAMP: for EXTRACT, HOUR and the like.",
        examples: &[("HOUR(TIMESTAMP '2026-07-01T10:00:00Z' AT TIME ZONE 'Europe/Berlin')", "12")],
        form: Form::Eager(|s| s.timestamp()?.text()?.gives(DataType::Timestamp, at_time_zone)),
        prepare: Some(|args| Ok(constant_zone("AT TIME ZONE", args, 1)?.map_or(Prepared::None, Prepared::Zone))),
        ..BASE
    },
];

const UNITS: &str = "one of microsecond, millisecond, second, minute, hour, day, week, month, quarter, year";
const PARTS: &str =
    "one of YEAR, QUARTER, MONTH, WEEK, DAY, DOY, DOW, ISODOW, HOUR, MINUTE, SECOND, MILLISECOND, MICROSECOND, NANOSECOND, EPOCH";

fn part_of(name: &str) -> Option<Part> {
    Some(match name.trim().to_ascii_lowercase().as_str() {
        "nanosecond" | "nanoseconds" => Part::Nanosecond,
        "dow" => Part::DayOfWeek,
        "isodow" => Part::IsoDayOfWeek,
        "doy" => Part::DayOfYear,
        "epoch" => Part::Epoch,
        _ => return unit_of(name),
    })
}

fn unit_of(name: &str) -> Option<Part> {
    Some(match name.trim().to_ascii_lowercase().as_str() {
        "microsecond" | "microseconds" => Part::Microsecond,
        "millisecond" | "milliseconds" => Part::Millisecond,
        "second" | "seconds" => Part::Second,
        "minute" | "minutes" => Part::Minute,
        "hour" | "hours" => Part::Hour,
        "day" | "days" => Part::Day,
        "week" | "weeks" => Part::Week,
        "month" | "months" => Part::Month,
        "quarter" | "quarters" => Part::Quarter,
        "year" | "years" => Part::Year,
        _ => return None,
    })
}

type Constants<'c> = &'c [Option<&'c Value<'static>>];

/// The part and zone of a call, if they are constant.
fn prepare_part(
    name: &str,
    read: fn(&str) -> Option<Part>,
    expected: &str,
    args: Constants<'_>,
    zone: usize,
) -> Result<Prepared, TypeError> {
    let zone_given = args.len() > zone;
    let constant = constant_zone(name, args, zone)?;
    let Some(Value::String(part)) = args[0] else { return Ok(Prepared::None) };
    let part = read(part).ok_or_else(|| TypeError::new(name, vec![DataType::String], expected).at(0))?;
    Ok(if zone_given && constant.is_none() { Prepared::None } else { Prepared::Part(part, constant) })
}

fn constant_zone(name: &str, args: Constants<'_>, at: usize) -> Result<Option<Tz>, TypeError> {
    let Some(Some(Value::String(zone))) = args.get(at) else { return Ok(None) };
    let expected = "the name of a time zone such as 'Europe/Berlin'";
    zone.parse().map(Some).map_err(|_| TypeError::new(name, vec![DataType::String], expected).at(at))
}

fn prepare_format(args: Constants<'_>) -> Result<Prepared, TypeError> {
    check_format("FORMAT_TIMESTAMP", args)?;
    Ok(constant_zone("FORMAT_TIMESTAMP", args, 2)?.map_or(Prepared::None, Prepared::Zone))
}

fn check_format(name: &str, args: Constants<'_>) -> Result<(), TypeError> {
    match args.get(1) {
        Some(Some(Value::String(format))) if !Timestamp::is_format(format) => {
            Err(TypeError::new(name, vec![DataType::String], "a strftime format such as '%Y-%m-%d %H:%M:%S'").at(1))
        }
        _ => Ok(()),
    }
}

fn of_time<'a>(args: &[Value<'a>], f: impl Fn(Timestamp) -> i64) -> Value<'a> {
    match args[0] {
        Value::Timestamp(at) => Value::Int(f(at)),
        _ => Value::Null,
    }
}

fn text_at<'v>(args: &'v [Value<'_>], at: usize) -> Option<&'v str> {
    match args.get(at) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

/// Part and zone of this row; `None` where a text from data names none.
fn part_of_row(args: &[Value<'_>], prepared: &Prepared, read: fn(&str) -> Option<Part>) -> Option<(Part, Option<Tz>)> {
    if let Prepared::Part(part, zone) = prepared {
        return Some((*part, *zone));
    }
    let zone = match text_at(args, 2) {
        Some(zone) => Some(zone.parse().ok()?),
        None => None,
    };
    Some((read(text_at(args, 0)?)?, zone))
}

fn date_trunc<'a>(args: &mut [Value<'a>], prepared: &Prepared, ctx: &EvalContext) -> Value<'a> {
    let Value::Timestamp(at) = args[1] else { return Value::Null };
    let begin = part_of_row(args, prepared, unit_of).and_then(|(unit, zone)| truncated(unit, at, zone));
    counted(begin.map(Value::Timestamp), ctx)
}

fn extract<'a>(args: &mut [Value<'a>], prepared: &Prepared, ctx: &EvalContext) -> Value<'a> {
    let Value::Timestamp(at) = args[1] else { return Value::Null };
    let part = part_of_row(args, prepared, part_of);
    counted(part.map(|(part, _)| Value::Int(part_value(part, at))), ctx)
}

fn clock(at: Timestamp) -> NaiveDateTime {
    DateTime::from_timestamp_nanos(at.0).naive_utc()
}

fn part_value(part: Part, at: Timestamp) -> i64 {
    let clock = clock(at);
    match part {
        Part::Nanosecond => i64::from(clock.nanosecond()),
        Part::Microsecond => i64::from(clock.nanosecond() / 1_000),
        Part::Millisecond => i64::from(clock.nanosecond() / 1_000_000),
        Part::Second => i64::from(clock.second()),
        Part::Minute => i64::from(clock.minute()),
        Part::Hour => i64::from(clock.hour()),
        Part::Day => i64::from(clock.day()),
        Part::Week => i64::from(clock.iso_week().week()),
        Part::Month => i64::from(clock.month()),
        Part::Quarter => i64::from(clock.month0() / 3 + 1),
        Part::Year => i64::from(clock.year()),
        Part::DayOfWeek => i64::from(clock.weekday().num_days_from_sunday()),
        Part::IsoDayOfWeek => i64::from(clock.weekday().number_from_monday()),
        Part::DayOfYear => i64::from(clock.ordinal()),
        Part::Epoch => at.0.div_euclid(TimeUnit::Second.nanos()),
    }
}

/// The begin of the unit; `None` where it lies before the first timestamp.
fn truncated(unit: Part, at: Timestamp, zone: Option<Tz>) -> Option<Timestamp> {
    let second = TimeUnit::Second.nanos();
    let step = match unit {
        Part::Nanosecond => 1,
        Part::Microsecond => 1_000,
        Part::Millisecond => 1_000_000,
        Part::Second | Part::Epoch => second,
        Part::Minute => 60 * second,
        Part::Hour => 3600 * second,
        Part::Day | Part::DayOfWeek | Part::IsoDayOfWeek | Part::DayOfYear | Part::Week | Part::Month | Part::Quarter | Part::Year => {
            return begin_of_days(unit, at, zone);
        }
    };
    // Within an hour the distance to its begin is the same on the wall clock and in fact, even where the hour comes twice.
    let local = at.0.checked_add(offset(at, zone))?;
    at.0.checked_sub(local.rem_euclid(step)).map(Timestamp)
}

fn begin_of_days(unit: Part, at: Timestamp, zone: Option<Tz>) -> Option<Timestamp> {
    let local = DateTime::from_timestamp_nanos(at.0).naive_utc() + TimeDelta::nanoseconds(offset(at, zone));
    let day = local.date();
    let first = match unit {
        Part::Week => day - TimeDelta::days(i64::from(day.weekday().num_days_from_monday())),
        Part::Month => day.with_day(1)?,
        Part::Quarter => day.with_day(1)? - Months::new(day.month0() % 3),
        Part::Year => NaiveDate::from_ymd_opt(day.year(), 1, 1)?,
        _ => day,
    };
    let begin = first.and_hms_opt(0, 0, 0)?;
    let Some(zone) = zone else { return begin.and_utc().timestamp_nanos_opt().map(Timestamp) };
    let begin = match zone.from_local_datetime(&begin).earliest() {
        Some(begin) => begin.naive_utc(),
        // The clock skips midnight: the day begins with the first moment after, which the offset of the day before gives.
        None => begin - TimeDelta::seconds(i64::from(zone.offset_from_utc_datetime(&(begin - TimeDelta::days(1))).fix().local_minus_utc())),
    };
    begin.and_utc().timestamp_nanos_opt().map(Timestamp)
}

/// How far the zone's clock is ahead of UTC, in nanoseconds.
fn offset(at: Timestamp, zone: Option<Tz>) -> i64 {
    let Some(zone) = zone else { return 0 };
    i64::from(zone.offset_from_utc_datetime(&clock(at)).fix().local_minus_utc()) * TimeUnit::Second.nanos()
}

fn at_time_zone<'a>(args: &mut [Value<'a>], prepared: &Prepared, ctx: &EvalContext) -> Value<'a> {
    let Value::Timestamp(at) = args[0] else { return Value::Null };
    let zone = match prepared {
        Prepared::Zone(zone) => Some(*zone),
        _ => text_at(args, 1).and_then(|zone| zone.parse().ok()),
    };
    let local = zone.and_then(|zone| at.0.checked_add(offset(at, Some(zone))));
    counted(local.map(|local| Value::Timestamp(Timestamp(local))), ctx)
}

fn format<'a>(args: &mut [Value<'a>], prepared: &Prepared, ctx: &EvalContext) -> Value<'a> {
    use std::fmt::Write;
    let (Value::Timestamp(at), Some(format)) = (&args[0], text_at(args, 1)) else { return Value::Null };
    let zone = match (prepared, text_at(args, 2)) {
        (Prepared::Zone(zone), _) => Some(*zone),
        (_, Some(zone)) => match zone.parse() {
            Ok(zone) => Some(zone),
            Err(_) => return counted(None, ctx),
        },
        (_, None) => None,
    };
    let text = match zone {
        None => at.format(format),
        Some(zone) => {
            let mut text = String::new();
            let local = zone.from_utc_datetime(&clock(*at));
            write!(text, "{}", local.format(format)).ok().map(|()| text)
        }
    };
    counted(text.map(Value::string), ctx)
}

fn to_timestamp(s: Signature<'_>) -> Result<Resolved, TypeError> {
    match s.at(0) {
        DataType::Int => s.int()?.text()?.gives(DataType::Timestamp, from_epoch),
        DataType::String | DataType::Null => s.text()?.text()?.gives(DataType::Timestamp, from_text),
        _ => Err(s.wrong("a STRING or an INT")),
    }
}

/// The unit of a number is one of four, the format of a text is one of strftime.
fn check_unit_or_format(types: &[DataType], args: Constants<'_>) -> Result<(), TypeError> {
    match (types.first(), args.get(1)) {
        (Some(DataType::Int), Some(Some(Value::String(unit)))) if epoch_unit(unit).is_none() => {
            Err(TypeError::new("TO_TIMESTAMP", vec![DataType::String], "'s', 'ms', 'us' or 'ns' as the unit of a number").at(1))
        }
        (Some(DataType::Int), _) => Ok(()),
        _ => check_format("TO_TIMESTAMP", args),
    }
}

fn epoch_unit(name: &str) -> Option<TimeUnit> {
    match name {
        "ms" => Some(TimeUnit::Milli),
        "s" => Some(TimeUnit::Second),
        "us" => Some(TimeUnit::Micro),
        "ns" => Some(TimeUnit::Nano),
        _ => None,
    }
}

fn from_epoch<'a>(args: &mut [Value<'a>], _: &Prepared, ctx: &EvalContext) -> Value<'a> {
    let Value::Int(value) = args[0] else { return Value::Null };
    let unit = text_at(args, 1).map_or(Some(TimeUnit::Milli), epoch_unit);
    counted(unit.and_then(|unit| Timestamp::from_epoch(value, unit)).map(Value::Timestamp), ctx)
}

fn from_text<'a>(args: &mut [Value<'a>], _: &Prepared, ctx: &EvalContext) -> Value<'a> {
    let Some(text) = text_at(args, 0) else { return Value::Null };
    let at = match text_at(args, 1) {
        Some(format) => Timestamp::parse_with_format(text, format),
        None => Timestamp::parse(text.trim()),
    };
    counted(at.map(Value::Timestamp), ctx)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Duration;
    use crate::expr::functions::test::{call, failed, refused};

    fn time(text: &str) -> Value<'static> {
        Value::Timestamp(Timestamp::parse(text).unwrap())
    }

    #[test]
    fn truncation() {
        let at = "2026-05-14T10:04:11.123456789Z";
        for (unit, expected) in [
            ("microsecond", "2026-05-14T10:04:11.123456Z"),
            ("second", "2026-05-14T10:04:11Z"),
            ("minute", "2026-05-14T10:04:00Z"),
            ("HOUR", "2026-05-14T10:00:00Z"),
            ("day", "2026-05-14"),
            ("week", "2026-05-11"),
            ("month", "2026-05-01"),
            ("quarter", "2026-04-01"),
            ("year", "2026-01-01"),
        ] {
            assert_eq!(call("DATE_TRUNC", &[Value::string(unit), time(at)]), time(expected), "{unit}");
        }
        let zoned = |unit: &'static str, at, zone: &'static str| call("DATE_TRUNC", &[Value::string(unit), time(at), Value::string(zone)]);
        assert_eq!(zoned("day", "2026-03-29T22:30:00Z", "Europe/Berlin"), time("2026-03-29T22:00:00Z"));
        assert_eq!(zoned("day", "2026-03-29T12:00:00Z", "Europe/Berlin"), time("2026-03-28T23:00:00Z"), "the day with 23 hours");
        assert_eq!(zoned("hour", "2026-03-01T10:40:00Z", "Asia/Kolkata"), time("2026-03-01T10:30:00Z"));
        assert_eq!(zoned("day", "2019-09-08T12:00:00Z", "America/Santiago"), time("2019-09-08T04:00:00Z"), "midnight is skipped");
        assert_eq!(call("DATE_TRUNC", &[Value::string("day"), time("1969-12-31T23:00:00Z")]), time("1969-12-31"));
        assert!(refused("DATE_TRUNC", &[Value::string("eon"), time(at)]).expected.contains("minute"));
        assert_eq!(refused("DATE_TRUNC", &[Value::string("day"), time(at), Value::string("Moon")]).argument, Some(2));
    }

    #[test]
    fn parts() {
        let at = time("2026-03-01T10:04:11.5Z");
        for (part, expected) in [
            ("YEAR", 2026),
            ("quarter", 1),
            ("MONTH", 3),
            ("week", 9),
            ("DAY", 1),
            ("DOY", 60),
            ("DOW", 0),
            ("ISODOW", 7),
            ("HOUR", 10),
            ("MINUTE", 4),
            ("SECOND", 11),
            ("MILLISECOND", 500),
            ("EPOCH", 1_772_359_451),
        ] {
            assert_eq!(call("EXTRACT", &[Value::string(part), at.clone()]), Value::Int(expected), "{part}");
        }
        assert_eq!(call("HOUR", std::slice::from_ref(&at)), Value::Int(10));
        assert_eq!(call("DAY_OF_WEEK", std::slice::from_ref(&at)), Value::Int(7));
        assert_eq!(call("EPOCH_MS", std::slice::from_ref(&at)), Value::Int(1_772_359_451_500));
        assert_eq!(call("SECONDS", &[Value::Duration(Duration(123_500_000_000))]), Value::Float(123.5));
        assert_eq!(call("MILLIS", &[Value::Duration(Duration(1_500_000_000))]), Value::Int(1500));
        assert_eq!(call("AT TIME ZONE", &[time("2026-07-01T10:00:00Z"), Value::string("Europe/Berlin")]), time("2026-07-01T12:00:00Z"));
        assert_eq!(refused("EXTRACT", &[Value::string("eon"), at]).argument, Some(0));
    }

    #[test]
    fn text_and_back() {
        let text = Value::string;
        assert_eq!(call("TO_TIMESTAMP", &[text("01/Mar/2026"), text("%d/%b/%Y")]), time("2026-03-01"));
        assert_eq!(call("TO_TIMESTAMP", &[text("2026-03-01 10:00:00")]), time("2026-03-01T10:00:00Z"));
        assert_eq!(call("TO_TIMESTAMP", &[Value::Int(1500)]), time("1970-01-01T00:00:01.5Z"));
        assert_eq!(call("TO_TIMESTAMP", &[Value::Int(15), text("s")]), time("1970-01-01T00:00:15Z"));
        assert!(failed("TO_TIMESTAMP", &[text("soon")]));
        assert_eq!(refused("TO_TIMESTAMP", &[Value::Int(1), text("eon")]).argument, Some(1));
        let at = time("2026-03-01T10:04:11Z");
        assert_eq!(call("FORMAT_TIMESTAMP", &[at.clone(), text("%Y/%m/%d %H:%M")]), text("2026/03/01 10:04"));
        assert_eq!(call("FORMAT_TIMESTAMP", &[at.clone(), text("%H:%M %z"), text("Europe/Berlin")]), text("11:04 +0100"));
        assert_eq!(refused("FORMAT_TIMESTAMP", &[at, text("%Q!")]).argument, Some(1));
        assert_eq!(refused("TO_TIMESTAMP", &[text("2026"), text("%Q!")]).argument, Some(1));
    }
}
