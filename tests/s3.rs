//! The file store on S3: what is appended comes back, through the router, from a real server.
//! `scripts/test s3` starts the server and says where it is.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::env;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::Int64Type;
use hybrid_core::chrono::DateTime;
use hybrid_core::config::RepoConfig;
use hybrid_core::{
    BatchStream, Call, Context, Entity, EntityFrame, FeatureRegistry, FeatureSelection, FeatureView, Field,
    HybridOfflineStore, Pull, RetrievalOptions, Source, ValueType,
};
// Links the backends.
use hybrid_offline_store as _;

const CONFIG: &str = "project: s3\nregistry: registry.db\nprovider: local\noffline_store: {type: file}\n";
const DRIVERS: i64 = 100;

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run scripts/test s3"))
}

/// A view over a folder of the bucket that no other run uses.
fn registry() -> FeatureRegistry {
    let unique = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    let mut source = Source::new("file")
        .with_name("stats")
        .with_timestamp_field("event_timestamp");
    for (option, value) in [
        ("path", format!("s3://{}/stats-{unique}/", variable("HYBRID_S3_BUCKET"))),
        ("file_format", "parquet".to_owned()),
        ("s3_endpoint_override", variable("HYBRID_S3_ENDPOINT")),
    ] {
        source.options.insert(option.to_owned(), value.into());
    }
    let view = FeatureView::new("stats", source)
        .with_entities(["driver"])
        .with_schema([Field::new("version", ValueType::Int64)]);
    let mut registry = FeatureRegistry::new("s3");
    registry
        .entities
        .push(Entity::new("driver").with_value_type(ValueType::Int64));
    registry.feature_views.push(view);
    registry
}

fn router() -> HybridOfflineStore {
    let folder = tempfile::tempdir().unwrap();
    let config = RepoConfig::parse(CONFIG, &folder.path().join("feature_store.yaml"), &|_| None).unwrap();
    let context = Context {
        repo: folder.path().to_owned(),
        project: "s3".to_owned(),
    };
    HybridOfflineStore::new(&config, context).unwrap()
}

/// Every driver at `version` seconds.
fn drivers(version: i64) -> Vec<(&'static str, ArrayRef)> {
    let times = TimestampMicrosecondArray::from_value(version * 1_000_000, DRIVERS as usize).with_timezone("UTC");
    vec![
        ("driver", Arc::new(Int64Array::from_iter_values(0..DRIVERS)) as ArrayRef),
        ("event_timestamp", Arc::new(times)),
    ]
}

fn rows(version: i64) -> RecordBatch {
    let versions: ArrayRef = Arc::new(Int64Array::from_value(version, DRIVERS as usize));
    RecordBatch::try_from_iter(drivers(version).into_iter().chain([("version", versions)])).unwrap()
}

fn versions(batches: &[RecordBatch]) -> Vec<i64> {
    let values = |batch: &RecordBatch| {
        batch["version"]
            .as_primitive::<Int64Type>()
            .iter()
            .flatten()
            .collect::<Vec<_>>()
    };
    batches.iter().flat_map(values).collect()
}

#[tokio::test]
#[ignore = "needs an S3 server: scripts/test s3"]
async fn appends_come_back_from_s3() {
    let (router, registry, call) = (router(), registry(), Call::default());
    let view = &registry.feature_views[0];
    for version in 1..=3 {
        let batch = rows(version);
        let stream = BatchStream::from_batches(batch.schema(), vec![batch]);
        let written = router
            .offline_write_batch(&registry, view, stream, &call)
            .await
            .unwrap();
        assert_eq!(written, DRIVERS as u64);
    }

    let pull = Pull::of_view(&registry, view).unwrap();
    let all = router
        .pull_all_from_table_or_query(&pull, None, None, &call)
        .await
        .unwrap();
    let mut found = versions(&all.collect().await.unwrap());
    found.sort_unstable();
    assert!(
        found
            .into_iter()
            .eq((1..=3).flat_map(|version| [version; DRIVERS as usize]))
    );

    let end = DateTime::from_timestamp(2, 0).unwrap();
    let latest = router
        .pull_latest_from_table_or_query(&pull, DateTime::UNIX_EPOCH, end, &call)
        .await
        .unwrap();
    assert_eq!(versions(&latest.collect().await.unwrap()), [2; DRIVERS as usize]);

    let frame = RecordBatch::try_from_iter(drivers(2)).unwrap();
    let entities = EntityFrame::from_batches(frame.schema(), vec![frame]);
    let features = FeatureSelection::References(vec!["stats:version".parse().unwrap()]);
    let job = router
        .get_historical_features(&registry, entities, &features, RetrievalOptions::default())
        .await
        .unwrap();
    assert_eq!(versions(&job.to_arrow().await.unwrap()), [2; DRIVERS as usize]);
}
