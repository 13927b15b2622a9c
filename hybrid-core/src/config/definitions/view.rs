use std::collections::BTreeSet;

use super::Reader;
use crate::config::fields::Fields;
use crate::config::node::Node;
use crate::definitions::parse_duration;
use crate::{FeatureRegistry, FeatureView, Source};

impl Reader<'_> {
    /// A view, whose entities and source are looked up among what `registry` has so far; its schema
    /// may give their join keys a type.
    pub(super) fn view(&mut self, node: &Node, registry: &mut FeatureRegistry) -> Option<FeatureView> {
        let mut fields = Fields::of(node, "a feature view", &mut self.problems)?;
        let name = self.name(&mut fields, "a feature view");
        let entities = self.entities(&mut fields, registry);
        let source = self.view_source(&mut fields, registry);
        let ttl = fields.get("ttl").and_then(|at| self.parsed(at, "ttl", parse_duration));
        let schema = self.schema(&mut fields, &entities, source.as_ref(), registry);
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
        self.report_repeated_names("entity", nodes.iter());
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
}

/// The join keys of these entities.
pub(super) fn join_keys<'r>(entities: &[String], registry: &'r FeatureRegistry) -> BTreeSet<&'r str> {
    let known = registry.entities.iter();
    known
        .filter(|entity| entities.contains(&entity.name))
        .map(|entity| entity.join_key.as_str())
        .collect()
}
