use std::collections::BTreeMap;

use hybrid_core::Result;
use prost_reflect::{DynamicMessage, Value};

use super::super::document::{Document, RecordKind};
use super::{Action, NamePattern, Permission, Permissions, Policy, ResourceKind};
use crate::proto::Fields;

/// Lists of views other than plain ones.
const VIEWS: [(RecordKind, ResourceKind); 3] = [
    (RecordKind::StreamFeatureView, ResourceKind::StreamFeatureView),
    (RecordKind::OnDemandFeatureView, ResourceKind::OnDemandFeatureView),
    (RecordKind::LabelView, ResourceKind::LabelView),
];

/// The Permission objects of `project`. What is not understood in one of them grants nothing.
///
/// # Errors
/// Corrupt, when a record is none of Feast's.
pub(crate) fn read(document: &Document, project: &str) -> Result<Permissions> {
    let mut all = Permissions::default();
    let records = document.records(RecordKind::Permission, project)?;
    all.permissions = records.iter().map(|record| permission(record.spec())).collect();
    for (list, kind) in VIEWS {
        let records = document.records(list, project)?;
        all.views.extend(records.into_iter().map(|record| (record.name, kind)));
    }
    // Feast looks for a plain view first.
    for record in document.records(RecordKind::FeatureView, project)? {
        all.views.remove(&record.name);
    }
    Ok(all)
}

fn permission(spec: &DynamicMessage) -> Permission {
    Permission {
        name: spec.text("name").to_owned(),
        kinds: kinds(spec),
        patterns: texts(spec, "name_patterns")
            .iter()
            .map(|it| NamePattern::new(it))
            .collect(),
        tags: trimmed(spec.map("required_tags")),
        actions: numbers(spec, "actions").filter_map(Action::of_number).collect(),
        policy: spec.child("policy").map_or(Policy::Nobody, policy),
    }
}

/// No kinds are all; kinds that are not known are none.
fn kinds(spec: &DynamicMessage) -> Vec<ResourceKind> {
    match spec.values("types").is_empty() {
        true => ResourceKind::all(),
        false => numbers(spec, "types").filter_map(ResourceKind::of_number).collect(),
    }
}

/// Feast writes `AllowAll` as a policy without a kind.
fn policy(message: &DynamicMessage) -> Policy {
    if let Some(policy) = message.child("role_based_policy") {
        return Policy::Roles(texts(policy, "roles"));
    }
    if let Some(policy) = message.child("group_based_policy") {
        return Policy::Groups(texts(policy, "groups"));
    }
    if let Some(policy) = message.child("namespace_based_policy") {
        return Policy::Namespaces(texts(policy, "namespaces"));
    }
    if let Some(policy) = message.child("combined_group_namespace_policy") {
        return Policy::GroupsOrNamespaces(texts(policy, "groups"), texts(policy, "namespaces"));
    }
    match message.unknown_fields().next() {
        None => Policy::Everyone,
        // A later kind of policy must not pass for one that admits everyone.
        Some(_) => Policy::Nobody,
    }
}

fn texts(message: &DynamicMessage, name: &str) -> Vec<String> {
    let values = message.values(name).iter().filter_map(Value::as_str);
    values.map(str::to_owned).collect()
}

fn numbers(message: &DynamicMessage, name: &str) -> impl Iterator<Item = i32> {
    message.values(name).iter().filter_map(Value::as_i32)
}

/// As Feast compares them.
fn trimmed(tags: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let trim = |(key, value): (String, String)| (key.trim().to_owned(), value.trim().to_owned());
    tags.into_iter().map(trim).collect()
}
