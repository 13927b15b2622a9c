//! One feature_store.yaml with files, Postgres, Trino and Spark, each a real server: a retrieval on
//! each, one over all of them, SELECTs as entity frames, results made into tables, files of the one
//! read by another. Needs the engines: scripts/test stores.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hybrid_offline_store::arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, TimestampMicrosecondArray};
use hybrid_offline_store::arrow::compute::concat_batches;
use hybrid_offline_store::arrow::datatypes::Int64Type;
use hybrid_offline_store::config::load_definitions;
use hybrid_offline_store::{
    BatchStream, Call, EntityFrame, FeatureSelection, FeatureStore, Pull, Result, RetrievalJob, RetrievalOptions,
    Source,
};
use tempfile::TempDir;

const STORES: [&str; 4] = ["file", "postgres", "trino", "spark"];

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run scripts/test stores"))
}

fn configuration() -> String {
    format!(
        "project: four
registry: registry.db
provider: local
offline_store:
  type: hybrid
  cross_source_joins: true
  offline_stores:
    - type: file
    - type: postgres
      host: {host}
      port: {port}
      database: {database}
      user: {user}
      password: {password}
      sslmode: prefer
    - type: trino
      host: {trino_host}
      port: {trino_port}
      catalog: iceberg
      user: tester
      connector: {{type: iceberg, file_format: parquet}}
      dataset: {unique}
    - type: spark
      spark_conf:
        spark.remote: '{spark}'
",
        host = variable("HYBRID_POSTGRES_HOST"),
        port = variable("HYBRID_POSTGRES_PORT"),
        database = variable("HYBRID_POSTGRES_DATABASE"),
        user = variable("HYBRID_POSTGRES_USER"),
        password = variable("HYBRID_POSTGRES_PASSWORD"),
        trino_host = variable("HYBRID_TRINO_HOST"),
        trino_port = variable("HYBRID_TRINO_PORT"),
        spark = variable("HYBRID_SPARK_REMOTE"),
        unique = table("four"),
    )
}

/// A table's name that no other run uses.
fn table(name: &str) -> String {
    format!("{name}_{}", std::process::id())
}

/// Each store has a view by driver with a feature of its own.
fn definitions() -> String {
    let mut text = "entities:\n  - {name: driver_id, value_type: Int64}\nfeature_views:\n".to_owned();
    for store in STORES {
        let place = match store {
            "file" => "path: stats.parquet".to_owned(),
            _ => format!("table: {}", table("stats")),
        };
        text.push_str(&format!(
            "  - name: {store}_stats\n    entities: [driver_id]\n    ttl: 1m\n    \
             source: {{type: {store}, {place}, timestamp_field: ts, created_timestamp_column: created}}\n    \
             schema: [{{name: {store}_trips, dtype: Int64}}]\n"
        ));
    }
    text
}

fn times(seconds: &[i64]) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from_iter_values(seconds.iter().map(|s| s * 1_000_000)).with_timezone("UTC"))
}

fn numbers(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

fn stream(rows: RecordBatch) -> BatchStream {
    BatchStream::from_batches(rows.schema(), vec![rows])
}

/// Ties of time are decided by created; the first driver's last row comes too late for most.
fn stats(store: &str) -> RecordBatch {
    RecordBatch::try_from_iter([
        ("driver_id", numbers(&[1, 1, 1, 2])),
        ("ts", times(&[10, 10, 100, 30])),
        ("created", times(&[11, 12, 101, 31])),
        (&format!("{store}_trips"), numbers(&[4, 5, 6, 7])),
    ])
    .unwrap()
}

fn frame() -> RecordBatch {
    RecordBatch::try_from_iter([
        ("driver_id", numbers(&[1, 2, 1, 2, 1])),
        ("event_timestamp", times(&[60, 200, 110, 40, 60])),
        ("label", numbers(&[1, 2, 3, 4, 5])),
    ])
    .unwrap()
}

const TRIPS: [Option<i64>; 5] = [Some(5), None, Some(6), Some(7), Some(5)];

fn source(store: &str, name: &str) -> Source {
    let mut source = Source::new(store);
    let (option, value) = match store {
        "file" => ("path", format!("{name}.parquet")),
        _ => ("table", table(name)),
    };
    source.options.insert(option.to_owned(), value.into());
    source
}

/// A repository whose tables are made in every store.
async fn repository() -> (TempDir, FeatureStore) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("feature_store.yaml"), configuration()).unwrap();
    std::fs::write(folder.path().join("features.yaml"), definitions()).unwrap();
    let store = FeatureStore::open(folder.path()).unwrap();
    for key in STORES {
        for (name, rows) in [("stats", stats(key)), ("frame", frame())] {
            let made = store
                .offline_store()
                .persist(&source(key, name), stream(rows.clone()), true)
                .await;
            assert_eq!(made.unwrap(), rows.num_rows() as u64, "{key} {name}");
        }
    }
    store
        .apply(load_definitions(store.config()).unwrap(), false)
        .await
        .unwrap();
    (folder, store)
}

