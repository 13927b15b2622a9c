//! Trino's types as Arrow, Arrow's types as Trino's, and what the dialect says of times.

#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray, UInt64Array,
};
use arrow::datatypes::{DataType, Field, Float64Type};
use common::{Way, config, connect, count, memory, number, router, rows, shown, staging, unique};
use hybrid_conformance::partitioned;
use hybrid_core::sql::{Append, Formulation, Mode, SqlSession, SqlStore, sql_type_of};
use hybrid_core::{BatchStream, Call, ErrorKind, Explain, OfflineStore, Result, Source};
use hybrid_store_trino::{EntitySelect, TrinoSource, TrinoStore};

#[tokio::test]
async fn every_type_of_the_engine_comes_back() {
    let query = "SELECT TINYINT '-128' AS t, SMALLINT '7' AS s, INTEGER '7' AS i, BIGINT '-9223372036854775808' AS b, \
        REAL '1.5' AS r, nan() AS d, DECIMAL '12345678901234567890123456789.01' AS n, 'größer \"x\"' AS v, CAST('ab' AS char(3)) AS c, \
        X'00ff0a' AS x, DATE '1969-12-31' AS da, TIME '12:30:00.123456789' AS ti, TIMESTAMP '1969-12-31 23:59:59.999999999' AS ts, \
        TIMESTAMP '2024-07-01 12:00:00.123 Europe/Paris' AS tz, JSON '{\"a\":[1,null]}' AS j, \
        UUID '12151fd2-7586-11e9-8f9e-2a86e4085a59' AS u, ARRAY[1, NULL] AS a, MAP(ARRAY['k', 'l'], ARRAY[1, NULL]) AS m, \
        CAST(ROW(1, 'x') AS row(\"a b\" integer, y varchar)) AS ro, INTERVAL '3' DAY AS iv, NULL AS nothing, true AS bo";
    let store = memory().await;
    let batch = &rows(&store, query).await.unwrap()[0];
    let show =
        |column: &str| arrow::util::display::array_value_to_string(batch.column_by_name(column).unwrap(), 0).unwrap();
    for (column, value) in [
        ("t", "-128"),
        ("s", "7"),
        ("i", "7"),
        ("b", "-9223372036854775808"),
        ("r", "1.5"),
        ("d", "NaN"),
        ("n", "12345678901234567890123456789.01"),
        ("v", "größer \"x\""),
        ("c", "ab "),
        ("x", "00ff0a"),
        ("da", "1969-12-31"),
        ("ti", "12:30:00.123456"),
        ("ts", "1969-12-31T23:59:59.999999"),
        ("tz", "2024-07-01T10:00:00.123Z"),
        ("j", "{\"a\":[1,null]}"),
        ("u", "12151fd2-7586-11e9-8f9e-2a86e4085a59"),
        ("a", "[1, ]"),
        ("m", "{k: 1, l: }"),
        ("ro", "{a b: 1, y: x}"),
        ("iv", "3 00:00:00.000"),
        ("nothing", ""),
        ("bo", "true"),
    ] {
        assert_eq!(show(column), value, "{column}");
    }
    let session = store.session().await.unwrap();
    let described = session.describe(query).await.unwrap();
    assert_eq!(described, batch.schema());
    assert_eq!(sql_type_of(described.field_with_name("ts").unwrap()), "timestamp(9)");
    assert_eq!(
        described.field_with_name("n").unwrap().data_type(),
        &DataType::Decimal128(31, 2)
    );
    session.close().await.unwrap();
}

#[tokio::test]
async fn results_come_whole_with_and_without_spooling() {
    let query = "SELECT x * 1000 + y AS n, CAST(x AS varchar) AS t FROM UNNEST(sequence(1, 1000)) AS a(x), UNNEST(sequence(1, 1000)) AS b(y)";
    for spooling in [true, false] {
        let mut config = config("memory");
        config.spooling = spooling;
        let batches = rows(&connect(config).await, query).await.unwrap();
        let sum: i64 = batches
            .iter()
            .flat_map(|batch| {
                batch
                    .column(0)
                    .as_primitive::<arrow::datatypes::Int64Type>()
                    .values()
                    .iter()
            })
            .sum();
        assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 1_000_000);
        assert_eq!(sum, 1_000 * 500_500 * 1_000 + 1_000 * 500_500, "spooling {spooling}");
    }
}

