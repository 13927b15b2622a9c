//! Reads the registry.db that Feast 0.67 wrote, and applies to it without losing what is Feast's.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use std::time::Duration;

use hybrid_core::{ErrorKind, FeatureProjection, FeatureView, Field, ValueType};
use hybrid_feast::read_registry;
use support::{REGISTRY, Repo};

#[test]
fn views_come_with_everything_that_a_store_needs() {
    let registry = read_registry(REGISTRY, "demo").unwrap();
    let view = registry.feature_view("driver_stats").unwrap();
    assert_eq!(view.entities, ["driver"]);
    assert_eq!(view.ttl, Some(Duration::from_secs(3600) + Duration::from_micros(1500)));
    assert_eq!(view.schema[0].description, "Conversion");
    assert_eq!(view.schema[0].tags["unit"], "share");
    assert_eq!(view.schema[1].dtype, ValueType::Array(Box::new(ValueType::Float32)));
    assert_eq!((view.owner.as_str(), view.tags["stage"].as_str()), ("fleet", "prod"));
    let source = &view.source;
    assert_eq!(
        (source.key.as_str(), source.name.as_str()),
        ("file", "driver_stats_source")
    );
    assert_eq!(source.options["path"], "data/driver_stats.parquet");
    assert_eq!(source.options["file_format"], "parquet");
    assert_eq!(source.field_mapping["rate"], "conv_rate");
    assert_eq!(source.created_timestamp_column.as_deref(), Some("created"));
    let driver = registry.entity("driver").unwrap();
    assert_eq!(
        (driver.join_key.as_str(), &driver.value_type),
        ("driver_id", &Some(ValueType::Int64))
    );
    let customer = registry.entity("customer").unwrap();
    assert_eq!(
        customer.value_type,
        Some(ValueType::String),
        "the view knows what the entity does not"
    );
}

#[test]
fn every_value_type_is_read() {
    let registry = read_registry(REGISTRY, "demo").unwrap();
    let types = registry.feature_view("types").unwrap();
    let read: Vec<String> = types.schema.iter().map(|field| field.dtype.to_string()).collect();
    let mut expected: Vec<String> = ValueType::scalars().map(|scalar| scalar.to_string()).collect();
    expected.extend(
        [
            "Array(Int64)",
            "Set(String)",
            "Array(Map)",
            "Array(Array(Float32))",
            "Set(Array(Int32))",
            "Struct({a: Int64, b: Array(String), c: Struct({d: Float64})})",
            "Array(Struct({a: Int64}))",
        ]
        .map(str::to_owned),
    );
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    assert_eq!(sorted(read), sorted(expected));
    assert_eq!((types.ttl, types.online), (None, false));
}

#[test]
fn each_source_class_has_its_key_and_options() {
    let registry = read_registry(REGISTRY, "demo").unwrap();
    for (view, key, option, value) in [
        ("bq_view", "bigquery", "table", "p.d.t"),
        ("rs_view", "redshift", "schema", "s"),
        ("sf_view", "snowflake", "schema", "PUBLIC"),
        ("sp_view", "spark", "path", "s3://b/p"),
        ("tr_view", "trino", "table", "c.s.t"),
        ("types", "postgres", "query", "SELECT * FROM t"),
    ] {
        let view = registry.feature_view(view).unwrap();
        assert_eq!(view.source.key, key);
        assert_eq!(view.source.options[option], value);
    }
    let bigquery = registry.feature_view("bq_view").unwrap();
    assert!(bigquery.entities.is_empty(), "the dummy entity is none");
    assert_eq!(bigquery.source.date_partition_column.as_deref(), Some("day"));
    assert!(registry.entities.iter().all(|entity| entity.name != "__dummy"));
    assert!(
        registry
            .sources
            .iter()
            .all(|source| !["push", "kafka", "request"].contains(&source.name.as_str()))
    );
}

#[test]
fn streams_are_read_through_their_batch_source_and_on_demand_views_are_named() {
    let registry = read_registry(REGISTRY, "demo").unwrap();
    for name in ["stream", "pushed"] {
        let source = &registry.feature_view(name).unwrap().source;
        assert_eq!(
            (source.key.as_str(), source.name.as_str()),
            ("file", "driver_stats_source")
        );
    }
    let error = registry.feature_view("scale").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(
        error
            .to_string()
            .contains("`scale` cannot be served: it is an on-demand feature view"),
        "{error}"
    );
    let service = registry.feature_service("training").unwrap();
    let buyer = FeatureProjection::new("driver_stats")
        .with_features(["conv_rate", "embedding"])
        .with_alias("buyer")
        .with_join_key("driver_id", "buyer_id");
    assert_eq!(service.features[1], buyer);
}