async fn job(store: &FeatureStore, frame: EntityFrame, stores: &[&str]) -> Result<RetrievalJob> {
    let features = stores.iter().map(|store| format!("{store}_stats:{store}_trips"));
    let features: Vec<String> = features.collect();
    let selection = FeatureSelection::references(features.iter().map(String::as_str))?;
    store
        .get_historical_features(frame, &selection, RetrievalOptions::default())
        .await
}

async fn rows(job: RetrievalJob) -> RecordBatch {
    let schema = job.schema().clone();
    concat_batches(&schema, &job.to_arrow().await.unwrap()).unwrap()
}

fn column(rows: &RecordBatch, name: &str) -> Vec<Option<i64>> {
    rows.column_by_name(name)
        .unwrap()
        .as_primitive::<Int64Type>()
        .iter()
        .collect()
}

fn rows_frame() -> EntityFrame {
    EntityFrame::Rows(stream(frame()))
}

fn sql_frame(store: &str) -> EntityFrame {
    EntityFrame::Sql {
        store: store.to_owned(),
        query: format!("SELECT driver_id, event_timestamp, label FROM {}", table("frame")),
    }
}

/// The labels and trips of a frame in whatever order, by label.
fn by_label(rows: &RecordBatch, feature: &str) -> Vec<(Option<i64>, Option<i64>)> {
    let mut pairs: Vec<_> = column(rows, "label").into_iter().zip(column(rows, feature)).collect();
    pairs.sort_unstable();
    pairs
}

/// One test, as the engines are started and the tables made once.
#[tokio::test(flavor = "multi_thread")]
async fn four_stores_behind_one_configuration() {
    let (folder, store) = repository().await;
    each_store_answers_by_itself(&store).await;
    all_answer_in_one_call(&store).await;
    a_select_in_each_store_is_a_frame(&store).await;
    a_selects_order_is_the_frames(&store).await;
    results_become_tables(&store, &folder).await;
    what_spark_appends_to_files_is_seen_whole(&store, &folder).await;
    the_sql_runs_as_it_stands(&store).await;
    plans_say_what_was_chosen(&store).await;
    store.offline_store().shutdown().await.unwrap();
}

async fn each_store_answers_by_itself(store: &FeatureStore) {
    for key in STORES {
        let rows = rows(job(store, rows_frame(), &[key]).await.unwrap()).await;
        assert_eq!(column(&rows, "label"), [1, 2, 3, 4, 5].map(Some), "{key}");
        assert_eq!(column(&rows, &format!("{key}_trips")), TRIPS, "{key}");
    }
}

async fn all_answer_in_one_call(store: &FeatureStore) {
    let rows = rows(job(store, rows_frame(), &STORES).await.unwrap()).await;
    for key in STORES {
        assert_eq!(column(&rows, &format!("{key}_trips")), TRIPS, "{key}");
    }
}

async fn a_select_in_each_store_is_a_frame(store: &FeatureStore) {
    let right: Vec<_> = (1..).map(Some).zip(TRIPS).collect();
    for key in &STORES[1..] {
        // Alone it stays in its store; with files beside it travels.
        for stores in [&[*key][..], &[*key, "file"]] {
            let rows = rows(job(store, sql_frame(key), stores).await.unwrap()).await;
            for asked in stores {
                assert_eq!(
                    by_label(&rows, &format!("{asked}_trips")),
                    right,
                    "{key} asked of {asked}"
                );
            }
        }
    }
}

