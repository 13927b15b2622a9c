//! FeatureService: read and updated in place.

use hybrid_core::{FeatureProjection, FeatureService, FeatureView, Field, Result};
use prost_reflect::DynamicMessage;

use super::feature_view::write_fields;
use crate::proto::{Fields, named_list};

/// Reads a FeatureServiceSpec.
pub(crate) fn read(spec: &DynamicMessage) -> FeatureService {
    let mut service = FeatureService::new(spec.text("name"), spec.children("features").map(read_projection));
    service.description = spec.text("description").to_owned();
    service.owner = spec.text("owner").to_owned();
    service.tags = spec.map("tags");
    service
}

fn read_projection(message: &DynamicMessage) -> FeatureProjection {
    let columns = message.children("feature_columns").map(|column| column.text("name"));
    let mut projection = FeatureProjection::new(message.text("feature_view_name")).with_features(columns);
    projection.alias = Some(message.text("feature_view_name_alias").to_owned()).filter(|alias| !alias.is_empty());
    projection.join_key_map = message.map("join_key_map");
    projection
}

/// Makes `spec` say what `service` says; `view` finds the views whose features it takes.
pub(crate) fn write<'a>(
    spec: &mut DynamicMessage,
    service: &FeatureService,
    view: impl Fn(&str) -> Result<&'a FeatureView>,
) -> Result<()> {
    spec.set_text("name", &service.name)?;
    spec.set_text("description", &service.description)?;
    spec.set_text("owner", &service.owner)?;
    spec.set_map("tags", &service.tags)?;
    let update = |message: &mut DynamicMessage, projection: &FeatureProjection| {
        message.set_text("feature_view_name", &projection.view)?;
        message.set_text(
            "feature_view_name_alias",
            projection.alias.as_deref().unwrap_or_default(),
        )?;
        message.set_map("join_key_map", &projection.join_key_map)?;
        write_fields(
            message,
            "feature_columns",
            &columns(projection, view(&projection.view)?),
        )
    };
    let names = (
        |message: &DynamicMessage| {
            (
                message.text("feature_view_name").to_owned(),
                message.text("feature_view_name_alias").to_owned(),
            )
        },
        |projection: &FeatureProjection| (projection.view.clone(), projection.alias.clone().unwrap_or_default()),
    );
    named_list(spec, "features", &service.features, names, update)
}

/// Feast keeps every column with its type, also where all of the view's are meant.
fn columns(projection: &FeatureProjection, view: &FeatureView) -> Vec<Field> {
    if projection.features.is_empty() {
        return view.schema.clone();
    }
    let named = projection.features.iter();
    named.filter_map(|name| view.field(name).cloned()).collect()
}