#[tokio::test]
async fn on_demand_views_say_what_they_are_made_of() {
    let repo = Repo::with_registry("demo");
    let snapshot = repo.store.snapshot().await.unwrap();
    let views = snapshot.on_demand();
    let scale = &views["scale"];
    assert_eq!(
        (views.len(), scale.features.as_slice()),
        (1, ["scaled".to_owned()].as_slice())
    );
    let of_stats = |feature: &str| ("driver_stats".to_owned(), feature.to_owned());
    assert_eq!(scale.sources, ["conv_rate", "embedding"].map(of_stats));
    assert!(contains(&scale.message, b"def scale(inputs)"), "the function is in it");
    let other = Repo::open(repo.path.parent().unwrap().to_owned(), "other");
    assert!(other.snapshot().await.unwrap().on_demand().is_empty());
}

#[test]
fn projects_do_not_see_each_other() {
    let other = read_registry(REGISTRY, "other").unwrap();
    assert_eq!(other.entities.len(), 1);
    assert_eq!(other.entities[0].value_type, Some(ValueType::String));
    assert!(other.feature_views.is_empty() && read_registry(REGISTRY, "none").unwrap().entities.is_empty());
}

#[tokio::test]
async fn applying_what_is_there_changes_no_byte() {
    let repo = Repo::with_registry("demo");
    let definitions = || async { (*repo.store.registry().await.unwrap()).clone() };
    let mut first = definitions().await;
    // It uses an on-demand view, which cannot be defined here.
    first.feature_services.clear();
    let applied = repo.store.apply(first.clone(), false).await.unwrap();
    // Feast leaves the type of this entity to the views; now it has one.
    assert_eq!(applied.updated, ["entity customer"]);
    assert!(applied.added.is_empty() && applied.deleted.is_empty(), "{applied:?}");
    let bytes = repo.bytes();
    let applied = repo.store.apply(first, false).await.unwrap();
    assert!(applied.updated.is_empty(), "{applied:?}");
    assert_eq!(repo.bytes(), bytes);
}

#[tokio::test]
async fn an_update_keeps_what_only_feast_knows() {
    let repo = Repo::with_registry("demo");
    let mut new = repo.definitions(["driver_stats"]).await;
    new.feature_views[0].ttl = Some(Duration::from_secs(60));
    new.feature_views[0].schema.push(Field::new("trips", ValueType::Int64));
    let applied = repo.store.apply(new, false).await.unwrap();
    assert_eq!(applied.updated, ["feature view driver_stats"]);
    let bytes = repo.bytes();
    // org (19) of the view and vector_search_metric (6) of a feature are in no description of ours.
    assert!(contains(&bytes, b"\x9a\x01\x03ads") && contains(&bytes, b"\x32\x02L2"));
    let read = read_registry(&bytes, "demo").unwrap();
    assert_eq!(read.feature_view("driver_stats").unwrap().schema.len(), 3);
    assert_eq!(
        read.feature_view("types").unwrap(),
        read_registry(REGISTRY, "demo").unwrap().feature_view("types").unwrap()
    );
    assert_eq!(
        read_registry(&bytes, "other").unwrap(),
        read_registry(REGISTRY, "other").unwrap()
    );
}

#[tokio::test]
async fn prune_deletes_what_is_not_defined_and_leaves_what_only_feast_can_define() {
    let repo = Repo::with_registry("demo");
    let new = repo.definitions(["types"]).await;
    let applied = repo.store.apply(new, true).await.unwrap();
    assert!(
        applied.deleted.contains(&"feature view driver_stats".to_owned()),
        "{applied:?}"
    );
    assert!(applied.deleted.contains(&"source bq".to_owned()));
    let read = read_registry(&repo.bytes(), "demo").unwrap();
    let names: Vec<&str> = read.feature_views.iter().map(|view| view.name.as_str()).collect();
    assert_eq!(names, ["types", "stream"]);
    assert!(
        read.entity("driver").is_ok() && read.source("driver_stats_source").is_ok(),
        "the stream needs them"
    );
    assert!(read.unsupported_views.contains_key("scale"));
    assert_eq!(read_registry(&repo.bytes(), "other").unwrap().entities.len(), 1);
}

#[tokio::test]
async fn a_view_may_not_take_the_name_of_an_on_demand_one() {
    let repo = Repo::with_registry("demo");
    let mut new = repo.definitions(["types"]).await;
    new.feature_views.push(FeatureView {
        name: "scale".to_owned(),
        ..new.feature_views[0].clone()
    });
    let error = repo.store.apply(new, false).await.unwrap_err();
    assert!(
        error.to_string().contains("the registry has a view of that name"),
        "{error}"
    );
    assert_eq!(repo.bytes(), REGISTRY, "nothing is written when something is wrong");
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
