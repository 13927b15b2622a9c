//! Rows on their way into tables: which a load job takes as they are, and what the others become in SQL.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema};
use hybrid_core::{Error, ErrorKind, Result};

use super::{scalar, sql_type};
use crate::client::FieldSchema;
use crate::names::quoted;

/// Whether a load job writes such values as the column's type, without loss.
pub(crate) fn loads_as_it_is(given: &Field, columns: &[FieldSchema]) -> bool {
    let Ok(column) = of(given, columns) else {
        return false;
    };
    match given.data_type() {
        DataType::Map(..) | DataType::Null => false,
        // The types inside must be the same; REQUIRED fields inside are left to INSERT.
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) | DataType::Struct(_) => false,
        other => sql_type(other).is_ok_and(|natural| natural == written(column)),
    }
}

/// Whether a load job makes a column of the type that such values should have.
pub(crate) fn is_made_as_it_is(data_type: &DataType) -> bool {
    match data_type {
        DataType::Map(..) | DataType::Decimal256(..) => false,
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            is_made_as_it_is(item.data_type())
        }
        DataType::Struct(fields) => fields.iter().all(|field| is_made_as_it_is(field.data_type())),
        _ => true,
    }
}

/// The staged columns as the types of the table's.
pub(crate) fn stored(given: &Schema, columns: &[FieldSchema]) -> Result<String> {
    let value = |field: &Arc<Field>| as_column(&quoted(field.name()), field.data_type(), of(field, columns)?, 0);
    Ok(given.fields().iter().map(value).collect::<Result<Vec<_>>>()?.join(", "))
}

/// The staged columns as the types that a new table gets.
pub(crate) fn made(given: &Schema) -> String {
    let value = |field: &Arc<Field>| {
        let name = quoted(field.name());
        match field.data_type() {
            DataType::Map(..) => format!("PARSE_JSON({name}) AS {name}"),
            _ => name,
        }
    };
    given.fields().iter().map(value).collect::<Vec<_>>().join(", ")
}

/// The decimals that keep fewer digits than their type, which would round; of structs those inside.
pub(crate) fn narrow(columns: &[FieldSchema]) -> Schema {
    Schema::new(narrowed(columns))
}

fn narrowed(columns: &[FieldSchema]) -> Fields {
    let narrow = |column: &FieldSchema| {
        let inner = narrowed(&column.fields);
        let mut kept = match column.precision {
            Some(precision) => {
                let scale = column.scale.unwrap_or_default();
                DataType::Decimal128(u8::try_from(precision).ok()?, i8::try_from(scale).ok()?)
            }
            None if inner.is_empty() => return None,
            None => DataType::Struct(inner),
        };
        if column.is_repeated() {
            kept = DataType::new_list(kept, true);
        }
        Some(Field::new(&column.name, kept, true))
    };
    columns.iter().filter_map(narrow).collect()
}

fn of<'a>(given: &Field, columns: &'a [FieldSchema]) -> Result<&'a FieldSchema> {
    columns
        .iter()
        .find(|column| column.name == *given.name())
        .ok_or_else(|| {
            let message = format!("the table has no column `{}` any more", given.name());
            Error::new(ErrorKind::InvalidInput, message)
        })
}

