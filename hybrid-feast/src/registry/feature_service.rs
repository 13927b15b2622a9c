//! FeatureService: read and updated in place.

use hybrid_core::{FeatureProjection, FeatureService, FeatureView, Field, Result, Source};
use prost_reflect::DynamicMessage;

use super::feature_view::write_fields;
use crate::proto::{Fields, named_list};

/// The column of logs with the time of the request.
const LOG_TIME: &str = "__log_timestamp";

/// Reads a FeatureServiceSpec.
pub(crate) fn read(spec: &DynamicMessage) -> FeatureService {
    let mut service = FeatureService::new(spec.text("name"), spec.children("features").map(read_projection));
    service.description = spec.text("description").to_owned();
    service.owner = spec.text("owner").to_owned();
    service.tags = spec.map("tags");
    service.logging_destination = spec.child("logging_config").and_then(logging_destination);
    service
}

/// Where logs go, as a source; its time is the column that Feast's loggers write.
fn logging_destination(config: &DynamicMessage) -> Option<Source> {
    let table = |key: &str| {
        let table = config.child(&format!("{key}_destination"))?.text("table");
        Some(Source::with_options(key, [("table", Some(table.to_owned()))]))
    };
    let folder = || {
        let file = config.child("file_destination")?;
        let endpoint = Some(file.text("s3_endpoint_override").to_owned()).filter(|address| !address.is_empty());
        // A path without extension is a folder, which need not be there yet.
        let path = match std::path::Path::new(file.text("path")).extension() {
            None => format!("{}/", file.text("path").trim_end_matches('/')),
            Some(_) => file.text("path").to_owned(),
        };
        Some(Source::with_options(
            "file",
            [("path", Some(path)), ("s3_endpoint_override", endpoint)],
        ))
    };
    let destination = folder().or_else(|| ["bigquery", "redshift", "snowflake"].into_iter().find_map(table))?;
    Some(
        destination
            .with_name("logging destination")
            .with_timestamp_field(LOG_TIME),
    )
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
