//! What the engine's types become.

use arrow::array::{Array, AsArray};
use arrow::datatypes::DataType;
use arrow::util::display::array_value_to_string;
use hybrid_conformance::partitioned;
use hybrid_core::sql::{SqlSession, SqlStore};
use hybrid_core::{OfflineStore, timestamp_type};
use hybrid_store_redshift::RedshiftSource;

use crate::common::{admin, connection, connection_and_s3, data_api, every_way, fresh, rows, session, store};

/// Expression, Arrow's type, the value as text.
fn values() -> Vec<(&'static str, DataType, &'static str)> {
    let naive = DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, None);
    vec![
        ("true", DataType::Boolean, "true"),
        ("(-32768)::int2", DataType::Int16, "-32768"),
        ("2147483647::int4", DataType::Int32, "2147483647"),
        ("'-9223372036854775808'::int8", DataType::Int64, "-9223372036854775808"),
        ("1.5::float4", DataType::Float32, "1.5"),
        ("'NaN'::float8", DataType::Float64, "NaN"),
        ("'-Infinity'::float8", DataType::Float64, "-inf"),
        ("0.1::float8 + 0.2::float8", DataType::Float64, "0.30000000000000004"),
        ("(-12.34)::numeric(10,2)", DataType::Decimal128(10, 2), "-12.34"),
        (
            "99999999999999999999999999999999999999::numeric(38,0)",
            DataType::Decimal128(38, 0),
            "99999999999999999999999999999999999999",
        ),
        ("1.25::numeric", DataType::Utf8, "1.25"),
        (
            "'Grüße, \"quoted\", 日本'::varchar",
            DataType::Utf8,
            "Grüße, \"quoted\", 日本",
        ),
        ("''::varchar", DataType::Utf8, ""),
        ("'ab'::char(4)", DataType::Utf8, "ab"),
        ("FROM_HEX('00ff5c27')::varbyte", DataType::Binary, "00ff5c27"),
        ("'0001-01-01'::date", DataType::Date32, "0001-01-01"),
        ("'9999-12-31'::date", DataType::Date32, "9999-12-31"),
        (
            "'2024-02-29 12:34:56.123456'::timestamp",
            naive.clone(),
            "2024-02-29T12:34:56.123456",
        ),
        ("'0001-01-01 00:00:00'::timestamp", naive, "0001-01-01T00:00:00"),
        (
            "'2024-02-29 12:34:56.123456+02'::timestamptz",
            timestamp_type(),
            "2024-02-29T10:34:56.123456Z",
        ),
        (
            "'2262-12-31 00:00:00+00'::timestamptz",
            timestamp_type(),
            "2262-12-31T00:00:00Z",
        ),
        (
            "JSON_PARSE('{\"a\": [1, null]}')::super",
            DataType::Utf8,
            "{\"a\": [1, null]}",
        ),
        ("'12:34:56'::time", DataType::Utf8, "12:34:56"),
        ("NULL::int8", DataType::Int64, ""),
    ]
}

#[tokio::test]
async fn types_are_read_over_every_way() {
    for config in every_way() {
        for (expr, data_type, text) in values() {
            // Once through S3, where there is one, and once as a few rows.
            for query in [
                format!("SELECT {expr} AS v FROM generate_series(1, 2)"),
                format!("SELECT MAX(v) AS v FROM (SELECT {expr} AS v) AS t"),
            ] {
                let aggregates =
                    !matches!(data_type, DataType::Boolean | DataType::Binary) && !expr.starts_with("JSON");
                if query.contains("MAX") && (!aggregates || expr.contains("numeric(") || expr.contains("char(4)")) {
                    continue;
                }
                let found = rows(config.clone(), &query)
                    .await
                    .unwrap_or_else(|error| panic!("{query}: {error}"));
                let column = found[0].column(0);
                assert_eq!(column.data_type(), &data_type, "{query}");
                assert_eq!(array_value_to_string(column, 0).unwrap().trim_end(), text, "{query}");
                assert_eq!(column.is_null(0), expr.starts_with("NULL"), "{query}");
            }
        }
    }
}

