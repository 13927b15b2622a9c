use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, TimeUnit};
use arrow::util::display::array_value_to_string;
use hybrid_core::sql::{SqlSession, sql_type_of};
use hybrid_core::{BatchStream, ErrorKind, timestamp_type};

use crate::common::{admin, config, fresh, rows, session, version};

/// From version 14 on.
const INFINITE: &str = "'-Infinity'::numeric";

/// The expression, its Arrow type, how its value shows, the engine's name of its type.
fn cases() -> Vec<(&'static str, DataType, &'static str, &'static str)> {
    let list = |item| DataType::new_list(item, true);
    vec![
        ("true", DataType::Boolean, "true", "boolean"),
        ("(-32768)::int2", DataType::Int16, "-32768", "smallint"),
        ("2147483647", DataType::Int32, "2147483647", "integer"),
        (
            "(-9223372036854775808)::int8",
            DataType::Int64,
            "-9223372036854775808",
            "bigint",
        ),
        ("4294967295::oid", DataType::Int64, "4294967295", "oid"),
        ("1.5::float4", DataType::Float32, "1.5", "real"),
        ("'NaN'::float8", DataType::Float64, "NaN", "double precision"),
        (
            "(-1234567.891)::numeric(12,4)",
            DataType::Decimal128(12, 4),
            "-1234567.8910",
            "numeric(12,4)",
        ),
        (
            "0::numeric(38,38)",
            DataType::Decimal128(38, 38),
            "0.00000000000000000000000000000000000000",
            "numeric(38,38)",
        ),
        (
            "123456789012345678901234567890.000000001",
            DataType::Utf8,
            "123456789012345678901234567890.000000001",
            "numeric",
        ),
        (INFINITE, DataType::Utf8, "-Infinity", "numeric"),
        ("0.00001000", DataType::Utf8, "0.00001000", "numeric"),
        (
            "1e40::numeric(50,2)",
            DataType::Utf8,
            "10000000000000000000000000000000000000000.00",
            "numeric",
        ),
        ("'größer'::text", DataType::Utf8, "größer", "text"),
        ("'a'::varchar(3)", DataType::Utf8, "a", "varchar"),
        ("'a'::char(3)", DataType::Utf8, "a  ", "bpchar"),
        ("'\\x00ff'::bytea", DataType::Binary, "00ff", "bytea"),
        (
            "'0190B0A0-0000-7000-8000-000000000000'::uuid",
            DataType::Utf8,
            "0190b0a0-0000-7000-8000-000000000000",
            "uuid",
        ),
        ("'{\"a\":  1}'::json", DataType::Utf8, "{\"a\":  1}", "json"),
        ("'{\"a\":  1}'::jsonb", DataType::Utf8, "{\"a\": 1}", "jsonb"),
        ("'1969-12-31'::date", DataType::Date32, "1969-12-31", "date"),
        ("'0044-03-15 BC'::date", DataType::Date32, "-0043-03-15", "date"),
        ("'24:00:00'::time", DataType::Utf8, "24:00:00", "time"),
        (
            "'1969-12-31 23:59:59.999999'::timestamp",
            DataType::Timestamp(TimeUnit::Microsecond, None),
            "1969-12-31T23:59:59.999999",
            "timestamp",
        ),
        (
            "'2024-01-01 00:00:00.000001+02'::timestamptz",
            timestamp_type(),
            "2023-12-31T22:00:00.000001Z",
            "timestamptz",
        ),
        (
            "'2024-01-01 00:00:00.1239+02'::timestamptz(3)",
            timestamp_type(),
            "2023-12-31T22:00:00.124Z",
            "timestamptz(3)",
        ),
        ("ARRAY[1,NULL,3]::int8[]", list(DataType::Int64), "[1, , 3]", "bigint[]"),
        ("'{}'::text[]", list(DataType::Utf8), "[]", "text[]"),
        ("'[3:4]={a,b}'::text[]", list(DataType::Utf8), "[a, b]", "text[]"),
        (
            "ARRAY[1.25]::numeric(5,2)[]",
            list(DataType::Decimal128(5, 2)),
            "[1.25]",
            "numeric(5,2)[]",
        ),
        ("ARRAY['a b']::varchar[]", list(DataType::Utf8), "[a b]", "varchar[]"),
        // What has no form here comes as text.
        ("'1 year 2 days'::interval", DataType::Utf8, "1 year 2 days", "interval"),
        (
            "ARRAY['1 day'::interval]",
            list(DataType::Utf8),
            "[1 day]",
            "interval[]",
        ),
        ("'10.0.0.1/8'::inet", DataType::Utf8, "10.0.0.1/8", "inet"),
        ("'12:00:00+02'::timetz", DataType::Utf8, "12:00:00+02", "timetz"),
        ("'[1,3)'::int4range", DataType::Utf8, "[1,3)", "int4range"),
        ("point(1,2)", DataType::Utf8, "(1,2)", "point"),
        ("B'101'", DataType::Utf8, "101", "bit"),
        ("ROW(1, 'a')", DataType::Utf8, "(1,a)", "record"),
        ("'<a/>'::xml", DataType::Utf8, "<a/>", "xml"),
    ]
}

