//! Rows that are staged on S3: they arrive whole, and nothing stays in the bucket.

use std::fs;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use futures::{StreamExt, TryStreamExt, stream};
use hybrid_conformance::until;
use hybrid_core::sql::{Mode, SqlSession, SqlStore};
use hybrid_core::{BatchStream, Context, Error, ErrorKind, Source};
use hybrid_store_trino::{EntitySelect, Staging, TrinoConfig, TrinoSource, TrinoStore};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};

use crate::common::{bucket_folder, config, connect, count, create, router, rows, staging_in, unique, variable};

/// So many rows are larger than a part of an upload, and more than a row group.
const BATCH: i64 = 50_000;
const BATCHES: i64 = 10;

fn batch(number: i64) -> RecordBatch {
    let numbers = number * BATCH..(number + 1) * BATCH;
    // Nothing that compresses well.
    let noise = |n: i64| u128::from(n.unsigned_abs() + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
    let hex = |n: i64| format!("{:032x}", noise(n));
    let texts = numbers
        .clone()
        .map(|n| [n, n ^ 0x5555_5555, n ^ 0x3333_3333].map(hex).concat());
    let columns: [(&str, ArrayRef); 2] = [
        ("n", Arc::new(Int64Array::from_iter_values(numbers))),
        ("label", Arc::new(StringArray::from_iter_values(texts))),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn large() -> BatchStream {
    let batches = stream::iter(0..BATCHES).map(|number| Ok(batch(number)));
    BatchStream::new(batch(0).schema(), batches)
}

/// A folder of the bucket, and a store that stages there.
struct Place {
    folder: Path,
    bucket: AmazonS3,
    config: TrinoConfig,
    store: TrinoStore,
}

impl Place {
    async fn new() -> Self {
        Self::called("staged").await
    }

    async fn called(name: &str) -> Self {
        let mut config = config("iceberg");
        config.entity_select_mode = EntitySelect::TempTable;
        let location = bucket_folder(name);
        let (_, key) = location.rsplit_once('/').unwrap();
        let folder = Path::parse(key).unwrap();
        config.staging = Some(staging_in(location));
        let bucket = AmazonS3Builder::from_env()
            .with_bucket_name(variable("HYBRID_S3_BUCKET"))
            .build()
            .unwrap();
        Self {
            folder,
            bucket,
            store: connect(config.clone()).await,
            config,
        }
    }

    /// The keys below the folder.
    async fn keys(&self) -> Vec<String> {
        let found: Vec<_> = self.bucket.list(Some(&self.folder)).try_collect().await.unwrap();
        let mut keys: Vec<String> = found.into_iter().map(|object| object.location.to_string()).collect();
        keys.sort();
        keys
    }

    /// Nothing is there, nor on its way.
    async fn is_clean(&self) {
        assert_eq!(self.keys().await, Vec::<String>::new());
        let (endpoint, bucket) = (variable("HYBRID_S3_ENDPOINT"), variable("HYBRID_S3_BUCKET"));
        let answer = reqwest::get(format!("{endpoint}/{bucket}?uploads")).await.unwrap();
        let unfinished = answer.error_for_status().unwrap().text().await.unwrap();
        assert!(unfinished.contains("ListMultipartUploadsResult"), "{unfinished}");
        assert!(!unfinished.contains(self.folder.as_ref()), "{unfinished}");
    }
}

#[tokio::test]
async fn several_parts_arrive_whole_and_nothing_stays() {
    let place = Place::new().await;
    let session = place.store.session().await.unwrap();
    let relation = session.upload(large()).await.unwrap();
    let keys = place.keys().await;
    assert!(keys.len() == 1 && keys[0].ends_with("/rows.parquet"), "{keys:?}");
    let size = place.bucket.head(&Path::from(keys[0].as_str())).await.unwrap().size;
    assert!(size > 16 << 20, "{size} bytes are one part");
    let total = BATCH * BATCHES;
    let query =
        format!("SELECT 1 FROM {relation} HAVING count(DISTINCT n) = {total} AND count(DISTINCT label) = {total}");
    let found = session.query(&query).await.unwrap().collect().await.unwrap();
    assert_eq!(found.iter().map(RecordBatch::num_rows).sum::<usize>(), 1);
    let plan = session.explain(&format!("SELECT n FROM {relation}")).await.unwrap();
    assert!(plan.starts_with(&format!(
        "staged in {}/hybrid_tmp_",
        place.config.staging.as_ref().unwrap().location
    )));
    session.close().await.unwrap();
    place.is_clean().await;
}

#[tokio::test]
async fn what_fails_or_is_given_up_leaves_nothing() {
    let place = Place::new().await;
    let session = place.store.session().await.unwrap();
    let relation = session.upload(large()).await.unwrap();
    let failing = session.query(&format!("SELECT n / (n - n) FROM {relation}")).await;
    let failed = match failing {
        Ok(rows) => rows.collect().await.unwrap_err(),
        Err(error) => error,
    };
    assert_eq!(failed.kind(), ErrorKind::InvalidInput, "{failed}");
    session.close().await.unwrap();
    place.is_clean().await;

    let session = place.store.session().await.unwrap();
    let broken = large().chain(stream::iter([Err(Error::new(ErrorKind::InvalidInput, "a broken row"))]));
    let error = session
        .upload(BatchStream::new(batch(0).schema(), broken))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("a broken row"), "{error}");
    session.close().await.unwrap();
    place.is_clean().await;

    let session = place.store.session().await.unwrap();
    let endless = large().chain(stream::pending());
    let upload = session.upload(BatchStream::new(batch(0).schema(), endless));
    let given_up = tokio::time::timeout(std::time::Duration::from_secs(5), upload).await;
    assert!(given_up.is_err());
    session.close().await.unwrap();
    place.is_clean().await;
}

#[tokio::test]
async fn rows_are_appended_through_the_bucket() {
    let place = Place::new().await;
    let schema = place.config.dataset.clone();
    let table = ["iceberg", schema.as_str(), "t"];
    for (mode, number) in [(Mode::Create, 0), (Mode::Append, 1)] {
        let written = create(&place.store, &table, vec![batch(number)], mode).await.unwrap();
        assert_eq!(written, BATCH.unsigned_abs());
    }
    let query = format!(
        "SELECT 1 FROM iceberg.{schema}.t HAVING count(DISTINCT n) = {0} AND count(DISTINCT label) = {0}",
        2 * BATCH
    );
    assert_eq!(count(&place.store, &query).await, 1);
    place.is_clean().await;
}

/// They would be a table without rows, also in the place of the one that is replaced.
#[tokio::test]
async fn rows_that_trino_does_not_see_are_an_error() {
    let place = Place::new().await;
    let schema = place.config.dataset.clone();
    let table = ["iceberg", schema.as_str(), "t"];
    create(&place.store, &table, vec![batch(0)], Mode::Create)
        .await
        .unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let mut config = place.config.clone();
    config.staging = Some(Staging {
        path: Some(elsewhere.path().to_owned()),
        s3_endpoint_override: None,
        ..staging_in(bucket_folder("unseen"))
    });
    let store = connect(config.clone()).await;
    for mode in [Mode::Append, Mode::Replace] {
        let error = create(&store, &table, vec![batch(1)], mode).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        assert!(
            error.to_string().contains(&format!("sees 0 of {BATCH} rows")),
            "{error}"
        );
    }
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    let query = format!("SELECT 1 FROM iceberg.{schema}.t HAVING count(*) = {BATCH} AND max(n) < {BATCH}");
    assert_eq!(count(&place.store, &query).await, 1);

    config.staging = place.config.staging.clone();
    config.staging.as_mut().unwrap().path = Some(bucket_folder("unseen").into());
    let refused = <TrinoStore as SqlStore>::connect(config, &Context::default()).await;
    assert_eq!(refused.err().unwrap().kind(), ErrorKind::Config);
    place.is_clean().await;
}

#[tokio::test]
async fn what_fails_before_the_statement_that_writes_may_be_tried_again() {
    let place = Place::new().await;
    let router = router(Arc::new(connect(place.config.clone()).await));
    let destination: Source = TrinoSource::new(format!("iceberg.{}.t", place.config.dataset)).into();
    let gone = Error::new(ErrorKind::Unavailable, "the source is gone").retryable();
    let broken = BatchStream::new(batch(0).schema(), large().chain(stream::iter([Err(gone)])));
    let error = router.persist(&destination, broken, false).await.unwrap_err();
    assert!(
        error.is_retryable() && !error.to_string().contains("not known whether"),
        "{error}"
    );
    router.shutdown().await.unwrap();
    place.is_clean().await;
}

#[tokio::test]
async fn a_folder_may_have_a_space_and_a_percent_sign_in_its_name() {
    let place = Place::called("a b%20c").await;
    let session = place.store.session().await.unwrap();
    let one = BatchStream::from_batches(batch(0).schema(), vec![batch(0)]);
    let relation = session.upload(one).await.unwrap();
    assert_eq!(place.keys().await.len(), 1);
    let query = format!("SELECT 1 FROM {relation} HAVING count(DISTINCT n) = {BATCH}");
    let found = session.query(&query).await.unwrap().collect().await.unwrap();
    assert_eq!(found.iter().map(RecordBatch::num_rows).sum::<usize>(), 1);
    session.close().await.unwrap();
    place.is_clean().await;
}

#[tokio::test]
async fn what_a_killed_process_left_in_the_bucket_is_swept() {
    let place = Place::new().await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let key = |made: u64| {
        format!(
            "{}/{}/rows.parquet",
            place.folder,
            unique(&format!("hybrid_tmp_{made}"))
        )
    };
    let (stale, young) = (key(now - 7_200), key(now));
    let others = format!("{}/hybrid_tmp_1_mine/rows.parquet", place.folder);
    for key in [&stale, &young, &others] {
        let rows = PutPayload::from_static(b"x");
        place.bucket.put(&Path::from(key.as_str()), rows).await.unwrap();
    }
    let mut config = place.config.clone();
    config.sweep_after = 3_600;
    let later = connect(config).await;
    later.session().await.unwrap().close().await.unwrap();
    until("the sweep", async || !place.keys().await.contains(&stale)).await;
    let mut stay = vec![young, others];
    stay.sort();
    assert_eq!(place.keys().await, stay);
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_told() {
    let mut config = config("iceberg");
    config.entity_select_mode = EntitySelect::TempTable;
    let location = format!("s3://{}/stage", unique("none").replace('_', "-"));
    config.staging = Some(staging_in(location.clone()));
    let store = connect(config).await;
    let session = store.session().await.unwrap();
    let row = batch(0).slice(0, 1);
    let rows_of_one = BatchStream::from_batches(row.schema(), vec![row]);
    let error = session.upload(rows_of_one).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    let text = error.to_string();
    assert!(text.contains(&location) && text.contains("`staging`"), "{text}");
    session.close().await.unwrap();
    assert_eq!(rows(&store, "SELECT 1 AS x").await.unwrap().len(), 1);
}
