use arrow::datatypes::{DataType, Field};
use hybrid_core::sql::{Dialect, Formulation, sql_type_of, sqlparser};
use hybrid_core::{Error, ErrorKind, Result};

use crate::names;
use crate::types::{is_collated, sql_type};

/// How Snowflake writes things. An instant is a `TIMESTAMP_NTZ` of UTC, to the microsecond; sessions are in UTC.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SnowflakeDialect;

const DAY: i64 = 86_400_000_000;

/// Up to this ttl no time since the year 1 leaves the years that Snowflake counts when the ttl is taken off.
const SAFE_TTL: i64 = 365 * DAY;

impl Dialect for SnowflakeDialect {
    fn text(&self, text: &str) -> String {
        names::text(text)
    }

    fn sql_type(&self, data_type: &DataType) -> Result<String> {
        // Entity rows' instants are without zone, too.
        match data_type {
            DataType::Timestamp(..) => Ok("TIMESTAMP_NTZ(6)".to_owned()),
            other => sql_type(other),
        }
    }

    fn key(&self, expr: &str, column: &Field, canonical: &DataType) -> Result<String> {
        Ok(match canonical {
            DataType::Timestamp(..) => self.instant(expr, column)?,
            DataType::Utf8 if sql_type_of(column) != "VARCHAR" => format!("({expr})::VARCHAR"),
            // Keys are what they are, letter by letter, whatever the column's collation makes equal.
            DataType::Utf8 if is_collated(column) => format!("COLLATE({expr}, 'utf8')"),
            // Numbers compare as numbers, whatever their scale.
            _ => expr.to_owned(),
        })
    }

    fn instant(&self, expr: &str, column: &Field) -> Result<String> {
        match Time::of(sql_type_of(column)) {
            Some(Time::Stamp(0..=6, Zone::None)) => Ok(expr.to_owned()),
            Some(Time::Stamp(_, Zone::None)) => Ok(floored(expr)),
            Some(Time::Stamp(_, Zone::Session | Zone::Own)) => {
                Ok(floored(&format!("CONVERT_TIMEZONE('UTC', {expr})::TIMESTAMP_NTZ(9)")))
            }
            Some(Time::Date) => Ok(format!("({expr})::TIMESTAMP_NTZ(6)")),
            Some(Time::Text) => Ok(floored(&format!(
                "CONVERT_TIMEZONE('UTC', ({expr})::TIMESTAMP_TZ(9))::TIMESTAMP_NTZ(9)"
            ))),
            None => {
                let message = format!(
                    "column `{}` of type {} holds no times",
                    column.name(),
                    sql_type_of(column)
                );
                Err(Error::new(ErrorKind::InvalidInput, message)
                    .with_help("a time is a timestamp, a date, or a text in RFC 3339 (2024-05-01T12:30:00Z)"))
            }
        }
    }

    fn instant_literal(&self, micros: i64) -> String {
        format!("'{}'::TIMESTAMP_NTZ(6)", stamp(micros))
    }

    fn pruning_literal(&self, micros: i64, column: &Field, upper: bool) -> Option<String> {
        match Time::of(sql_type_of(column))? {
            Time::Date => Some(format!("'{}'::DATE", stamp(micros).get(..10)?)),
            Time::Stamp(digits, zone) => {
                let (text, digits) = with_digits(micros, digits, upper);
                Some(match zone {
                    Zone::None => format!("'{text}'::TIMESTAMP_NTZ({digits})"),
                    Zone::Session => format!("'{text} +0000'::TIMESTAMP_LTZ({digits})"),
                    Zone::Own => format!("'{text} +0000'::TIMESTAMP_TZ({digits})"),
                })
            }
            Time::Text => None,
        }
    }

    fn within_ttl(&self, feature: &str, entity: &str, ttl: i64) -> String {
        match ttl {
            ..=SAFE_TTL => format!("({feature} >= DATEADD('MICROSECOND', -{ttl}, {entity}))"),
            _ => format!("(DATEDIFF('MICROSECOND', {feature}, {entity}) <= {ttl})"),
        }
    }

    fn sample(&self, table: &str, percent: f64) -> Option<String> {
        Some(format!("{table} SAMPLE SYSTEM ({percent})"))
    }

    fn row_number(&self) -> String {
        "ROW_NUMBER() OVER (ORDER BY NULL)".to_owned()
    }

    fn comparable(&self, column: &Field) -> bool {
        !matches!(
            sql_type_of(column),
            "VARIANT" | "OBJECT" | "ARRAY" | "GEOGRAPHY" | "GEOMETRY" | "VECTOR" | "MAP"
        )
    }

    fn formulations(&self) -> (Formulation, Formulation) {
        (Formulation::AsOf, Formulation::Ranked)
    }

    fn qualify(&self) -> bool {
        true
    }

    fn values_in_from(&self) -> bool {
        true
    }

    fn grammar(&self) -> Box<dyn sqlparser::dialect::Dialect> {
        Box::new(sqlparser::dialect::SnowflakeDialect {})
    }
}

/// A type that holds times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Time {
    Date,
    Text,
    /// Digits behind the second.
    Stamp(u32, Zone),
}

/// What makes an instant of a timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Zone {
    None,
    Session,
    Own,
}

impl Time {
    fn of(sql_type: &str) -> Option<Self> {
        let (name, digits) = sql_type.split_once('(').unwrap_or((sql_type, "9)"));
        let zone = match name {
            "DATE" => return Some(Self::Date),
            "VARCHAR" => return Some(Self::Text),
            "TIMESTAMP_NTZ" => Zone::None,
            "TIMESTAMP_LTZ" => Zone::Session,
            "TIMESTAMP_TZ" => Zone::Own,
            _ => return None,
        };
        Some(Self::Stamp(digits.trim_end_matches(')').parse().ok()?, zone))
    }
}

/// Without what is finer than microseconds.
fn floored(expr: &str) -> String {
    format!("DATE_TRUNC('MICROSECOND', {expr})")
}

/// `YYYY-MM-DD HH:MM:SS.ffffff`.
fn stamp(micros: i64) -> String {
    let time = chrono::DateTime::from_timestamp_micros(micros).unwrap_or_default();
    time.format("%Y-%m-%d %H:%M:%S%.6f").to_string()
}

/// The last value of that many digits which is not after (`upper`) what floors to these microseconds, or the first.
fn with_digits(micros: i64, digits: u32, upper: bool) -> (String, u32) {
    let text = stamp(micros);
    match digits {
        // A shorter literal of the same type: what is cut off makes a lower bound lower, an upper one no
        // higher than what such a column holds.
        0..=6 => {
            let unit = 10_i64.pow(6 - digits);
            (stamp(micros.div_euclid(unit) * unit), 6)
        }
        _ => (format!("{text}{}", if upper { "999" } else { "000" }), 9),
    }
}

#[cfg(test)]
mod tests;