#[tokio::test]
async fn describing_says_what_a_query_gives() {
    let query = values()
        .iter()
        .enumerate()
        .map(|(at, (expr, ..))| format!("{expr} AS v{at}"))
        .collect::<Vec<_>>()
        .join(", ");
    for config in every_way() {
        let session = session(config).await;
        let schema = session.describe(&format!("SELECT {query}")).await.unwrap();
        for ((_, data_type, _), field) in values().iter().zip(schema.fields()) {
            assert_eq!(field.data_type(), data_type, "{}", field.name());
        }
        session.close().await.unwrap();
    }
}

#[tokio::test]
async fn columns_of_one_name_and_none_are_no_matter() {
    for config in every_way() {
        let found = rows(
            config.clone(),
            "SELECT x AS a, x + 1 AS a, 'C' AS \"A b\" FROM generate_series(1, 2) AS g(x)",
        )
        .await
        .unwrap();
        let names: Vec<&str> = found[0]
            .schema_ref()
            .fields()
            .iter()
            .map(|field| field.name().as_str())
            .collect();
        assert_eq!(names, ["a", "a", "A b"]);
        let empty = rows(config, "SELECT x AS a FROM generate_series(1, 0) AS g(x)")
            .await
            .unwrap();
        assert_eq!(empty.iter().map(|batch| batch.num_rows()).sum::<usize>(), 0);
    }
}

#[tokio::test]
async fn an_order_is_kept_through_many_files() {
    let query = "SELECT x AS n, FROM_HEX('ff')::varbyte AS b FROM generate_series(1, 4321) AS g(x) ORDER BY (-x)";
    for config in every_way() {
        let found = rows(config, query).await.unwrap();
        let numbers = found.iter().flat_map(|batch| {
            let numbers = arrow::compute::cast(batch.column(0), &DataType::Int64).unwrap();
            numbers.as_primitive::<arrow::datatypes::Int64Type>().values().to_vec()
        });
        assert_eq!(numbers.collect::<Vec<_>>(), (1..=4321).rev().collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn names_in_the_users_query_mean_what_redshift_says() {
    let table = fresh("Names");
    admin(&format!(
        "CREATE TABLE \"{table}\" (\"Id\" bigint, \"a\"\"b\" varchar(5), price$ bigint)"
    ))
    .await;
    let source = RedshiftSource::table(format!("\"{table}\""));
    for config in every_way() {
        let schema = OfflineStore::source_schema(&store(config).await, &source)
            .await
            .unwrap();
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        assert_eq!(names, ["Id", "a\"b", "price$"]);
    }
    admin(&format!("DROP TABLE \"{table}\"")).await;
}

#[tokio::test]
async fn ping_says_who_answers() {
    let told = SqlStore::ping(&store(data_api()).await).await.unwrap();
    assert!(
        told.contains("PostgreSQL") && told.contains("cluster `cluster` in us-east-1, database `redshift`"),
        "{told}"
    );
    let told = SqlStore::ping(&store(connection()).await).await.unwrap();
    assert!(told.contains("127.0.0.1") && told.contains("as `hybrid`"), "{told}");
    let told = SqlStore::ping(&store(connection_and_s3()).await).await.unwrap();
    assert!(told.contains("Redshift 1.0") && told.contains("as `hybrid`"), "{told}");
}

#[tokio::test]
async fn a_partition_column_of_text_prunes_where_its_format_is_told() {
    let store = store(connection()).await;
    let query =
        "SELECT 7::bigint AS id, '2024-04-30 12:00:00'::timestamp AS ts, 1::bigint AS v, '20240430'::varchar AS day";
    partitioned::text_prunes_where_its_format_is_told(&store, RedshiftSource::query(query)).await;
}
