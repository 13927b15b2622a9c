//! Trino's texts of dates and times, to and from numbers.

use arrow::array::timezone::Tz;
use chrono::{LocalResult, NaiveDateTime, Offset, TimeZone};

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// Days since 1970 of `2024-05-01`, also of years beyond four digits and before the first.
pub(super) fn days(text: &str) -> Option<i32> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut parts = digits.split('-');
    let year = sign * parts.next()?.parse::<i64>().ok()?;
    let (month, day) = (number(parts.next()?)?, number(parts.next()?)?);
    let valid = (1..=12).contains(&month) && (1..=31).contains(&day) && parts.next().is_none();
    (valid && year.abs() < 10_000_000)
        .then(|| i32::try_from(days_of(year, month, day)).ok())
        .flatten()
}

/// A number of a few digits and nothing else.
fn number(digits: &str) -> Option<i64> {
    let valid = (1..=6).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    valid.then(|| {
        digits
            .bytes()
            .fold(0, |number, byte| number * 10 + i64::from(byte - b'0'))
    })
}

/// The days since 1970 of a day of the proleptic Gregorian calendar, by eras of 400 years that start in March.
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The day that lies that many days after 1970: the inverse of [`days_of`].
fn day_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    (year, month, of_year - (153 * shifted + 2) / 5 + 1)
}

/// Microseconds since midnight of `12:30:00.123456789`; what is finer is floored.
pub(super) fn time_of_day(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut parts = whole.split(':');
    let (hour, minute) = (number(parts.next()?)?, number(parts.next()?)?);
    let second = parts.next().map_or(Some(0), number)?;
    if hour > 23 || minute > 59 || second > 59 || parts.next().is_some() {
        return None;
    }
    Some((hour * 3_600 + minute * 60 + second) * SECOND + micros(fraction)?)
}

/// The first six digits of a fraction.
fn micros(fraction: &str) -> Option<i64> {
    if fraction.is_empty() {
        return Some(0);
    }
    let valid = fraction.len() <= 12 && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let kept = &fraction.get(..fraction.len().min(6))?;
    let scale = 10_i64.pow(6 - u32::try_from(kept.len()).ok()?);
    valid.then(|| number(kept).map(|number| number * scale)).flatten()
}

/// Microseconds since 1970 of `2024-05-01 12:30:00.123456`, as they stand on a clock; the fraction is floored.
pub(super) fn naive_micros(text: &str) -> Option<i64> {
    let (date, time) = text.split_once(' ')?;
    i64::from(days(date)?).checked_mul(DAY)?.checked_add(time_of_day(time)?)
}

/// Microseconds since 1970 UTC of `2024-05-01 12:30:00.123456 Europe/Paris`, with a zone's name or an offset. Of
/// an hour that a clock shows twice it is the first.
pub(super) fn zoned_micros(text: &str) -> Option<i64> {
    let (local, zone) = text.rsplit_once(' ')?;
    let local = naive_micros(local)?;
    local.checked_sub(offset(local, zone)?.checked_mul(SECOND)?)
}

/// By how many seconds a zone is ahead of UTC when its clocks show `local`.
fn offset(local: i64, zone: &str) -> Option<i64> {
    if zone == "UTC" {
        return Some(0);
    }
    let zone: Tz = zone.parse().ok()?;
    let clock: NaiveDateTime = chrono::DateTime::from_timestamp_micros(local)?.naive_utc();
    let offset = match zone.offset_from_local_datetime(&clock) {
        LocalResult::Single(offset) | LocalResult::Ambiguous(offset, _) => offset,
        LocalResult::None => return None,
    };
    Some(i64::from(offset.fix().local_minus_utc()))
}

/// The text of an instant as Trino writes and reads it, in UTC: `2024-05-01 12:30:00.123456`.
pub(crate) fn timestamp_text(micros: i64) -> String {
    format!(
        "{} {}",
        date_text(micros.div_euclid(DAY)),
        time_text(micros.rem_euclid(DAY))
    )
}

/// The text of a time of day: `12:30:00.123456`.
pub(super) fn time_text(micros: i64) -> String {
    let seconds = micros / SECOND;
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{hour:02}:{minute:02}:{second:02}.{:06}", micros % SECOND)
}

/// The text of a day: `2024-05-01`.
pub(crate) fn date_text(days: i64) -> String {
    let (year, month, day) = day_of(days);
    let sign = if year < 0 { "-" } else { "" };
    format!("{sign}{:04}-{month:02}-{day:02}", year.abs())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_numbers_and_back() {
        for (text, micros) in [
            ("1970-01-01 00:00:00.000000", 0),
            ("1969-12-31 23:59:59.999999", -1),
            ("2024-02-29 12:30:00.123456", 1_709_209_800_123_456),
            ("9999-12-31 23:59:59.999999", 253_402_300_799_999_999),
            ("0001-01-01 00:00:00.000000", -62_135_596_800_000_000),
            ("10000-01-01 00:00:00.000000", 253_402_300_800_000_000),
        ] {
            assert_eq!(naive_micros(text), Some(micros), "{text}");
            assert_eq!(timestamp_text(micros), text);
        }
        for day in (-1_000_000..1_000_000).step_by(97) {
            assert_eq!(days(&date_text(day)).map(i64::from), Some(day));
        }
        let _ = (timestamp_text(i64::MIN), timestamp_text(i64::MAX));
    }

    #[test]
    fn fractions_are_floored_before_1970_too() {
        assert_eq!(naive_micros("1970-01-01 00:00:00"), Some(0));
        assert_eq!(naive_micros("1970-01-01 00:00:00.5"), Some(500_000));
        assert_eq!(naive_micros("1970-01-01 00:00:00.000000999"), Some(0));
        assert_eq!(naive_micros("1969-12-31 23:59:59.999999999"), Some(-1));
        assert_eq!(time_of_day("23:59:59.999999999999"), Some(DAY - 1));
    }

    #[test]
    fn zones_are_names_and_offsets() {
        let noon = 1_704_110_400_000_000;
        for text in [
            "2024-01-01 12:00:00.000000 UTC",
            "2024-01-01 13:00:00.000 Europe/Paris",
            "2024-01-01 17:30:00 +05:30",
            "2024-01-01 04:00:00 America/Los_Angeles",
        ] {
            assert_eq!(zoned_micros(text), Some(noon), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            " ",
            "2024-01-01",
            "2024-13-01 00:00:00",
            "2024-01-01 24:00:00",
            "2024-01-01 00:00:00.x",
            "é-1-1 0:0:0",
        ] {
            assert_eq!(naive_micros(text), None, "{text}");
        }
        for text in ["2024-01-01 00:00:00 Nowhere", "2024-01-01 00:00:00.000"] {
            assert_eq!(zoned_micros(text), None, "{text}");
        }
        for text in ["99999999999-01-01", "2024-1", "2024-01-01-01", "--1-01-01"] {
            assert_eq!(days(text), None, "{text}");
        }
    }
}