/// A staged value as the type of a column, inside of so many arrays.
fn as_column(value: &str, given: &DataType, column: &FieldSchema, depth: usize) -> Result<String> {
    let (staged, kept) = (sql_type(given)?, written(column));
    Ok(match (given, staged.as_str(), kept.as_str()) {
        (_, _, "OTHER" | "RANGE") => value.to_owned(),
        (DataType::Null, ..) => format!("CAST(NULL AS {kept})"),
        // A map is staged as its text.
        (_, "JSON" | "STRING", "JSON") => format!("PARSE_JSON({value})"),
        (_, staged, kept) if staged == kept => value.to_owned(),
        (DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _), ..) => {
            let element = FieldSchema {
                mode: None,
                ..column.clone()
            };
            let (e, at) = (format!("e{depth}"), format!("at{depth}"));
            let element = as_column(&e, item.data_type(), &element, depth + 1)?;
            format!("ARRAY(SELECT {element} FROM UNNEST({value}) AS {e} WITH OFFSET AS {at} ORDER BY {at})")
        }
        (DataType::Struct(fields), ..) => {
            let field = |(given, column): (&Arc<Field>, &FieldSchema)| {
                let name = quoted(given.name());
                let inner = as_column(&format!("{value}.{name}"), given.data_type(), column, depth)?;
                Ok(format!("{inner} AS {name}"))
            };
            let fields = fields
                .iter()
                .zip(&column.fields)
                .map(field)
                .collect::<Result<Vec<_>>>()?;
            format!("IF({value} IS NULL, NULL, STRUCT({}))", fields.join(", "))
        }
        (_, "STRING", "GEOGRAPHY") => format!("ST_GEOGFROMTEXT({value})"),
        (_, "DATETIME" | "DATE", "TIMESTAMP") => format!("TIMESTAMP({value}, 'UTC')"),
        (_, "TIMESTAMP", "DATETIME") => format!("DATETIME({value}, 'UTC')"),
        (_, _, kept) => format!("CAST({value} AS {kept})"),
    })
}

