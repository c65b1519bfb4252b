//! Timestamps and durations: their text forms, their parts, and time zones from the tables compiled in.

use jiff::{
    Timestamp,
    civil::{Date, DateTime},
    tz::{Offset, TimeZone, TimeZoneDatabase},
};
use nextbest_proto::v1::value::Kind;

use super::Part;
use crate::{
    error::BundleError,
    value::{EPOCH, TIMESTAMP_US_MAX, TIMESTAMP_US_MIN, Value, from_epoch},
};

/// The time zone of a `GET_...` instruction: absent or `UTC`, a name (`Europe/Lisbon`), or an offset (`-08:00`).
pub(super) fn zone(constant: Option<&Kind>) -> Result<TimeZone, BundleError> {
    let name = match constant {
        None => return Ok(TimeZone::UTC),
        Some(Kind::String(name)) => name.as_str(),
        Some(_) => return Err(BundleError::malformed("a time zone is a string".to_owned())),
    };
    if name.is_empty() || name == "UTC" {
        return Ok(TimeZone::UTC);
    }
    if let Some(offset) = offset(name) {
        return Ok(TimeZone::fixed(offset));
    }
    TimeZoneDatabase::bundled()
        .get(name)
        .map_err(|_| BundleError::malformed(format!("{name:?} is not a time zone")))
}

/// The zone that a bundle names: empty: UTC.
pub(crate) fn zone_named(name: &str) -> Result<TimeZone, BundleError> {
    zone(Some(&Kind::String(name.to_owned())))
}

/// A moment as people in a zone write it, RFC 3339: `2026-06-01T00:00:00+02:00`. None beyond the calendar.
pub(crate) fn in_zone(microseconds: i64, zone: &TimeZone) -> Option<String> {
    let timestamp = Timestamp::from_microsecond(microseconds).unwrap_or(Timestamp::MAX);
    let offset = zone.to_offset(timestamp).seconds();
    let local = civil(microseconds, zone)?;
    if *zone == TimeZone::UTC {
        return Some(format!("{local}Z"));
    }
    let (sign, minutes) = (if offset < 0 { '-' } else { '+' }, offset.abs() / 60);
    Some(format!("{local}{sign}{:02}:{:02}", minutes / 60, minutes % 60))
}

fn offset(text: &str) -> Option<Offset> {
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str| -> Option<i32> {
        (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (hours < 24 && minutes < 60).then(|| Offset::from_seconds(sign * (hours * 3_600 + minutes * 60)).ok())?
}

/// One part of a timestamp in a time zone, counted as CEL counts; of a duration, in total (milliseconds: what is
/// left below a second).
pub(super) fn part<'a>(part: Part, value: &Value<'a>, zone: &TimeZone) -> Option<Value<'a>> {
    match value {
        Value::Timestamp(microseconds) => timestamp_part(part, *microseconds, zone).map(Value::Int),
        Value::Duration(microseconds) => duration_part(part, *microseconds).map(Value::Int),
        _ => None,
    }
}

fn timestamp_part(part: Part, microseconds: i64, zone: &TimeZone) -> Option<i64> {
    let moment = civil(microseconds, zone)?;
    Some(match part {
        Part::FullYear => i64::from(moment.year()),
        Part::Month => i64::from(moment.month()) - 1,
        Part::Date => i64::from(moment.day()),
        Part::DayOfMonth => i64::from(moment.day()) - 1,
        Part::DayOfWeek => i64::from(moment.weekday().to_sunday_zero_offset()),
        Part::DayOfYear => i64::from(moment.day_of_year()) - 1,
        Part::Hours => i64::from(moment.hour()),
        Part::Minutes => i64::from(moment.minute()),
        Part::Seconds => i64::from(moment.second()),
        Part::Milliseconds => i64::from(moment.millisecond()),
    })
}

fn duration_part(part: Part, microseconds: i64) -> Option<i64> {
    match part {
        Part::Hours => Some(microseconds / 3_600_000_000),
        Part::Minutes => Some(microseconds / 60_000_000),
        Part::Seconds => Some(microseconds / 1_000_000),
        Part::Milliseconds => Some(microseconds / 1_000 % 1_000),
        _ => None,
    }
}

pub(super) fn in_range(microseconds: i64) -> Option<i64> {
    (TIMESTAMP_US_MIN..=TIMESTAMP_US_MAX)
        .contains(&microseconds)
        .then_some(microseconds)
}

