//! A [`FeatureRegistry`] as the text of a features.yaml.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use crate::definitions::{Tags, format_duration};
use crate::{
    Entity, Error, ErrorKind, FeatureProjection, FeatureRegistry, FeatureService, FeatureView, Field, Result, Source,
};

/// The registry's definitions as [`parse_definitions`](super::parse_definitions) reads them. What
/// has its default is left out; dollar signs are doubled.
///
/// # Errors
/// Definition, when a source has an option that is named like one of the fields of every source, or
/// anything has a key `<<`.
pub fn to_yaml(registry: &FeatureRegistry) -> Result<String> {
    let sources: Vec<Json> = registry.sources.iter().map(source).collect::<Result<_>>()?;
    let views = registry.feature_views.iter();
    let views: Vec<Json> = views.map(|each| view(each, registry)).collect::<Result<_>>()?;
    let mut root = Map::new();
    for (key, items) in [
        ("entities", registry.entities.iter().map(entity).collect()),
        ("sources", sources),
        ("feature_views", views),
        (
            "feature_services",
            registry.feature_services.iter().map(service).collect(),
        ),
    ] {
        if !items.is_empty() {
            root.insert(key.to_owned(), Json::Array(items));
        }
    }
    serde_yaml::to_string(&escaped(Json::Object(root))?).map_err(|error| {
        Error::new(ErrorKind::Unexpected, "the definitions cannot be written as YAML").with_cause(error)
    })
}

/// A mapping under construction.
#[derive(Default)]
struct Written(Map<String, Json>);

impl Written {
    fn named(name: &str) -> Self {
        let mut written = Self::default();
        written.text("name", name);
        written
    }

    /// Adds a text, unless it is empty.
    fn text(&mut self, key: &str, text: &str) {
        if !text.is_empty() {
            self.add(key, text);
        }
    }

    fn add(&mut self, key: &str, value: impl Into<Json>) {
        self.0.insert(key.to_owned(), value.into());
    }

    fn map(&mut self, key: &str, map: &BTreeMap<String, String>) {
        if !map.is_empty() {
            self.add(key, json!(map));
        }
    }

    fn finish(mut self, description: &str, owner: &str, tags: &Tags) -> Json {
        self.text("description", description);
        self.text("owner", owner);
        self.map("tags", tags);
        Json::Object(self.0)
    }
}

fn entity(entity: &Entity) -> Json {
    let mut written = Written::named(&entity.name);
    if entity.join_key != entity.name {
        written.text("join_key", &entity.join_key);
    }
    if let Some(value_type) = &entity.value_type {
        written.add("value_type", value_type.to_string());
    }
    written.finish(&entity.description, &entity.owner, &entity.tags)
}

fn source(source: &Source) -> Result<Json> {
    let mut written = Written::named(&source.name);
    written.text("type", &source.key);
    written.text("timestamp_field", &source.timestamp_field);
    let optional = [
        ("created_timestamp_column", &source.created_timestamp_column),
        ("date_partition_column", &source.date_partition_column),
        ("date_partition_column_format", &source.date_partition_column_format),
    ];
    for (key, value) in optional {
        written.text(key, value.as_deref().unwrap_or_default());
    }
    written.map("field_mapping", &source.field_mapping);
    let Json::Object(mut all) = written.finish(&source.description, &source.owner, &source.tags) else {
        return Ok(Json::Null);
    };
    for (key, value) in source.options.iter().filter(|(_, value)| !value.is_null()) {
        let is_common = super::source::COMMON.contains(&key.as_str());
        if is_common && all.get(key) != Some(value) {
            let message = format!(
                "option `{key}` of source `{}` is named like a field of every source",
                source.name
            );
            return Err(Error::new(ErrorKind::Definition, message));
        }
        all.insert(key.clone(), value.clone());
    }
    Ok(Json::Object(all))
}

fn view(view: &FeatureView, registry: &FeatureRegistry) -> Result<Json> {
    let mut written = Written::named(&view.name);
    if !view.entities.is_empty() {
        written.add("entities", json!(view.entities));
    }
    if let Some(ttl) = view.ttl {
        written.add("ttl", format_duration(ttl));
    }
    let has_own = !view.source.name.is_empty() && registry.sources.contains(&view.source);
    match has_own {
        true => written.text("source", &view.source.name),
        false => written.add("source", source(&view.source)?),
    }
    if !view.schema.is_empty() {
        written.add("schema", view.schema.iter().map(field).collect::<Vec<_>>());
    }
    if !view.online {
        written.add("online", false);
    }
    Ok(written.finish(&view.description, &view.owner, &view.tags))
}

fn field(field: &Field) -> Json {
    let mut written = Written::named(&field.name);
    written.add("dtype", field.dtype.to_string());
    written.finish(&field.description, "", &field.tags)
}

fn service(service: &FeatureService) -> Json {
    let mut written = Written::named(&service.name);
    let mut features = Vec::new();
    // References to one view that follow each other would be read as one projection.
    let mut last_view = None;
    for each in &service.features {
        let simple = each.alias.is_none() && each.join_key_map.is_empty();
        if simple && each.features.is_empty() {
            features.push(Json::from(each.view.as_str()));
            last_view = None;
        } else if simple && last_view != Some(&each.view) {
            features.extend(
                each.features
                    .iter()
                    .map(|name| Json::from(format!("{}:{name}", each.view))),
            );
            last_view = Some(&each.view);
        } else {
            features.push(projection(each));
            last_view = None;
        }
    }
    written.add("features", features);
    written.finish(&service.description, &service.owner, &service.tags)
}

fn projection(projection: &FeatureProjection) -> Json {
    let mut written = Written::default();
    written.text("view", &projection.view);
    written.text("alias", projection.alias.as_deref().unwrap_or_default());
    written.map("join_key_map", &projection.join_key_map);
    if !projection.features.is_empty() {
        written.add("features", json!(projection.features));
    }
    Json::Object(written.0)
}

/// Doubles the dollar signs of all texts, which would be variables otherwise.
fn escaped(value: Json) -> Result<Json> {
    Ok(match value {
        Json::String(text) => Json::String(text.replace('$', "$$")),
        Json::Array(items) => Json::Array(items.into_iter().map(escaped).collect::<Result<_>>()?),
        Json::Object(map) => Json::Object(map.into_iter().map(escaped_entry).collect::<Result<_>>()?),
        other => other,
    })
}

/// The key `<<` is written without quotes, and would be read as YAML's merge.
fn escaped_entry((key, value): (String, Json)) -> Result<(String, Json)> {
    if key == "<<" {
        let message = "a key `<<` cannot be written as YAML";
        return Err(Error::new(ErrorKind::Definition, message));
    }
    Ok((key, escaped(value)?))
}
