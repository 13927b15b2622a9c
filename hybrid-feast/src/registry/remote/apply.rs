//! What an apply changes, as calls to a registry server: each definition after what it refers to.

use std::collections::BTreeMap;

use bytes::Bytes;
use hybrid_core::{Error, ErrorKind, Result};
use prost_reflect::prost::Message;
use prost_reflect::{DynamicMessage, Value};

use super::client::Client;
use super::message::{ApplyRequest, ApplyViewRequest, DeleteRequest};
use super::token::Bearer;
use crate::proto::Fields;
use crate::registry::Applied;
use crate::registry::changes::spec_mut;
use crate::registry::document::{Document, RecordKind};

/// What can be applied, each kind after those that it refers to; and the calls that apply and delete it. The server makes
/// and stamps the project itself.
#[rustfmt::skip]
const KINDS: [(RecordKind, &str, &str); 5] = [
    (RecordKind::Entity,            "ApplyEntity",         "DeleteEntity"),
    (RecordKind::DataSource,        "ApplyDataSource",     "DeleteDataSource"),
    (RecordKind::FeatureView,       "ApplyFeatureView",    "DeleteFeatureView"),
    (RecordKind::StreamFeatureView, "ApplyFeatureView",    "DeleteFeatureView"),
    (RecordKind::FeatureService,    "ApplyFeatureService", "DeleteFeatureService"),
];

/// One definition of a project.
#[derive(Debug, Clone, PartialEq)]
struct Definition {
    bytes: Bytes,
    /// What is compared: a server has no order of features, and stamps the rest itself.
    compared: Vec<u8>,
}

/// The definitions of a project by name, kind by kind.
pub(super) struct Contents(Vec<BTreeMap<String, Definition>>);

impl Contents {
    /// What `document` holds of a project and can be applied.
    ///
    /// # Errors
    /// Corrupt, for a record that cannot be read.
    pub(super) fn of(document: &Document, project: &str) -> Result<Self> {
        let of_kind = |(kind, ..): &(RecordKind, _, _)| {
            let records = document.records(*kind, project)?.into_iter();
            let named = records.map(|record| {
                let bytes = record.message.encode_to_vec().into();
                let compared = compared(record.message, *kind)?;
                Ok((record.name, Definition { bytes, compared }))
            });
            named.collect()
        };
        Ok(Self(KINDS.iter().map(of_kind).collect::<Result<_>>()?))
    }
}

/// The definition without what the registry adds to it, its features in the order of their names.
fn compared(mut message: DynamicMessage, kind: RecordKind) -> Result<Vec<u8>> {
    message.clear_field_by_name("meta");
    let spec = spec_mut(&mut message, kind)?;
    if matches!(kind, RecordKind::FeatureView | RecordKind::StreamFeatureView) {
        let name = |value: &Value| value.as_message().map_or("", |field| field.text("name")).to_owned();
        for list in ["features", "entity_columns"] {
            spec.list_mut(list)?.sort_by_cached_key(name);
        }
    }
    Ok(message.encode_to_vec())
}

/// One call that changes a definition.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Step {
    kind: RecordKind,
    name: String,
    method: &'static str,
    /// The definition; without it the call deletes.
    definition: Option<Bytes>,
}

impl Step {
    /// The kind and name of what it changes, as [`Applied`] has them.
    fn what(&self) -> String {
        format!("{} {}", self.kind.names().2, self.name)
    }

    pub(super) fn deletes(&self) -> bool {
        self.definition.is_none()
    }

    async fn make(&self, client: &Client, project: &str, bearer: Option<&Bearer>) -> Result<()> {
        let (name, project, commit) = (self.name.clone(), project.to_owned(), true);
        let Some(definition) = self.definition.clone() else {
            let request = DeleteRequest { name, project, commit };
            return client.change(self.method, request, bearer).await;
        };
        let (feature_view, stream_feature_view) = match self.kind {
            RecordKind::FeatureView => (Some(definition), None),
            RecordKind::StreamFeatureView => (None, Some(definition)),
            _ => {
                let request = ApplyRequest {
                    definition,
                    project,
                    commit,
                };
                return client.change(self.method, request, bearer).await;
            }
        };
        let request = ApplyViewRequest {
            feature_view,
            stream_feature_view,
            project,
            commit,
        };
        client.change(self.method, request, bearer).await
    }
}