fn entity_rows(from: usize, to: usize) -> RecordBatch {
    let numbers: Vec<u64> = (from as u64..to as u64).collect();
    let times: Vec<i64> = numbers.iter().map(|n| *n as i64 * 1_000_003 - 7).collect();
    let texts: Vec<Option<String>> = numbers
        .iter()
        .map(|n| (n % 7 > 0).then(|| format!("it's \"{n}\" \\ é\n")))
        .collect();
    RecordBatch::try_from_iter_with_nullable([
        ("__hybrid_row", Arc::new(UInt64Array::from(numbers)) as ArrayRef, false),
        (
            "__hybrid_time",
            Arc::new(TimestampMicrosecondArray::from(times).with_timezone("UTC")),
            false,
        ),
        ("key", Arc::new(StringArray::from(texts)), true),
    ])
    .unwrap()
}

fn on_the_way(way: Way) -> hybrid_store_trino::TrinoConfig {
    let mut config = config("iceberg");
    config.entity_select_mode = EntitySelect::TempTable;
    match way {
        Way::Embedded => config.entity_select_mode = EntitySelect::EmbedQuery,
        Way::Inserted => {}
        Way::Staged => config.staging = Some(staging()),
    }
    config
}

#[tokio::test]
async fn rows_arrive_whole_by_each_way_and_are_gone_afterwards() {
    for (way, total) in [
        (Way::Embedded, 3_000),
        (Way::Inserted, 60_000),
        (Way::Staged, 60_000),
        (Way::Inserted, 0),
        (Way::Staged, 0),
    ] {
        let config = on_the_way(way);
        let schema = config.dataset.clone();
        let store = connect(config).await;
        let session = store.session().await.unwrap();
        let batches: Vec<_> = (0..total)
            .step_by(20_000)
            .map(|from| entity_rows(from, (from + 20_000).min(total)))
            .collect();
        let relation = session
            .upload(BatchStream::from_batches(entity_rows(0, 0).schema(), batches))
            .await
            .unwrap();
        let query = format!(
            "SELECT count(*), count(DISTINCT \"__hybrid_row\"), \
             count_if(\"__hybrid_time\" = TIMESTAMP '1970-01-01 00:00:00.000000' + \"__hybrid_row\" * INTERVAL '1' SECOND \
                + (\"__hybrid_row\" * 3 / 1000) * INTERVAL '0.001' SECOND), count(key) FROM {relation}"
        );
        let batches = session.query(&query).await.unwrap().collect().await.unwrap();
        let numbers: Vec<i64> = batches[0]
            .columns()
            .iter()
            .map(|c| c.as_primitive::<arrow::datatypes::Int64Type>().value(0))
            .collect();
        assert_eq!(numbers[..2], [total as i64, total as i64], "{way:?}");
        assert_eq!(numbers[3], (0..total).filter(|n| n % 7 > 0).count() as i64, "{way:?}");
        if total > 0 {
            let query = format!("SELECT \"__hybrid_time\", key FROM {relation} WHERE \"__hybrid_row\" = 1");
            let batch = &session.query(&query).await.unwrap().collect().await.unwrap()[0];
            let time = batch
                .column(0)
                .as_primitive::<arrow::datatypes::TimestampMicrosecondType>()
                .value(0);
            assert_eq!(
                (time, batch.column(1).as_string::<i32>().value(0)),
                (999_996, "it's \"1\" \\ é\n")
            );
        }
        session.close().await.unwrap();
        let tables = format!("SELECT 1 FROM iceberg.information_schema.tables WHERE table_schema = '{schema}'");
        assert_eq!(count(&store, &tables).await, 0, "{way:?}");
        if relation.contains("hybrid_tmp_") {
            assert_eq!(
                rows(&store, &format!("SELECT * FROM {relation}"))
                    .await
                    .unwrap_err()
                    .kind(),
                ErrorKind::NotFound
            );
        }
    }
    let left: Vec<_> = std::fs::read_dir(staging().path).unwrap().collect();
    assert!(left.len() < 50, "{left:?}");
}

