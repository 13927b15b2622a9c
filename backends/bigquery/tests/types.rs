//! BigQuery's types as Arrow, Arrow's types as BigQuery's, rows on their way in and out.

#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Decimal128Array, Float64Array, Int64Array, ListArray, RecordBatch, StringArray,
    StructArray, TimestampMicrosecondArray, UInt64Array,
};
use arrow::datatypes::{DataType, Field, Float64Type, Int32Type, Int64Type, Schema};
use common::{config, connect, parts, put, rows, shown, tables, unique};
use hybrid_core::sql::{Append, Mode, SqlSession, SqlStore, sql_type_of};
use hybrid_core::{BatchStream, ErrorKind};

#[tokio::test]
async fn every_type_of_the_engine_comes_back() {
    let query = "SELECT 'größer \"x\"' AS s, b'\\x00\\xff' AS x, -9223372036854775807 AS i, CAST('nan' AS FLOAT64) AS d, \
        NUMERIC '-12345678901234567890123456789.012345678' AS n, TRUE AS b, DATE '1969-12-31' AS da, TIME '12:30:00.123456' AS ti, \
        DATETIME '1969-12-31 23:59:59.999999' AS dt, TIMESTAMP '1969-12-31 23:59:59.999999+00' AS ts, JSON '{\"a\":[1,null]}' AS j, \
        ST_GEOGPOINT(1, 2) AS g, [1, 2] AS l, STRUCT(1 AS `a b`, 'x' AS y) AS st, [STRUCT(1 AS a)] AS ls, CAST(NULL AS INT64) AS nothing";
    let store = connect(config()).await;
    let batch = &rows(&store, query).await.unwrap()[0];
    let show =
        |column: &str| arrow::util::display::array_value_to_string(batch.column_by_name(column).unwrap(), 0).unwrap();
    for (column, value) in [
        ("s", "größer \"x\""),
        ("x", "00ff"),
        ("i", "-9223372036854775807"),
        ("d", "NaN"),
        ("n", "-12345678901234567890123456789.012345678"),
        ("b", "true"),
        ("da", "1969-12-31"),
        ("ti", "12:30:00.123456"),
        ("dt", "1969-12-31T23:59:59.999999"),
        ("ts", "1969-12-31T23:59:59.999999Z"),
        ("j", "{\"a\":[1,null]}"),
        ("l", "[1, 2]"),
        ("st", "{a b: 1, y: x}"),
        ("ls", "[{a: 1}]"),
        ("nothing", ""),
    ] {
        assert_eq!(show(column), value, "{column}");
    }
    assert!(show("g").contains("1 2"), "{}", show("g"));
    let session = store.session().await.unwrap();
    let described = session.describe(query).await.unwrap();
    session.close().await.unwrap();
    for (said, came) in described.fields().iter().zip(batch.schema().fields()) {
        assert_eq!((said.name(), said.data_type()), (came.name(), came.data_type()));
    }
    for (column, name) in [
        ("n", "NUMERIC"),
        ("dt", "DATETIME"),
        ("ts", "TIMESTAMP"),
        ("l", "ARRAY"),
        ("g", "GEOGRAPHY"),
    ] {
        assert_eq!(sql_type_of(described.field_with_name(column).unwrap()), name);
    }
}

#[tokio::test]
async fn what_arrow_has_no_type_for_is_selected_as_text() {
    let store = connect(config()).await;
    let query =
        "SELECT INTERVAL 3 DAY AS iv, BIGNUMERIC '12.5' AS bn, RANGE(DATE '2024-01-01', DATE '2024-02-01') AS r";
    let session = store.session().await.unwrap();
    let described = session.describe(query).await.unwrap();
    let selected = described.fields().iter().map(|field| {
        let value = store.dialect().selected(&format!("s.{}", field.name()), field);
        format!("{value} AS {}", field.name())
    });
    let selected: Vec<String> = selected.take(2).collect();
    let query = format!("SELECT {} FROM ({query}) AS s", selected.join(", "));
    let batches = session.query(&query).await.unwrap().collect().await.unwrap();
    session.close().await.unwrap();
    let texts: Vec<&str> = batches[0]
        .columns()
        .iter()
        .map(|column| column.as_string::<i32>().value(0))
        .collect();
    // BigQuery writes 0-0 3 0:0:0; the emulator does so only for literals.
    assert!(texts[0].contains('3'), "{texts:?}");
    assert!(texts[1].starts_with("12.5"), "{texts:?}");
}

