#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;

use arrow::datatypes::TimeUnit;
use hybrid_core::sql::SQL_TYPE;
use serde_json::json;

use super::*;
use crate::client::message::Column;
use crate::types::described;

fn column(sql_type: &str) -> Field {
    Field::new("x", DataType::Timestamp(TimeUnit::Microsecond, None), true)
        .with_metadata([(SQL_TYPE.to_owned(), sql_type.to_owned())].into())
}

#[test]
fn instants_are_utc_to_the_microsecond() {
    for (sql_type, expected) in [
        ("TIMESTAMP_NTZ(6)", "x"),
        ("TIMESTAMP_NTZ(9)", "DATE_TRUNC('MICROSECOND', x)"),
        ("DATE", "(x)::TIMESTAMP_NTZ(6)"),
        (
            "TIMESTAMP_TZ(9)",
            "DATE_TRUNC('MICROSECOND', CONVERT_TIMEZONE('UTC', x)::TIMESTAMP_NTZ(9))",
        ),
    ] {
        assert_eq!(SnowflakeDialect.instant("x", &column(sql_type)).unwrap(), expected);
    }
    for sql_type in ["TIME(9)", "NUMBER(38,0)", "VARIANT"] {
        let error = SnowflakeDialect.instant("x", &column(sql_type)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
}

#[test]
fn texts_are_keys_letter_by_letter() {
    let key = |said: serde_json::Value| {
        let column: Column = serde_json::from_value(said).unwrap();
        SnowflakeDialect
            .key("x", described(&[column]).field(0), &DataType::Utf8)
            .unwrap()
    };
    for collation in [json!(null), json!("")] {
        assert_eq!(key(json!({"name": "k", "type": "text", "collation": collation})), "x");
    }
    assert_eq!(
        key(json!({"name": "k", "type": "text", "collation": "en-ci"})),
        "COLLATE(x, 'utf8')"
    );
    assert_eq!(key(json!({"name": "k", "type": "variant"})), "(x)::VARCHAR");
}

#[test]
fn literals_that_prune_let_no_row_go() {
    let literal = |sql_type: &str, upper| SnowflakeDialect.pruning_literal(-1, &column(sql_type), upper);
    assert_eq!(
        literal("TIMESTAMP_NTZ(9)", false).unwrap(),
        "'1969-12-31 23:59:59.999999000'::TIMESTAMP_NTZ(9)"
    );
    assert_eq!(
        literal("TIMESTAMP_NTZ(9)", true).unwrap(),
        "'1969-12-31 23:59:59.999999999'::TIMESTAMP_NTZ(9)"
    );
    assert_eq!(
        literal("TIMESTAMP_TZ(3)", true).unwrap(),
        "'1969-12-31 23:59:59.999000 +0000'::TIMESTAMP_TZ(6)"
    );
    assert_eq!(literal("DATE", true).unwrap(), "'1969-12-31'::DATE");
    assert_eq!(literal("VARCHAR", true), None);
}

#[test]
fn a_long_ttl_leaves_no_year_that_is_counted() {
    assert_eq!(
        SnowflakeDialect.within_ttl("f", "e", 1_500_001),
        "(f >= DATEADD('MICROSECOND', -1500001, e))"
    );
    let long = SnowflakeDialect.within_ttl("f", "e", i64::MAX);
    assert_eq!(long, format!("(DATEDIFF('MICROSECOND', f, e) <= {})", i64::MAX));
}

#[test]
fn statements_are_those_that_were_reviewed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/statements");
    let columns = hybrid_conformance::statements::columns_of(&SnowflakeDialect).expect("every type has a name");
    hybrid_conformance::statements::check(|| Box::new(SnowflakeDialect), &columns, &folder);
}
