//! Values of every type, into the emulator and out of it.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int32Array,
    Int64Array, ListArray, RecordBatch, StringArray, StructArray, Time64MicrosecondArray, TimestampMicrosecondArray,
    UInt64Array,
};
use arrow::datatypes::{DataType, Field, Int64Type};
use common::{config, connect, rows, shown, unique, write};
use hybrid_conformance::partitioned;
use hybrid_core::sql::{Mode, SqlSession, SqlStore, sql_type_of};
use hybrid_core::{BatchStream, ErrorKind, Source};
use hybrid_store_snowflake::{EntitySelect, SnowflakeSource};

fn scalars() -> RecordBatch {
    let times = vec![Some(-1), Some(1_714_521_600_123_456), None];
    let columns: Vec<(&str, ArrayRef)> = vec![
        (
            "i",
            Arc::new(Int64Array::from(vec![Some(i64::MIN), Some(i64::MAX), None])),
        ),
        ("small", Arc::new(Int32Array::from(vec![Some(-1), Some(7), None]))),
        (
            "u",
            Arc::new(UInt64Array::from(vec![Some(0), Some(9_223_372_036_854_775_807), None])),
        ),
        (
            "f",
            Arc::new(Float64Array::from(vec![Some(f64::NAN), Some(-1.5e300), None])),
        ),
        (
            "f4",
            Arc::new(Float32Array::from(vec![Some(1.1), Some(f32::INFINITY), None])),
        ),
        ("b", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None]))),
        (
            "the \"s\"",
            Arc::new(StringArray::from(vec![Some("a\\n'\"\u{1F980}"), Some(""), None])),
        ),
        (
            "bin",
            Arc::new(BinaryArray::from(vec![
                Some(b"\x00\xFF".as_slice()),
                Some(b"".as_slice()),
                None,
            ])),
        ),
        (
            "d",
            Arc::new(Date32Array::from(vec![Some(-719_162), Some(19_844), None])),
        ),
        (
            "dec",
            Arc::new(
                Decimal128Array::from(vec![Some(-123_456_789_012_345_678_901_234_i128), Some(1), None])
                    .with_precision_and_scale(30, 4)
                    .unwrap(),
            ),
        ),
        ("t", Arc::new(TimestampMicrosecondArray::from(times.clone()))),
        (
            "tz",
            Arc::new(TimestampMicrosecondArray::from(times).with_timezone("UTC")),
        ),
        (
            "time",
            Arc::new(Time64MicrosecondArray::from(vec![Some(1), Some(86_399_999_999), None])),
        ),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

#[tokio::test]
async fn values_come_back_as_they_went() {
    let store = connect(config()).await;
    let table = unique("T");
    let parts = ["TEST", "PUBLIC", table.as_str()];
    write(&store, &parts, vec![scalars()], Mode::Create).await.unwrap();
    write(&store, &parts, vec![scalars()], Mode::Append).await.unwrap();
    let query = format!("SELECT * FROM \"TEST\".\"PUBLIC\".\"{table}\"");
    let batches = rows(&store, &query).await.unwrap();
    let all = arrow::compute::concat_batches(&batches[0].schema(), &batches).unwrap();
    assert_eq!(all.num_rows(), 6);
    for (column, sent) in scalars().columns().iter().enumerate() {
        let read = all.column(column).slice(0, 3);
        let back = arrow::compute::cast(&read, sent.data_type()).unwrap();
        let name = scalars().schema().field(column).name().clone();
        assert_eq!(format!("{back:?}"), format!("{sent:?}"), "{name}");
    }
}

#[tokio::test]
async fn columns_are_described_in_the_types_that_they_come_in() {
    let store = connect(config()).await;
    let table = unique("T");
    write(&store, &["TEST", "PUBLIC", &table], vec![scalars()], Mode::Create)
        .await
        .unwrap();
    let query = format!("SELECT * FROM \"TEST\".\"PUBLIC\".\"{table}\"");
    let session = store.session().await.unwrap();
    let described = session.describe(&query).await.unwrap();
    let read = session.query(&query).await.unwrap();
    assert_eq!(described.as_ref(), read.schema().as_ref());
    drop(read);
    session.close().await.unwrap();
    let types: Vec<&str> = described.fields().iter().map(|field| sql_type_of(field)).collect();
    assert_eq!(types[..4], ["NUMBER(38,0)", "NUMBER(38,0)", "NUMBER(38,0)", "FLOAT"]);
    assert_eq!(types[9], "NUMBER(30,4)");
}