#[tokio::test]
async fn an_array_without_a_match_is_null_and_an_empty_one_stays() {
    let store = connect(config()).await;
    let session = store.session().await.unwrap();
    let source = "SELECT 1 AS k, [1, 2] AS l UNION ALL SELECT 2, []";
    let described = session.describe(source).await.unwrap();
    let list = store.dialect().selected("s.l", described.field_with_name("l").unwrap());
    let query = format!(
        "SELECT e.k, f.l FROM UNNEST([1, 2, 3]) AS k_ CROSS JOIN (SELECT 0 AS z) AS z \
         JOIN (SELECT 1 AS k UNION ALL SELECT 2 UNION ALL SELECT 3) AS e ON e.k = k_ \
         LEFT JOIN (SELECT s.k, {list} AS l FROM ({source}) AS s) AS f ON f.k = e.k ORDER BY e.k"
    );
    let batches = session.query(&query).await.unwrap().collect().await.unwrap();
    session.close().await.unwrap();
    let lists = batches[0].column(1).as_list::<i32>();
    assert_eq!(
        batches[0].column(1).data_type(),
        &DataType::new_list(DataType::Int64, true)
    );
    assert_eq!(
        (lists.is_null(0), lists.is_null(1), lists.is_null(2)),
        (false, false, true)
    );
    assert_eq!((lists.value_length(0), lists.value_length(1)), (2, 0));
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

#[tokio::test]
async fn rows_arrive_whole_and_are_gone_afterwards() {
    let config = config();
    let store = connect(config.clone()).await;
    for total in [0, 3_000, 400_000] {
        let session = store.session().await.unwrap();
        let batches: Vec<_> = (0..total)
            .step_by(50_000)
            .map(|from| entity_rows(from, (from + 50_000).min(total)))
            .collect();
        let rows = BatchStream::from_batches(entity_rows(0, 0).schema(), batches);
        let relation = session.upload(rows).await.unwrap();
        let query = format!(
            "SELECT COUNT(*), COUNT(DISTINCT __hybrid_row), COUNTIF(UNIX_MICROS(__hybrid_time) = __hybrid_row * 1000003 - 7), \
             COUNT(key) FROM {relation}"
        );
        let batches = session.query(&query).await.unwrap().collect().await.unwrap();
        let numbers: Vec<i64> = batches[0]
            .columns()
            .iter()
            .map(|c| c.as_primitive::<Int64Type>().value(0))
            .collect();
        let total = total as i64;
        assert_eq!(
            numbers,
            [total, total, total, (0..total).filter(|n| n % 7 > 0).count() as i64]
        );
        if total > 0 {
            let query = format!("SELECT key FROM {relation} WHERE __hybrid_row = 1");
            let batch = &session.query(&query).await.unwrap().collect().await.unwrap()[0];
            assert_eq!(batch.column(0).as_string::<i32>().value(0), "it's \"1\" \\ é\n");
        }
        assert_eq!(tables(&config).await.len(), 1);
        session.close().await.unwrap();
        assert_eq!(tables(&config).await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn columns_keep_names_that_no_table_may_have() {
    let store = connect(config()).await;
    let session = store.session().await.unwrap();
    let values = || Arc::new(Int64Array::from(vec![7])) as ArrayRef;
    let batch = RecordBatch::try_from_iter([("a b`c", values()), ("größe in \"m\"", values())]).unwrap();
    let relation = session
        .upload(BatchStream::from_batches(batch.schema(), vec![batch]))
        .await
        .unwrap();
    let quote = |name: &str| store.dialect().quote(name);
    let query = format!(
        "SELECT e.{} + e.{} AS n FROM {relation} AS e",
        quote("a b`c"),
        quote("größe in \"m\"")
    );
    let batches = session.query(&query).await.unwrap().collect().await.unwrap();
    session.close().await.unwrap();
    assert_eq!(batches[0].column(0).as_primitive::<Int64Type>().value(0), 14);
}

#[tokio::test]
async fn several_streams_give_every_row_once_and_one_stream_keeps_the_order() {
    let store = connect(config()).await;
    let numbers = "SELECT a * 1000 + b AS n, CAST(a AS STRING) AS t FROM UNNEST(GENERATE_ARRAY(0, 499)) AS a, UNNEST(GENERATE_ARRAY(0, 999)) AS b";
    let batches = rows(&store, numbers).await.unwrap();
    let mut found: Vec<i64> = batches
        .iter()
        .flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec())
        .collect();
    found.sort_unstable();
    assert_eq!(found, (0..500_000).collect::<Vec<_>>());
    let batches = rows(&store, &format!("{numbers} ORDER BY n DESC")).await.unwrap();
    let found: Vec<i64> = batches
        .iter()
        .flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec())
        .collect();
    assert_eq!(found, (0..500_000).rev().collect::<Vec<_>>());
    assert_eq!(
        rows(&store, &format!("{numbers} LIMIT 0"))
            .await
            .unwrap()
            .iter()
            .map(RecordBatch::num_rows)
            .sum::<usize>(),
        0
    );
}

#[tokio::test]
async fn doubles_keep_every_bit() {
    let store = connect(config()).await;
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
    session.close().await.unwrap();
    let back: Vec<u64> = back
        .iter()
        .flat_map(|b| b.column(0).as_primitive::<Float64Type>().values().to_vec())
        .map(f64::to_bits)
        .collect();
    assert_eq!(back, values.iter().map(|d| d.to_bits()).collect::<Vec<_>>());
}

async fn run(store: &hybrid_store_bigquery::BigQueryStore, statement: &str) {
    let session = store.session().await.unwrap();
    session.execute(statement).await.unwrap();
    session.close().await.unwrap();
}

#[tokio::test]
async fn rows_are_appended_as_the_tables_types() {
    let config = config();
    let store = connect(config.clone()).await;
    let batch = RecordBatch::try_from_iter_with_nullable([
        (
            "j",
            Arc::new(StringArray::from(vec![Some("{\"a\": 1}"), None])) as ArrayRef,
            true,
        ),
        ("k", Arc::new(Int64Array::from(vec![1, 2])), false),
    ])
    .unwrap();
    put(&store, "t", batch.schema(), vec![batch.slice(0, 0)], Mode::Create)
        .await
        .unwrap();
    let name = parts(&store, "t").unwrap().join("`.`");
    run(&store, &format!("DROP TABLE `{name}`")).await;
    run(
        &store,
        &format!("CREATE TABLE `{name}` (k INT64 NOT NULL, j JSON, l ARRAY<INT64>, z FLOAT64)"),
    )
    .await;
    assert_eq!(
        put(&store, "t", batch.schema(), vec![batch.clone()], Mode::Append)
            .await
            .unwrap(),
        2
    );
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), Some(2)]), Some(vec![])]);
    let lists = RecordBatch::try_from_iter_with_nullable([
        ("l", Arc::new(list) as ArrayRef, true),
        ("k", Arc::new(Int64Array::from(vec![3, 4])), false),
    ])
    .unwrap();
    assert_eq!(
        put(&store, "t", lists.schema(), vec![lists], Mode::Append)
            .await
            .unwrap(),
        2
    );
    let shown = shown(
        &store,
        &format!("SELECT k, TO_JSON_STRING(j) AS j, l, z FROM `{name}` ORDER BY k"),
    )
    .await;
    for line in ["| 1 | {\"a\":1} | []     |", "| 3 |", "[1, 2]"] {
        assert!(shown.contains(line), "{shown}");
    }
    assert_eq!(tables(&config).await, ["t"]);
}

