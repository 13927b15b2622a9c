//! registry.db to the definitions of one project.

use std::collections::HashMap;

use hybrid_core::{FeatureRegistry, Result};

use super::document::{Document, Record, RecordKind};
use super::{entity, feature_service, feature_view, source};

/// The definitions of `project`. Views that no store could serve are listed with the reason.
///
/// # Errors
/// Corrupt, when a record is none of Feast's.
pub(crate) fn read(document: &Document, project: &str) -> Result<FeatureRegistry> {
    let mut registry = FeatureRegistry::new(project);
    let mut key_types = HashMap::new();
    for kind in [RecordKind::FeatureView, RecordKind::StreamFeatureView] {
        for record in document.records(kind, project)? {
            read_view(&mut registry, &record);
            let types = feature_view::key_types(record.spec());
            key_types.extend(types.map(|(column, value_type)| (column.to_owned(), value_type)));
        }
    }
    for kind in [RecordKind::OnDemandFeatureView, RecordKind::LabelView] {
        for record in document.records(kind, project)? {
            registry.unsupported_views.insert(record.name, reason(kind));
        }
    }
    for record in document.records(RecordKind::Entity, project)? {
        if record.name != entity::DUMMY {
            let mut entity = entity::read(record.spec());
            // Feast leaves an entity without a type and keeps the inferred one in the views.
            entity.value_type = entity.value_type.or_else(|| key_types.get(&entity.join_key).cloned());
            registry.entities.push(entity);
        }
    }
    let services = document.records(RecordKind::FeatureService, project)?;
    registry.feature_services = services
        .iter()
        .map(|record| feature_service::read(record.spec()))
        .collect();
    // Streams and requests are sources of Feast that hold no rows.
    let sources = document.records(RecordKind::DataSource, project)?;
    registry.sources = sources
        .iter()
        .filter_map(|record| source::read(&record.message).ok())
        .collect();
    Ok(registry)
}

fn read_view(registry: &mut FeatureRegistry, record: &Record) {
    match feature_view::read(record.spec()) {
        Ok(view) => registry.feature_views.push(view),
        Err(error) => {
            registry
                .unsupported_views
                .insert(record.name.clone(), error.message().to_owned());
        }
    }
}

fn reason(kind: RecordKind) -> String {
    match kind {
        RecordKind::OnDemandFeatureView => "it is an on-demand feature view: Python code that Feast runs".to_owned(),
        kind => format!("it is a {}, which only Feast serves", kind.names().2),
    }
}
