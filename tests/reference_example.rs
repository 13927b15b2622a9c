//! The reference document's complete example: one view in BigQuery, one in a Parquet file, a historical
//! retrieval on each through one configuration. BigQuery is its emulator: scripts/test bigquery.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;
use std::sync::Arc;

use hybrid_offline_store::arrow::array::{
    ArrayRef, AsArray, Float32Array, Int32Array, Int64Array, RecordBatch, TimestampMicrosecondArray,
};
use hybrid_offline_store::arrow::compute::concat_batches;
use hybrid_offline_store::arrow::datatypes::{Float32Type, Int32Type};
use hybrid_offline_store::config::load_definitions;
use hybrid_offline_store::{
    BatchStream, EntityFrame, FeatureSelection, FeatureStore, Result, RetrievalJob, RetrievalOptions, Source,
};

const DRIVER_STATS: [&str; 3] = [
    "driver_stats_bq:conv_rate",
    "driver_stats_bq:acc_rate",
    "driver_stats_bq:avg_daily_trips",
];
const DRIVER_ACTIVITY: [&str; 2] = ["driver_activity_file:active_hours", "driver_activity_file:driving_days"];
const HOUR: i64 = 3_600_000_000;
const NOON: i64 = 1_704_110_400_000_000;

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run scripts/test bigquery"))
}

/// The document's three stores; Redshift is configured and has no view.
fn configuration(folder: &Path) -> String {
    format!(
        "project: my_project
registry: registry.db
provider: local
offline_store:
  type: feast.infra.offline_stores.hybrid_offline_store.HybridOfflineStore
  offline_stores:
    - type: bigquery
      dataset: {dataset}
      project_id: {project}
      anonymous: true
      api_endpoint: {rest}
      storage_endpoint: {storage}
    - type: redshift
      cluster_id: my_redshift_cluster
      region: us-west-2
      user: admin
      database: feast
      s3_staging_location: s3://feast-bucket/staging
    - type: file
      path: {folder}
",
        dataset = dataset(),
        project = variable("HYBRID_BIGQUERY_PROJECT"),
        rest = variable("HYBRID_BIGQUERY_REST"),
        storage = variable("HYBRID_BIGQUERY_STORAGE"),
        folder = folder.display(),
    )
}

fn dataset() -> String {
    format!("reference_{}", std::process::id())
}

/// The table by its whole name, as the document writes it.
fn table() -> String {
    format!("{}.{}.driver_stats", variable("HYBRID_BIGQUERY_PROJECT"), dataset())
}

fn definitions() -> String {
    format!(
        "entities:
  - {{name: driver_id, value_type: Int64, description: Driver ID}}
feature_views:
  - name: driver_stats_bq
    entities: [driver_id]
    ttl: 1d
    source: {{type: bigquery, table: {table}, timestamp_field: event_timestamp}}
    schema:
      - {{name: conv_rate, dtype: Float32}}
      - {{name: acc_rate, dtype: Float32}}
      - {{name: avg_daily_trips, dtype: Int32}}
  - name: driver_activity_file
    entities: [driver_id]
    ttl: 1d
    source: {{type: file, path: driver_activity.parquet, timestamp_field: event_timestamp}}
    schema:
      - {{name: active_hours, dtype: Float32}}
      - {{name: driving_days, dtype: Int32}}
",
        table = table()
    )
}

