use std::collections::{BTreeMap, BTreeSet};

use super::{Entity, FeatureService, FeatureView, Source};
use crate::error::nearest;
use crate::{Error, ErrorKind, Result, ValueType};

/// The entity that Feast gives a view without entities.
const DUMMY_ENTITY: &str = "__dummy";

/// The definitions of one project: what [`FeatureReference`](super::FeatureReference)s and service
/// names are looked up in.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FeatureRegistry {
    /// The project they belong to.
    pub project: String,
    /// All entities.
    pub entities: Vec<Entity>,
    /// The sources that have a definition of their own; each view carries its source too.
    pub sources: Vec<Source>,
    /// All feature views.
    pub feature_views: Vec<FeatureView>,
    /// All feature services.
    pub feature_services: Vec<FeatureService>,
    /// Views of Feast that no store can serve, on-demand ones among them, and why not.
    pub unsupported_views: BTreeMap<String, String>,
}

impl FeatureRegistry {
    /// An empty registry of `project`.
    pub fn new(project: impl Into<String>) -> Self {
        Self {
            project: project.into(),
            ..Self::default()
        }
    }

    /// The entity of that name.
    ///
    /// # Errors
    /// NotFound, listing those that exist.
    pub fn entity(&self, name: &str) -> Result<&Entity> {
        find("entity", name, &self.entities, |entity| &entity.name)
    }

    /// The feature view of that name.
    ///
    /// # Errors
    /// NotFound, listing those that exist; Unsupported, for one that no store can serve.
    pub fn feature_view(&self, name: &str) -> Result<&FeatureView> {
        if let Some(reason) = self.unsupported_views.get(name) {
            let message = format!("feature view `{name}` cannot be served: {reason}");
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        find("feature view", name, &self.feature_views, |view| &view.name)
    }

    /// The feature service of that name.
    ///
    /// # Errors
    /// NotFound, listing those that exist.
    pub fn feature_service(&self, name: &str) -> Result<&FeatureService> {
        find("feature service", name, &self.feature_services, |service| &service.name)
    }

    /// The join keys of `view`, in the order of its entities, and the types that those declare.
    ///
    /// # Errors
    /// NotFound, when one of the entities is not there.
    pub fn join_keys(&self, view: &FeatureView) -> Result<Vec<(String, Option<ValueType>)>> {
        let entities = view.entities.iter().filter(|name| *name != DUMMY_ENTITY);
        let key = |name: &String| {
            let entity = self
                .entity(name)
                .map_err(|error| error.with_help(format!("feature view `{}` names it", view.name)))?;
            Ok((entity.join_key.clone(), entity.value_type.clone()))
        };
        entities.map(key).collect()
    }

    /// The source of that name.
    ///
    /// # Errors
    /// NotFound, listing those that exist.
    pub fn source(&self, name: &str) -> Result<&Source> {
        find("source", name, &self.sources, |source| &source.name)
    }
}

fn find<'a, T>(what: &str, name: &str, all: &'a [T], name_of: impl Fn(&T) -> &String) -> Result<&'a T> {
    all.iter().find(|item| name_of(item) == name).ok_or_else(|| {
        not_found(
            what,
            name,
            &all.iter().map(|item| name_of(item).as_str()).collect::<Vec<_>>(),
        )
    })
}

/// Names for people: each once, in order.
pub(crate) fn listed(names: &[&str]) -> String {
    let mut seen = BTreeSet::new();
    let once: Vec<&str> = names.iter().copied().filter(|name| seen.insert(*name)).collect();
    once.join(", ")
}

/// NotFound for `name`, with the nearest of `known` and all of them.
pub(crate) fn not_found(what: &str, name: &str, known: &[&str]) -> Error {
    let error = Error::new(ErrorKind::NotFound, format!("{what} `{name}` does not exist"));
    let error = match nearest(name, known.iter().copied()) {
        Some(near) => error.with_help(format!("did you mean `{near}`?")),
        None => error,
    };
    match known {
        [] => error.with_help(format!("there is no {what} at all")),
        known => error.with_help(format!("what exists: {}", listed(known))),
    }
}
