//! What a definition leaves out comes from the columns that its store tells.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use std::sync::Arc;

use hybrid_core::arrow::datatypes::{DataType, Field as Column, Schema, SchemaRef};
use hybrid_core::store::DynOfflineStore;
use hybrid_core::{
    BatchStream, Call, Capabilities, Entity, Error, ErrorKind, Explain, FeatureProjection, FeatureRegistry,
    FeatureRows, FeatureService, FeatureView, Field, HistoricalRequest, HybridOfflineStore, PullAllRequest,
    PullLatestRequest, Result, Source, ValueType, WriteRequest, async_trait, timestamp_type,
};
use hybrid_feast::FeatureStore;
use support::Repo;

/// A store that knows its columns and nothing else.
struct Columns;

fn nothing<T>() -> Result<T> {
    Err(Error::new(
        ErrorKind::Unsupported,
        "it knows its columns and nothing else",
    ))
}

#[async_trait]
impl DynOfflineStore for Columns {
    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    async fn ping(&self) -> Result<String> {
        nothing()
    }

    async fn source_schema(&self, source: &Source) -> Result<SchemaRef> {
        if source.options.contains_key("missing") {
            return Err(Error::new(ErrorKind::NotFound, "there is no such table"));
        }
        Ok(Arc::new(Schema::new(vec![
            Column::new("driver", DataType::Int32, true),
            Column::new("at", timestamp_type(), true),
            Column::new("rates", DataType::new_list(DataType::Float64, true), true),
        ])))
    }

    async fn get_historical_features(&self, _: HistoricalRequest<Source>, _: &Call) -> Result<FeatureRows> {
        nothing()
    }

    async fn pull_latest_from_table_or_query(&self, _: PullLatestRequest<Source>, _: &Call) -> Result<BatchStream> {
        nothing()
    }

    async fn pull_all_from_table_or_query(&self, _: PullAllRequest<Source>, _: &Call) -> Result<BatchStream> {
        nothing()
    }

    async fn offline_write_batch(&self, _: WriteRequest<Source>, _: &Call) -> Result<u64> {
        nothing()
    }

    async fn explain(&self, _: Explain<Source>) -> Result<String> {
        nothing()
    }

    async fn shutdown(&self) -> Result<()> {
        Ok(())
    }
}

fn store(repo: &Repo) -> FeatureStore {
    let stores = [("columns".to_owned(), Arc::new(Columns) as Arc<dyn DynOfflineStore>)];
    FeatureStore::with_stores(repo.store.config().clone(), HybridOfflineStore::from_stores(stores))
}

fn definitions() -> FeatureRegistry {
    let mut source = Source::new("columns");
    source.options.insert("table".to_owned(), "stats".into());
    let mut all = FeatureRegistry::new("p");
    all.entities.push(Entity::new("driver"));
    all.feature_views
        .push(FeatureView::new("v", source).with_entities(["driver"]));
    all.feature_services
        .push(FeatureService::new("s", [FeatureProjection::new("v")]));
    all
}

#[tokio::test]
async fn an_apply_writes_what_it_inferred() {
    let repo = Repo::new("p");
    let store = store(&repo);
    store.apply(definitions(), false).await.unwrap();
    let read = store.registry().await.unwrap();
    let view = read.feature_view("v").unwrap();
    assert_eq!(
        (view.source.timestamp_field.as_str(), view.source.name.as_str()),
        ("at", "stats")
    );
    assert_eq!(
        view.schema,
        [Field::new("rates", ValueType::Array(Box::new(ValueType::Float64)))]
    );
    assert_eq!(read.entity("driver").unwrap().value_type, Some(ValueType::Int32));
    assert_eq!(read.feature_service("s").unwrap().features[0].features, ["rates"]);
    assert_eq!(read.source("stats").unwrap(), &view.source);
    assert_eq!(store.apply(definitions(), false).await.unwrap().unchanged, 4);
}

#[tokio::test]
async fn a_table_that_is_not_there_is_reported_with_everything_else() {
    let repo = Repo::new("p");
    let mut all = definitions();
    all.feature_views[0]
        .source
        .options
        .insert("missing".to_owned(), true.into());
    all.feature_services[0].features.push(FeatureProjection::new("w"));
    let text = store(&repo).apply(all, false).await.unwrap_err().to_string();
    assert!(text.contains("feature view `v`: there is no such table"), "{text}");
    assert!(
        text.contains("feature service `s`: feature view `w` does not exist"),
        "{text}"
    );
    assert!(!repo.path.exists());
}
