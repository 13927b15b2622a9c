//! Sources on S3, read from a real server. `scripts/test s3` starts it and says where it is.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;
#[path = "s3/proxy.rs"]
mod proxy;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::{Int64Type, SchemaRef};
use common::{FileFixture, Layout};
use futures::StreamExt;
use hybrid_conformance::Fixture;
use hybrid_core::chrono::{DateTime, Utc};
use hybrid_core::store::DynOfflineStore;
use hybrid_core::{
    BatchStream, Call, Capabilities, Context, DataSource, Entity, EntityFrame, Error, ErrorKind, FeatureRegistry,
    FeatureSelection, FeatureView, Field, HybridOfflineStore, OfflineStore, Pull, Result, RetrievalOptions, Source,
    ValueType, async_trait,
};
use hybrid_store_file::{FileConfig, FileSource, FileStore};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use proxy::Proxy;

const GROUP: i64 = 50_000;

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run scripts/test s3"))
}

fn endpoint() -> String {
    variable("HYBRID_S3_ENDPOINT")
}

fn bucket() -> AmazonS3 {
    AmazonS3Builder::from_env()
        .with_bucket_name(variable("HYBRID_S3_BUCKET"))
        .build()
        .unwrap()
}

/// A folder of the bucket that no other test uses.
fn folder() -> String {
    let unique = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos();
    format!("read-{unique}-{}", std::process::id())
}

async fn put(key: &str, bytes: Vec<u8>) {
    bucket().put(&key.into(), PutPayload::from(bytes)).await.unwrap();
}

/// `groups` row groups; all rows of a group have its number as their time in seconds.
fn parquet(groups: i64, rows: i64) -> Vec<u8> {
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(rows as usize))
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch(0, 1).schema(), Some(properties)).unwrap();
    (0..groups).for_each(|group| writer.write(&batch(group, rows)).unwrap());
    writer.into_inner().unwrap()
}