/// The calls that make `after` of `before`.
pub(super) fn steps(before: &Contents, after: &Contents) -> Vec<Step> {
    let step = |kind: &RecordKind, method: &&'static str, name: &String, definition| Step {
        kind: *kind,
        name: name.clone(),
        method,
        definition,
    };
    let kinds = || KINDS.iter().zip(before.0.iter().zip(&after.0));
    let mut steps = Vec::new();
    for ((kind, apply, _), (before, after)) in kinds() {
        let is_new =
            |(name, new): &(&String, &Definition)| before.get(*name).is_none_or(|old| old.compared != new.compared);
        let new = after.iter().filter(is_new);
        steps.extend(new.map(|(name, new)| step(kind, apply, name, Some(new.bytes.clone()))));
    }
    // What refers to others goes before them.
    for ((kind, _, delete), (before, after)) in kinds().rev() {
        let gone = before.keys().filter(|name| !after.contains_key(*name));
        steps.extend(gone.map(|name| step(kind, delete, name, None)));
    }
    steps
}

/// What is left of `planned` where only these steps are made.
pub(super) fn only(planned: Applied, steps: &[Step]) -> Applied {
    let made: Vec<String> = steps.iter().map(Step::what).collect();
    let mut unchanged = planned.unchanged;
    let mut keep = |mut list: Vec<String>| {
        let all = list.len();
        list.retain(|what| made.contains(what));
        unchanged += all - list.len();
        list
    };
    let (added, updated, deleted) = (keep(planned.added), keep(planned.updated), keep(planned.deleted));
    Applied {
        added,
        updated,
        deleted,
        unchanged,
    }
}

/// Makes the calls.
///
/// # Errors
/// What the server says; it keeps what the calls before have changed.
pub(super) async fn run(client: &Client, project: &str, steps: &[Step], bearer: Option<&Bearer>) -> Result<()> {
    for (made, step) in steps.iter().enumerate() {
        let stopped = |error: Error| {
            let error = error.within(&step.what());
            match made {
                0 => error,
                _ => error.with_help(format!("{made} of {} changes were made before it", steps.len())),
            }
        };
        step.make(client, project, bearer).await.map_err(stopped)?;
    }
    Ok(())
}

/// The error of what a server accepted and did not keep.
pub(super) fn not_kept(steps: &[Step], place: &str) -> Error {
    let names: Vec<String> = steps.iter().map(Step::what).collect();
    let message = format!("registry server {place} accepted and did not keep {}", names.join(", "));
    Error::new(ErrorKind::Unexpected, message)
        .with_help("Feast takes some changes for none, such as another `table` of a Postgres source: give the source another name, or apply where feature_store.yaml names the server's own registry")
        .with_help("somebody else may have changed them at the same moment: apply again")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holding(entities: &[(&str, &'static str)], views: &[(&str, &'static str)]) -> Contents {
        let named = |all: &[(&str, &'static str)]| {
            let definition = |text: &'static str| Definition {
                bytes: Bytes::from_static(text.as_bytes()),
                compared: text.as_bytes().to_vec(),
            };
            all.iter()
                .map(|(name, text)| ((*name).to_owned(), definition(text)))
                .collect()
        };
        let mut contents = vec![BTreeMap::new(); KINDS.len()];
        contents[0] = named(entities);
        contents[2] = named(views);
        Contents(contents)
    }

    #[test]
    fn what_is_referred_to_comes_first_and_goes_last() {
        let before = holding(&[("a", "1"), ("b", "1")], &[("v", "1"), ("w", "1")]);
        let after = holding(&[("a", "1"), ("c", "1")], &[("v", "2")]);
        let found = steps(&before, &after);
        let calls: Vec<_> = found.iter().map(|step| (step.method, step.name.as_str())).collect();
        assert_eq!(
            calls,
            [
                ("ApplyEntity", "c"),
                ("ApplyFeatureView", "v"),
                ("DeleteFeatureView", "w"),
                ("DeleteEntity", "b"),
            ]
        );
        assert_eq!(found[1].definition.as_deref(), Some(&b"2"[..]));
        assert!(steps(&after, &after).is_empty());
        let planned = Applied {
            added: vec!["entity c".to_owned()],
            updated: vec!["feature view v".to_owned(), "source s".to_owned()],
            deleted: vec!["feature view w".to_owned(), "entity b".to_owned()],
            unchanged: 1,
        };
        let told = only(planned, &found);
        assert_eq!((told.updated.len(), told.deleted.len(), told.unchanged), (1, 2, 2));
    }
}
