//! What the registry will hold after an apply: what references are resolved against.

use std::collections::BTreeSet;

use hybrid_core::{FeatureRegistry, Result};
use prost_reflect::Value;

use super::document::{Document, RecordKind};
use super::entity::DUMMY;
use super::read;
use crate::proto::Fields;

/// Names of entities and sources that outlive a prune, since views that only Feast can define use them.
#[derive(Default)]
pub(crate) struct Kept {
    pub entities: BTreeSet<String>,
    pub sources: BTreeSet<String>,
    pub views: BTreeSet<String>,
}

/// What a prune leaves alone.
pub(crate) fn kept(document: &Document, current: &FeatureRegistry) -> Result<Kept> {
    use RecordKind::{FeatureView, LabelView, OnDemandFeatureView, StreamFeatureView};
    let mut kept = Kept::default();
    kept.entities.insert(DUMMY.to_owned());
    for kind in [FeatureView, StreamFeatureView, OnDemandFeatureView, LabelView] {
        for record in document.records(kind, &current.project)? {
            if kind == FeatureView && !current.unsupported_views.contains_key(&record.name) {
                continue;
            }
            let entities = record.spec().values("entities").iter().filter_map(Value::as_str);
            kept.entities.extend(entities.map(str::to_owned));
            let source = record.spec().child("batch_source");
            kept.sources.extend(source.map(|source| source.text("name").to_owned()));
            kept.views.insert(record.name);
        }
    }
    Ok(kept)
}

/// The registry as it will be: `definitions` over what `document` holds, or over what a prune leaves of it.
pub(crate) fn merged(document: &Document, definitions: &FeatureRegistry, prune: bool) -> Result<FeatureRegistry> {
    let mut all = read(document, &definitions.project)?;
    if prune {
        let kept = kept(document, &all)?;
        all.entities.retain(|entity| kept.entities.contains(&entity.name));
        all.sources.retain(|source| kept.sources.contains(&source.name));
        all.feature_views.retain(|view| kept.views.contains(&view.name));
        all.feature_services.clear();
    }
    overlay(&mut all.entities, &definitions.entities, |entity| &entity.name);
    overlay(&mut all.sources, &definitions.sources, |source| &source.name);
    overlay(&mut all.feature_views, &definitions.feature_views, |view| &view.name);
    overlay(&mut all.feature_services, &definitions.feature_services, |service| {
        &service.name
    });
    Ok(all)
}

fn overlay<T: Clone>(all: &mut Vec<T>, new: &[T], name: impl Fn(&T) -> &String) {
    let names: BTreeSet<&String> = new.iter().map(&name).collect();
    all.retain(|item| !names.contains(name(item)));
    all.extend(new.iter().cloned());
}