/// Makes a table `t`; its name.
async fn table(store: &hybrid_store_bigquery::BigQueryStore, columns: &str) -> String {
    let name = parts(store, "t").unwrap();
    run(
        store,
        &format!("CREATE SCHEMA IF NOT EXISTS `{}`.`{}`", name[0], name[1]),
    )
    .await;
    let name = name.join("`.`");
    run(store, &format!("CREATE TABLE `{name}` ({columns})")).await;
    name
}

#[tokio::test]
async fn what_is_inside_of_arrays_and_structs_is_converted_too() {
    let store = connect(config()).await;
    let name = table(
        &store,
        "k INT64, l ARRAY<FLOAT64>, s STRUCT<a FLOAT64, b ARRAY<FLOAT64>>",
    )
    .await;
    let list = |values: [Vec<i64>; 2]| {
        let values = values.map(|row| Some(row.into_iter().map(Some)));
        Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(values)) as ArrayRef
    };
    let numbers = || Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef;
    let field = |name: &str, column: &ArrayRef| Arc::new(Field::new(name, column.data_type().clone(), true));
    let (a, b) = (numbers(), list([vec![7], vec![]]));
    let both = StructArray::new(
        vec![field("a", &a), field("b", &b)].into(),
        vec![a, b],
        Some(vec![true, false].into()),
    );
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("k", numbers(), true),
        ("l", list([vec![3, 1, 2], vec![]]), true),
        ("s", Arc::new(both), true),
    ])
    .unwrap();
    assert_eq!(
        put(&store, "t", batch.schema(), vec![batch], Mode::Append)
            .await
            .unwrap(),
        2
    );
    let shown = shown(&store, &format!("SELECT k, l, s FROM `{name}` ORDER BY k")).await;
    for line in [
        "| 1 | [3.0, 1.0, 2.0] | {a: 1.0, b: [7.0]} |",
        "| 2 | []              |                    |",
    ] {
        assert!(shown.contains(line), "{shown}");
    }
}