#[tokio::test]
async fn a_frame_too_large_to_embed_is_refused_where_nothing_else_is_allowed() {
    let store = connect(on_the_way(Way::Embedded)).await;
    let session = store.session().await.unwrap();
    let rows = BatchStream::from_batches(entity_rows(0, 0).schema(), vec![entity_rows(0, 50_000)]);
    let error = session.upload(rows).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ResourceExhausted);
    assert!(error.to_string().contains("embed_query"), "{error}");
    assert_eq!(
        session.stage("SELECT 1 AS x").await.unwrap_err().kind(),
        ErrorKind::Unsupported
    );
    session.close().await.unwrap();
}

#[tokio::test]
async fn doubles_keep_every_bit() {
    let store = connect(config("iceberg")).await;
    let values = vec![
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        -0.0,
        0.1,
        f64::MAX,
        f64::MIN_POSITIVE,
        5e-324,
    ];
    let batch = RecordBatch::try_from_iter([("d", Arc::new(Float64Array::from(values.clone())) as ArrayRef)]).unwrap();
    let session = store.session().await.unwrap();
    let relation = session
        .upload(BatchStream::from_batches(batch.schema(), vec![batch]))
        .await
        .unwrap();
    let back = session
        .query(&format!("SELECT d FROM {relation}"))
        .await
        .unwrap()
        .collect()
        .await
        .unwrap();
    let back: Vec<u64> = back[0]
        .column(0)
        .as_primitive::<Float64Type>()
        .values()
        .iter()
        .map(|d| d.to_bits())
        .collect();
    assert_eq!(back, values.iter().map(|d| d.to_bits()).collect::<Vec<_>>());
    session.close().await.unwrap();
}

/// What the dialect makes of a column of a type, evaluated by the engine.
async fn evaluated(store: &TrinoStore, value: &str, sql: impl Fn(&Field) -> String) -> String {
    let session = store.session().await.unwrap();
    let described = session.describe(&format!("SELECT {value} AS c")).await.unwrap();
    let query = format!(
        "SELECT CAST({} AS varchar) FROM (SELECT {value} AS c)",
        sql(described.field(0))
    );
    session.close().await.unwrap();
    rows(store, &query).await.unwrap()[0]
        .column(0)
        .as_string::<i32>()
        .value(0)
        .to_owned()
}

#[tokio::test]
async fn times_of_every_type_become_instants_that_are_floored() {
    let store = memory().await;
    for (value, instant) in [
        ("TIMESTAMP '2024-01-01 00:00:00'", "2024-01-01 00:00:00.000000"),
        ("TIMESTAMP '2024-01-01 00:00:00.1234567'", "2024-01-01 00:00:00.123456"),
        (
            "TIMESTAMP '2024-01-01 00:00:00.999999999'",
            "2024-01-01 00:00:00.999999",
        ),
        (
            "TIMESTAMP '1969-12-31 23:59:59.999999999'",
            "1969-12-31 23:59:59.999999",
        ),
        (
            "TIMESTAMP '2024-01-01 01:00:00.123456999 +01:00'",
            "2024-01-01 00:00:00.123456",
        ),
        (
            "TIMESTAMP '2024-01-01 01:00:00.5 Europe/Paris'",
            "2024-01-01 00:00:00.500000",
        ),
        ("DATE '2024-01-01'", "2024-01-01 00:00:00.000000"),
        ("'2024-01-01T01:00:00.123456789+01:00'", "2024-01-01 00:00:00.123456"),
        ("'2024-01-01 00:00:00'", "2024-01-01 00:00:00.000000"),
        ("'2024-01-01T00:00:00Z'", "2024-01-01 00:00:00.000000"),
        ("CAST('2024-01-01 00:00:00' AS char(25))", "2024-01-01 00:00:00.000000"),
    ] {
        let found = evaluated(&store, value, |column| store.dialect().instant("c", column).unwrap()).await;
        assert_eq!(found, instant, "{value}");
    }
}

