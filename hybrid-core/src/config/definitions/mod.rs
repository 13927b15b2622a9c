//! features.yaml to a [`FeatureRegistry`], and back.

mod entity;
mod schema;
mod service;
mod source;
mod view;
mod write;

use std::path::Path;

use super::environment;
use super::expand::Variables;
use super::fields::Fields;
use super::node::Node;
use super::parse;
use super::problems::Problems;
use super::read::{file_in, read_file};
use super::repo::RepoConfig;
use super::store_type::{self, Resolve};
use crate::{Error, ErrorKind, FeatureRegistry, Result, Source};

pub use write::to_yaml;

/// Checks a source's options; the node holds them with their positions.
pub(super) type CheckSource<'a> = &'a dyn Fn(&Source, &Node) -> Result<(), Vec<Error>>;

/// The name of the file in a repository's folder.
const FILE: &str = "features.yaml";

/// Reads `features.yaml` in the repository of `config`, expanding variables from the environment.
///
/// # Errors
/// NotFound where the file is missing; Definition with every problem in it.
pub fn load_definitions(config: &RepoConfig) -> Result<FeatureRegistry> {
    let file = file_in(&config.repo, FILE);
    let text = read_file(&file, ErrorKind::Definition)?;
    let mut registry = parse_definitions(&text, &file, &environment)?;
    registry.project.clone_from(&config.project);
    Ok(registry)
}

/// Reads the text of a features.yaml; `variable` gives the value of `${NAME}`. The registry's
/// project is empty. A source's own fields are checked where its store is compiled in.
///
/// # Errors
/// Definition, with every problem found.
pub fn parse_definitions(
    text: &str,
    file: &Path,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<FeatureRegistry> {
    parse_with(text, file, variable, &store_type::resolve, &source::check_compiled)
}

pub(super) fn parse_with(
    text: &str,
    file: &Path,
    variable: Variables<'_>,
    resolve: Resolve<'_>,
    check_source: CheckSource<'_>,
) -> Result<FeatureRegistry> {
    let mut root = parse::parse(text, file, ErrorKind::Definition)?;
    let mut problems = Problems::default();
    root.expand(variable, &mut problems);
    let mut reader = Reader {
        problems,
        resolve,
        check_source,
    };
    let registry = reader.registry(&root);
    reader.problems.finish(registry)
}

/// Reads definitions and keeps what is wrong with them. What is wrong gets a stand-in, so that
/// whatever refers to it is still checked.
struct Reader<'a> {
    problems: Problems,
    resolve: Resolve<'a>,
    check_source: CheckSource<'a>,
}

impl Reader<'_> {
    fn registry(&mut self, root: &Node) -> Option<FeatureRegistry> {
        let mut fields = Fields::of(root, FILE, &mut self.problems)?;
        let entities = fields.list("entities", &mut self.problems);
        let sources = fields.list("sources", &mut self.problems);
        let views = fields.list("feature_views", &mut self.problems);
        let services = fields.list("feature_services", &mut self.problems);
        fields.finish(&mut self.problems);
        for (what, nodes) in [
            ("entity", entities),
            ("source", sources),
            ("feature view", views),
            ("feature service", services),
        ] {
            self.report_repeated(what, nodes);
        }
        let mut registry = FeatureRegistry {
            entities: entities.iter().filter_map(|node| self.entity(node)).collect(),
            sources: sources.iter().filter_map(|node| self.source(node, true)).collect(),
            ..FeatureRegistry::default()
        };
        for node in views {
            let view = self.view(node, &mut registry);
            registry.feature_views.extend(view);
        }
        for node in services {
            let service = self.service(node, &registry);
            registry.feature_services.extend(service);
        }
        Some(registry)
    }

    fn report_repeated(&mut self, what: &str, nodes: &[Node]) {
        let names = nodes.iter().filter_map(|node| node.get("name"));
        self.report_repeated_names(what, names);
    }

    /// Reports every scalar that an earlier one equals.
    fn report_repeated_names<'n>(&mut self, what: &str, names: impl Iterator<Item = &'n Node>) {
        let mut first = std::collections::HashMap::new();
        for node in names {
            let Some(name) = node.as_str().filter(|name| !name.is_empty()) else {
                continue;
            };
            if let Some(at) = first.get(name) {
                let message = format!("{what} `{name}` is defined twice: first at {at}");
                self.problems.push(node.error(message));
            } else {
                first.insert(name, node.position());
            }
        }
    }

    /// The name of something that references point at.
    fn name(&mut self, fields: &mut Fields<'_>, what: &str) -> Option<String> {
        let name = fields.text("name", what, &mut self.problems)?;
        if name.contains([':', '@']) {
            let at = fields.get("name")?;
            self.problems
                .push(at.error(format!("`{name}` is no name for {what}: it must not hold `:` or `@`")));
        }
        Some(name)
    }

    /// The value at `node` read by `parse`, whose error gets the position.
    fn parsed<T>(&mut self, node: &Node, key: &str, parse: impl Fn(&str) -> Result<T>) -> Option<T> {
        let text: String = self.problems.keep_all(node.read(Some(key)))?;
        self.problems
            .keep(parse(&text).map_err(|error| error.at(node.position())))
    }

    /// Reports that `node` names nothing among `known`.
    fn unknown(&mut self, node: &Node, what: &str, name: &str, known: &[&str]) {
        if !self.problems.is_full() {
            self.problems.push(unknown(node, what, name, known));
        }
    }
}

fn unknown(node: &Node, what: &str, name: &str, known: &[&str]) -> Error {
    let error = node.error(format!("{what} `{name}` does not exist"));
    match known {
        [] => error.with_help(format!("there is no {what} at all")),
        known => super::problem::with_nearest(error, name, known, "what exists:"),
    }
}
