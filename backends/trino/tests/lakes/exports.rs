//! Rows that are persisted to a folder: one file of Parquet there, and nothing else anywhere.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Int64Type, TimeUnit, TimestampNanosecondType};
use hybrid_conformance::until;
use hybrid_core::{BatchStream, Error, ErrorKind, HybridOfflineStore, Result, Source};
use hybrid_store_trino::{EntitySelect, TrinoConfig, TrinoSource, TrinoStore};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::common::{bucket_folder, config, connect, count, number, router, rows, running, staging, unique, warehouse};

/// More than one INSERT of JSON takes.
const MANY: i64 = 50_000;

fn batch(rows: i64) -> RecordBatch {
    let columns: [(&str, ArrayRef); 3] = [
        ("n", Arc::new(Int64Array::from_iter_values(0..rows))),
        (
            "at",
            Arc::new(TimestampMicrosecondArray::from_iter_values((0..rows).map(|n| n - 1)).with_timezone("UTC")),
        ),
        (
            "label",
            Arc::new(StringArray::from_iter(
                (0..rows).map(|n| (n % 2 == 0).then(|| format!("it's {n}"))),
            )),
        ),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap()
}

fn stream(rows: i64) -> BatchStream {
    BatchStream::from_batches(batch(rows).schema(), vec![batch(rows)])
}

/// Tables of Iceberg; the catalog of Hive exports, to a folder that this process sees too.
fn over_hive() -> TrinoConfig {
    let mut config = config("iceberg");
    config.export_location = Some("local:///exports/".to_owned());
    config.export_catalog = Some("hive".to_owned());
    config
}

struct Place {
    store: Arc<TrinoStore>,
    router: HybridOfflineStore,
    /// The schema of its temporary tables.
    schema: String,
}

impl Place {
    async fn new(config: TrinoConfig) -> Self {
        let schema = format!("hive.{}", config.dataset);
        let store = Arc::new(connect(config).await);
        let router = router(store.clone());
        Self { store, router, schema }
    }

    async fn persist(&self, folder: &str, rows: BatchStream, overwrite: bool) -> Result<u64> {
        let destination: Source = TrinoSource::export(folder).into();
        self.router.persist(&destination, rows, overwrite).await
    }

    /// Fails while temporary tables are left.
    async fn is_clean(&self) {
        assert_eq!(
            count(&self.store, &format!("SHOW TABLES FROM {}", self.schema)).await,
            0
        );
    }
}

/// An export, and its folder as this process has it.
fn export(name: &str) -> (String, PathBuf) {
    let name = unique(name);
    (name.clone(), warehouse().join("exports").join(name))
}

/// The rows of the one file in a folder.
fn read(folder: &Path) -> Vec<RecordBatch> {
    let files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    let [file] = files.as_slice() else {
        panic!("{files:?}");
    };
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(file).unwrap()).unwrap();
    reader.build().unwrap().map(|batch| batch.unwrap()).collect()
}

#[tokio::test]
async fn a_folder_holds_one_file_of_all_rows_with_their_types() {
    let mut config = over_hive();
    config.entity_select_mode = EntitySelect::TempTable;
    let place = Place::new(config).await;
    let (name, folder) = export("whole");
    assert_eq!(
        place.persist(&name, stream(MANY), false).await.unwrap(),
        MANY.unsigned_abs()
    );
    let batches = read(&folder);
    let schema = batches[0].schema();
    let types: Vec<_> = schema
        .fields()
        .iter()
        .map(|field| (field.name().as_str(), field.data_type()))
        .collect();
    assert_eq!(
        types,
        [
            ("n", &DataType::Int64),
            // Hive's INT96.
            ("at", &DataType::Timestamp(TimeUnit::Nanosecond, None)),
            ("label", &DataType::Utf8)
        ]
    );
    let whole = arrow::compute::concat_batches(&schema, &batches).unwrap();
    let numbers = whole.column(0).as_primitive::<Int64Type>();
    let mut sorted = numbers.values().to_vec();
    sorted.sort_unstable();
    assert_eq!(sorted, (0..MANY).collect::<Vec<_>>());
    let times = whole.column(1).as_primitive::<TimestampNanosecondType>();
    let labels = whole.column(2).as_string::<i32>();
    for row in 0..whole.num_rows() {
        let n = numbers.value(row);
        assert_eq!(times.value(row), (n - 1) * 1_000);
        let label = (n % 2 == 0).then(|| format!("it's {n}"));
        assert_eq!(labels.is_valid(row).then(|| labels.value(row)), label.as_deref());
    }
    place.is_clean().await;
}

