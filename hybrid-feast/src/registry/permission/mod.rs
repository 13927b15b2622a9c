//! Feast's Permission objects: who may do what with which definition.

mod pattern;
mod policy;
mod read;
mod resource;
#[cfg(test)]
mod tests;

pub(crate) use read::read;
pub use resource::{Action, Identity, Resource, ResourceKind};

use std::collections::{BTreeMap, HashMap};

use hybrid_core::definitions::Tags;
use hybrid_core::{Error, ErrorKind, FeatureView, Result};

use pattern::NamePattern;
use policy::Policy;
use resource::python_list;

/// The Permission objects of a project.
#[derive(Debug, Default)]
pub struct Permissions {
    permissions: Vec<Permission>,
    /// Views that are more than a plain FeatureView, by name.
    views: HashMap<String, ResourceKind>,
}

#[derive(Debug)]
struct Permission {
    name: String,
    /// Kinds of which a resource has to be one.
    kinds: Vec<ResourceKind>,
    /// One of them has to match, where there are any.
    patterns: Vec<NamePattern>,
    tags: BTreeMap<String, String>,
    actions: Vec<Action>,
    policy: Policy,
}

impl Permissions {
    /// Whether the project has no Permission object.
    pub fn is_empty(&self) -> bool {
        self.permissions.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.permissions.len()
    }

    /// A view of the same registry as a resource: whether it is a plain or a stream feature view is
    /// known here only.
    pub fn view<'a>(&self, view: &'a FeatureView) -> Resource<'a> {
        let kind = self.views.get(&view.name).copied();
        Resource {
            kind: kind.unwrap_or(ResourceKind::FeatureView),
            name: &view.name,
            tags: &view.tags,
        }
    }

    /// Whether `who` may do `action` with `resource`, as Feast decides it:
    ///
    /// - Without any Permission object, whoever has a name may do everything.
    /// - Else the permissions count whose kinds, name patterns, required tags and actions fit. None
    ///   fits: refused. One of those that fit admits `who`: granted.
    ///
    /// Feast's server does not compare required tags, although its documentation says so; here they
    /// are compared with the resource's tags. That grants less, never more.
    ///
    /// # Errors
    /// PermissionDenied, with the message of Feast's `FeastPermissionError`.
    pub fn check(&self, who: &Identity, resource: &Resource<'_>, action: Action) -> Result<()> {
        if self.permissions.is_empty() {
            return match who.is_anonymous() {
                true => Err(denied(
                    "No permissions defined and no authenticated user context. Access denied.",
                )),
                false => Ok(()),
            };
        }
        let mut refusals = Vec::new();
        for permission in self.permissions.iter().filter(|it| it.covers(resource, action)) {
            match permission.policy.refusal(who) {
                None => return Ok(()),
                Some(reason) => refusals.push(permission.refused(resource, action, &reason)),
            }
        }
        match refusals.is_empty() {
            true => Err(self.uncovered(resource, action)),
            false => Err(denied(&refusals.join(","))),
        }
    }

    /// No permission is about it; those that nearly are say why not.
    fn uncovered(&self, resource: &Resource<'_>, action: Action) -> Error {
        let (kind, name) = (resource.kind, resource.name);
        let action_name = action.name();
        let value = action_name.to_ascii_lowercase();
        let error = denied(&format!(
            "No permissions defined to manage [<AuthzedAction.{action_name}: '{value}'>] on <class '{}.{}'>/{name}.",
            kind.module(),
            kind.name(),
        ));
        let fitting = self.permissions.iter().filter(|it| it.concerns(resource.kind, action));
        fitting
            .filter_map(|it| it.nearly(resource))
            .fold(error, Error::with_help)
    }
}

impl Permission {
    fn covers(&self, resource: &Resource<'_>, action: Action) -> bool {
        self.concerns(resource.kind, action) && self.fits_name(resource.name) && self.fits_tags(resource.tags)
    }

    fn concerns(&self, kind: ResourceKind, action: Action) -> bool {
        self.kinds.iter().any(|wanted| kind.is_a(*wanted)) && self.actions.contains(&action)
    }

    fn fits_name(&self, name: &str) -> bool {
        self.patterns.is_empty() || self.patterns.iter().any(|pattern| pattern.matches(name))
    }

    fn fits_tags(&self, tags: &Tags) -> bool {
        self.tags.iter().all(|(key, value)| tags.get(key) == Some(value))
    }

    fn refused(&self, resource: &Resource<'_>, action: Action, reason: &str) -> String {
        let actions = python_list([action.name()]);
        let (permission, kind) = (&self.name, resource.kind.name());
        format!(
            "Permission {permission} denied execution of {actions} to {kind}:{}: {reason}",
            resource.name
        )
    }

    /// What keeps it from covering the resource that its author may not know of.
    fn nearly(&self, resource: &Resource<'_>) -> Option<String> {
        let name = &self.name;
        if let Some(reason) = self.patterns.iter().find_map(NamePattern::broken) {
            return Some(format!("permission {name} matches no name: {reason}"));
        }
        let misses = self.fits_name(resource.name) && !self.fits_tags(resource.tags);
        let tags: Vec<String> = self.tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
        misses.then(|| format!("permission {name} is for what has the tags {}", tags.join(", ")))
    }
}

/// An error with the text that Feast's exception has.
fn denied(details: &str) -> Error {
    Error::new(ErrorKind::PermissionDenied, format!("Permission error:\n{details}"))
}
