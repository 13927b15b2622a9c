use std::time::Duration;

use crate::{Error, ErrorKind, Result};

/// Units in microseconds; `ms` and `us` stand before `m` and `s`, whose prefix they are.
const UNITS: [(&str, u64); 7] = [
    ("ms", 1_000),
    ("us", 1),
    ("w", 604_800_000_000),
    ("d", 86_400_000_000),
    ("h", 3_600_000_000),
    ("m", 60_000_000),
    ("s", 1_000_000),
];

/// Reads a ttl: numbers with units (`30d`, `1h30m`, `86400s`, `250ms`, `1.5s`), or a bare `0`.
///
/// # Errors
/// Definition, for anything else, and for more than about 292,000 years.
pub fn parse_duration(text: &str) -> Result<Duration> {
    let trimmed = text.trim();
    if trimmed == "0" {
        return Ok(Duration::ZERO);
    }
    micros(trimmed).map(Duration::from_micros).ok_or_else(|| {
        Error::new(ErrorKind::Definition, format!("`{text}` is no duration"))
            .with_help("write numbers with units w, d, h, m, s, ms or us, for example 30d, 1h30m, 86400s; a bare number only for 0")
    })
}

fn micros(text: &str) -> Option<u64> {
    let (mut rest, mut total) = (text, 0_u64);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(digits);
        let (unit, scale) = UNITS.iter().find(|(unit, _)| tail.starts_with(unit))?;
        total = total.checked_add(scaled(number, *scale)?)?;
        rest = &tail[unit.len()..];
    }
    // i64 microseconds is what timestamps are made of.
    (!text.is_empty() && i64::try_from(total).is_ok()).then_some(total)
}

fn scaled(number: &str, scale: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let mut total = whole.parse::<u64>().ok()?.checked_mul(scale)?;
    let mut place = scale;
    for digit in fraction.chars() {
        if !place.is_multiple_of(10) {
            // Less than a microsecond would be cut off, down to 0, which means any age.
            return None;
        }
        place /= 10;
        total = total.checked_add(u64::from(digit.to_digit(10)?).checked_mul(place)?)?;
    }
    Some(total)
}

/// Writes a duration as [`parse_duration`] reads it: `30d`, `1h30m`, `0`.
pub fn format_duration(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    let mut text = String::new();
    for unit in ["w", "d", "h", "m", "s", "ms", "us"] {
        let scale = UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .map_or(1, |(_, scale)| *scale);
        if unit != "w" && rest / scale > 0 {
            text += &format!("{}{unit}", rest / scale);
            rest %= scale;
        }
    }
    if text.is_empty() { "0".to_owned() } else { text }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_durations() {
        for (text, us) in [
            ("0", 0),
            ("30d", 2_592_000_000_000),
            ("1h30m", 5_400_000_000),
            ("250ms", 250_000),
            ("1.5s", 1_500_000),
            ("7us", 7),
        ] {
            assert_eq!(parse_duration(text).unwrap(), Duration::from_micros(us), "{text}");
            assert_eq!(
                parse_duration(&format_duration(Duration::from_micros(us))).unwrap(),
                Duration::from_micros(us)
            );
        }
        assert_eq!(parse_duration("1w").unwrap(), Duration::from_secs(604_800));
        assert_eq!(format_duration(Duration::from_secs(5_400)), "1h30m");
    }

    #[test]
    fn refuses_what_is_none() {
        for text in [
            "",
            "5",
            "d",
            "1x",
            "-1d",
            "1.2.3s",
            "99999999999999999999d",
            "9999999999w",
            "1h 30m",
            "0.5us",
            "1.2345ms",
        ] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