#[tokio::test]
async fn decimals_that_a_column_would_round_are_refused() {
    let store = connect(config()).await;
    let name = table(&store, "n NUMERIC(10, 2), b BIGNUMERIC(30, 3)").await;
    let batch = |n: i128, b: i128| {
        let column = |value: i128| {
            let column = Decimal128Array::from(vec![value]).with_precision_and_scale(20, 4);
            Arc::new(column.unwrap()) as ArrayRef
        };
        RecordBatch::try_from_iter_with_nullable([("n", column(n), true), ("b", column(b), true)]).unwrap()
    };
    for (wrong, column) in [(batch(12_301, 0), "`n`"), (batch(0, 12_301), "`b`")] {
        let error = put(&store, "t", wrong.schema(), vec![wrong], Mode::Append)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        assert!(error.to_string().contains(column), "{error}");
    }
    let right = batch(12_300, 12_340);
    put(&store, "t", right.schema(), vec![right], Mode::Append)
        .await
        .unwrap();
    let query =
        format!("SELECT COUNT(*) AS a, COUNTIF(n = NUMERIC '1.23' AND b = BIGNUMERIC '1.234') AS b FROM `{name}`");
    assert!(shown(&store, &query).await.contains("| 1 | 1 |"));
}

#[tokio::test]
async fn a_required_column_takes_no_null() {
    let store = connect(config()).await;
    let schema = Arc::new(Schema::new(vec![Field::new("k", DataType::Int64, true)]));
    let name = table(&store, "k INT64 NOT NULL").await;
    let batch = |value| RecordBatch::try_new(schema.clone(), vec![Arc::new(Int64Array::from(vec![value]))]).unwrap();
    let error = put(&store, "t", schema.clone(), vec![batch(None)], Mode::Append)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("`k` is REQUIRED"), "{error}");
    put(&store, "t", schema.clone(), vec![batch(Some(1))], Mode::Append)
        .await
        .unwrap();
    assert!(
        shown(&store, &format!("SELECT COUNT(*) AS n FROM `{name}`"))
            .await
            .contains("| 1 |")
    );
}