fn batch(group: i64, rows: i64) -> RecordBatch {
    let drivers = Int64Array::from_iter_values(0..rows);
    let times = TimestampMicrosecondArray::from_value(group * 1_000_000, rows as usize).with_timezone("UTC");
    // Values that do not compress.
    let noise = (0..rows).map(|row| (group * rows + row + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15_u64.cast_signed()));
    let columns: [(&str, ArrayRef); 3] = [
        ("driver", Arc::new(drivers)),
        ("event_timestamp", Arc::new(times)),
        ("value", Arc::new(Int64Array::from_iter_values(noise))),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn source(path: &str, endpoint: &str) -> Source {
    FileSource::new(format!("s3://{}/{path}", variable("HYBRID_S3_BUCKET")))
        .with_s3_endpoint_override(endpoint)
        .into_source()
        .unwrap()
        .with_timestamp_field("event_timestamp")
}

async fn router() -> HybridOfflineStore {
    let store = FileStore::connect(FileConfig::new(), &Context::default())
        .await
        .unwrap();
    let store: Arc<dyn DynOfflineStore> = Arc::new(store);
    HybridOfflineStore::from_stores([("file".to_owned(), store)])
}

fn registry(source: Source, features: &[&str]) -> FeatureRegistry {
    let mut registry = FeatureRegistry::new("s3");
    registry
        .entities
        .push(Entity::new("driver").with_value_type(ValueType::Int64));
    let fields = features.iter().map(|name| Field::new(*name, ValueType::Int64));
    let view = FeatureView::new("stats", source)
        .with_entities(["driver"])
        .with_schema(fields);
    registry.feature_views.push(view);
    registry
}

async fn pull_all(source: Source, features: &[&str], start: Option<DateTime<Utc>>) -> Result<BatchStream> {
    let registry = registry(source, features);
    let pull = Pull::of_view(&registry, &registry.feature_views[0])?;
    router()
        .await
        .pull_all_from_table_or_query(&pull, start, None, &Call::default())
        .await
}

async fn rows(source: Source, features: &[&str]) -> Result<usize> {
    let batches = pull_all(source, features, None).await?.collect().await?;
    Ok(batches.iter().map(RecordBatch::num_rows).sum())
}

#[tokio::test]
#[ignore = "needs an S3 server: scripts/test s3"]
async fn one_object_a_folder_with_partitions_a_glob_and_csv_are_read() {
    let folder = folder();
    put(&format!("{folder}/year=2023/a.parquet"), parquet(2, 5)).await;
    put(&format!("{folder}/year=2024/b.parquet"), parquet(1, 5)).await;
    put(&format!("{folder}/year=2024/_c.parquet"), b"half".to_vec()).await;
    let csv = "driver,event_timestamp,value\n1,2024-01-01T00:00:00Z,7\n2,2024-01-01T00:00:00Z,8\n";
    put(&format!("{folder}-csv/d.csv"), csv.into()).await;
    for (path, features, count) in [
        (format!("{folder}/year=2023/a.parquet"), &["value"][..], 10),
        (format!("{folder}/"), &["value", "year"], 15),
        (folder.clone(), &["year"], 15),
        (format!("{folder}/*/b.parquet"), &["value", "year"], 5),
        (format!("{folder}-csv/d.csv"), &["value"], 2),
    ] {
        assert_eq!(
            rows(source(&path, &endpoint()), features).await.unwrap(),
            count,
            "{path}"
        );
    }
    let batches = pull_all(source(&folder, &endpoint()), &["year"], None)
        .await
        .unwrap()
        .collect()
        .await
        .unwrap();
    let years = |batch: &RecordBatch| {
        batch["year"]
            .as_primitive::<Int64Type>()
            .iter()
            .flatten()
            .collect::<Vec<_>>()
    };
    let years: Vec<i64> = batches.iter().flat_map(years).collect();
    assert_eq!((years.iter().filter(|y| **y == 2023).count(), years.len()), (10, 15));
}

#[tokio::test]
#[ignore = "needs an S3 server: scripts/test s3"]
async fn only_row_groups_in_the_window_are_fetched() {
    let key = format!("{}/big.parquet", folder());
    let bytes = parquet(20, GROUP);
    let size = bytes.len() as u64;
    put(&key, bytes).await;
    let proxy = Proxy::start(&endpoint(), u64::MAX);
    let start = DateTime::from_timestamp(19, 0);
    let stream = pull_all(source(&key, &proxy.endpoint), &["value"], start)
        .await
        .unwrap();
    let batches = stream.collect().await.unwrap();
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>() as i64, GROUP);
    assert!(proxy.bytes() < size / 4, "{} of {size} bytes", proxy.bytes());

    let frame = batch(3, 10).project(&[0, 1]).unwrap();
    let entities = EntityFrame::from_batches(frame.schema(), vec![frame]);
    let features = FeatureSelection::References(vec!["stats:value".parse().unwrap()]);
    let registry = registry(source(&key, &proxy.endpoint), &["value"]);
    let (router, options) = (router().await, RetrievalOptions::default());
    let job = router
        .get_historical_features(&registry, entities, &features, options)
        .await
        .unwrap();
    let joined = job.to_arrow().await.unwrap();
    let values: Vec<i64> = joined
        .iter()
        .flat_map(|b| b["value"].as_primitive::<Int64Type>().values().to_vec())
        .collect();
    assert_eq!(
        values,
        batch(3, GROUP)["value"].as_primitive::<Int64Type>().values()[..10]
    );
}

#[tokio::test]
#[ignore = "needs an S3 server: scripts/test s3"]
async fn rows_are_persisted_to_an_object() {
    let (folder, router) = (folder(), router().await);
    let at = |name: &str| source(&format!("{folder}/{name}"), &endpoint());
    let persist = async |name: &str, rows: i64, overwrite: bool| {
        let batch = batch(7, rows);
        let stream = BatchStream::from_batches(batch.schema(), vec![batch]);
        router.persist(&at(name), stream, overwrite).await
    };
    // The last goes in parts.
    for (name, count) in [
        ("a.parquet", 5),
        ("a.csv", 5),
        ("empty.parquet", 0),
        ("large.parquet", 3_000_000),
    ] {
        assert_eq!(persist(name, count, false).await.unwrap(), count as u64, "{name}");
        assert_eq!(rows(at(name), &["value"]).await.unwrap(), count as usize, "{name}");
        let error = persist(name, count + 1, false).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{name}: {error}");
        assert_eq!(rows(at(name), &["value"]).await.unwrap(), count as usize, "{name}");
        persist(name, count + 1, true).await.unwrap();
        assert_eq!(rows(at(name), &["value"]).await.unwrap(), count as usize + 1, "{name}");
    }
    for name in ["", "a.arrow", "x/"] {
        let error = persist(name, 1, false).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{name}: {error}");
    }
    // Rows that end with an error are not there.
    let failing = [Ok(batch(7, 5)), Err(Error::new(ErrorKind::Unavailable, "away"))];
    let failing = BatchStream::new(batch(7, 5).schema(), futures::stream::iter(failing));
    let error = router.persist(&at("failed.parquet"), failing, true).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    let error = router.source_schema(&at("failed.parquet")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}

#[tokio::test]
#[ignore = "needs an S3 server: scripts/test s3"]
async fn what_is_not_there_is_named() {
    let missing = format!("{}/none.parquet", folder());
    let error = rows(source(&missing, &endpoint()), &["value"]).await.unwrap_err();
    assert!(
        error.kind() == ErrorKind::NotFound && error.to_string().contains(&missing),
        "{error}"
    );
    let mut elsewhere = source("x", &endpoint());
    elsewhere
        .options
        .insert("path".to_owned(), "s3://no-such-bucket-here/x.parquet".into());
    let error = rows(elsewhere, &["value"]).await.unwrap_err();
    assert!(
        error.kind() == ErrorKind::NotFound && error.to_string().contains("bucket"),
        "{error}"
    );
    let delta = folder();
    put(&format!("{delta}/_delta_log/00000000000000000000.json"), b"{}".to_vec()).await;
    let error = rows(source(&delta, &endpoint()), &["value"]).await.unwrap_err();
    assert!(
        error.kind() == ErrorKind::Unsupported && error.to_string().contains("Delta"),
        "{error}"
    );
}

#[tokio::test]
#[ignore = "needs an S3 server: scripts/test s3"]
async fn a_server_that_goes_away_is_unavailable_in_bounded_time() {
    let folder = folder();
    put(&format!("{folder}/big.parquet"), parquet(10, GROUP)).await;
    let line = "1,2024-01-01T00:00:00Z,7\n";
    let csv = format!("driver,event_timestamp,value\n{}", line.repeat((24 << 20) / line.len()));
    put(&format!("{folder}/big.csv"), csv.into()).await;
    for name in ["big.parquet", "big.csv"] {
        let proxy = Proxy::start(&endpoint(), 2 << 20);
        let begun = Instant::now();
        let error = rows(source(&format!("{folder}/{name}"), &proxy.endpoint), &["value"])
            .await
            .unwrap_err();
        assert!(
            error.kind() == ErrorKind::Unavailable && error.is_retryable(),
            "{error}"
        );
        assert!(error.to_string().contains(name), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    }
}

#[tokio::test]
#[ignore = "needs an S3 server: scripts/test s3"]
async fn an_object_replaced_while_it_is_read_is_an_error() {
    let key = format!("{}/big.parquet", folder());
    put(&key, parquet(40, GROUP)).await;
    let mut stream = pull_all(source(&key, &endpoint()), &["value"], None).await.unwrap();
    stream.next().await.unwrap().unwrap();
    put(&key, parquet(39, GROUP)).await;
    let mut failed: Option<Error> = None;
    while let Some(batch) = stream.next().await {
        failed = failed.or(batch.err());
    }
    let error = failed.expect("all was read although the object was replaced");
    assert!(
        error.kind() == ErrorKind::Unavailable && error.is_retryable(),
        "{error}"
    );
    assert!(error.to_string().contains("replaced"), "{error}");
}

/// The tables of the conformance suite, uploaded.
struct S3Fixture {
    local: FileFixture,
    folder: String,
}

#[async_trait]
impl Fixture for S3Fixture {
    fn store(&self) -> &HybridOfflineStore {
        self.local.store()
    }

    fn key(&self) -> &str {
        self.local.key()
    }

    fn capabilities(&self) -> Capabilities {
        self.local.capabilities()
    }

    async fn create(&self, table: &str, schema: SchemaRef, batches: Vec<RecordBatch>) -> Result<Source> {
        self.local.create(table, schema, batches).await?;
        let folder = format!("{}/{}", self.folder, self.local.relative(table));
        for file in files(&self.local.path(table)) {
            let name = file.file_name().unwrap().to_string_lossy();
            put(&format!("{folder}/{name}"), fs::read(&file)?).await;
        }
        FileSource::new(format!("s3://{}/{folder}/", variable("HYBRID_S3_BUCKET")))
            .with_s3_endpoint_override(endpoint())
            .into_source()
    }

    /// An object: a result is one.
    fn destination(&self, table: &str) -> Result<Source> {
        let path = format!("{}/{}/result.parquet", self.folder, self.local.relative(table));
        Ok(source(&path, &endpoint()))
    }

    async fn drop(&self, table: &str) -> Result<()> {
        let (bucket, folder) = (bucket(), format!("{}/{}", self.folder, self.local.relative(table)));
        let mut objects = bucket.list(Some(&folder.into()));
        while let Some(object) = objects.next().await {
            bucket.delete(&object.unwrap().location).await.unwrap();
        }
        match self.local.path(table).exists() {
            true => self.local.drop(table).await,
            false => Ok(()),
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect()
}

#[test]
#[ignore = "needs an S3 server: scripts/test s3"]
fn a_folder_on_s3_conforms() {
    hybrid_conformance::block_on(async {
        let local = FileFixture::new(Layout::ParquetFolder).await;
        let fixture = S3Fixture {
            local,
            folder: folder(),
        };
        let report = hybrid_conformance::run_all(&fixture).await;
        assert!(report.is_success(), "{report}");
    });
}
