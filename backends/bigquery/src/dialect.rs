use arrow::datatypes::{DataType, Field};
use arrow::temporal_conversions::timestamp_us_to_datetime;
use hybrid_core::sql::{Dialect, Formulation, sql_type_of, sqlparser};
use hybrid_core::{Error, ErrorKind, Result};

use crate::names;
use crate::types::{ARRAY, AS_TEXT, MONTHLY, YEARLY, sql_type};

/// How BigQuery writes things. An instant is a TIMESTAMP.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct BigQueryDialect;

/// Microseconds of the years that BigQuery has: 0001-01-01 to 9999-12-31.
const YEARS: std::ops::RangeInclusive<i64> = -62_135_596_800_000_000..=253_402_300_799_999_999;

impl Dialect for BigQueryDialect {
    fn quote(&self, name: &str) -> String {
        names::quoted(name)
    }

    fn text(&self, text: &str) -> String {
        names::text(text)
    }

    fn sql_type(&self, data_type: &DataType) -> Result<String> {
        sql_type(data_type)
    }

    fn key(&self, expr: &str, column: &Field, canonical: &DataType) -> Result<String> {
        let wanted = sql_type(canonical)?;
        Ok(match canonical {
            DataType::Timestamp(..) => self.instant(expr, column)?,
            // They compare as numbers, whatever their scales.
            DataType::Decimal128(..) => expr.to_owned(),
            _ if sql_type_of(column) == wanted => expr.to_owned(),
            _ if sql_type_of(column) == "JSON" => format!("TO_JSON_STRING({expr})"),
            _ => format!("CAST({expr} AS {wanted})"),
        })
    }

    fn instant(&self, expr: &str, column: &Field) -> Result<String> {
        match sql_type_of(column) {
            "TIMESTAMP" => Ok(expr.to_owned()),
            "DATETIME" | "DATE" => Ok(format!("TIMESTAMP({expr}, 'UTC')")),
            // Jobs run in UTC. More than six digits are refused by the cast: they are cut off, which floors.
            "STRING" => Ok(format!(
                "CAST(REGEXP_REPLACE({expr}, r'([.][0-9]{{6}})[0-9]+', r'\\1') AS TIMESTAMP)"
            )),
            MONTHLY | YEARLY => {
                let message = format!(
                    "column `{}` names its partition only, a whole month or year, and holds no times",
                    column.name()
                );
                Err(Error::new(ErrorKind::InvalidInput, message)
                    .with_help("name it as `date_partition_column`, and a column of the rows as `timestamp_field`"))
            }
            other => {
                let message = format!("column `{}` of type {other} holds no times", column.name());
                Err(Error::new(ErrorKind::InvalidInput, message)
                    .with_help("a time is a TIMESTAMP, a DATETIME (UTC), a DATE, or a STRING in RFC 3339"))
            }
        }
    }

    fn instant_literal(&self, micros: i64) -> String {
        match written(micros) {
            Some(text) => format!("TIMESTAMP '{text}+00'"),
            None => format!("TIMESTAMP_MICROS({micros})"),
        }
    }

    fn pruning_literal(&self, micros: i64, column: &Field, _upper: bool) -> Option<String> {
        match sql_type_of(column) {
            "TIMESTAMP" => Some(self.instant_literal(micros)),
            "DATETIME" => Some(format!("DATETIME '{}'", written(micros)?)),
            // Of a day, a month or a year that has begun by then, for both ends.
            "DATE" => Some(format!("DATE '{}'", said(micros, "%Y-%m-%d")?)),
            MONTHLY => Some(format!("TIMESTAMP '{} 00:00:00+00'", said(micros, "%Y-%m-01")?)),
            YEARLY => Some(format!("TIMESTAMP '{} 00:00:00+00'", said(micros, "%Y-01-01")?)),
            _ => None,
        }
    }

    fn within_ttl(&self, feature: &str, entity: &str, ttl: i64) -> String {
        // A difference has room where a sum would leave the years that there are.
        format!("(TIMESTAMP_DIFF({entity}, {feature}, MICROSECOND) <= {ttl})")
    }

    fn selected(&self, expr: &str, column: &Field) -> String {
        match sql_type_of(column) {
            name if AS_TEXT.contains(&name) => format!("CAST({expr} AS STRING)"),
            // A result holds no NULL in the place of an array.
            name if name.starts_with("ARRAY") => format!("IF({expr} IS NULL, NULL, STRUCT({expr} AS {ARRAY}))"),
            _ => expr.to_owned(),
        }
    }

    fn bytes(&self, bytes: &[u8]) -> String {
        let digits: String = bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect();
        format!("b'{digits}'")
    }

    fn structure(&self, fields: &[(String, String)]) -> String {
        let fields = fields
            .iter()
            .map(|(name, value)| format!("{value} AS {}", names::quoted(name)));
        format!("STRUCT({})", fields.collect::<Vec<_>>().join(", "))
    }

    fn formulations(&self) -> (Formulation, Formulation) {
        // One pass over the source for every shape of data; to ask first how many pairs there are would be billed.
        (Formulation::LastValue, Formulation::LastValue)
    }

    fn also_offered(&self) -> &'static [Formulation] {
        &[Formulation::Ranked]
    }

    fn qualify(&self) -> bool {
        true
    }

    fn comparable(&self, column: &Field) -> bool {
        let name = sql_type_of(column);
        let other = ["JSON", "GEOGRAPHY", "STRUCT", "ARRAY", "OTHER"];
        !other.iter().any(|other| name.starts_with(other)) && !column.data_type().is_nested()
    }

    fn grammar(&self) -> Box<dyn sqlparser::dialect::Dialect> {
        Box::new(sqlparser::dialect::BigQueryDialect)
    }
}

/// A moment as a literal says it, in the years that there are.
fn written(micros: i64) -> Option<String> {
    said(micros, "%Y-%m-%d %H:%M:%S%.6f")
}

fn said(micros: i64, format: &str) -> Option<String> {
    let moment = YEARS.contains(&micros).then(|| timestamp_us_to_datetime(micros));
    Some(moment.flatten()?.format(format).to_string())
}

#[cfg(test)]
mod tests;