#[tokio::test]
async fn what_breaks_off_on_its_way_leaves_no_table_beside_the_old_one() {
    let config = config();
    let store = connect(config.clone()).await;
    let batch = |n: i64| RecordBatch::try_from_iter([("n", Arc::new(Int64Array::from(vec![n])) as ArrayRef)]).unwrap();
    let schema = batch(1).schema();
    put(&store, "t", schema.clone(), vec![batch(1)], Mode::Create)
        .await
        .unwrap();
    let session = store.session().await.unwrap();
    let broken = hybrid_core::Error::new(ErrorKind::Unavailable, "the rows broke off");
    let append = Append {
        table: parts(&store, "t").unwrap(),
        rows: BatchStream::new(schema.clone(), futures::stream::iter(vec![Ok(batch(3)), Err(broken)])),
        mode: Mode::Replace,
    };
    session.append(append).await.unwrap_err();
    session.close().await.unwrap();
    assert_eq!(tables(&config).await, ["t"]);
}

#[tokio::test]
async fn maps_are_kept_as_json() {
    use arrow::array::builder::{MapBuilder, StringBuilder};
    let store = connect(config()).await;
    let mut builder = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    builder.keys().append_value("a");
    builder.values().append_value("1");
    builder.append(true).unwrap();
    let batch = RecordBatch::try_from_iter([("m", Arc::new(builder.finish()) as ArrayRef)]).unwrap();
    put(&store, "t", batch.schema(), vec![batch], Mode::Create)
        .await
        .unwrap();
    let session = store.session().await.unwrap();
    let name = parts(&store, "t").unwrap().join("`.`");
    let described = session
        .describe(&format!("SELECT * FROM `{name}` AS `s`"))
        .await
        .unwrap();
    session.close().await.unwrap();
    assert_eq!(sql_type_of(described.field(0)), "JSON");
    assert!(
        shown(&store, &format!("SELECT m FROM `{name}`"))
            .await
            .contains("{\"a\":\"1\"}")
    );
}

#[tokio::test]
async fn a_view_and_a_missing_table_take_no_rows() {
    let store = connect(config()).await;
    let batch = RecordBatch::try_from_iter([("n", Arc::new(Int64Array::from(vec![1])) as ArrayRef)]).unwrap();
    put(&store, "t", batch.schema(), vec![batch.clone()], Mode::Create)
        .await
        .unwrap();
    let (view, table) = (
        parts(&store, "v").unwrap().join("`.`"),
        parts(&store, "t").unwrap().join("`.`"),
    );
    run(&store, &format!("CREATE VIEW `{view}` AS SELECT n FROM `{table}`")).await;
    let error = put(&store, "v", batch.schema(), vec![batch.clone()], Mode::Append)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    let error = put(&store, &unique("none"), batch.schema(), vec![batch], Mode::Append)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}

#[tokio::test]
async fn row_estimates_come_from_the_catalog() {
    let store = connect(config()).await;
    let batch = RecordBatch::try_from_iter([("n", Arc::new(Int64Array::from(vec![1, 2, 3])) as ArrayRef)]).unwrap();
    put(&store, "t", batch.schema(), vec![batch], Mode::Create)
        .await
        .unwrap();
    let session = store.session().await.unwrap();
    assert_eq!(
        session.row_estimate(&parts(&store, "t").unwrap()).await.unwrap(),
        Some(3)
    );
    assert_eq!(
        session.row_estimate(&parts(&store, "events_*").unwrap()).await.unwrap(),
        None
    );
    session.close().await.unwrap();
}
