use std::collections::BTreeSet;

use super::Reader;
use crate::config::fields::Fields;
use crate::config::node::Node;
use crate::definitions::parse_duration;
use crate::{FeatureRegistry, FeatureView, Field, Source, ValueType};

impl Reader<'_> {
    /// A view, whose entities and source are looked up among what `registry` has so far.
    pub(super) fn view(&mut self, node: &Node, registry: &FeatureRegistry) -> Option<FeatureView> {
        let mut fields = Fields::of(node, "a feature view", &mut self.problems)?;
        let name = self.name(&mut fields, "a feature view");
        let entities = self.entities(&mut fields, registry);
        let source = self.view_source(&mut fields, registry);
        let ttl = fields.get("ttl").and_then(|at| self.parsed(at, "ttl", parse_duration));
        let listed = self.schema_key(&mut fields);
        let schema = listed.iter().filter_map(|field| self.field(field)).collect();
        let names = listed.iter().filter_map(|field| field.get("name"));
        self.report_repeated_names("feature ", names);
        self.report_taken(listed, &entities, source.as_ref(), registry);
        let online = fields.read("online", &mut self.problems).unwrap_or(true);
        let description = fields.read("description", &mut self.problems).unwrap_or_default();
        let owner = fields.read("owner", &mut self.problems).unwrap_or_default();
        let tags = fields.read("tags", &mut self.problems).unwrap_or_default();
        fields.finish(&mut self.problems);
        Some(FeatureView {
            name: name?,
            entities,
            ttl,
            source: source.unwrap_or_else(|| Source::new("")),
            schema,
            online,
            description,
            owner,
            tags,
        })
    }

    /// The names of the view's entities, all of them known.
    fn entities(&mut self, fields: &mut Fields<'_>, registry: &FeatureRegistry) -> Vec<String> {
        let nodes = fields.list("entities", &mut self.problems);
        self.report_repeated_names("entity ", nodes.iter());
        let known: Vec<&str> = registry.entities.iter().map(|entity| entity.name.as_str()).collect();
        let mut names = Vec::new();
        for node in nodes {
            let Some(name) = self.problems.keep_all::<String>(node.read(Some("entities"))) else {
                continue;
            };
            if known.contains(&name.as_str()) {
                names.push(name);
            } else {
                self.unknown(node, "entity", &name, &known);
            }
        }
        names
    }

    /// The source, by name or defined in place.
    fn view_source(&mut self, fields: &mut Fields<'_>, registry: &FeatureRegistry) -> Option<Source> {
        let Some(node) = fields.get("source") else {
            let error = fields.node.error("a feature view has no `source`");
            self.problems
                .push(error.with_help("the name of a source, or its fields"));
            return None;
        };
        let known: Vec<&str> = registry.sources.iter().map(|source| source.name.as_str()).collect();
        if !node.is_mapping() {
            let name: String = self.problems.keep_all(node.read(Some("source")))?;
            let found = registry.sources.iter().find(|source| source.name == name).cloned();
            if found.is_none() {
                self.unknown(node, "source", &name, &known);
            }
            return found;
        }
        let source = self.source(node, false)?;
        let same_name = registry.sources.iter().find(|other| other.name == source.name);
        if same_name.is_some_and(|other| *other != source) {
            let at = node.get("name").unwrap_or(node);
            let message = format!("source `{}` is defined twice, and differently", source.name);
            self.problems.push(at.error(message));
        }
        Some(source)
    }

    /// The fields at `schema`, or at its other name `features`.
    fn schema_key<'n>(&mut self, fields: &mut Fields<'n>) -> &'n [Node] {
        let schema = fields.list("schema", &mut self.problems);
        let features = fields.list("features", &mut self.problems);
        if !schema.is_empty() && !features.is_empty() {
            let error = fields
                .node
                .key_error("features", "`schema` and `features` are both given");
            self.problems
                .push(error.with_help("they are two names for one thing: write one of them"));
        }
        if schema.is_empty() { features } else { schema }
    }

    fn field(&mut self, node: &Node) -> Option<Field> {
        let mut fields = Fields::of(node, "a feature", &mut self.problems)?;
        let name = self.name(&mut fields, "a feature");
        let dtype = match fields.get("dtype") {
            Some(at) => self.parsed(at, "dtype", str::parse),
            None => {
                let error = node.error("a feature has no `dtype`");
                self.problems.push(error.with_help("for example `dtype: Float32`"));
                None
            }
        };
        let description = fields.read("description", &mut self.problems).unwrap_or_default();
        let tags = fields.read("tags", &mut self.problems).unwrap_or_default();
        fields.finish(&mut self.problems);
        Some(Field {
            name: name?,
            dtype: dtype.unwrap_or(ValueType::String),
            description,
            tags,
        })
    }

    /// Reports features that are named like a join key or a timestamp of the view.
    fn report_taken(
        &mut self,
        fields: &[Node],
        entities: &[String],
        source: Option<&Source>,
        registry: &FeatureRegistry,
    ) {
        let keys = join_keys(entities, registry);
        let mut times = BTreeSet::new();
        if let Some(source) = source {
            let columns = [Some(&source.timestamp_field), source.created_timestamp_column.as_ref()];
            times.extend(columns.into_iter().flatten().map(|column| source.name_of(column)));
        }
        for at in fields.iter().filter_map(|field| field.get("name")) {
            let Some(name) = at.as_str() else { continue };
            if keys.contains(name) {
                let error = at.error(format!("feature `{name}` is named like a join key of the view"));
                self.problems
                    .push(error.with_help("a join key needs no field: its type stands at the entity"));
            } else if times.contains(name) && !name.is_empty() {
                let error = at.error(format!(
                    "feature `{name}` is named like a timestamp of the view's source"
                ));
                self.problems.push(error.with_help("a timestamp needs no field"));
            }
        }
    }
}

/// The join keys of these entities.
pub(super) fn join_keys<'r>(entities: &[String], registry: &'r FeatureRegistry) -> BTreeSet<&'r str> {
    let known = registry.entities.iter();
    known
        .filter(|entity| entities.contains(&entity.name))
        .map(|entity| entity.join_key.as_str())
        .collect()
}
