//! One feature_store.yaml with two real stores, as an application uses it: definitions applied to
//! a registry file, one view in Parquet, one in memory, asked separately and in one call.

#![allow(clippy::unwrap_used)]

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use hybrid_offline_store::arrow::array::{
    ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use hybrid_offline_store::arrow::compute::concat_batches;
use hybrid_offline_store::arrow::datatypes::Int64Type;
use hybrid_offline_store::config::load_definitions;
use hybrid_offline_store::{
    BatchStream, Call, EntityFrame, ErrorKind, FeatureSelection, FeatureStore, Result, RetrievalOptions,
};
use memory_store::{MemoryConfig, MemoryStore};
use parquet::arrow::ArrowWriter;
use tempfile::TempDir;

const FEATURES: &str = "
entities:
  - {name: driver_id, value_type: Int64}
  - {name: zone, value_type: String}
feature_views:
  - name: driver_stats
    entities: [driver_id]
    ttl: 1m
    source: {type: file, path: stats.parquet, timestamp_field: ts}
    schema: [{name: trips, dtype: Int64}]
  - name: zone_stats
    entities: [zone]
    source: {type: memory, table: zones, timestamp_field: ts}
    schema: [{name: riders, dtype: Int64}]
feature_services:
  - name: both
    features: [zone_stats, driver_stats]
";

fn times(seconds: &[i64]) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from_iter_values(seconds.iter().map(|s| s * 1_000_000)).with_timezone("UTC"))
}

fn numbers(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

fn batch<const N: usize>(columns: [(&str, ArrayRef); N]) -> RecordBatch {
    RecordBatch::try_from_iter(columns).unwrap()
}

/// A repository whose two stores hold a view each; tables in memory are shared by `database`.
async fn repository(database: &str, cross: bool) -> (TempDir, FeatureStore) {
    let folder = tempfile::tempdir().unwrap();
    let yaml = format!(
        "project: federation\nregistry: registry.db\nprovider: local\noffline_store:\n  type: hybrid\n  cross_source_joins: {cross}\n  offline_stores:\n    - type: file\n    - type: memory\n      database: {database}\n"
    );
    std::fs::write(folder.path().join("feature_store.yaml"), yaml).unwrap();
    std::fs::write(folder.path().join("features.yaml"), FEATURES).unwrap();
    let stats = batch([
        ("driver_id", numbers(&[1, 1, 2])),
        ("ts", times(&[10, 100, 30])),
        ("trips", numbers(&[5, 6, 7])),
    ]);
    write_parquet(&folder.path().join("stats.parquet"), &stats);
    let zones: ArrayRef = Arc::new(StringArray::from(vec!["north", "south", "north"]));
    let zones = batch([
        ("zone", zones),
        ("ts", times(&[0, 0, 50])),
        ("riders", numbers(&[100, 200, 300])),
    ]);
    let memory = MemoryStore::new(&MemoryConfig {
        database: Some(database.to_owned()),
    });
    memory.create_table("zones", zones.schema(), vec![zones]);
    let store = FeatureStore::open(folder.path()).unwrap();
    store
        .apply(load_definitions(store.config()).unwrap(), false)
        .await
        .unwrap();
    (folder, store)
}

fn write_parquet(path: &Path, batch: &RecordBatch) {
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

/// Rows out of order and repeated, keys that one store or the other does not know.
fn frame() -> EntityFrame {
    let zones: ArrayRef = Arc::new(StringArray::from(vec![
        Some("north"),
        Some("south"),
        Some("east"),
        None,
        Some("north"),
    ]));
    let rows = batch([
        ("driver_id", numbers(&[1, 2, 1, 2, 1])),
        ("zone", zones),
        ("event_timestamp", times(&[60, 200, 110, 40, 60])),
        ("label", numbers(&[1, 2, 3, 4, 5])),
    ]);
    EntityFrame::from_batches(rows.schema(), vec![rows.slice(0, 2), rows.slice(2, 3)])
}

async fn retrieve(store: &FeatureStore, features: &FeatureSelection) -> Result<RecordBatch> {
    let job = store
        .get_historical_features(frame(), features, RetrievalOptions::default())
        .await?;
    let schema = job.schema().clone();
    Ok(concat_batches(&schema, &job.to_arrow().await?)?)
}

fn column(rows: &RecordBatch, name: &str) -> Vec<Option<i64>> {
    rows.column_by_name(name)
        .unwrap()
        .as_primitive::<Int64Type>()
        .iter()
        .collect()
}

const TRIPS: [Option<i64>; 5] = [Some(5), None, Some(6), Some(7), Some(5)];
const RIDERS: [Option<i64>; 5] = [Some(300), Some(200), None, None, Some(300)];

#[tokio::test]
async fn each_view_is_asked_of_its_own_store() {
    let (_folder, store) = repository("federation-separate", false).await;
    let trips = retrieve(&store, &FeatureSelection::references(["driver_stats:trips"]).unwrap())
        .await
        .unwrap();
    assert_eq!(column(&trips, "trips"), TRIPS);
    let riders = retrieve(&store, &FeatureSelection::references(["zone_stats:riders"]).unwrap())
        .await
        .unwrap();
    assert_eq!(column(&riders, "riders"), RIDERS);
    let both = retrieve(&store, &FeatureSelection::Service("both".to_owned()))
        .await
        .unwrap_err();
    assert_eq!(both.message(), "All feature views must have the same source type");
}

#[tokio::test]
async fn one_call_over_both_stores_gives_the_same_rows_in_the_frames_order() {
    let (_folder, store) = repository("federation-cross", true).await;
    let rows = retrieve(&store, &FeatureSelection::Service("both".to_owned()))
        .await
        .unwrap();
    let names: Vec<&str> = rows
        .schema_ref()
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .collect();
    assert_eq!(
        names,
        ["driver_id", "zone", "event_timestamp", "label", "riders", "trips"]
    );
    assert_eq!(column(&rows, "label"), [1, 2, 3, 4, 5].map(Some));
    assert_eq!(
        (column(&rows, "trips"), column(&rows, "riders")),
        (TRIPS.to_vec(), RIDERS.to_vec())
    );
}

#[tokio::test]
async fn what_is_written_through_a_view_is_seen_by_the_next_retrieval() {
    let (_folder, store) = repository("federation-write", true).await;
    let newer = batch([
        ("trips", numbers(&[70])),
        ("ts", times(&[199])),
        ("driver_id", numbers(&[2])),
    ]);
    let rows = BatchStream::from_batches(newer.schema(), vec![newer]);
    assert_eq!(store.write("driver_stats", rows, &Call::default()).await.unwrap(), 1);
    let rows = retrieve(&store, &FeatureSelection::Service("both".to_owned()))
        .await
        .unwrap();
    assert_eq!(column(&rows, "trips"), [Some(5), Some(70), Some(6), Some(7), Some(5)]);
}

#[tokio::test]
async fn a_store_that_fails_names_itself_and_not_its_sibling() {
    let (folder, store) = repository("federation-missing", true).await;
    std::fs::remove_file(folder.path().join("stats.parquet")).unwrap();
    let error = retrieve(&store, &FeatureSelection::Service("both".to_owned()))
        .await
        .unwrap_err();
    assert_eq!((error.kind(), error.store()), (ErrorKind::NotFound, Some("file")));
    assert!(error.to_string().contains("stats.parquet"), "{error}");
}
