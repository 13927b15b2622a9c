//! OnDemandFeatureView: what is known of it without running its Python function.

use std::collections::{BTreeMap, BTreeSet};

use hybrid_core::Result;
use prost_reflect::DynamicMessage;
use prost_reflect::prost::Message;

use super::document::{Document, Record, RecordKind};
use crate::proto::Fields;

/// An on-demand feature view: features that a Python function makes of others, and of columns of the entity frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnDemandView {
    /// Its name.
    pub name: String,
    /// What it gives.
    pub features: Vec<String>,
    /// What it is made of: a feature view's name and a feature of it each.
    pub sources: Vec<(String, String)>,
    /// All of it, with the function: an OnDemandFeatureView of Feast, serialized.
    pub message: Vec<u8>,
}

/// The on-demand feature views of `project`, by name.
///
/// # Errors
/// Corrupt, when a record is none of Feast's.
pub(super) fn read(document: &Document, project: &str) -> Result<BTreeMap<String, OnDemandView>> {
    let records = document.records(RecordKind::OnDemandFeatureView, project)?;
    Ok(records
        .iter()
        .map(|record| (record.name.clone(), read_view(record)))
        .collect())
}

fn read_view(record: &Record) -> OnDemandView {
    let spec = record.spec();
    let sources = spec.children("sources").filter_map(|entry| entry.child("value"));
    // As a map, they come in any order.
    let sources: BTreeSet<_> = sources.filter_map(read_source).flatten().collect();
    OnDemandView {
        name: record.name.clone(),
        features: names(spec, "features").collect(),
        sources: sources.into_iter().collect(),
        message: record.message.encode_to_vec(),
    }
}

/// What is taken of a feature view; `None`, where the source is the data of a request.
fn read_source(source: &DynamicMessage) -> Option<impl Iterator<Item = (String, String)>> {
    let (view, features) = match source.child("feature_view_projection") {
        Some(projection) => (
            projection.text("feature_view_name"),
            names(projection, "feature_columns"),
        ),
        // Older registries hold the whole view.
        None => {
            let spec = source.child("feature_view")?.child("spec")?;
            (spec.text("name"), names(spec, "features"))
        }
    };
    Some(features.map(move |feature| (view.to_owned(), feature)))
}

fn names(parent: &DynamicMessage, list: &str) -> impl Iterator<Item = String> {
    parent.children(list).map(|child| child.text("name").to_owned())
}
