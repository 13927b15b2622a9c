use std::sync::Arc;

use arrow::datatypes::Schema;

use super::*;
use crate::sql::{SQL_TYPE, sql_type_of};

/// 2024-04-30 12:00 and 2024-05-01 UTC.
const WINDOW: Window = (Some(1_714_478_400_000_000), Some(1_714_521_600_000_000));

struct Plain;

impl Dialect for Plain {
    fn sql_type(&self, data_type: &DataType) -> Result<String> {
        Ok(data_type.to_string())
    }

    fn key(&self, expr: &str, _: &Field, _: &DataType) -> Result<String> {
        Ok(expr.to_owned())
    }

    fn instant(&self, expr: &str, column: &Field) -> Result<String> {
        match sql_type_of(column) {
            "uuid" => Err(Error::new(ErrorKind::InvalidInput, "it holds no times")),
            _ => Ok(expr.to_owned()),
        }
    }

    fn instant_literal(&self, micros: i64) -> String {
        micros.to_string()
    }

    fn pruning_literal(&self, micros: i64, _: &Field, _: bool) -> Option<String> {
        Some(micros.to_string())
    }

    fn within_ttl(&self, _: &str, _: &str, _: i64) -> String {
        "TRUE".to_owned()
    }

    fn grammar(&self) -> Box<dyn sqlparser::dialect::Dialect> {
        Box::new(sqlparser::dialect::GenericDialect {})
    }
}

fn table(column: Field) -> Table {
    Table {
        name: "days".to_owned(),
        from: "days".to_owned(),
        table: None,
        schema: Arc::new(Schema::new(vec![column])),
        hidden: None,
    }
}

fn day_of(data_type: DataType) -> Field {
    Field::new("day", data_type, true)
}

fn conditions(column: Field, format: Option<&str>, window: Window) -> Vec<String> {
    let table = table(column);
    let partition = Partition::named(&Plain, &table, "day", format).unwrap();
    assert!(partition.unused().is_none() || partition.conditions(window).is_empty());
    partition.conditions(window)
}

#[test]
fn a_date_prunes_whatever_the_format() {
    for format in [None, Some("%Y%m%d"), Some("no format")] {
        assert_eq!(
            conditions(day_of(DataType::Date32), format, WINDOW),
            ["\"s\".\"day\" >= 1714435200000000", "\"s\".\"day\" <= 1714521600000000"]
        );
    }
}

#[test]
fn text_prunes_by_its_format_alone() {
    let text = |format| conditions(day_of(DataType::Utf8), format, WINDOW);
    assert!(text(None).is_empty());
    assert_eq!(
        text(Some("%Y%m%d")),
        ["\"s\".\"day\" >= '20240430' AND \"s\".\"day\" <= '20240501'"]
    );
    // The order of these texts is not that of time.
    assert_eq!(
        text(Some("%d.%m.%Y")),
        ["\"s\".\"day\" IN ('30.04.2024', '01.05.2024')"]
    );
    assert_eq!(text(Some("%b %Y")), ["\"s\".\"day\" IN ('Apr 2024', 'May 2024')"]);
    let open = (None, WINDOW.1);
    assert!(conditions(day_of(DataType::Utf8), Some("%d.%m.%Y"), open).is_empty());
    assert_eq!(
        conditions(day_of(DataType::Utf8), Some("%Y-%m-%d"), open),
        ["\"s\".\"day\" <= '2024-05-01'"]
    );
}

#[test]
fn numbers_prune_as_numbers() {
    let number = |format| conditions(day_of(DataType::Int32), format, WINDOW);
    assert_eq!(
        number(Some("%Y%m%d")),
        ["\"s\".\"day\" >= 20240430 AND \"s\".\"day\" <= 20240501"]
    );
    assert_eq!(number(Some("%d%m%Y")), ["\"s\".\"day\" IN (30042024, 1052024)"]);
    assert!(number(None).is_empty() && number(Some("%Y-%m-%d")).is_empty());
}

#[test]
fn what_holds_no_dates_is_not_compared_with_one() {
    let uuid = day_of(DataType::Utf8).with_metadata([(SQL_TYPE.to_owned(), "uuid".to_owned())].into());
    for column in [uuid, day_of(DataType::Float64), day_of(DataType::Boolean)] {
        assert!(conditions(column, Some("%Y%m%d"), WINDOW).is_empty());
    }
}

#[test]
fn why_nothing_is_pruned_is_told() {
    let text = table(day_of(DataType::Utf8));
    let unused = |format| Partition::named(&Plain, &text, "day", format).unwrap().unused();
    assert!(unused(None).unwrap().contains("how `day` writes dates"));
    assert_eq!(unused(Some("%Y%m%d")), None);
    let number = table(day_of(DataType::Int64));
    let partition = Partition::named(&Plain, &number, "day", Some("%Y-%m-%d")).unwrap();
    assert!(partition.unused().unwrap().contains("`%Y-%m-%d`"));
}

#[test]
fn a_format_that_writes_no_dates_is_refused() {
    let table = table(day_of(DataType::Utf8));
    for format in ["", "day", "%H", "%!"] {
        let refused = Partition::named(&Plain, &table, "day", Some(format)).err().unwrap();
        assert_eq!(refused.kind(), ErrorKind::Definition, "{format}: {refused}");
    }
    for format in ["%Y-%m-%d", "%F", "%y%m%d", "%j", "%V", "%a", "%C"] {
        assert!(is_date_format(format), "{format}");
    }
}
