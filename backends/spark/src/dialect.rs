use arrow::datatypes::{DataType, Field};
use arrow::temporal_conversions::{date32_to_datetime, timestamp_us_to_datetime};
use hybrid_core::Result;
use hybrid_core::sql::{Dialect, Formulation, sql_type_of, sqlparser};

use crate::error::invalid;
use crate::types::{AS_TEXT, NANOS, sql_type};

/// How Spark SQL writes things, in sessions with the settings that this store makes.
#[derive(Debug, Clone, Copy, Default)]
pub struct SparkDialect;

const MICROS_PER_SECOND: i64 = 1_000_000;
const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;
/// Microseconds of the years that a literal of four digits can say: 0001-01-01 to 9999-12-31.
const WRITABLE: std::ops::RangeInclusive<i64> = -62_135_596_800_000_000..=253_402_300_799_999_999;
/// Longer than all of Spark's time; subtracting more would leave its range.
const LONGEST_TTL: i64 = 1 << 60;

impl Dialect for SparkDialect {
    fn quote(&self, name: &str) -> String {
        format!("`{}`", name.replace('`', "``"))
    }

    fn text(&self, text: &str) -> String {
        format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
    }

    fn sql_type(&self, data_type: &DataType) -> Result<String> {
        sql_type(data_type)
    }

    fn key(&self, expr: &str, column: &Field, canonical: &DataType) -> Result<String> {
        Ok(match (canonical, column.data_type()) {
            (DataType::Timestamp(..), _) => return self.instant(expr, column),
            // They compare as numbers, whatever their scales; a cast would round.
            (DataType::Decimal128(..), _) => expr.to_owned(),
            (DataType::Utf8, DataType::Utf8) => text_key(expr, sql_type_of(column)),
            (canonical, given) if canonical == given => expr.to_owned(),
            (canonical, _) => format!("CAST({expr} AS {})", sql_type(canonical)?),
        })
    }

    fn instant(&self, expr: &str, column: &Field) -> Result<String> {
        match (column.data_type(), sql_type_of(column)) {
            // Finer than microseconds: the cast floors.
            (DataType::Timestamp(..), said) if NANOS.contains(&said) => Ok(format!("CAST({expr} AS TIMESTAMP)")),
            (DataType::Timestamp(_, Some(_)), _) => Ok(expr.to_owned()),
            (DataType::Utf8, said) if AS_TEXT.contains(&said) || said == "nested" => Err(no_times(column, said)),
            (DataType::Timestamp(_, None) | DataType::Date32 | DataType::Utf8, _) => {
                Ok(format!("CAST({expr} AS TIMESTAMP)"))
            }
            (other, _) => Err(no_times(column, &other.to_string())),
        }
    }

    fn instant_literal(&self, micros: i64) -> String {
        match written(micros) {
            Some(text) => format!("TIMESTAMP '{text}Z'"),
            None => format!("TIMESTAMP_MICROS({micros})"),
        }
    }

    fn pruning_literal(&self, micros: i64, column: &Field, _upper: bool) -> Option<String> {
        match column.data_type() {
            DataType::Timestamp(_, Some(_)) if sql_type_of(column).is_empty() => Some(self.instant_literal(micros)),
            DataType::Timestamp(_, None) if sql_type_of(column).is_empty() => {
                written(micros).map(|text| format!("TIMESTAMP_NTZ '{text}'"))
            }
            // A day belongs to the range when its midnight does, whose day is that of the bound at most.
            DataType::Date32 if WRITABLE.contains(&micros) => {
                let days = i32::try_from(micros.div_euclid(MICROS_PER_DAY)).ok()?;
                Some(format!("DATE '{}'", date32_to_datetime(days)?.format("%Y-%m-%d")))
            }
            _ => None,
        }
    }

    fn within_ttl(&self, feature: &str, entity: &str, ttl: i64) -> String {
        if ttl >= LONGEST_TTL {
            return "TRUE".to_owned();
        }
        let (seconds, micros) = (ttl / MICROS_PER_SECOND, ttl % MICROS_PER_SECOND);
        format!("({feature} >= {entity} - INTERVAL '{seconds}.{micros:06}' SECOND)")
    }

    fn selected(&self, expr: &str, column: &Field) -> String {
        match (sql_type_of(column), column.data_type()) {
            ("variant" | "nested", _) => format!("TO_JSON({expr})"),
            (said, _) if AS_TEXT.contains(&said) => format!("CAST({expr} AS STRING)"),
            (said, DataType::Timestamp(_, zone)) if NANOS.contains(&said) => {
                format!(
                    "CAST({expr} AS {})",
                    if zone.is_some() { "TIMESTAMP" } else { "TIMESTAMP_NTZ" }
                )
            }
            _ => expr.to_owned(),
        }
    }

    fn structure(&self, fields: &[(String, String)]) -> String {
        let fields: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{}, {value}", self.text(name)))
            .collect();
        format!("NAMED_STRUCT({})", fields.join(", "))
    }

