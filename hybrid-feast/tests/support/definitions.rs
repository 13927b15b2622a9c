//! Definitions that an apply finds nothing wrong with.

use hybrid_core::{Entity, FeatureProjection, FeatureRegistry, FeatureService, FeatureView, Field, Source, ValueType};

/// A view of a file with everything that it takes, and a service over it, in project `p`.
pub fn definitions(view: &str) -> FeatureRegistry {
    let mut all = FeatureRegistry::new("p");
    let mut source = Source::new("file")
        .with_name(format!("{view}_source"))
        .with_timestamp_field("ts");
    source
        .options
        .insert("path".to_owned(), format!("{view}.parquet").into());
    all.entities = vec![Entity::new("driver").with_value_type(ValueType::Int64)];
    let schema = [
        Field::new("x", ValueType::Float64),
        Field::new("tags", "Set(String)".parse().unwrap()),
    ];
    all.feature_views = vec![
        FeatureView::new(view, source)
            .with_entities(["driver"])
            .with_schema(schema),
    ];
    all.feature_services = vec![FeatureService::new(
        format!("{view}_service"),
        [FeatureProjection::new(view)],
    )];
    all
}

/// The names of a registry's views, in order.
pub fn views(registry: &FeatureRegistry) -> Vec<String> {
    let mut names: Vec<String> = registry.feature_views.iter().map(|view| view.name.clone()).collect();
    names.sort();
    names
}

/// Everything in order of its name: rows of a database have none.
pub fn in_order(registry: &FeatureRegistry) -> FeatureRegistry {
    let mut registry = registry.clone();
    registry.entities.sort_by(|a, b| a.name.cmp(&b.name));
    registry.sources.sort_by(|a, b| a.name.cmp(&b.name));
    registry.feature_views.sort_by(|a, b| a.name.cmp(&b.name));
    registry.feature_services.sort_by(|a, b| a.name.cmp(&b.name));
    registry
}
