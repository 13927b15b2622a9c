//! Rows that are written through the router, and read by it: files, and JSON as VARIANT.

use std::fs;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use hybrid_conformance::Fixture;
use hybrid_conformance::partitioned::MAY;
use hybrid_core::sql::SqlSession;
use hybrid_core::{BatchStream, Call, DataSource, Error, ErrorKind, Pull, Source};
use hybrid_store_spark::SparkSource;

use crate::common::{SparkFixture, config, session, shown, whole};

/// Numbers, these texts, and times.
fn batch(texts: &[Option<&str>]) -> RecordBatch {
    let places = 0..texts.len() as i64;
    let numbers: Int64Array = places
        .clone()
        .map(|place| (place != 1).then_some(i64::MAX - place))
        .collect();
    let times = TimestampMicrosecondArray::from_iter_values(places.map(|place| MAY + place));
    let columns: [(&str, ArrayRef); 3] = [
        ("n", Arc::new(numbers)),
        ("v", Arc::new(StringArray::from(texts.to_vec()))),
        ("ts", Arc::new(times.with_timezone("UTC"))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap()
}

fn stream(rows: &RecordBatch) -> BatchStream {
    BatchStream::from_batches(rows.schema(), vec![rows.clone()])
}

/// Rows that break off when some of them are in the staging location.
fn broken() -> BatchStream {
    let rows = batch(&[Some("x".repeat(5 << 20).as_str())]);
    let cut = Error::new(ErrorKind::Unavailable, "the rows broke off");
    BatchStream::new(rows.schema(), futures::stream::iter([Ok(rows), Err(cut)]))
}

/// All that pull_all finds.
async fn pulled(fixture: &SparkFixture, source: &Source) -> Vec<String> {
    let pull = Pull {
        source: source.clone(),
        join_keys: Vec::new(),
        features: Vec::new(),
    };
    let call = Call::default();
    let rows = fixture
        .store()
        .pull_all_from_table_or_query(&pull, None, None, &call)
        .await;
    shown(&whole(rows.unwrap()).await.unwrap())
}

#[tokio::test]
async fn what_is_persisted_as_files_is_read_from_them() {
    let (folder, staged) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut config = config();
    config.staging_location = Some(staged.path().to_str().unwrap().to_owned());
    let fixture = SparkFixture::new(config).await;
    let rows = batch(&[Some("größe"), None, Some("")]);
    for format in ["parquet", "orc"] {
        let path = folder.path().join(format);
        let files = SparkSource::path(path.to_str().unwrap(), format);
        let files = files.into_source().unwrap().with_timestamp_field("ts");
        let persist = async |rows: BatchStream| fixture.store().persist(&files, rows, false).await;
        let error = persist(broken()).await.unwrap_err();
        assert!(error.to_string().contains("the rows broke off"), "{format}: {error}");
        assert!(!path.exists(), "{format}");
        assert_eq!(fs::read_dir(staged.path()).unwrap().count(), 0, "{format}");
        assert_eq!(persist(stream(&rows)).await.unwrap(), 3, "{format}");
        assert_eq!(pulled(&fixture, &files).await, shown(&rows), "{format}");
        let again = persist(stream(&rows)).await.unwrap_err();
        assert_eq!(again.kind(), ErrorKind::InvalidInput, "{format}: {again}");
        assert_eq!(pulled(&fixture, &files).await, shown(&rows), "{format}");
    }
}

#[tokio::test]
async fn json_is_written_into_a_variant_and_what_is_none_changes_nothing() {
    let fixture = SparkFixture::new(config()).await;
    let session = session().await;
    for statement in [
        "DROP TABLE IF EXISTS w_variant",
        "CREATE TABLE w_variant (n BIGINT, v VARIANT, ts TIMESTAMP) USING parquet",
    ] {
        session.execute(statement).await.unwrap();
    }
    let table = SparkSource::table("w_variant").into_source().unwrap();
    let table = table.with_timestamp_field("ts");
    let append = async |rows: BatchStream| fixture.store().append(&table, rows, &Call::default()).await;
    let rows = batch(&[Some("{\"a\":1}"), None]);
    assert_eq!(append(stream(&rows)).await.unwrap(), 2);
    assert_eq!(pulled(&fixture, &table).await, shown(&rows));
    let wrong = append(stream(&batch(&[Some("2"), Some("{\"a\":")]))).await.unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::InvalidInput, "{wrong}");
    assert_eq!(pulled(&fixture, &table).await, shown(&rows));
    session.execute("DROP TABLE w_variant").await.unwrap();
    session.close().await.unwrap();
}
