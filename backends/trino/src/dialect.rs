use arrow::datatypes::{DataType, Field};
use hybrid_core::sql::{Dialect, Formulation, sql_type_of};
use hybrid_core::{Error, ErrorKind, Result, timestamp_type};

use crate::types::{date_text, sql_type, timestamp_text};

/// How Trino writes things. An instant is a `timestamp(6)` in UTC.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct TrinoDialect;

const DAY: i64 = 86_400_000_000;

/// A longer ttl is no limit: the years 1 to 9999 lie less far apart.
const LONGEST_TTL: i64 = 9_999 * 366 * DAY;

impl Dialect for TrinoDialect {
    fn sql_type(&self, data_type: &DataType) -> Result<String> {
        sql_type(data_type)
    }

    fn key(&self, expr: &str, column: &Field, canonical: &DataType) -> Result<String> {
        if *canonical == timestamp_type() {
            return self.instant(expr, column);
        }
        if matches!(canonical, DataType::Decimal128(..)) {
            // They compare as numbers, whatever their scales; a cast would round.
            return Ok(expr.to_owned());
        }
        Ok(match sql_type_of(column) {
            "json" => format!("json_format({expr})"),
            written if *canonical == DataType::Utf8 => text_of(expr, written),
            _ => format!("CAST({expr} AS {})", sql_type(canonical)?),
        })
    }

    fn instant(&self, expr: &str, column: &Field) -> Result<String> {
        let written = sql_type_of(column);
        match Time::of(written) {
            Some(Time::Date) => Ok(format!("CAST({expr} AS timestamp(6))")),
            Some(Time::Text) => Ok(instant_of_text(&text_of(expr, written))),
            Some(Time::Stamp {
                digits: 6,
                zoned: false,
            }) => Ok(expr.to_owned()),
            Some(Time::Stamp { digits, zoned: false }) => Ok(floored(expr, digits)),
            Some(Time::Stamp { digits, zoned: true }) => {
                let local = format!("CAST({expr} AT TIME ZONE 'UTC' AS timestamp({digits}))");
                Ok(floored(&local, digits))
            }
            None => {
                let message = format!("column `{}` of type {written} holds no times", column.name());
                Err(Error::new(ErrorKind::InvalidInput, message)
                    .with_help("a time is a timestamp, a date, or a text in RFC 3339 (2024-05-01T12:30:00Z)"))
            }
        }
    }

    fn time_order(&self, expr: &str, column: &Field) -> Result<String> {
        match Time::of(sql_type_of(column)) {
            // To take a zone away costs more than all the rest of reading the column.
            Some(Time::Date | Time::Stamp { digits: 0..=6, .. }) => Ok(expr.to_owned()),
            _ => self.instant(expr, column),
        }
    }

    fn instant_literal(&self, micros: i64) -> String {
        format!("TIMESTAMP '{}'", timestamp_text(micros))
    }

    fn pruning_literal(&self, micros: i64, column: &Field, upper: bool) -> Option<String> {
        match Time::of(sql_type_of(column))? {
            Time::Date => Some(format!("DATE '{}'", date_text(micros.div_euclid(DAY)))),
            Time::Stamp { digits, zoned } => {
                let zone = if zoned { " UTC" } else { "" };
                Some(format!("TIMESTAMP '{}{zone}'", with_digits(micros, digits, upper)))
            }
            Time::Text => None,
        }
    }

    fn within_ttl(&self, feature: &str, entity: &str, ttl: i64) -> String {
        if ttl > LONGEST_TTL {
            return format!("({feature} IS NOT NULL)");
        }
        let (millis, rest) = (ttl.div_euclid(1_000), ttl.rem_euclid(1_000));
        let earliest = format!("{entity} - {}", interval(millis));
        match rest {
            0 => format!("({feature} >= {earliest})"),
            _ => within_micros(feature, &earliest, rest),
        }
    }

    fn selected(&self, expr: &str, column: &Field) -> String {
        match Time::of(sql_type_of(column)) {
            // The name of a zone does not say which of two equal times of a clock is meant.
            Some(Time::Stamp { zoned: true, .. }) => format!("({expr} AT TIME ZONE 'UTC')"),
            _ => expr.to_owned(),
        }
    }

