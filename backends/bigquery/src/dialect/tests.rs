#![allow(clippy::unwrap_used)]

use std::path::Path;

use hybrid_core::sql::{SQL_TYPE, check_select};
use hybrid_core::timestamp_type;

use super::*;

const B: BigQueryDialect = BigQueryDialect;

fn field(data_type: DataType, name: &str) -> Field {
    Field::new("c", data_type, true).with_metadata([(SQL_TYPE.to_owned(), name.to_owned())].into())
}

#[test]
fn statements_are_those_that_were_reviewed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/statements");
    let columns = hybrid_conformance::statements::columns_of(&B).unwrap();
    hybrid_conformance::statements::check(|| Box::new(BigQueryDialect), &columns, &folder);
}

#[test]
fn moments_are_exact() {
    assert_eq!(B.instant_literal(1), "TIMESTAMP '1970-01-01 00:00:00.000001+00'");
    assert_eq!(B.instant_literal(-1), "TIMESTAMP '1969-12-31 23:59:59.999999+00'");
    assert_eq!(B.instant_literal(i64::MAX), "TIMESTAMP_MICROS(9223372036854775807)");
    assert_eq!(
        B.within_ttl("f", "e", 1_500_001),
        "(TIMESTAMP_DIFF(e, f, MICROSECOND) <= 1500001)"
    );
    let text = B.instant("s.t", &field(DataType::Utf8, "STRING")).unwrap();
    assert_eq!(
        text,
        r"CAST(REGEXP_REPLACE(s.t, r'([.][0-9]{6})[0-9]+', r'\1') AS TIMESTAMP)"
    );
    for name in ["INTERVAL", "JSON", "BIGNUMERIC", "INT64"] {
        assert_eq!(
            B.instant("x", &field(DataType::Utf8, name)).unwrap_err().kind(),
            ErrorKind::InvalidInput
        );
    }
}

#[test]
fn partitions_are_pruned_by_the_columns_own_type() {
    for (data_type, name, literal) in [
        (
            timestamp_type(),
            "TIMESTAMP",
            "TIMESTAMP '1969-12-31 23:59:59.999999+00'",
        ),
        (timestamp_type(), "DATETIME", "DATETIME '1969-12-31 23:59:59.999999'"),
        (DataType::Date32, "DATE", "DATE '1969-12-31'"),
        (timestamp_type(), MONTHLY, "TIMESTAMP '1969-12-01 00:00:00+00'"),
        (timestamp_type(), YEARLY, "TIMESTAMP '1969-01-01 00:00:00+00'"),
    ] {
        assert_eq!(
            B.pruning_literal(-1, &field(data_type, name), true).as_deref(),
            Some(literal)
        );
    }
    assert_eq!(B.pruning_literal(-1, &field(DataType::Utf8, "STRING"), true), None);
}

#[test]
fn a_month_or_a_year_is_no_time_of_a_row() {
    for name in [MONTHLY, YEARLY] {
        let error = B.instant("x", &field(timestamp_type(), name)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let told = error.to_string();
        assert!(
            told.contains("names its partition only") && !told.contains(name),
            "{told}"
        );
    }
}

#[test]
fn arrays_keep_their_null_and_what_arrow_lacks_is_text() {
    let list = field(DataType::new_list(DataType::Int64, true), "ARRAY");
    assert_eq!(
        B.selected("c", &list),
        "IF(c IS NULL, NULL, STRUCT(c AS __hybrid_array))"
    );
    assert_eq!(B.selected("c", &field(DataType::Utf8, "INTERVAL")), "CAST(c AS STRING)");
    assert!(!B.comparable(&list) && !B.comparable(&field(DataType::Utf8, "JSON")));
    assert!(B.comparable(&field(DataType::Utf8, "STRING")));
}

#[test]
fn bytes_and_structs_are_literals() {
    assert_eq!(B.bytes(&[0, 255, 39]), r"b'\x00\xff\x27'");
    assert_eq!(B.structure(&[("a`".into(), "1".into())]), r"STRUCT(1 AS `a\``)");
}

#[test]
fn a_select_of_bigquery_passes() {
    for query in [
        "SELECT * EXCEPT (a) FROM `p-1.d.t` WHERE x IN UNNEST([1, 2]) QUALIFY ROW_NUMBER() OVER (PARTITION BY y ORDER BY z) = 1",
        "WITH a AS (SELECT STRUCT(1 AS x) AS s) SELECT s.x FROM a",
        "SELECT SAFE_CAST(a AS INT64) FROM d.t, UNNEST(l) AS e WITH OFFSET",
    ] {
        assert!(check_select(query, &*B.grammar()).is_ok(), "{query}");
    }
    for query in [
        "DROP TABLE t",
        "SELECT 1; DELETE FROM t WHERE TRUE",
        "EXPORT DATA OPTIONS(uri='x') AS SELECT 1",
    ] {
        assert!(check_select(query, &*B.grammar()).is_err(), "{query}");
    }
}