#[tokio::test]
async fn a_ttl_counts_to_the_microsecond() {
    let store = memory().await;
    let dialect = store.dialect();
    let entity = 1_704_067_200_000_500_i64;
    for ttl in [
        1,
        999,
        1_000,
        1_001,
        1_500_000,
        1_500_001,
        86_400_000_000,
        86_400_000_999,
    ] {
        for before in [0, ttl - 1, ttl, ttl + 1, ttl + 999, ttl + 1_000, ttl + 1_001, -1_500] {
            let feature = dialect.instant_literal(entity - before);
            let sql = dialect.within_ttl("f", "e", ttl);
            let query = format!(
                "SELECT {sql} FROM (SELECT {feature} AS f, {} AS e)",
                dialect.instant_literal(entity)
            );
            let batches = rows(&store, &query).await.unwrap();
            assert_eq!(
                batches[0].column(0).as_boolean().value(0),
                before <= ttl,
                "{before} before, ttl {ttl}"
            );
        }
    }
}

#[tokio::test]
async fn literals_of_a_columns_type_prune_its_partitions() {
    let store = connect(config("iceberg")).await;
    let session = store.session().await.unwrap();
    let table = format!("iceberg.feast.{}", unique("pruned"));
    session
        .execute("CREATE SCHEMA IF NOT EXISTS iceberg.feast")
        .await
        .unwrap();
    session
        .execute(&format!(
            "CREATE TABLE {table} WITH (partitioning = ARRAY['day(ts)']) AS SELECT CAST(TIMESTAMP '2024-01-01 12:00:00 UTC' + \
             x * INTERVAL '1' DAY AS timestamp(6) with time zone) AS ts FROM UNNEST(sequence(0, 9)) AS t(x)"
        ))
        .await
        .unwrap();
    let described = session.describe(&format!("SELECT ts FROM {table}")).await.unwrap();
    let dialect = store.dialect();
    let literal = dialect
        .pruning_literal(1_704_456_000_000_000, described.field(0), false)
        .unwrap();
    let query = format!("SELECT ts FROM {table} WHERE ts >= {literal}");
    let plan = session.explain(&query).await.unwrap();
    assert!(
        plan.contains("ScanFilter") && plan.contains("iceberg:feast.pruned"),
        "{plan}"
    );
    // Each day is a file and a split: of ten, the last six are read.
    let ran = shown(&store, &format!("EXPLAIN ANALYZE {query}")).await;
    assert!(ran.contains("Splits: 6,") && ran.contains("Input: 6 rows"), "{ran}");
    assert_eq!(
        session
            .row_estimate(&table.split('.').map(str::to_owned).collect::<Vec<_>>())
            .await
            .unwrap(),
        Some(10)
    );
    session.execute(&format!("DROP TABLE {table}")).await.unwrap();
    session.close().await.unwrap();
}

/// A table of a store's schema that is partitioned by `day`, of this type: a thousand rows of the right time in January, and
/// one in April.
async fn days(store: &TrinoStore, schema: &str, day: &str, [january, april]: [&str; 2]) {
    let session = store.session().await.unwrap();
    for statement in [
        format!("CREATE SCHEMA IF NOT EXISTS iceberg.{schema}"),
        format!("DROP TABLE IF EXISTS iceberg.{schema}.days"),
        format!(
            "CREATE TABLE iceberg.{schema}.days WITH (partitioning = ARRAY['day']) AS \
             SELECT BIGINT '7' AS id, CAST(TIMESTAMP '2024-05-01 00:00:00 UTC' AS timestamp(6) with time zone) AS ts, \
             BIGINT '1' AS v, CAST('{january}' AS {day}) AS day FROM UNNEST(sequence(1, 1000)) AS t(x) \
             UNION ALL SELECT BIGINT '7', CAST(TIMESTAMP '2024-04-30 12:00:00 UTC' AS timestamp(6) with time zone), \
             BIGINT '2', CAST('{april}' AS {day})"
        ),
    ] {
        session.execute(&statement).await.unwrap();
    }
    session.close().await.unwrap();
}