async fn a_selects_order_is_the_frames(store: &FeatureStore) {
    let labels = [5, 4, 3, 2, 1].map(Some);
    let trips: Vec<_> = TRIPS.into_iter().rev().collect();
    for key in &STORES[1..] {
        let query = format!(
            "SELECT driver_id, event_timestamp, label FROM {} ORDER BY 3 DESC",
            table("frame")
        );
        let frame = EntityFrame::Sql {
            store: (*key).to_owned(),
            query,
        };
        let rows = rows(job(store, frame, &[key]).await.unwrap()).await;
        assert_eq!(column(&rows, "label"), labels, "{key}");
        assert_eq!(column(&rows, &format!("{key}_trips")), trips, "{key}");
    }
}

async fn results_become_tables(store: &FeatureStore, folder: &TempDir) {
    for key in STORES {
        let asked = STORES[(STORES.iter().position(|store| *store == key).unwrap() + 1) % 4];
        let destination = source(key, "result");
        let summary = job(store, rows_frame(), &[asked])
            .await
            .unwrap()
            .persist(&destination, true)
            .await
            .unwrap();
        assert_eq!(summary.rows, 5, "{key}");
        let again = job(store, rows_frame(), &[asked])
            .await
            .unwrap()
            .persist(&destination, false)
            .await;
        assert!(again.is_err(), "{key} made a table that was there");
        let schema = store.offline_store().source_schema(&destination).await.unwrap();
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        assert_eq!(
            names,
            ["driver_id", "event_timestamp", "label", &format!("{asked}_trips")],
            "{key}"
        );
    }
    assert!(folder.path().join("result.parquet").is_file());
}

async fn what_spark_appends_to_files_is_seen_whole(store: &FeatureStore, folder: &TempDir) {
    const ROWS: usize = 10_000;
    const APPENDS: usize = 5;
    let stores = store.offline_store();
    let path = folder.path().join("appended").to_str().unwrap().to_owned();
    let options = [
        ("path", Some(path.clone())),
        ("file_format", Some("parquet".to_owned())),
    ];
    let spark = Source::with_options("spark", options).with_timestamp_field("ts");
    let places: Vec<i64> = (0..ROWS as i64).collect();
    let rows = RecordBatch::try_from_iter([("n", numbers(&places)), ("ts", times(&places))]).unwrap();
    stores.persist(&spark, stream(rows.clone()), false).await.unwrap();
    let pull = Pull {
        source: Source::with_options("file", [("path", Some(path))]).with_timestamp_field("ts"),
        join_keys: Vec::new(),
        features: vec![("n".to_owned(), None)],
    };
    let count = async || {
        let found = stores
            .pull_all_from_table_or_query(&pull, None, None, &Call::default())
            .await;
        let found = found.unwrap().collect().await.unwrap();
        found.iter().map(RecordBatch::num_rows).sum::<usize>()
    };
    let over = AtomicBool::new(false);
    let writes = async {
        for _ in 0..APPENDS {
            let written = stores.append(&spark, stream(rows.clone()), &Call::default()).await;
            assert_eq!(written.unwrap(), ROWS as u64);
        }
        over.store(true, Ordering::SeqCst);
    };
    let reads = async {
        let mut seen = BTreeSet::new();
        while !over.load(Ordering::SeqCst) {
            seen.insert(count().await);
        }
        seen
    };
    let ((), seen) = tokio::join!(writes, reads);
    assert!(seen.iter().all(|count| count % ROWS == 0), "{seen:?}");
    assert_eq!(count().await, (1 + APPENDS) * ROWS);
}

async fn the_sql_runs_as_it_stands(store: &FeatureStore) {
    for key in &STORES[1..] {
        let statements = job(store, rows_frame(), &[key]).await.unwrap().to_sql().await.unwrap();
        let [(asked, sql)] = statements.as_slice() else {
            panic!("{key} gave {} statements", statements.len());
        };
        assert_eq!(asked, key);
        let mut source = Source::new(*key);
        source.options.insert("query".to_owned(), sql.clone().into());
        let schema = store.offline_store().source_schema(&source).await.unwrap();
        assert_eq!(schema.fields().len(), 2, "{key}: {sql}");
    }
    assert!(
        job(store, rows_frame(), &["file"])
            .await
            .unwrap()
            .to_sql()
            .await
            .is_err()
    );
}

async fn plans_say_what_was_chosen(store: &FeatureStore) {
    for key in &STORES[1..] {
        let plan = job(store, rows_frame(), &[key]).await.unwrap().explain().await.unwrap();
        assert!(
            plan.contains(&format!("view {key}_stats: ")) && plan.contains("__hybrid_winners0"),
            "{plan}"
        );
    }
}
