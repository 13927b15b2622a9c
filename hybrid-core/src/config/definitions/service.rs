use std::collections::BTreeMap;

use super::Reader;
use super::view::join_keys;
use crate::config::fields::Fields;
use crate::config::node::Node;
use crate::config::problem::with_nearest;
use crate::{FeatureProjection, FeatureRegistry, FeatureService, FeatureView};

/// A projection, where it stands, and whether it was written as `view:feature`.
struct Taken<'n> {
    projection: FeatureProjection,
    node: &'n Node,
    is_reference: bool,
}

impl Reader<'_> {
    /// A service, whose views and features are looked up in `registry`.
    pub(super) fn service(&mut self, node: &Node, registry: &FeatureRegistry) -> Option<FeatureService> {
        let mut fields = Fields::of(node, "a feature service", &mut self.problems)?;
        let name = self.name(&mut fields, "a feature service");
        let items = fields.list("features", &mut self.problems);
        if items.is_empty()
            && fields
                .node
                .get("features")
                .is_none_or(|at| at.is_null() || at.is_sequence())
        {
            let error = node.error("a feature service has no `features`");
            self.problems
                .push(error.with_help("list them: view:feature, or a view's name for all of its features"));
        }
        let features = self.projections(items, registry);
        let description = fields.read("description", &mut self.problems).unwrap_or_default();
        let owner = fields.read("owner", &mut self.problems).unwrap_or_default();
        let tags = fields.read("tags", &mut self.problems).unwrap_or_default();
        fields.finish(&mut self.problems);
        Some(FeatureService {
            logging_destination: None,
            name: name?,
            features,
            description,
            owner,
            tags,
        })
    }

    /// References to one view that follow each other become one projection.
    fn projections(&mut self, items: &[Node], registry: &FeatureRegistry) -> Vec<FeatureProjection> {
        let mut taken: Vec<Taken<'_>> = Vec::new();
        for item in items {
            let Some(next) = self.projection(item, registry) else {
                continue;
            };
            self.report_clash(&taken, &next);
            match taken.last_mut() {
                Some(last)
                    if last.is_reference && next.is_reference && last.projection.view == next.projection.view =>
                {
                    last.projection.features.extend(next.projection.features);
                }
                _ => taken.push(next),
            }
        }
        taken.into_iter().map(|taken| taken.projection).collect()
    }

    fn projection<'n>(&mut self, node: &'n Node, registry: &FeatureRegistry) -> Option<Taken<'n>> {
        if node.is_mapping() {
            let projection = self.mapped(node, registry)?;
            return Some(Taken {
                projection,
                node,
                is_reference: false,
            });
        }
        let text: String = self.problems.keep_all(node.read(Some("features")))?;
        let (name, feature) = match text.split_once(':') {
            Some((view, feature)) => (view, Some(feature)),
            None => (text.as_str(), None),
        };
        if name.is_empty() {
            self.problems.push(not_a_reference(node));
            return None;
        }
        let view = self.find_view(node, name, registry)?;
        let mut projection = FeatureProjection::new(name);
        if let Some(feature) = feature {
            self.check_feature(node, feature, view);
            projection = projection.with_features([feature]);
        }
        Some(Taken {
            projection,
            node,
            is_reference: feature.is_some(),
        })
    }

    /// `{view, alias, join_key_map, features}`.
    fn mapped(&mut self, node: &Node, registry: &FeatureRegistry) -> Option<FeatureProjection> {
        let mut fields = Fields::of(node, "a view of a service", &mut self.problems)?;
        let name = fields.text("view", "a view of a service", &mut self.problems);
        let view = match (&name, fields.get("view")) {
            (Some(name), Some(at)) => self.find_view(at, name, registry),
            _ => None,
        };
        let alias = fields.optional_text("alias", &mut self.problems);
        let map_node = fields.get("join_key_map");
        let join_key_map: BTreeMap<String, String> =
            fields.read("join_key_map", &mut self.problems).unwrap_or_default();
        let listed = fields.list("features", &mut self.problems);
        fields.finish(&mut self.problems);
        self.report_repeated_names("feature", listed.iter());
        if let (Some(view), Some(node)) = (view, map_node) {
            self.check_join_keys(node, view, registry);
        }
        let features = listed.iter().filter_map(|at| self.listed_feature(at, view)).collect();
        view?;
        Some(FeatureProjection {
            view: name?,
            features,
            alias,
            join_key_map,
        })
    }

    fn listed_feature(&mut self, node: &Node, view: Option<&FeatureView>) -> Option<String> {
        let name: String = self.problems.keep_all(node.read(Some("features")))?;
        if let Some(view) = view {
            self.check_feature(node, &name, view);
        }
        Some(name)
    }

    fn find_view<'r>(&mut self, node: &Node, name: &str, registry: &'r FeatureRegistry) -> Option<&'r FeatureView> {
        let views = &registry.feature_views;
        let found = views.iter().find(|view| view.name == name);
        if found.is_none() {
            let known: Vec<&str> = views.iter().map(|view| view.name.as_str()).collect();
            self.unknown(node, "feature view", name, &known);
        }
        found
    }

    /// A view without a schema gets one when it is applied: any feature may exist.
    fn check_feature(&mut self, node: &Node, name: &str, view: &FeatureView) {
        let known: Vec<&str> = view.schema.iter().map(|field| field.name.as_str()).collect();
        if name.is_empty() {
            self.problems.push(not_a_reference(node));
        } else if !known.is_empty() && !known.contains(&name) {
            self.unknown(node, &format!("feature of view `{}`:", view.name), name, &known);
        }
    }

    fn check_join_keys(&mut self, node: &Node, view: &FeatureView, registry: &FeatureRegistry) {
        let known: Vec<&str> = join_keys(&view.entities, registry).into_iter().collect();
        for (key, column) in node.entries() {
            if !known.contains(&key) {
                let what = format!("join key of view `{}`:", view.name);
                let error = node.key_error(key, format!("{what} `{key}` does not exist"));
                self.problems.push(with_nearest(error, key, &known, "what exists:"));
            }
            if column.as_str() == Some("") {
                self.problems
                    .push(column.error(format!("join key `{key}` is joined on no column")));
            }
        }
    }

    /// Two uses under one name must be the same use, of different features.
    fn report_clash(&mut self, earlier: &[Taken<'_>], next: &Taken<'_>) {
        let name = next.projection.name_to_use();
        let mut listed = Vec::new();
        for other in earlier.iter().filter(|other| other.projection.name_to_use() == name) {
            let (a, b) = (&other.projection, &next.projection);
            if a.view != b.view || a.join_key_map != b.join_key_map || a.alias != b.alias {
                let message = format!("`{name}` is used twice: first at {}", other.node.position());
                let error = next.node.error(message);
                self.problems
                    .push(error.with_help("give one of the two another `alias`"));
                return;
            }
            if a.features.is_empty() || b.features.is_empty() {
                let message = format!(
                    "all features of `{name}` and some of them: first at {}",
                    other.node.position()
                );
                self.problems.push(next.node.error(message));
                return;
            }
            listed.push(&a.features);
        }
        for feature in &next.projection.features {
            if listed.iter().any(|features| features.contains(feature)) {
                let message = format!("feature `{name}:{feature}` is listed twice");
                self.problems.push(next.node.error(message));
            }
        }
    }
}

fn not_a_reference(node: &Node) -> crate::Error {
    node.error("a feature reference is view:feature")
}