fn keys(values: [i64; 4]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

fn hours(values: [i64; 4]) -> ArrayRef {
    let times = values.map(|hours| NOON + hours * HOUR);
    Arc::new(TimestampMicrosecondArray::from(times.to_vec()).with_timezone("UTC"))
}

fn floats(values: [f32; 4]) -> ArrayRef {
    Arc::new(Float32Array::from(values.to_vec()))
}

fn counts(values: [i32; 4]) -> ArrayRef {
    Arc::new(Int32Array::from(values.to_vec()))
}

fn driver_stats() -> RecordBatch {
    RecordBatch::try_from_iter([
        ("driver_id", keys([1001, 1001, 1002, 1003])),
        ("event_timestamp", hours([-2, 3, 0, -30])),
        ("conv_rate", floats([0.5, 0.25, 0.75, 0.125])),
        ("acc_rate", floats([0.9, 0.8, 0.7, 0.6])),
        ("avg_daily_trips", counts([10, 20, 30, 40])),
    ])
    .unwrap()
}

fn driver_activity() -> RecordBatch {
    RecordBatch::try_from_iter([
        ("driver_id", keys([1001, 1002, 1002, 1003])),
        ("event_timestamp", hours([-1, -3, -2, 1])),
        ("active_hours", floats([8.5, 7.0, 6.5, 1.0])),
        ("driving_days", counts([5, 4, 3, 2])),
    ])
    .unwrap()
}

/// Four drivers at noon; nobody knows the last one.
fn frame() -> EntityFrame {
    let rows = RecordBatch::try_from_iter([
        ("driver_id", keys([1001, 1002, 1003, 1004])),
        ("event_timestamp", hours([0, 0, 0, 0])),
    ])
    .unwrap();
    EntityFrame::Rows(stream(rows))
}

fn stream(rows: RecordBatch) -> BatchStream {
    BatchStream::from_batches(rows.schema(), vec![rows])
}

async fn put(store: &FeatureStore, key: &str, option: &str, place: String, rows: RecordBatch) {
    let mut source = Source::new(key);
    source.options.insert(option.to_owned(), place.into());
    let made = store.offline_store().persist(&source, stream(rows), true).await;
    assert_eq!(made.unwrap(), 4, "{key}");
}

async fn job(store: &FeatureStore, features: &[&str]) -> Result<RetrievalJob> {
    let selection = FeatureSelection::references(features.iter().copied())?;
    let options = RetrievalOptions::default();
    store.get_historical_features(frame(), &selection, options).await
}

async fn retrieved(store: &FeatureStore, features: &[&str]) -> Result<RecordBatch> {
    let job = job(store, features).await?;
    let schema = job.schema().clone();
    Ok(concat_batches(&schema, &job.to_arrow().await?)?)
}

fn float_column(rows: &RecordBatch, name: &str) -> Vec<Option<f32>> {
    let column = rows.column_by_name(name).unwrap();
    column.as_primitive::<Float32Type>().iter().collect()
}

fn count_column(rows: &RecordBatch, name: &str) -> Vec<Option<i32>> {
    rows.column_by_name(name)
        .unwrap()
        .as_primitive::<Int32Type>()
        .iter()
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_view_in_bigquery_and_one_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("feature_store.yaml"), configuration(folder.path())).unwrap();
    std::fs::write(folder.path().join("features.yaml"), definitions()).unwrap();
    let store = FeatureStore::open(folder.path()).unwrap();
    put(&store, "bigquery", "table", table(), driver_stats()).await;
    put(
        &store,
        "file",
        "path",
        "driver_activity.parquet".to_owned(),
        driver_activity(),
    )
    .await;
    let definitions = load_definitions(store.config()).unwrap();
    store.apply(definitions, false).await.unwrap();

    let plan = job(&store, &DRIVER_STATS).await.unwrap().explain().await.unwrap();
    assert!(plan.contains("BigQuery would process"), "{plan}");
    let stats = retrieved(&store, &DRIVER_STATS).await.unwrap();
    assert_eq!(float_column(&stats, "conv_rate"), [Some(0.5), Some(0.75), None, None]);
    assert_eq!(float_column(&stats, "acc_rate"), [Some(0.9), Some(0.7), None, None]);
    assert_eq!(
        count_column(&stats, "avg_daily_trips"),
        [Some(10), Some(30), None, None]
    );

    let activity = retrieved(&store, &DRIVER_ACTIVITY).await.unwrap();
    assert_eq!(
        float_column(&activity, "active_hours"),
        [Some(8.5), Some(6.5), None, None]
    );
    assert_eq!(count_column(&activity, "driving_days"), [Some(5), Some(3), None, None]);

    let both: Vec<&str> = DRIVER_STATS.iter().chain(&DRIVER_ACTIVITY).copied().collect();
    let error = retrieved(&store, &both).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("All feature views must have the same source type"),
        "{error}"
    );
    store.offline_store().shutdown().await.unwrap();
}
