//! How single values are read from the command line.

use std::str::FromStr;
use std::time::Duration;

use hybrid_offline_store::chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use hybrid_offline_store::definitions::parse_duration;

/// Reads RFC 3339, the same without a zone (UTC), or a date (its midnight, UTC).
pub fn parse_time(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.to_utc());
    }
    let naive = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f")
        .or_else(|_| NaiveDate::parse_from_str(text, "%Y-%m-%d").map(|date| date.and_time(NaiveTime::MIN)));
    naive
        .map(|time| time.and_utc())
        .map_err(|_| "write a date or a time as RFC 3339, for example 2025-01-31 or 2025-01-31T12:00:00Z".to_owned())
}

/// Reads how long a call may take: more than nothing.
pub fn parse_timeout(text: &str) -> Result<Duration, String> {
    match parse_duration(text) {
        Ok(Duration::ZERO) => Err("a timeout is longer than 0".to_owned()),
        Ok(timeout) => Ok(timeout),
        Err(error) => Err(error.help().join("; ")),
    }
}

/// Reads a number of bytes, with or without KiB, MiB or GiB behind it.
#[cfg(feature = "serve")]
pub fn parse_size(text: &str) -> Result<usize, String> {
    let units = [("KiB", 10), ("MiB", 20), ("GiB", 30)];
    let unit = units
        .iter()
        .find_map(|(unit, shift)| Some((text.strip_suffix(unit)?, *shift)));
    let (number, shift) = unit.unwrap_or((text, 0));
    let size = number
        .trim()
        .parse::<usize>()
        .ok()
        .and_then(|size| size.checked_mul(1 << shift));
    size.filter(|size| *size > 0)
        .ok_or_else(|| "write a number of bytes, for example 65536 or 64MiB".to_owned())
}

/// A SELECT and the key of the store that it runs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlFrame {
    pub store: String,
    pub query: String,
}

impl FromStr for SqlFrame {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some((store, query)) if is_key(store) && !query.trim().is_empty() => Ok(Self {
                store: store.to_owned(),
                query: query.trim().to_owned(),
            }),
            _ => Err("write the store's key, a colon and a SELECT, for example 'bigquery:SELECT …'".to_owned()),
        }
    }
}

fn is_key(text: &str) -> bool {
    !text.is_empty() && !text.contains(char::is_whitespace)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_forms() {
        let noon = parse_time("2025-01-31T13:00:00+01:00").unwrap();
        assert_eq!(parse_time("2025-01-31T12:00:00Z").unwrap(), noon);
        assert_eq!(parse_time("2025-01-31T12:00:00").unwrap(), noon);
        assert_eq!(
            parse_time("2025-01-31").unwrap(),
            noon - hybrid_offline_store::chrono::TimeDelta::hours(12)
        );
        assert_eq!(
            parse_time("2025-01-31T12:00:00.000001Z")
                .unwrap()
                .timestamp_subsec_micros(),
            1
        );
        for wrong in ["", "yesterday", "2025-13-01", "2025-02-30", "31.01.2025", "1738324800"] {
            assert!(parse_time(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_timeout_is_a_duration_above_zero() {
        assert_eq!(parse_timeout("1m30s").unwrap(), Duration::from_secs(90));
        for wrong in ["0", "0s", "", "90", "-1s", "soon"] {
            assert!(parse_timeout(wrong).is_err(), "{wrong}");
        }
    }

    #[cfg(feature = "serve")]
    #[test]
    fn a_size_is_a_number_of_bytes() {
        assert_eq!(parse_size("64MiB"), Ok(64 << 20));
        assert_eq!(parse_size("1 GiB"), Ok(1 << 30));
        assert_eq!(parse_size("7"), Ok(7));
        for wrong in ["", "0", "-1", "64MB", "1.5GiB", "99999999999GiB"] {
            assert!(parse_size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_query_names_its_store() {
        let frame: SqlFrame = "snowflake.offline: SELECT ':' FROM t".parse().unwrap();
        assert_eq!(
            (frame.store.as_str(), frame.query.as_str()),
            ("snowflake.offline", "SELECT ':' FROM t")
        );
        for wrong in ["SELECT 1", "file:", "file:  ", ":SELECT 1", "SELECT a::text FROM t"] {
            assert!(wrong.parse::<SqlFrame>().is_err(), "{wrong}");
        }
    }
}
