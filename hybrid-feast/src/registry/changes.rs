//! Definitions into registry.db: adds and updates what differs and leaves every other byte alone.

use std::collections::{BTreeSet, HashMap};
use std::time::SystemTime;

use hybrid_core::{FeatureRegistry, FeatureView, Field, Result};
use prost_reflect::DynamicMessage;

use super::document::{Document, Record, RecordKind};
use super::merge::{kept, merged};
use super::{entity, feature_service, feature_view, read, source};
use crate::apply::validate;
use crate::proto::{Fields, descriptor, timestamp};

/// What an apply changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// Kind and name of what is new, for example `feature view driver_stats`.
    pub added: Vec<String>,
    /// Kind and name of what changed.
    pub updated: Vec<String>,
    /// Kind and name of what was deleted.
    pub deleted: Vec<String>,
    /// How many definitions stayed as they were.
    pub unchanged: usize,
}

/// Brings `definitions`, in which nothing is left to infer, into `document`. What is returned
/// beside [`Applied`] says whether `document` is another than before.
///
/// # Errors
/// Definition and others: every reference that leads nowhere, and what Feast's form cannot hold.
pub(crate) fn apply(document: &mut Document, definitions: &FeatureRegistry, prune: bool) -> Result<(Applied, bool)> {
    let merged = merged(document, definitions, prune)?;
    validate(definitions, &merged)?;
    let mut changes = Changes {
        document,
        project: &definitions.project,
        now: SystemTime::now(),
        applied: Applied::default(),
    };
    changes.all(definitions, &merged)?;
    if prune {
        changes.prune(definitions)?;
    }
    changes.finish()
}

struct Changes<'a> {
    document: &'a mut Document,
    project: &'a str,
    now: SystemTime,
    applied: Applied,
}