#[tokio::test]
async fn every_type_comes_as_its_arrow_type() {
    let session = session(config()).await;
    let infinite = version().await >= 14;
    for (expression, data_type, shown, name) in cases() {
        if expression == INFINITE && !infinite {
            eprintln!("not run: {INFINITE}, which this server does not know");
            continue;
        }
        let query = format!("SELECT {expression} AS v, 1 AS v, NULLIF({expression}::text, {expression}::text) AS n");
        let described = session.describe(&query).await.unwrap();
        assert_eq!(described.field(0).data_type(), &data_type, "{expression}");
        assert_eq!(sql_type_of(described.field(0)), name, "{expression}");
        let stream = session.query(&query).await.unwrap();
        assert_eq!(stream.schema(), &described, "{expression}");
        let batches = stream.collect().await.unwrap();
        assert_eq!(
            array_value_to_string(batches[0].column(0), 0).unwrap(),
            shown,
            "{expression}"
        );
        assert!(batches[0].column(2).is_null(0));
    }
    session.close().await.unwrap();
}

#[tokio::test]
async fn types_that_a_user_made_come_as_text() {
    let schema = fresh("made");
    admin(&format!(
        "CREATE SCHEMA {schema}; CREATE TYPE {schema}.mood AS ENUM ('sad', 'ok'); \
         CREATE DOMAIN {schema}.small AS int4 CHECK (VALUE < 10); CREATE TYPE {schema}.pair AS (a int, b text); \
         CREATE TABLE {schema}.t (m {schema}.mood, ms {schema}.mood[], s {schema}.small, p {schema}.pair); \
         INSERT INTO {schema}.t VALUES ('ok', '{{sad,NULL}}', 7, '(1,\"x y\")'), (NULL, NULL, NULL, NULL)"
    ))
    .await;
    let found = rows(&format!("SELECT * FROM {schema}.t ORDER BY s")).await;
    let shown: Vec<String> = found[0]
        .columns()
        .iter()
        .map(|column| array_value_to_string(column, 0).unwrap())
        .collect();
    assert_eq!(shown, ["ok", "[sad, ]", "7", "(1,\"x y\")"]);
    assert_eq!(found[0].column(2).data_type(), &DataType::Int32);
    assert!(found[0].columns().iter().all(|column| column.is_null(1)));
}

#[tokio::test]
async fn what_arrow_cannot_hold_is_an_error_with_its_place() {
    let session = session(config()).await;
    for (expression, kind, words) in [
        ("'infinity'::timestamptz", ErrorKind::InvalidInput, "infinite"),
        ("'-infinity'::date", ErrorKind::InvalidInput, "infinite"),
        ("'NaN'::numeric(5,2)", ErrorKind::InvalidInput, "NaN"),
        ("ARRAY[[1,2],[3,4]]", ErrorKind::InvalidInput, "several dimensions"),
    ] {
        let query = format!(
            "SELECT NULLIF(i, 3) AS i, CASE WHEN i = 3 THEN {expression} END AS bad FROM generate_series(1, 5) i"
        );
        let query = query.replace("'NaN'::numeric(5,2) END", "'NaN'::numeric END::numeric(5,2)");
        let error = session.query(&query).await.unwrap().collect().await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        let told = error.to_string();
        assert!(
            told.contains(words) && told.contains("`bad`") && told.contains("row 3"),
            "{told}"
        );
        // The connection still serves the session.
        assert_eq!(
            session.query("SELECT 1").await.unwrap().collect().await.unwrap()[0].num_rows(),
            1
        );
    }
    session.close().await.unwrap();
}

#[tokio::test]
async fn a_large_result_comes_in_batches_and_in_order() {
    let session = session(config()).await;
    let stream = session
        .query("SELECT i, repeat('x', 50) AS t FROM generate_series(1, 300000) i")
        .await
        .unwrap();
    let batches = stream.collect().await.unwrap();
    assert!(batches.len() > 4 && batches.iter().all(|batch| batch.num_rows() <= 70_000));
    let mut next = 1;
    for batch in &batches {
        for value in batch.column(0).as_primitive::<arrow::datatypes::Int32Type>().values() {
            assert_eq!(*value, next);
            next += 1;
        }
    }
    assert_eq!(next, 300_001);
    let nothing = session.query("SELECT 1 AS a WHERE false").await.unwrap();
    assert_eq!(nothing.schema().field(0).name(), "a");
    assert!(nothing.collect().await.unwrap().is_empty());
    let no_columns: BatchStream = session.query("SELECT FROM generate_series(1, 3)").await.unwrap();
    assert_eq!(no_columns.collect().await.unwrap()[0].num_rows(), 3);
    session.close().await.unwrap();
}
