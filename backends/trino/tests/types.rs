//! Trino's types as Arrow, Arrow's types as Trino's, and what the dialect says of times.

#![allow(clippy::unwrap_used)]

mod common;

#[path = "types/appends.rs"]
mod appends;
#[path = "types/retrievals.rs"]
mod retrievals;
#[path = "types/sources.rs"]
mod sources;

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray, UInt64Array};
use arrow::datatypes::{DataType, Field, Float64Type};
use common::relay::Relay;
use common::{
    Way, bucket_folder, config, connect, count, memory, rows, staging, staging_below, staging_in, unique, warehouse,
};
use hybrid_core::sql::{Mode, SqlSession, SqlStore, sql_type_of};
use hybrid_core::{BatchStream, ErrorKind};
use hybrid_store_trino::{EntitySelect, TrinoStore};

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
        let relay = Relay::start().await;
        let mut config = relay.config();
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
        for said in ["\"encoding\":\"json+zstd\"", "\"type\":\"spooled\""] {
            assert_eq!(relay.has_passed(said), spooling, "{said}");
        }
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

fn entity_stream(total: usize) -> BatchStream {
    let batches = (0..total)
        .step_by(20_000)
        .map(|from| entity_rows(from, (from + 20_000).min(total)));
    BatchStream::from_batches(entity_rows(0, 0).schema(), batches.collect())
}

fn on_the_way(way: Way) -> hybrid_store_trino::TrinoConfig {
    let mut config = config("iceberg");
    config.entity_select_mode = EntitySelect::TempTable;
    match way {
        Way::Embedded => config.entity_select_mode = EntitySelect::EmbedQuery,
        Way::Inserted => {}
        Way::Staged => config.staging = Some(staging()),
        Way::InBucket => config.staging = Some(staging_in(bucket_folder("stage"))),
    }
    config
}

#[tokio::test]
async fn rows_arrive_whole_by_each_way_and_are_gone_afterwards() {
    let folder = unique("staging");
    for (way, total) in [
        (Way::Embedded, 3_000),
        (Way::Inserted, 60_000),
        (Way::Staged, 60_000),
        (Way::InBucket, 60_000),
        (Way::Inserted, 0),
        (Way::Staged, 0),
        (Way::InBucket, 0),
    ] {
        let mut config = on_the_way(way);
        if matches!(way, Way::Staged) {
            config.staging = Some(staging_below(&folder));
        }
        let schema = config.dataset.clone();
        let store = connect(config).await;
        let session = store.session().await.unwrap();
        let relation = session.upload(entity_stream(total)).await.unwrap();
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
    let folder = warehouse().join(folder);
    let left: Vec<_> = std::fs::read_dir(&folder).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    std::fs::remove_dir(folder).unwrap();
}

#[tokio::test]
async fn inserted_rows_take_few_statements() {
    let store = connect(on_the_way(Way::Inserted)).await;
    let session = store.session().await.unwrap();
    let relation = session.upload(entity_stream(60_000)).await.unwrap();
    let inserts = format!("SELECT 1 FROM system.runtime.queries WHERE query LIKE 'INSERT INTO {relation}%'");
    let inserts = count(&store, &inserts).await;
    // Also where each of them met another one, again and again.
    assert!((1..=20).contains(&inserts), "{inserts} INSERTs");
    session.close().await.unwrap();
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
    for way in [Way::Embedded, Way::Inserted, Way::Staged, Way::InBucket] {
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