    fn row_number(&self) -> String {
        "ROW_NUMBER() OVER (ORDER BY MONOTONICALLY_INCREASING_ID())".to_owned()
    }

    fn formulations(&self) -> (Formulation, Formulation) {
        (Formulation::RunningStruct, Formulation::Ranked)
    }

    fn comparable(&self, column: &Field) -> bool {
        matches!(sql_type_of(column), "" | "char") && comparable(column.data_type())
    }

    fn values_in_from(&self) -> bool {
        true
    }

    fn grammar(&self) -> Box<dyn sqlparser::dialect::Dialect> {
        Box::new(sqlparser::dialect::SparkSqlDialect)
    }
}

/// A text as it compares: what a collation holds for equal is not, and the blanks that fill a char(n) do not count.
fn text_key(expr: &str, said: &str) -> String {
    let bytes = match said.contains(" collate ") {
        true => format!("({expr} COLLATE UTF8_BINARY)"),
        false => expr.to_owned(),
    };
    match said.starts_with("char") {
        true => format!("RTRIM({bytes})"),
        false => bytes,
    }
}

/// Maps do not compare in Spark, nor does what holds one.
fn comparable(data_type: &DataType) -> bool {
    match data_type {
        DataType::Map(..) => false,
        DataType::List(item) => comparable(item.data_type()),
        DataType::Struct(fields) => fields.iter().all(|field| comparable(field.data_type())),
        _ => true,
    }
}

/// A moment as a literal says it, in the years that it can.
fn written(micros: i64) -> Option<String> {
    let writable = WRITABLE.contains(&micros);
    let moment = writable.then(|| timestamp_us_to_datetime(micros)).flatten()?;
    Some(moment.format("%Y-%m-%d %H:%M:%S%.6f").to_string())
}

fn no_times(column: &Field, said: &str) -> hybrid_core::Error {
    invalid(format!(
        "column `{}` has type {said}, which holds no times",
        column.name()
    ))
    .with_help("a time column is a timestamp, a date, or text that Spark reads as one")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use hybrid_core::sql::SQL_TYPE;

    use super::*;

    #[test]
    fn texts_and_names_cannot_break_out() {
        assert_eq!(SparkDialect.text(r"it's \ ${x}"), r"'it\'s \\ ${x}'");
        assert_eq!(SparkDialect.quote("a`b"), "`a``b`");
    }

    #[test]
    fn moments_are_exact() {
        let literal = |micros| SparkDialect.instant_literal(micros);
        assert_eq!(literal(1), "TIMESTAMP '1970-01-01 00:00:00.000001Z'");
        assert_eq!(literal(-1), "TIMESTAMP '1969-12-31 23:59:59.999999Z'");
        assert_eq!(literal(i64::MIN), "TIMESTAMP_MICROS(-9223372036854775808)");
        assert_eq!(
            SparkDialect.within_ttl("f", "e", 1_500_001),
            "(f >= e - INTERVAL '1.500001' SECOND)"
        );
        assert_eq!(SparkDialect.within_ttl("f", "e", i64::MAX), "TRUE");
    }

    #[test]
    fn dates_prune_by_the_day_of_the_bound() {
        let field = Field::new("d", DataType::Date32, true);
        for upper in [false, true] {
            assert_eq!(
                SparkDialect.pruning_literal(-1, &field, upper).unwrap(),
                "DATE '1969-12-31'"
            );
        }
        assert!(SparkDialect.pruning_literal(i64::MAX, &field, true).is_none());
    }

    #[test]
    fn text_keys_compare_by_their_bytes_without_the_blanks_of_char() {
        for (said, key) in [
            ("", "k"),
            ("varchar", "k"),
            ("string collate UTF8_LCASE", "(k COLLATE UTF8_BINARY)"),
            ("char", "RTRIM(k)"),
            ("char collate UTF8_LCASE", "RTRIM((k COLLATE UTF8_BINARY))"),
        ] {
            let column = Field::new("k", DataType::Utf8, true);
            let column = column.with_metadata([(SQL_TYPE.to_owned(), said.to_owned())].into());
            assert_eq!(SparkDialect.key("k", &column, &DataType::Utf8).unwrap(), key);
            assert_eq!(SparkDialect.comparable(&column), matches!(said, "" | "char"));
        }
    }

    #[test]
    fn maps_do_not_compare() {
        let map = hybrid_core::ValueType::Map.to_arrow();
        assert!(!SparkDialect.comparable(&Field::new("m", DataType::new_list(map, true), true)));
        assert!(SparkDialect.comparable(&Field::new("l", DataType::new_list(DataType::Utf8, true), true)));
    }

    #[test]
    fn statements_are_those_that_were_reviewed() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/statements");
        let columns = hybrid_conformance::statements::columns();
        hybrid_conformance::statements::check(|| Box::new(SparkDialect), &columns, &folder);
    }
}