    fn formulations(&self) -> (Formulation, Formulation) {
        (Formulation::RunningTime, Formulation::Ranked)
    }

    fn values_in_from(&self) -> bool {
        true
    }

    fn grammar(&self) -> Box<dyn hybrid_core::sql::sqlparser::dialect::Dialect> {
        Box::new(hybrid_core::sql::sqlparser::dialect::GenericDialect {})
    }
}

/// A type that holds times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Time {
    Date,
    Text,
    Stamp { digits: usize, zoned: bool },
}

impl Time {
    fn of(sql_type: &str) -> Option<Self> {
        if sql_type == "date" {
            return Some(Self::Date);
        }
        if sql_type.starts_with("varchar") || sql_type.starts_with("char") {
            return Some(Self::Text);
        }
        let rest = sql_type.strip_prefix("timestamp")?;
        let (digits, zone) = match rest.strip_prefix('(') {
            Some(rest) => rest
                .split_once(')')
                .and_then(|(digits, zone)| Some((digits.parse().ok()?, zone)))?,
            None => (3, rest),
        };
        match zone {
            "" => Some(Self::Stamp { digits, zoned: false }),
            " with time zone" => Some(Self::Stamp { digits, zoned: true }),
            _ => None,
        }
    }
}

/// A timestamp of so many digits as one of six; casts round, so what is finer is cut off as text.
fn floored(expr: &str, digits: usize) -> String {
    match digits {
        0..=6 => format!("CAST({expr} AS timestamp(6))"),
        _ => {
            let text = format!("CAST({expr} AS varchar)");
            format!(
                "CAST(substr({text}, 1, length({text}) - {}) AS timestamp(6))",
                digits - 6
            )
        }
    }
}

/// Whether a type is text that blanks fill up.
pub(crate) fn is_char(sql_type: &str) -> bool {
    sql_type.starts_with("char(")
}

/// A value of that type as text; the blanks that fill up a char(n) do not count.
pub(crate) fn text_of(expr: &str, sql_type: &str) -> String {
    let text = format!("CAST({expr} AS varchar)");
    match is_char(sql_type) {
        true => format!("trim(TRAILING ' ' FROM {text})"),
        false => text,
    }
}

/// RFC 3339, or the same without zone or with a space. The session's zone is UTC.
fn instant_of_text(text: &str) -> String {
    let parsed = format!("from_iso8601_timestamp_nanos(replace({text}, ' ', 'T'))");
    floored(&format!("CAST({parsed} AT TIME ZONE 'UTC' AS timestamp(9))"), 9)
}

/// The last value of that many digits which is not after (`upper`) what floors to these microseconds, or the first.
fn with_digits(micros: i64, digits: usize, upper: bool) -> String {
    let text = timestamp_text(micros);
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    match digits {
        0 => whole.to_owned(),
        1..=6 => format!("{whole}.{}", &fraction[..digits.min(fraction.len())]),
        _ => format!("{text}{}", if upper { "9" } else { "0" }.repeat(digits.min(12) - 6)),
    }
}

/// What is taken off an instant: intervals, which Trino has to the millisecond and of no more than 2^31
/// seconds.
fn interval(millis: i64) -> String {
    let (days, rest) = (millis / 86_400_000, millis % 86_400_000);
    let seconds = format!("INTERVAL '{}.{:03}' SECOND", rest / 1_000, rest % 1_000);
    match days {
        0 => seconds,
        _ => format!("INTERVAL '{days}' DAY - {seconds}"),
    }
}

/// `feature >= earliest - rest` microseconds: compared by milliseconds, then by the last three digits.
fn within_micros(feature: &str, earliest: &str, rest: i64) -> String {
    let millis = |instant: &str| format!("date_trunc('millisecond', {instant})");
    let micros = |instant: &str| format!("CAST(substr(CAST({instant} AS varchar), -3) AS integer)");
    let (feature_millis, earliest_millis) = (millis(feature), millis(earliest));
    let ahead = format!("{} - {}", micros(earliest), micros(feature));
    format!(
        "({earliest_millis} < {feature_millis} OR {earliest_millis} = {feature_millis} AND {ahead} <= {rest} \
         OR {earliest_millis} = {feature_millis} + INTERVAL '0.001' SECOND AND {ahead} <= {})",
        rest - 1_000
    )
}

#[cfg(test)]
mod tests;