/// A date of January and one of April, as they are written.
const DASHED: [&str; 2] = ["2024-01-15", "2024-04-30"];
const DIGITS: [&str; 2] = ["20240115", "20240430"];
const DOTTED: [&str; 2] = ["15.01.2024", "30.04.2024"];

/// That table as a source.
fn source_of_days(format: Option<&str>) -> TrinoSource {
    TrinoSource {
        date_partition_column_format: format.map(str::to_owned),
        ..TrinoSource::new("days")
    }
}

/// The one value that a retrieval from that table gives.
async fn value(store: &TrinoStore, partition: Option<&str>, format: Option<&str>) -> i64 {
    value_of(store, source_of_days(format), partition).await
}

/// The same from any source.
async fn value_of(store: &TrinoStore, source: TrinoSource, partition: Option<&str>) -> i64 {
    let asked = partitioned::retrieval(source, partition);
    let answer = OfflineStore::get_historical_features(store, asked, &Call::default()).await;
    let batches = answer.unwrap().rows.collect().await.unwrap();
    batches[0]
        .column(1)
        .as_primitive::<arrow::datatypes::Int64Type>()
        .value(0)
}

#[tokio::test]
async fn the_date_partition_column_prunes_what_the_event_time_cannot() {
    let mut config = config("iceberg");
    // This formulation reads the table once.
    config.formulation = Some(Formulation::Ranked);
    let schema = config.dataset.clone();
    let store = connect(config).await;
    for (day, written, format, prunes) in [
        ("date", DASHED, None, true),
        ("varchar", DASHED, Some("%Y-%m-%d"), true),
        ("varchar", DIGITS, Some("%Y%m%d"), true),
        ("varchar", DOTTED, Some("%d.%m.%Y"), true),
        ("integer", DIGITS, Some("%Y%m%d"), true),
        ("bigint", DIGITS, Some("%Y-%m-%d"), false),
        // What nobody says how it writes dates is compared with none.
        ("varchar", DASHED, None, false),
        ("varchar", DIGITS, None, false),
        ("integer", DIGITS, None, false),
    ] {
        days(&store, &schema, day, written).await;
        for (partition, pruned) in [(None, false), (Some("day"), prunes)] {
            let asked = || Explain::Historical(partitioned::retrieval(source_of_days(format), partition));
            let sql = OfflineStore::to_sql(&store, asked()).await.unwrap();
            let ran = shown(&store, &format!("EXPLAIN ANALYZE {sql}")).await;
            assert_eq!(ran.contains("Input: 1001 rows"), !pruned, "{day} {format:?}: {ran}");
            let right = if pruned { 2 } else { 1 };
            assert_eq!(value(&store, partition, format).await, right, "{day} {format:?}");
            let told = OfflineStore::explain(&store, asked()).await.unwrap();
            let is_told = told.contains("no partition is passed over");
            assert_eq!(is_told, partition.is_some() && !prunes, "{day} {format:?}: {told}");
        }
    }
}

