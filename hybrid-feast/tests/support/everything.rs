//! A definition of every kind and type, and what Feast says of it.

use std::time::Duration;

use hybrid_core::{Entity, FeatureProjection, FeatureRegistry, FeatureService, FeatureView, Field, Source, ValueType};
use serde_json::{Value, json};

fn source(key: &str, options: &Value) -> Source {
    let mut source = Source::new(key)
        .with_name(format!("{key}_source"))
        .with_timestamp_field("ts");
    source.options = options.as_object().unwrap().clone();
    source
}

const TYPES: [&str; 7] = [
    "Array(Int64)",
    "Set(String)",
    "Array(Map)",
    "Array(Array(Float32))",
    "Set(Array(Int32))",
    "Struct({a: Int64, b: Array(String), c: Struct({d: Float64})})",
    "Array(Struct({a: Int64}))",
];

/// All of it, in project `p`.
pub fn definitions() -> FeatureRegistry {
    let mut all = FeatureRegistry::new("p");
    all.entities = vec![
        Entity::new("driver")
            .with_join_key("driver_id")
            .with_value_type(ValueType::Int64),
    ];
    let types = ValueType::scalars().chain(TYPES.map(|text| text.parse().unwrap()));
    let schema = types
        .enumerate()
        .map(|(n, value_type)| Field::new(format!("f{n}"), value_type));
    let file = source("file", &json!({"path": "a.csv", "file_format": "csv"})).with_field("a", "b");
    all.feature_views.push(
        FeatureView::new("everything", file)
            .with_entities(["driver"])
            .with_ttl(Duration::from_millis(1500))
            .with_schema(schema),
    );
    for (key, options) in [
        ("bigquery", json!({"table": "p.d.t"})),
        ("redshift", json!({"table": "t", "schema": "s"})),
        ("snowflake", json!({"table": "t", "database": "d", "schema": "PUBLIC"})),
        ("postgres", json!({"table": "t"})),
        ("spark", json!({"table": "t"})),
        ("trino", json!({"table": "t"})),
    ] {
        let view = FeatureView::new(key, source(key, &options)).with_schema([Field::new("x", ValueType::Int64)]);
        all.feature_views.push(view);
    }
    let aliased = FeatureProjection::new("everything")
        .with_alias("buyer")
        .with_join_key("driver_id", "buyer_id");
    all.feature_services = vec![FeatureService::new(
        "training",
        [FeatureProjection::new("trino"), aliased.with_features(["f1"])],
    )];
    all
}

/// What fixtures/use_registry.py prints of [`definitions`].
pub fn check(feast: &Value) {
    assert_eq!(feast["projects"], json!(["p"]));
    assert_eq!(feast["entities"], json!({"driver": ["driver_id", "INT64"]}));
    let view = &feast["views"]["everything"];
    assert_eq!(view["keys"], json!({"driver_id": "Int64"}));
    assert_eq!((&view["ttl"], &view["created"]), (&json!(1.5), &json!(true)));
    for (n, value_type) in ValueType::scalars()
        .map(|t| t.to_string())
        .chain(TYPES.map(str::to_owned))
        .enumerate()
    {
        assert_eq!(view["schema"][format!("f{n}")], value_type);
    }
    assert_eq!(feast["views"]["bigquery"]["entities"], json!(["__dummy"]));
    for (view, class) in [
        ("everything", "FileSource"),
        ("bigquery", "BigQuerySource"),
        ("redshift", "RedshiftSource"),
        ("snowflake", "SnowflakeSource"),
        ("postgres", "PostgreSQLSource"),
        ("spark", "SparkSource"),
        ("trino", "TrinoSource"),
    ] {
        assert_eq!(feast["views"][view]["source"], class);
        assert_eq!(feast["views"][view]["timestamp"], "ts");
    }
    assert_eq!(feast["views"]["postgres"]["query"], "t");
    let services = json!([["trino", null, ["x"], {}], ["everything", "buyer", ["f1"], {"driver_id": "buyer_id"}]]);
    assert_eq!(feast["services"]["training"], services);
}
