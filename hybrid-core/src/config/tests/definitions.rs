use std::time::Duration;

use super::definitions;
use crate::{Entity, FeatureProjection, FeatureService, FeatureView, Field, Source, ValueType};

/// The example of the design notes.
const EXAMPLE: &str = "\
entities:
  - name: driver_id              # join_key: driver_id by default
    value_type: Int64
sources:
  - name: driver_stats_source
    type: file                   # a store key; the other fields are the source type's own
    path: driver_stats.parquet
    timestamp_field: event_timestamp
    created_timestamp_column: created
feature_views:
  - name: driver_stats
    entities: [driver_id]
    ttl: 30d                     # also 86400s, 1h30m, 0
    source: driver_stats_source
    schema:
      - {name: conv_rate, dtype: Float32}
      - {name: avg_daily_trips, dtype: Int64}
feature_services:
  - name: training
    features: [\"driver_stats:conv_rate\", {view: driver_stats, alias: other, join_key_map: {driver_id: other_id}, features: [conv_rate]}]
";

fn source() -> Source {
    let mut source = Source::new("file")
        .with_name("driver_stats_source")
        .with_timestamp_field("event_timestamp")
        .with_created_timestamp_column("created");
    source.options.insert("path".to_owned(), "driver_stats.parquet".into());
    source
}

#[test]
fn the_example_is_what_the_builders_make() {
    let read = definitions(EXAMPLE).unwrap();
    assert_eq!(read.project, "");
    assert_eq!(
        read.entities,
        [Entity::new("driver_id").with_value_type(ValueType::Int64)]
    );
    assert_eq!(read.sources, [source()]);
    let view = FeatureView::new("driver_stats", source())
        .with_entities(["driver_id"])
        .with_ttl(Duration::from_secs(30 * 86_400))
        .with_schema([
            Field::new("conv_rate", ValueType::Float32),
            Field::new("avg_daily_trips", ValueType::Int64),
        ]);
    assert_eq!(read.feature_views, [view]);
    let some = FeatureProjection::new("driver_stats").with_features(["conv_rate"]);
    let other = some.clone().with_alias("other").with_join_key("driver_id", "other_id");
    assert_eq!(read.feature_services, [FeatureService::new("training", [some, other])]);
}

#[test]
fn an_empty_file_defines_nothing() {
    for text in ["", "# nothing\n", "---\n", "{}\n", "entities:\nsources: []\n"] {
        let read = definitions(text).unwrap();
        assert!(read.entities.is_empty() && read.feature_views.is_empty(), "{text}");
    }
}

#[test]
fn every_field_of_each_definition() {
    let read = definitions(
        "entities: [{name: d, join_keys: [driver], value_type: STRING, description: a, owner: b, tags: {c: d}}]\n\
         sources:\n  - {name: s, type: BigQuerySource, table: t, event_timestamp_column: ts, date_partition_column: day, \
         date_partition_column_format: \"%Y%m%d\", field_mapping: {a: b}, description: e, owner: f, tags: {g: h}, \
         deep: {list: [1, 2.5, true, ~]}, none: ~}\n\
         feature_views:\n  - {name: v, entities: [d], ttl: 1h30m, source: s, online: no, description: i, owner: j, tags: {k: l}, \
         features: [{name: x, dtype: Array(Int64), description: m, tags: {n: o}}]}\n\
         feature_services: [{name: f, features: [v], description: p, owner: q, tags: {r: s}}]\n",
    )
    .unwrap();
    let (entity, source, view, service) = (
        &read.entities[0],
        &read.sources[0],
        &read.feature_views[0],
        &read.feature_services[0],
    );
    assert_eq!(
        (entity.join_key.as_str(), &entity.value_type),
        ("driver", &Some(ValueType::String))
    );
    assert_eq!(
        (
            entity.description.as_str(),
            entity.owner.as_str(),
            entity.tags["c"].as_str()
        ),
        ("a", "b", "d")
    );
    assert_eq!(
        (source.key.as_str(), source.timestamp_field.as_str()),
        ("bigquery", "ts")
    );
    assert_eq!(source.date_partition_column.as_deref(), Some("day"));
    assert_eq!(source.date_partition_column_format.as_deref(), Some("%Y%m%d"));
    assert_eq!(
        (source.field_mapping["a"].as_str(), source.tags["g"].as_str()),
        ("b", "h")
    );
    let options = serde_json::json!({"table": "t", "deep": {"list": [1, 2.5, true, null]}});
    assert_eq!(serde_json::Value::Object(source.options.clone()), options);
    assert_eq!(
        (view.ttl, view.online, view.tags["k"].as_str()),
        (Some(Duration::from_secs(5400)), false, "l")
    );
    assert_eq!(view.schema[0].dtype, ValueType::Array(Box::new(ValueType::Int64)));
    assert_eq!(
        (view.schema[0].description.as_str(), view.schema[0].tags["n"].as_str()),
        ("m", "o")
    );
    assert_eq!(
        (
            service.description.as_str(),
            service.owner.as_str(),
            service.tags["r"].as_str()
        ),
        ("p", "q", "s")
    );
}

#[test]
fn sources_in_place() {
    let read = definitions(
        "feature_views:\n  - {name: a, source: {type: file, path: a.parquet}}\n  \
         - {name: b, source: {name: own, type: dask, path: b.parquet, timestamp_field: ts}}\n",
    )
    .unwrap();
    assert!(read.sources.is_empty());
    let sources = read
        .feature_views
        .iter()
        .map(|view| (view.source.name.as_str(), view.source.key.as_str()));
    assert_eq!(sources.collect::<Vec<_>>(), [("", "file"), ("own", "file")]);
    assert_eq!(read.feature_views[1].source.options["path"], "b.parquet");
    assert_eq!(
        (&read.feature_views[0].ttl, read.feature_views[0].online),
        (&None, true)
    );
}

#[test]
fn types_of_custom_sources() {
    for (written, key) in [
        ("snowflake.offline", "snowflake"),
        ("PostgreSQLSource", "postgres"),
        ("my.shop.ClickHouseSource", "clickhouse"),
    ] {
        let read = definitions(&format!("sources: [{{name: s, type: {written}}}]")).unwrap();
        assert_eq!(read.sources[0].key, key);
    }
}

#[test]
fn the_three_forms_of_a_service() {
    let read = definitions(
        "feature_views: [{name: v, source: {type: file}}, {name: w, source: {type: file}}]\n\
         feature_services: [{name: f, features: [w, 'v:a', 'v:b', {view: v, alias: x}, {view: v, alias: y, features: [c]}, 'v:c']}]\n",
    )
    .unwrap();
    let v = || FeatureProjection::new("v");
    let expected = [
        FeatureProjection::new("w"),
        v().with_features(["a", "b"]),
        v().with_alias("x"),
        v().with_alias("y").with_features(["c"]),
        v().with_features(["c"]),
    ];
    assert_eq!(read.feature_services[0].features, expected);
}

/// A view whose schema lists its join key, after an entity with these fields.
fn with_key(entity: &str, schema: &str) -> crate::Result<(Option<ValueType>, Vec<String>)> {
    let read = definitions(&format!(
        "entities: [{{name: driver, join_key: driver_id{entity}}}]\n\
         feature_views: [{{name: v, entities: [driver], source: {{type: file}}, schema: [{schema}]}}]\n"
    ))?;
    let names = read.feature_views[0].schema.iter().map(|field| field.name.clone());
    Ok((read.entities[0].value_type.clone(), names.collect()))
}

#[test]
fn a_join_key_in_a_schema_gives_its_type_and_is_no_feature() {
    let schema = "{name: driver_id, dtype: Int64}, {name: x, dtype: Float32}";
    let of = |entity: &str| with_key(entity, schema).unwrap();
    assert_eq!(of(""), (Some(ValueType::Int64), vec!["x".to_owned()]));
    assert_eq!(
        of(", value_type: Int64"),
        (Some(ValueType::Int64), vec!["x".to_owned()])
    );
    assert_eq!(
        of(", value_type: Int32"),
        (Some(ValueType::Int32), vec!["x".to_owned()]),
        "widths interchange"
    );
    let alone = with_key("", "{name: driver_id, dtype: String}").unwrap();
    assert_eq!(alone, (Some(ValueType::String), Vec::new()));
    let error = with_key("", "{name: driver_id, dtype: Itn64}").unwrap_err();
    assert_eq!(error.message(), "unknown dtype `Itn64`");
    let named_like_the_entity = with_key("", "{name: driver, dtype: Int64}").unwrap();
    assert_eq!(named_like_the_entity, (None, vec!["driver".to_owned()]));
}