/// The clock and calendar of a zone. The library's own timestamps end a day before the year 9999 does, a date that
/// people write for "for ever": there, the zone's last offset holds.
fn civil(microseconds: i64, zone: &TimeZone) -> Option<DateTime> {
    let timestamp = Timestamp::from_microsecond(microseconds).unwrap_or(Timestamp::MAX);
    let offset = i64::from(zone.to_offset(timestamp).seconds());
    from_epoch(microseconds.checked_add(offset * 1_000_000)?)
}

/// The first moment of a day in a time zone, in microseconds since 1970: after midnight where the clock was
/// put forward at midnight. None if the date is not in the calendar, begins outside the years that timestamps
/// have, or the zone is unknown.
#[must_use]
pub fn start_of_day(year: i16, month: i8, day: i8, zone: &str) -> Option<i64> {
    let zone = self::zone(Some(&Kind::String(zone.to_owned()))).ok()?;
    let midnight = Date::new(year, month, day).ok()?.at(0, 0, 0, 0);
    if let Ok(zoned) = midnight
        .to_zoned(zone.clone())
        .and_then(|zoned| zoned.start_of_day())
    {
        return in_range(zoned.timestamp().as_microsecond());
    }
    // Beyond the library's timestamps, as in `civil`.
    let edge = if year > 0 { Timestamp::MAX } else { Timestamp::MIN };
    let offset_us = i64::from(zone.to_offset(edge).seconds()) * 1_000_000;
    in_range(since_epoch(midnight)?.checked_sub(offset_us)?)
}

/// Microseconds from 1970 to a date and time, both of the same zone.
fn since_epoch(moment: DateTime) -> Option<i64> {
    let since = moment.duration_since(EPOCH).as_nanos().div_euclid(1_000);
    since.try_into().ok()
}

/// RFC 3339 with a time zone; what is below a microsecond goes.
pub(super) fn parse_timestamp(text: &str) -> Option<i64> {
    let (local, offset_seconds) = if let Some(local) = text.strip_suffix('Z') {
        (local, 0)
    } else {
        let (local, zone) = text.split_at_checked(text.len().checked_sub(6)?)?;
        let signed = zone.starts_with(['+', '-']);
        (local, offset(zone).filter(|_| signed)?.seconds())
    };
    // The parser also takes dates with spaces, weeks and zone names, which CEL does not.
    let shape = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if shape
        .iter()
        .any(|(index, byte)| local.as_bytes().get(*index) != Some(byte))
    {
        return None;
    }
    let since = since_epoch(local.parse::<DateTime>().ok()?)?;
    in_range(since.checked_sub(i64::from(offset_seconds) * 1_000_000)?)
}

/// Numbers with units, `1h30m`, `-1.5s`, `250ms`; what is below a microsecond goes.
pub(super) fn parse_duration(text: &str) -> Option<i64> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut nanoseconds: i128 = 0;
    while !rest.is_empty() {
        let number_end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let (number, tail) = rest.split_at(number_end);
        let unit_end = tail
            .find(|letter: char| letter.is_ascii_digit() || letter == '.')
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        nanoseconds = nanoseconds.checked_add(scale(number, unit_nanoseconds(unit)?)?)?;
        rest = tail;
    }
    // CEL's range of durations: what a google.protobuf.Duration holds.
    let microseconds = i64::try_from(sign * nanoseconds / 1_000).ok()?;
    (microseconds.unsigned_abs() <= 315_576_000_000_000_000).then_some(microseconds)
}

fn unit_nanoseconds(unit: &str) -> Option<i128> {
    Some(match unit {
        "h" => 3_600_000_000_000,
        "m" => 60_000_000_000,
        "s" => 1_000_000_000,
        "ms" => 1_000_000,
        "us" | "µs" | "μs" => 1_000,
        "ns" => 1,
        _ => return None,
    })
}

/// A decimal number of units, without detour over a double.
fn scale(number: &str, unit: i128) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') || whole.len() > 18 {
        return None;
    }
    let mut result = if whole.is_empty() {
        0
    } else {
        whole.parse::<i128>().ok()?.checked_mul(unit)?
    };
    let mut digit_worth = unit;
    for digit in fraction.bytes() {
        digit_worth /= 10;
        result += i128::from(digit - b'0') * digit_worth;
    }
    Some(result)
}