/// Types in parentheses, and versions of a table.
#[tokio::test]
async fn a_query_in_what_trinos_grammar_alone_has_is_a_source() {
    let config = config("iceberg");
    let table = format!("iceberg.{}.versions", config.dataset);
    let snapshots = format!("iceberg.{}.\"versions$snapshots\"", config.dataset);
    let schema = format!("CREATE SCHEMA IF NOT EXISTS iceberg.{}", config.dataset);
    let store = connect(config).await;
    let row = |hour: u8, v: u8| {
        format!(
            "SELECT BIGINT '7' AS id, CAST(TIMESTAMP '2024-04-30 {hour}:00:00 UTC' AS timestamp(6) with time zone) AS ts, \
             BIGINT '{v}' AS v, CAST('[0.5, {v}]' AS varchar) AS e"
        )
    };
    let session = store.session().await.unwrap();
    session.execute(&schema).await.unwrap();
    session
        .execute(&format!("CREATE TABLE {table} AS {}", row(12, 1)))
        .await
        .unwrap();
    let last = format!("SELECT snapshot_id FROM {snapshots} ORDER BY committed_at DESC LIMIT 1");
    let first = number(&store, &last).await;
    session
        .execute(&format!("INSERT INTO {table} {}", row(13, 3)))
        .await
        .unwrap();
    session.close().await.unwrap();
    let element = "CAST(element_at(CAST(json_parse(e) AS ARRAY(DOUBLE)), 2) AS bigint)";
    for (query, right) in [
        (format!("SELECT id, ts, {element} AS v FROM {table}"), 3),
        (format!("SELECT id, ts, v FROM {table} FOR VERSION AS OF {first}"), 1),
        (format!("SELECT id, ts, v FROM {table} -- of now"), 3),
    ] {
        let found = value_of(&store, TrinoSource::from_query(query.clone()), None).await;
        assert_eq!(found, right, "{query}");
    }
}

#[tokio::test]
async fn a_user_who_may_only_read_embeds() {
    let schema = unique("readonly");
    days(&connect(config("iceberg")).await, &schema, "date", DASHED).await;
    // Another catalog over the same tables, in which nobody may write.
    let mut config = config("readonly").with_dataset(schema);
    config.connector.kind = "iceberg".to_owned();
    config.entity_select_mode = EntitySelect::EmbedQuery;
    assert_eq!(value(&connect(config.clone()).await, Some("day"), None).await, 2);
    config.entity_select_mode = EntitySelect::TempTable;
    let session = connect(config).await.session().await.unwrap();
    let rows = BatchStream::from_batches(entity_rows(0, 0).schema(), vec![entity_rows(0, 10)]);
    let refused = session.upload(rows).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::PermissionDenied, "{refused}");
    assert!(refused.to_string().contains("embed_query"), "{refused}");
    session.close().await.unwrap();
}

fn batch(values: Vec<Option<i64>>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable([("n", Arc::new(Int64Array::from(values)) as ArrayRef, true)]).unwrap()
}

#[tokio::test]
async fn a_value_that_the_column_cannot_hold_fails_the_whole_append() {
    let store = connect(config("iceberg")).await;
    let schema = unique("narrow");
    let session = store.session().await.unwrap();
    session
        .execute(&format!("CREATE SCHEMA iceberg.{schema}"))
        .await
        .unwrap();
    session
        .execute(&format!("CREATE TABLE iceberg.{schema}.t (n integer)"))
        .await
        .unwrap();
    session.close().await.unwrap();
    let table = ["iceberg", schema.as_str(), "t"];
    let error = common::create(&store, &table, vec![batch(vec![Some(1), Some(1 << 40)])], Mode::Append)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    assert_eq!(count(&store, &format!("SELECT n FROM iceberg.{schema}.t")).await, 0);
}

/// Appends a row as a caller does.
async fn append_one(store: &Arc<TrinoStore>, table: &str) -> Result<u64> {
    let source: Source = TrinoSource::new(table).into();
    let row = batch(vec![Some(2)]);
    let rows = BatchStream::from_batches(row.schema(), vec![row]);
    router(store.clone()).append(&source, rows, &Call::default()).await
}

#[tokio::test]
async fn the_connector_of_the_tables_own_catalog_decides_on_appends() {
    let store = Arc::new(connect(config("hive")).await);
    let schema = unique("elsewhere");
    let rows = vec![batch(vec![Some(1)])];
    common::create(&store, &["iceberg", &schema, "t"], rows, Mode::Create)
        .await
        .unwrap();
    let table = format!("iceberg.{schema}.t");
    assert_eq!(append_one(&store, &table).await.unwrap(), 1);
    assert_eq!(count(&store, &format!("SELECT n FROM {table}")).await, 2);
}