#[tokio::test]
async fn uploaded_rows_are_the_same_by_both_ways() {
    for mode in [EntitySelect::EmbedQuery, EntitySelect::TempTable] {
        let mut config = config();
        config.entity_select_mode = mode;
        let store = connect(config).await;
        let session = store.session().await.unwrap();
        // The types that entity rows have.
        let names = ["i", "u", "b", "the \"s\"", "bin", "d", "dec", "tz"];
        let sent = scalars();
        let places: Vec<usize> = names.iter().map(|name| sent.schema().index_of(name).unwrap()).collect();
        let sent = sent.project(&places).unwrap();
        let rows = BatchStream::from_batches(sent.schema(), vec![sent.clone()]);
        let from = session.upload(rows).await.unwrap();
        let read = session
            .query(&format!("SELECT * FROM {from} AS e"))
            .await
            .unwrap()
            .collect()
            .await
            .unwrap();
        for (column, sent) in sent.columns().iter().enumerate() {
            let back = arrow::compute::cast(read[0].column(column), sent.data_type()).unwrap();
            assert_eq!(format!("{back:?}"), format!("{sent:?}"), "{mode:?} {}", names[column]);
        }
        session.close().await.unwrap();
    }
}

#[tokio::test]
async fn nested_values_are_documents() {
    let lists = ListArray::from_iter_primitive::<Int64Type, _, _>(vec![Some(vec![Some(1), None]), None]);
    let words: ArrayRef = Arc::new(StringArray::from(vec![Some("a\"b"), None]));
    let both = StructArray::from(vec![(Arc::new(Field::new("w", DataType::Utf8, true)), words)]);
    let columns: Vec<(&str, ArrayRef)> = vec![("l", Arc::new(lists)), ("o", Arc::new(both))];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let store = connect(config()).await;
    let table = unique("T");
    let parts = ["TEST", "PUBLIC", table.as_str()];
    write(&store, &parts, vec![batch.clone()], Mode::Create).await.unwrap();
    write(&store, &parts, vec![batch], Mode::Append).await.unwrap();
    let text = shown(
        &store,
        &format!("SELECT \"l\", \"o\" FROM \"TEST\".\"PUBLIC\".\"{table}\""),
    )
    .await;
    assert_eq!(text.matches("[1,null]").count(), 2, "{text}");
    assert_eq!(text.matches(r#"{"w":"a\"b"}"#).count(), 2, "{text}");
}

#[tokio::test]
async fn numbers_that_do_not_fit_are_refused() {
    let large: ArrayRef = Arc::new(UInt64Array::from(vec![u64::MAX]));
    let batch = RecordBatch::try_from_iter([("u", large)]).unwrap();
    let store = connect(config()).await;
    let table = unique("T");
    let error = write(&store, &["TEST", "PUBLIC", &table], vec![batch], Mode::Create)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    assert!(error.to_string().contains("`u`"), "{error}");
    let error = rows(&store, &format!("SELECT 1 FROM \"TEST\".\"PUBLIC\".\"{table}\""))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn many_rows_go_in_several_files() {
    let store = connect(config()).await;
    let table = unique("T");
    let words = |batch: i64| {
        let words = (0..10_000_i64).map(|row| {
            format!(
                "{:x}",
                (batch * 10_000 + row).wrapping_mul(0x9E37_79B9_7F4A_7C15_u64.cast_signed())
            )
            .repeat(20)
        });
        let words: ArrayRef = Arc::new(StringArray::from_iter_values(words));
        RecordBatch::try_from_iter([("w", words)]).unwrap()
    };
    let batches: Vec<RecordBatch> = (0..25).map(words).collect();
    let written = write(&store, &["TEST", "PUBLIC", &table], batches, Mode::Create)
        .await
        .unwrap();
    assert_eq!(written, 250_000);
    let count = shown(
        &store,
        &format!("SELECT COUNT(DISTINCT \"w\") FROM \"TEST\".\"PUBLIC\".\"{table}\""),
    )
    .await;
    assert!(count.contains("250000"), "{count}");
}

#[tokio::test]
async fn a_source_lists_its_columns_and_a_missing_one_says_so() {
    use hybrid_core::OfflineStore;
    let store = connect(config()).await;
    let table = unique("T");
    write(&store, &["TEST", "PUBLIC", &table], vec![scalars()], Mode::Create)
        .await
        .unwrap();
    let source = SnowflakeSource {
        schema: Some("PUBLIC".into()),
        ..SnowflakeSource::new(&table)
    };
    let schema = store.source_schema(&source).await.unwrap();
    assert_eq!(schema.fields().len(), scalars().num_columns());
    let query = SnowflakeSource::from_query(format!("SELECT \"i\" AS \"x\" FROM \"TEST\".\"PUBLIC\".\"{table}\""));
    assert_eq!(store.source_schema(&query).await.unwrap().field(0).name(), "x");
    let error = store.source_schema(&SnowflakeSource::new("nowhere")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    let kept: Source = source.into();
    assert_eq!(kept.options["table"], table.as_str());
    let told = SqlStore::ping(&store).await.unwrap();
    assert!(told.contains("10.0.0") && told.contains("`TEST`"), "{told}");
}

#[tokio::test]
async fn a_partition_column_of_text_prunes_where_its_format_is_told() {
    let store = connect(config()).await;
    let query = r#"SELECT 7 AS "id", '2024-04-30 12:00:00'::TIMESTAMP_NTZ AS "ts", 1 AS "v", '20240430' AS "day""#;
    partitioned::text_prunes_where_its_format_is_told(&store, SnowflakeSource::from_query(query)).await;
}
