#![allow(clippy::unwrap_used)]

use hybrid_core::sql::sql_type_of;

use super::*;

fn read(kind: &str, mode: &str) -> Field {
    let column =
        serde_json::json!({"name": "c", "type": kind, "mode": mode, "fields": [{"name": "x", "type": "INTEGER"}]});
    let column: FieldSchema = serde_json::from_value(column).unwrap();
    described(&[column]).field(0).clone()
}

#[test]
fn both_names_of_a_type_mean_it() {
    for (old, new, data_type) in [
        ("INTEGER", "INT64", DataType::Int64),
        ("FLOAT", "FLOAT64", DataType::Float64),
        ("BOOLEAN", "BOOL", DataType::Boolean),
        ("DECIMAL", "NUMERIC", DataType::Decimal128(38, 9)),
    ] {
        for kind in [old, new] {
            let field = read(kind, "NULLABLE");
            assert_eq!((field.data_type(), sql_type_of(&field)), (&data_type, new));
        }
    }
    let repeated = read("INTEGER", "REPEATED");
    assert_eq!(repeated.data_type(), &DataType::new_list(DataType::Int64, true));
    assert_eq!(sql_type_of(&repeated), "ARRAY");
    let record = read("RECORD", "REQUIRED");
    assert_eq!(sql_type_of(&record), "STRUCT");
    assert!(matches!(record.data_type(), DataType::Struct(fields) if fields[0].data_type() == &DataType::Int64));
}

#[test]
fn pseudo_columns_are_those_of_the_partitioning() {
    let by = |kind: &str, field: Option<&str>| TimePartitioning {
        kind: kind.to_owned(),
        field: field.map(str::to_owned),
    };
    for (name, partitioning, sql_type) in [
        ("_PARTITIONTIME", by("DAY", None), Some("TIMESTAMP")),
        ("_PARTITIONDATE", by("DAY", None), Some("DATE")),
        ("_partitiontime", by("HOUR", None), Some("TIMESTAMP")),
        ("_PARTITIONTIME", by("MONTH", None), Some(MONTHLY)),
        ("_PARTITIONTIME", by("YEAR", None), Some(YEARLY)),
        ("_PARTITIONDATE", by("MONTH", None), None),
        ("_PARTITIONTIME", by("DAY", Some("ts")), None),
        ("day", by("DAY", None), None),
    ] {
        let found = pseudo_column(name, &partitioning);
        assert_eq!(found.as_ref().map(sql_type_of), sql_type, "{name} {partitioning:?}");
        assert!(found.is_none_or(|column| column.name() == name));
    }
}

#[test]
fn decimals_go_where_their_digits_have_room() {
    for (precision, scale, expected) in [
        (38, 9, Some("NUMERIC")),
        (29, 0, Some("NUMERIC")),
        (30, 0, Some("BIGNUMERIC")),
        (38, 10, Some("BIGNUMERIC")),
        (38, 38, Some("BIGNUMERIC")),
        (38, -1, None),
    ] {
        assert_eq!(
            sql_type(&DataType::Decimal128(precision, scale)).ok().as_deref(),
            expected
        );
    }
    assert!(sql_type(&DataType::Decimal256(76, 0)).is_err());
}

#[test]
fn types_that_bigquery_lacks_are_named() {
    let list = DataType::new_list(DataType::Int64, true);
    let error = sql_type(&DataType::new_list(list, true)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("put a struct around"), "{error}");
    assert!(sql_type(&hybrid_core::ValueType::Map.to_arrow()).is_ok());
}