#[tokio::test]
async fn a_folder_of_object_storage_is_written_once() {
    let mut config = over_hive();
    let location = bucket_folder("exports");
    config.export_location = Some(location.clone());
    let place = Place::new(config).await;
    assert_eq!(place.persist("day=1/a", stream(10), false).await.unwrap(), 10);
    let exists = place.persist("day=1/a", stream(3), false).await.unwrap_err();
    assert_eq!(exists.kind(), ErrorKind::InvalidInput, "{exists}");
    assert!(
        exists.to_string().contains(&format!("`{location}/day=1/a`")),
        "{exists}"
    );
    let stays = place.persist("day=1/a", stream(3), true).await.unwrap_err();
    assert_eq!(stays.kind(), ErrorKind::Unsupported, "{stays}");
    place.is_clean().await;

    let back = format!("{}.back", place.schema);
    let made = format!(
        "CREATE TABLE {back} (n bigint, label varchar) \
         WITH (external_location = '{location}/day=1/a', format = 'PARQUET')"
    );
    rows(&place.store, &made).await.unwrap();
    assert_eq!(number(&place.store, &format!("SELECT sum(n) FROM {back}")).await, 45);
    let files = format!("SELECT count(DISTINCT \"$path\") FROM {back}");
    assert_eq!(number(&place.store, &files).await, 1);
    rows(&place.store, &format!("DROP TABLE {back}")).await.unwrap();
}

#[tokio::test]
async fn what_fails_leaves_nothing() {
    let place = Place::new(over_hive()).await;
    let (name, folder) = export("fails");
    let broken = futures::stream::iter([Ok(batch(10)), Err(Error::new(ErrorKind::InvalidInput, "a broken row"))]);
    let error = place
        .persist(&name, BatchStream::new(batch(0).schema(), broken), false)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("a broken row"), "{error}");
    assert!(!folder.exists());
    // A schema is there as soon as a table was made in it.
    place.persist(&unique("fine"), stream(1), false).await.unwrap();
    place.is_clean().await;
}

#[tokio::test]
async fn what_is_given_up_in_the_middle_leaves_nothing() {
    let mut config = over_hive();
    config.staging = Some(staging());
    let place = Place::new(config).await;
    let (name, folder) = export("given_up");
    // Makes the schema, so that the statement below runs once.
    place.persist(&unique("first"), stream(1), false).await.unwrap();
    let statement = format!("/{name}''");
    let one = batch(MANY);
    let many = BatchStream::from_batches(one.schema(), vec![one; 30]);
    let started = until("the statement", async || running(&place.store, &statement).await == 1);
    tokio::select! {
        done = place.persist(&name, many, false) => panic!("it was done before it could be given up: {done:?}"),
        () = started => {}
    }
    until("the end of the statement", async || {
        running(&place.store, &statement).await == 0
    })
    .await;
    place.router.shutdown().await.unwrap();
    let left = || fs::read_dir(&folder).map_or(0, Iterator::count);
    until("the end of its files", async || left() == 0).await;
    // And it is not written after all.
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(left(), 0);
    place.is_clean().await;
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_a_reason() {
    let mut wrong = config("iceberg");
    for (location, catalog, says) in [
        (None, Some("hive"), "`export_location`"),
        (Some("local:///exports"), None, "`export_catalog`"),
        (Some("local:///exports"), Some("memory"), "connector `memory`"),
        (Some("local:///exports"), Some("nowhere"), "nowhere"),
    ] {
        wrong.export_location = location.map(str::to_owned);
        wrong.export_catalog = catalog.map(str::to_owned);
        let place = Place::new(wrong.clone()).await;
        let error = place.persist(&unique("never"), stream(1), false).await.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Config | ErrorKind::NotFound),
            "{error}"
        );
        assert!(error.to_string().contains(says), "{error}");
    }
}
