use arrow::datatypes::{DataType, Field};
use hybrid_core::sql::{Dialect, sql_type_of, sqlparser};
use hybrid_core::{Error, ErrorKind, Result};

use crate::types::{CAST, Wire, literal};

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;
/// Up to this ttl no time since 3700 BC leaves the server's range when the ttl is taken off.
const SAFE_TTL: i64 = 365_000 * DAY;
/// The first day that the server knows.
const FIRST: &str = "'4713-01-01 00:00:00+00 BC'::timestamptz";

/// How Postgres writes things. An instant is a `timestamptz`.
pub(crate) struct Postgres;

impl Dialect for Postgres {
    fn sql_type(&self, data_type: &DataType) -> Result<String> {
        Wire::natural(data_type).map(|wire| wire.sql())
    }

    fn key(&self, expr: &str, column: &Field, canonical: &DataType) -> Result<String> {
        let wanted = self.sql_type(canonical)?;
        let found = sql_type_of(column);
        Ok(match canonical {
            DataType::Timestamp(..) => self.instant(expr, column)?,
            // Digits compare as numbers, whatever their scale.
            DataType::Decimal128(..) if found.starts_with("numeric") => expr.to_owned(),
            _ if found == wanted => expr.to_owned(),
            _ => format!("({expr})::{wanted}"),
        })
    }

    fn instant(&self, expr: &str, column: &Field) -> Result<String> {
        match type_name(column) {
            "timestamptz" => Ok(expr.to_owned()),
            "timestamp" => Ok(format!("({expr} AT TIME ZONE 'UTC')")),
            "date" => Ok(format!("(({expr})::timestamp AT TIME ZONE 'UTC')")),
            // The sessions are in UTC.
            "text" | "varchar" | "bpchar" => Ok(format!("({expr})::timestamptz")),
            other => {
                let message = format!("column `{}` of type {other} holds no times", column.name());
                Err(Error::new(ErrorKind::InvalidInput, message)
                    .with_help("times are timestamptz, timestamp (UTC), date, or text in the form of RFC 3339"))
            }
        }
    }

    fn instant_literal(&self, micros: i64) -> String {
        format!("'{}'::timestamptz", literal(micros, false))
    }

    fn pruning_literal(&self, micros: i64, column: &Field, _upper: bool) -> Option<String> {
        match type_name(column) {
            "timestamptz" => Some(self.instant_literal(micros)),
            "timestamp" => Some(format!("'{}'::timestamp", literal(micros, false).replace("+00", ""))),
            // Of a day that has begun by then, for both ends.
            "date" => Some(format!("'{}'::date", literal(micros, true))),
            _ => None,
        }
    }

    fn within_ttl(&self, feature: &str, entity: &str, ttl: i64) -> String {
        // Not in days: to take them away, the calendar would be asked for each pair of rows.
        let interval = format!("INTERVAL '{} seconds {} microseconds'", ttl / SECOND, ttl % SECOND);
        let earliest = format!("({entity} - {interval})");
        if ttl <= SAFE_TTL {
            return format!("({feature} >= {earliest})");
        }
        // Asked by days alone, as the sum could leave the range at the other end.
        let days = ttl / DAY + 1;
        let far = format!("(({entity})::date - {FIRST}::date)");
        format!("({feature} >= CASE WHEN {far} > {days} THEN {earliest} ELSE '-infinity'::timestamptz END)")
    }

    fn selected(&self, expr: &str, column: &Field) -> String {
        match column.metadata().get(CAST) {
            Some(cast) => format!("({expr})::{cast}"),
            None => expr.to_owned(),
        }
    }

    fn bytes(&self, bytes: &[u8]) -> String {
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("'\\x{digits}'::bytea")
    }

    fn sample(&self, table: &str, percent: f64) -> Option<String> {
        Some(format!("{table} TABLESAMPLE SYSTEM ({percent})"))
    }

    fn lateral(&self) -> bool {
        true
    }

    fn values_in_from(&self) -> bool {
        true
    }

    fn grammar(&self) -> Box<dyn sqlparser::dialect::Dialect> {
        Box::new(sqlparser::dialect::PostgreSqlDialect {})
    }
}

/// The name of a column's type, without the precision behind it.
fn type_name(column: &Field) -> &str {
    let name = sql_type_of(column);
    match name.split_once('(') {
        Some((scalar, modifier)) if modifier.ends_with(')') => scalar,
        _ => name,
    }
}

#[cfg(test)]
#[allow(clippy::expect_used)]
mod tests {
    use std::path::Path;

    use super::Postgres;

    #[test]
    fn statements_are_those_that_were_reviewed() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/statements");
        let columns = hybrid_conformance::statements::columns_of(&Postgres).expect("every type has a name");
        hybrid_conformance::statements::check(|| Box::new(Postgres), &columns, &folder);
    }
}