#[tokio::test]
async fn connectors_that_do_not_commit_at_once_take_no_appends() {
    for connector in ["memory", "hive"] {
        let mut config = config(connector);
        // As in Feast, it is left out where the connector has none.
        config.connector.file_format = Some("parquet".to_owned());
        let store = Arc::new(connect(config).await);
        let schema = unique("refused");
        let table = [connector, schema.as_str(), "t"];
        common::create(&store, &table, vec![batch(vec![Some(1)])], Mode::Create)
            .await
            .unwrap();
        let error = append_one(&store, &table.join(".")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        let reason = format!("of the connector `{connector}` takes no appends: it");
        assert!(error.message().contains(&reason), "{error}");
        assert_eq!(
            common::create(&store, &table, vec![batch(vec![Some(3)])], Mode::Replace)
                .await
                .unwrap(),
            1
        );
        assert_eq!(count(&store, &format!("SELECT n FROM {connector}.{schema}.t")).await, 1);
    }
}

#[tokio::test]
async fn every_arrow_type_goes_in_by_each_way() {
    use arrow::array::*;
    let list = ListArray::from_iter_primitive::<arrow::datatypes::TimestampNanosecondType, _, _>([
        Some(vec![Some(-1), None]),
        None,
    ]);
    let day = |days| Date32Array::from(vec![Some(days), None]);
    let structs = StructArray::from(vec![
        (
            Arc::new(Field::new("a", DataType::Date32, true)),
            Arc::new(day(-1)) as ArrayRef,
        ),
        (
            Arc::new(Field::new("B c", DataType::Binary, true)),
            Arc::new(BinaryArray::from_opt_vec(vec![Some(b"\x00\xff"), None])),
        ),
    ]);
    let mut map = MapBuilder::new(None, StringBuilder::new(), Date32Builder::new());
    map.keys().append_value("it's");
    map.values().append_value(1);
    map.append(true).unwrap();
    map.append(false).unwrap();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("i8", Arc::new(Int8Array::from(vec![Some(-128), None]))),
        ("u16", Arc::new(UInt16Array::from(vec![Some(65535), None]))),
        ("f32", Arc::new(Float32Array::from(vec![Some(0.1), None]))),
        (
            "dec",
            Arc::new(
                Decimal128Array::from(vec![Some(-12345), None])
                    .with_precision_and_scale(38, 2)
                    .unwrap(),
            ),
        ),
        ("ns", Arc::new(TimestampNanosecondArray::from(vec![Some(-1), None]))),
        (
            "secs",
            Arc::new(TimestampSecondArray::from(vec![Some(253_402_300_799), None]).with_timezone("UTC")),
        ),
        ("d", Arc::new(day(19_000))),
        ("list", Arc::new(list)),
        ("st", Arc::new(structs)),
        ("map", Arc::new(map.finish())),
        ("no", Arc::new(NullArray::new(2))),
    ];
    let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true))).unwrap();
    for way in [Way::Embedded, Way::Inserted, Way::Staged] {
        let store = connect(on_the_way(way)).await;
        let schema = unique("every");
        let done = common::create(&store, &["iceberg", &schema, "t"], vec![batch.clone()], Mode::Create).await;
        assert_eq!(done.unwrap(), 2, "{way:?}");
        let back = &rows(
            &store,
            &format!("SELECT * FROM iceberg.{schema}.t ORDER BY i8 NULLS LAST"),
        )
        .await
        .unwrap()[0];
        let show = |column: &ArrayRef| arrow::util::display::array_value_to_string(column, 0).unwrap();
        let values: Vec<String> = back.columns().iter().map(show).collect();
        assert_eq!(
            values,
            [
                "-128",
                "65535",
                "0.1",
                "-123.45",
                "1969-12-31T23:59:59.999999",
                "9999-12-31T23:59:59Z",
                "2022-01-08",
                "[1969-12-31T23:59:59.999999, ]",
                "{a: 1969-12-31, B c: 00ff}",
                "{it's: 1970-01-02}",
                ""
            ],
            "{way:?}"
        );
        // The second struct is there, and its fields are not.
        let nulls = back.columns().iter().filter(|column| column.null_count() > 0).count();
        assert_eq!(nulls, back.num_columns() - 1, "{way:?}");
    }
}