/// A column's type as statements write it.
fn written(column: &FieldSchema) -> String {
    let one = match scalar(column).1 {
        "STRUCT" => {
            let field = |field: &FieldSchema| format!("{} {}", quoted(&field.name), written(field));
            format!(
                "STRUCT<{}>",
                column.fields.iter().map(field).collect::<Vec<_>>().join(", ")
            )
        }
        name => name.to_owned(),
    };
    match column.is_repeated() {
        true => format!("ARRAY<{one}>"),
        false => one,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::array::{Array, ArrayRef, Decimal128Array, RecordBatch, StructArray};
    use arrow::datatypes::TimeUnit;
    use hybrid_core::{BatchStream, ValueType, timestamp_type};
    use serde_json::{Value, json};

    use super::*;

    fn column(said: Value) -> FieldSchema {
        let mut column: FieldSchema = serde_json::from_value(said).unwrap();
        column.name = "c".to_owned();
        column
    }

    fn list(item: DataType) -> DataType {
        DataType::new_list(item, true)
    }

    #[test]
    fn a_load_is_enough_where_the_types_are_the_same() {
        let naive = DataType::Timestamp(TimeUnit::Microsecond, None);
        for (given, kind, whole, value) in [
            (DataType::Int32, "INTEGER", true, "`c`"),
            (DataType::Utf8, "STRING", true, "`c`"),
            (DataType::Null, "STRING", false, "CAST(NULL AS STRING)"),
            (DataType::LargeUtf8, "JSON", false, "PARSE_JSON(`c`)"),
            (ValueType::Map.to_arrow(), "JSON", false, "PARSE_JSON(`c`)"),
            (DataType::Utf8, "GEOGRAPHY", false, "ST_GEOGFROMTEXT(`c`)"),
            (naive.clone(), "TIMESTAMP", false, "TIMESTAMP(`c`, 'UTC')"),
            (naive, "DATETIME", true, "`c`"),
            (timestamp_type(), "TIMESTAMP", true, "`c`"),
            (DataType::Decimal128(38, 2), "NUMERIC", false, "CAST(`c` AS NUMERIC)"),
            (DataType::Decimal128(20, 2), "NUMERIC", true, "`c`"),
            (DataType::Utf8, "BIGNUMERIC", false, "CAST(`c` AS BIGNUMERIC)"),
        ] {
            let (field, columns) = (Field::new("c", given.clone(), true), [column(json!({"type": kind}))]);
            assert_eq!(loads_as_it_is(&field, &columns), whole, "{given} {kind}");
            assert_eq!(stored(&Schema::new(vec![field]), &columns).unwrap(), value);
        }
    }

    #[test]
    fn what_is_inside_becomes_the_tables_type_too() {
        let one = |name: &str, data_type| DataType::Struct(vec![Field::new(name, data_type, true)].into());
        let lists = one("a", list(DataType::Int64));
        for (given, said, value) in [
            (
                list(DataType::Int32),
                json!({"type": "INTEGER", "mode": "REPEATED"}),
                "`c`",
            ),
            (
                list(DataType::Int64),
                json!({"type": "FLOAT", "mode": "REPEATED"}),
                "ARRAY(SELECT CAST(e0 AS FLOAT64) FROM UNNEST(`c`) AS e0 WITH OFFSET AS at0 ORDER BY at0)",
            ),
            (
                one("a", DataType::Int64),
                json!({"type": "RECORD", "fields": [{"name": "a", "type": "FLOAT64"}]}),
                "IF(`c` IS NULL, NULL, STRUCT(CAST(`c`.`a` AS FLOAT64) AS `a`))",
            ),
            (
                list(lists),
                json!({"type": "RECORD", "mode": "REPEATED", "fields": [{"name": "a", "type": "FLOAT", "mode": "REPEATED"}]}),
                "ARRAY(SELECT IF(e0 IS NULL, NULL, STRUCT(ARRAY(SELECT CAST(e1 AS FLOAT64) FROM UNNEST(e0.`a`) AS e1 \
                 WITH OFFSET AS at1 ORDER BY at1) AS `a`)) FROM UNNEST(`c`) AS e0 WITH OFFSET AS at0 ORDER BY at0)",
            ),
        ] {
            let schema = Schema::new(vec![Field::new("c", given, true)]);
            assert_eq!(stored(&schema, &[column(said)]).unwrap(), value);
        }
    }

    #[test]
    fn decimals_that_say_their_digits_keep_no_others() {
        let said = [
            json!({"type": "NUMERIC", "precision": "10", "scale": "2"}),
            json!({"type": "BIGNUMERIC", "precision": "76", "scale": "3"}),
            json!({"type": "NUMERIC", "precision": "5", "mode": "REPEATED"}),
            json!({"type": "NUMERIC"}),
            json!({"type": "RECORD", "fields": [{"name": "a", "type": "NUMERIC"}]}),
            json!({"type": "RECORD", "mode": "REPEATED", "fields": [
                {"name": "a", "type": "STRING"},
                {"name": "b", "type": "RECORD", "fields": [{"name": "c", "type": "NUMERIC", "precision": "9", "scale": "1"}]},
            ]}),
        ];
        let narrow = narrow(&said.map(column));
        let types: Vec<_> = narrow.fields().iter().map(|field| field.data_type()).collect();
        let decimal = DataType::Decimal128;
        let one = |name: &str, inner| DataType::Struct(vec![Field::new(name, inner, true)].into());
        let inside = list(one("b", one("c", decimal(9, 1))));
        assert_eq!(types, [&decimal(10, 2), &decimal(76, 3), &list(decimal(5, 0)), &inside]);
    }

    #[tokio::test]
    async fn what_narrow_decimals_inside_would_round_is_an_error() {
        let given = |value: i128| {
            let values = Decimal128Array::from(vec![value])
                .with_precision_and_scale(38, 9)
                .unwrap();
            let one: ArrayRef = Arc::new(StructArray::from(vec![(
                Arc::new(Field::new("a", values.data_type().clone(), true)),
                Arc::new(values) as ArrayRef,
            )]));
            let batch = RecordBatch::try_from_iter([("c", one)]).unwrap();
            BatchStream::from_batches(batch.schema(), vec![batch])
        };
        let said =
            json!({"type": "RECORD", "fields": [{"name": "a", "type": "NUMERIC", "precision": "9", "scale": "1"}]});
        let narrow = narrow(&[column(said)]);
        let exact = |value| hybrid_core::sql::exact(given(value), "t", &narrow).collect();
        assert_eq!(exact(1_500_000_000).await.unwrap().len(), 1);
        let error = exact(1_550_000_000).await.unwrap_err();
        assert!(error.to_string().contains("`c.a`, row 1"), "{error}");
    }
}