impl Changes<'_> {
    fn all(&mut self, new: &FeatureRegistry, merged: &FeatureRegistry) -> Result<()> {
        self.put(
            RecordKind::Entity,
            new.entities.iter().map(|entity| (&entity.name, entity)),
            entity::write,
        )?;
        self.put(
            RecordKind::DataSource,
            new.sources.iter().map(|source| (&source.name, source)),
            source::write,
        )?;
        let streams = self.names(RecordKind::StreamFeatureView)?;
        let write =
            |spec: &mut DynamicMessage, view: &FeatureView| feature_view::write(spec, view, &join_keys(view, merged)?);
        for (kind, stream) in [(RecordKind::FeatureView, false), (RecordKind::StreamFeatureView, true)] {
            let views = new
                .feature_views
                .iter()
                .filter(|view| streams.contains(&view.name) == stream);
            self.put(kind, views.map(|view| (&view.name, view)), write)?;
        }
        let services = new.feature_services.iter().map(|service| (&service.name, service));
        self.put(RecordKind::FeatureService, services, |spec, service| {
            feature_service::write(spec, service, |view| merged.feature_view(view))
        })
    }

    fn names(&self, kind: RecordKind) -> Result<BTreeSet<String>> {
        let records = self.document.records(kind, self.project)?;
        Ok(records.into_iter().map(|record| record.name).collect())
    }

    fn put<'n, T: 'n>(
        &mut self,
        kind: RecordKind,
        items: impl Iterator<Item = (&'n String, &'n T)>,
        write: impl Fn(&mut DynamicMessage, &T) -> Result<()>,
    ) -> Result<()> {
        let old = self.document.records(kind, self.project)?;
        let mut old: HashMap<String, Record> = old.into_iter().map(|record| (record.name.clone(), record)).collect();
        for (name, item) in items {
            let record = old.remove(name);
            let index = record.as_ref().map(|record| record.index);
            let before = record.map(|record| record.message);
            let fresh = || descriptor(kind.names().0).map(DynamicMessage::new);
            let mut message = before.clone().map_or_else(fresh, Ok)?;
            let spec = spec_mut(&mut message, kind)?;
            write(spec, item)?;
            spec.set_text("project", self.project)?;
            self.keep(kind, name, index, before.as_ref(), message)?;
        }
        Ok(())
    }

    fn keep(
        &mut self,
        kind: RecordKind,
        name: &str,
        index: Option<usize>,
        before: Option<&DynamicMessage>,
        mut message: DynamicMessage,
    ) -> Result<()> {
        if before == Some(&message) {
            self.applied.unchanged += 1;
            return Ok(());
        }
        stamp(&mut message, self.now)?;
        self.document.put(kind, index, &message)?;
        let list = if before.is_some() {
            &mut self.applied.updated
        } else {
            &mut self.applied.added
        };
        list.push(format!("{} {name}", kind.names().2));
        Ok(())
    }

    fn prune(&mut self, definitions: &FeatureRegistry) -> Result<()> {
        let current = read(self.document, self.project)?;
        let kept = kept(self.document, &current)?;
        let services = definitions
            .feature_services
            .iter()
            .map(|service| &service.name)
            .collect();
        self.delete(RecordKind::FeatureService, &services, |_| false)?;
        let views = definitions.feature_views.iter().map(|view| &view.name).collect();
        self.delete(RecordKind::FeatureView, &views, |record| {
            kept.views.contains(&record.name)
        })?;
        let sources = definitions.sources.iter().map(|source| &source.name).collect();
        // A source that cannot be read is one that only Feast can define.
        self.delete(RecordKind::DataSource, &sources, |record| {
            kept.sources.contains(&record.name) || source::read(&record.message).is_err()
        })?;
        let entities = definitions.entities.iter().map(|entity| &entity.name).collect();
        self.delete(RecordKind::Entity, &entities, |record| {
            kept.entities.contains(&record.name)
        })
    }

    fn delete(&mut self, kind: RecordKind, defined: &BTreeSet<&String>, keep: impl Fn(&Record) -> bool) -> Result<()> {
        let records = self.document.records(kind, self.project)?;
        // From the end, so that the places of those before stay true.
        for record in records
            .iter()
            .rev()
            .filter(|record| !defined.contains(&record.name) && !keep(record))
        {
            self.document.remove(kind, record.index)?;
            self.applied.deleted.push(format!("{} {}", kind.names().2, record.name));
        }
        Ok(())
    }

    fn finish(mut self) -> Result<(Applied, bool)> {
        let changes = self.applied.added.len() + self.applied.updated.len() + self.applied.deleted.len();
        let project = self.document.records(RecordKind::Project, self.project)?.pop();
        let changed = changes > 0 || project.is_none();
        if changed {
            self.touch_project(project)?;
            self.document.stamp(self.now)?;
        }
        Ok((self.applied, changed))
    }

    fn touch_project(&mut self, project: Option<Record>) -> Result<()> {
        let index = project.as_ref().map(|record| record.index);
        let fresh = || descriptor("Project").map(DynamicMessage::new);
        let mut message = project.map(|record| record.message).map_or_else(fresh, Ok)?;
        message.child_mut("spec")?.set_text("name", self.project)?;
        stamp(&mut message, self.now)?;
        self.document.put(RecordKind::Project, index, &message)
    }
}

/// The part of a record with the definition; a source has no such part and is one itself.
pub(super) fn spec_mut(message: &mut DynamicMessage, kind: RecordKind) -> Result<&mut DynamicMessage> {
    match kind {
        RecordKind::DataSource => Ok(message),
        _ => message.child_mut("spec"),
    }
}

fn stamp(message: &mut DynamicMessage, now: SystemTime) -> Result<()> {
    let meta = message.child_mut("meta")?;
    if meta.child("created_timestamp").is_none() {
        timestamp(meta, "created_timestamp", now)?;
    }
    timestamp(meta, "last_updated_timestamp", now)
}

/// The join keys of `view` with their types, as Feast keeps them beside its features.
fn join_keys(view: &FeatureView, merged: &FeatureRegistry) -> Result<Vec<Field>> {
    let entities = view.entities.iter().map(|name| merged.entity(name));
    let keys = entities.map(|entity| {
        let entity = entity?;
        Ok(entity
            .value_type
            .clone()
            .map(|value_type| Field::new(&entity.join_key, value_type)))
    });
    Ok(keys.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}
