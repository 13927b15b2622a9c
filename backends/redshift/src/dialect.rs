use arrow::datatypes::{DataType, Field};
use hybrid_core::sql::{Dialect, sql_type_of, sqlparser};
use hybrid_core::{Error, ErrorKind, Result};

use crate::types::{literal, natural};

const DAY: i64 = 86_400_000_000;
const SECOND: i64 = 1_000_000;
/// Up to this ttl no time since 3700 BC leaves the server's range when the ttl is taken off.
const SAFE_TTL: i64 = 365_000 * DAY;
/// The first day that the server knows.
const FIRST: &str = "4713-01-01 BC";

/// How Redshift writes things. An instant is a `timestamp` of UTC: Parquet and the functions of Redshift know no other.
#[derive(Debug, Clone, Copy)]
pub struct RedshiftDialect;

impl Dialect for RedshiftDialect {
    fn text(&self, text: &str) -> String {
        // Whether a backslash escapes differs: no literal holds one.
        let parts: Vec<String> = text
            .split('\\')
            .map(|part| format!("'{}'", part.replace('\'', "''")))
            .collect();
        match parts.as_slice() {
            [part] => part.clone(),
            parts => format!("({})", parts.join(" || CHR(92) || ")),
        }
    }

    fn sql_type(&self, data_type: &DataType) -> Result<String> {
        match data_type {
            DataType::Timestamp(..) => Ok("timestamp".to_owned()),
            other => natural(other),
        }
    }

    fn key(&self, expr: &str, column: &Field, canonical: &DataType) -> Result<String> {
        let found = sql_type_of(column);
        Ok(match canonical {
            DataType::Timestamp(..) => self.instant(expr, column)?,
            // Digits compare as numbers, whatever their scale.
            DataType::Decimal128(..) if found.starts_with("numeric") => expr.to_owned(),
            DataType::Utf8 if found == "varchar" => expr.to_owned(),
            _ if self.sql_type(canonical)? == found => expr.to_owned(),
            _ => format!("({expr})::{}", self.sql_type(canonical)?),
        })
    }

    fn instant(&self, expr: &str, column: &Field) -> Result<String> {
        match sql_type_of(column) {
            "timestamp" => Ok(expr.to_owned()),
            "timestamptz" => Ok(format!("({expr} AT TIME ZONE 'UTC')")),
            "date" => Ok(format!("({expr})::timestamp")),
            // The sessions are in UTC.
            "varchar" | "bpchar" => Ok(format!("(({expr})::timestamptz AT TIME ZONE 'UTC')")),
            other => {
                let message = format!("column `{}` of type {other} holds no times", column.name());
                Err(Error::new(ErrorKind::InvalidInput, message)
                    .with_help("times are timestamptz, timestamp (UTC), date, or text in the form of RFC 3339"))
            }
        }
    }

    fn instant_literal(&self, micros: i64) -> String {
        format!("'{}'::timestamp", literal(micros, false))
    }

    fn pruning_literal(&self, micros: i64, column: &Field, _upper: bool) -> Option<String> {
        match sql_type_of(column) {
            "timestamp" => Some(self.instant_literal(micros)),
            // A literal without zone is of the session's, which is UTC.
            "timestamptz" => Some(format!("'{}'::timestamptz", literal(micros, false))),
            // Of a day that has begun by then, for both ends.
            "date" => Some(format!("'{}'::date", literal(micros, true))),
            _ => None,
        }
    }

    fn within_ttl(&self, feature: &str, entity: &str, ttl: i64) -> String {
        let parts = [
            (ttl / DAY, "days"),
            (ttl % DAY / SECOND, "seconds"),
            (ttl % SECOND, "microseconds"),
        ];
        let parts = parts.iter().filter(|(count, _)| *count > 0);
        let intervals: String = parts
            .map(|(count, unit)| format!(" - INTERVAL '{count} {unit}'"))
            .collect();
        let earliest = format!("({entity}{intervals})");
        if ttl <= SAFE_TTL {
            return format!("({feature} >= {earliest})");
        }
        // Asked by days alone, as the difference could leave the range at the other end.
        let far = format!("(({entity})::date - '{FIRST}'::date)");
        let days = ttl / DAY + 1;
        format!("({feature} >= CASE WHEN {far} > {days} THEN {earliest} ELSE '{FIRST}'::timestamp END)")
    }

    fn selected(&self, expr: &str, column: &Field) -> String {
        match sql_type_of(column) {
            "super" => format!("JSON_SERIALIZE({expr})"),
            _ => expr.to_owned(),
        }
    }

    fn bytes(&self, bytes: &[u8]) -> String {
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("FROM_HEX('{digits}')")
    }

    /// Redshift knows frames of ROWS alone, and asks for one.
    fn range_frames(&self) -> bool {
        false
    }

    fn comparable(&self, column: &Field) -> bool {
        let data_type = column.data_type();
        let scalar = data_type.is_primitive() || matches!(data_type, DataType::Boolean | DataType::Utf8);
        scalar && !matches!(sql_type_of(column), "super" | "geometry")
    }

    fn grammar(&self) -> Box<dyn sqlparser::dialect::Dialect> {
        Box::new(sqlparser::dialect::RedshiftSqlDialect {})
    }
}

#[cfg(test)]
#[allow(clippy::expect_used)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn statements_are_those_that_were_reviewed() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/statements");
        let described = |column: &std::sync::Arc<Field>| {
            let sql = natural(column.data_type()).expect("every type has a name");
            crate::types::field(column.name(), sql.trim_end_matches("(65535)"), None)
        };
        let columns: Vec<_> = hybrid_conformance::statements::columns()
            .fields()
            .iter()
            .map(described)
            .collect();
        let columns = std::sync::Arc::new(arrow::datatypes::Schema::new(columns));
        hybrid_conformance::statements::check(|| Box::new(RedshiftDialect), &columns, &folder);
    }

    #[test]
    fn no_literal_holds_a_backslash() {
        assert_eq!(RedshiftDialect.text("it's"), "'it''s'");
        assert_eq!(RedshiftDialect.text("a\\b'"), "('a' || CHR(92) || 'b''')");
    }

    #[test]
    fn a_ttl_is_exact_to_the_microsecond() {
        assert_eq!(
            RedshiftDialect.within_ttl("f", "e", DAY + 3 * SECOND / 2),
            "(f >= (e - INTERVAL '1 days' - INTERVAL '1 seconds' - INTERVAL '500000 microseconds'))"
        );
        assert_eq!(RedshiftDialect.within_ttl("f", "e", 0), "(f >= (e))");
    }
}
