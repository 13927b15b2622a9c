//! FeatureView and StreamFeatureView, whose specs name their fields alike: read and updated in place.

use std::time::Duration;

use hybrid_core::{Error, ErrorKind, FeatureView, Field, Result, ValueType};
use prost_reflect::{DynamicMessage, Value};

use super::entity::{DUMMY, DUMMY_KEY};
use super::{source, value_type};
use crate::proto::{Fields, named_list};

/// Reads the spec of a view.
///
/// # Errors
/// Unsupported, when its source or a type is none that a store could serve.
pub(crate) fn read(spec: &DynamicMessage) -> Result<FeatureView> {
    let name = spec.text("name");
    let no_source = || {
        Error::new(
            ErrorKind::Unsupported,
            format!("feature view `{name}` has no batch source"),
        )
    };
    let mut view = FeatureView::new(name, source::read(spec.child("batch_source").ok_or_else(no_source)?)?);
    let entities = spec.values("entities").iter().filter_map(Value::as_str);
    view.entities = entities.filter(|entity| *entity != DUMMY).map(str::to_owned).collect();
    view.schema = spec.children("features").map(read_field).collect::<Result<_>>()?;
    view.schema.retain(|field| !is_key(spec, &field.name));
    view.ttl = spec.child("ttl").map(|ttl| read_ttl(ttl, name)).transpose()?.flatten();
    view.online = spec.flag("online");
    view.description = spec.text("description").to_owned();
    view.owner = spec.text("owner").to_owned();
    view.tags = spec.map("tags");
    Ok(view)
}

/// Feast lists the join keys of a stream feature view among its features too.
fn is_key(spec: &DynamicMessage, name: &str) -> bool {
    spec.children("entity_columns")
        .any(|column| column.text("name") == name)
}

fn lists_feature(spec: &DynamicMessage, name: &str) -> bool {
    spec.children("features").any(|feature| feature.text("name") == name)
}

/// The types of a view's join keys, by column.
pub(crate) fn key_types(spec: &DynamicMessage) -> impl Iterator<Item = (&str, ValueType)> {
    let columns = spec.children("entity_columns");
    columns.filter_map(|column| Some((column.text("name"), value_type::read(column).ok()?)))
}

fn read_field(field: &DynamicMessage) -> Result<Field> {
    let mut read = Field::new(field.text("name"), value_type::read(field)?);
    read.description = field.text("description").to_owned();
    read.tags = value_type::user_tags(field);
    Ok(read)
}

/// `None` for zero: any age.
fn read_ttl(ttl: &DynamicMessage, view: &str) -> Result<Option<Duration>> {
    let wrong = || Error::new(ErrorKind::Corrupt, format!("feature view `{view}` has a negative ttl"));
    let seconds = u64::try_from(ttl.number("seconds")).map_err(|_| wrong())?;
    let nanos = u32::try_from(ttl.number("nanos")).map_err(|_| wrong())?;
    let duration = Duration::from_secs(seconds)
        .checked_add(Duration::from_nanos(nanos.into()))
        .ok_or_else(wrong)?;
    Ok(Some(duration).filter(|duration| !duration.is_zero()))
}

/// Makes `spec` say what `view`, joined by `keys`, says.
pub(crate) fn write(spec: &mut DynamicMessage, view: &FeatureView, keys: &[Field]) -> Result<()> {
    spec.set_text("name", &view.name)?;
    write_entities(spec, view, keys)?;
    let mut fields = view.schema.clone();
    fields.extend(keys.iter().filter(|key| lists_feature(spec, &key.name)).cloned());
    write_fields(spec, "features", &fields)?;
    write_ttl(spec, view.ttl.unwrap_or_default())?;
    // A view's own source belongs to no project.
    source::write(spec.child_mut("batch_source")?, &view.source)?;
    spec.set("online", Value::Bool(view.online))?;
    spec.set_text("description", &view.description)?;
    spec.set_text("owner", &view.owner)?;
    spec.set_map("tags", &view.tags)
}

fn write_entities(spec: &mut DynamicMessage, view: &FeatureView, keys: &[Field]) -> Result<()> {
    let text = |name: &str| Value::String(name.to_owned());
    if !view.entities.is_empty() {
        spec.set(
            "entities",
            Value::List(view.entities.iter().map(|name| text(name)).collect()),
        )?;
        return write_keys(spec, keys);
    }
    spec.set("entities", Value::List(vec![text(DUMMY)]))?;
    write_keys(spec, &[Field::new(DUMMY_KEY, ValueType::String)])
}

fn write_keys(spec: &mut DynamicMessage, keys: &[Field]) -> Result<()> {
    let update = |message: &mut DynamicMessage, key: &Field| {
        // Description and tags of a key column are Feast's alone; those that are there stay.
        let tags = value_type::user_tags(message);
        message.set_text("name", &key.name)?;
        value_type::write(message, &key.dtype, &tags)
    };
    let names = (
        |message: &DynamicMessage| message.text("name").to_owned(),
        |key: &Field| key.name.clone(),
    );
    named_list(spec, "entity_columns", keys, names, update)
}

/// Makes the list of FeatureSpecV2 `name` say what `fields` say.
pub(crate) fn write_fields(parent: &mut DynamicMessage, name: &str, fields: &[Field]) -> Result<()> {
    let update = |message: &mut DynamicMessage, field: &Field| {
        message.set_text("name", &field.name)?;
        message.set_text("description", &field.description)?;
        value_type::write(message, &field.dtype, &field.tags)
    };
    let names = (
        |message: &DynamicMessage| message.text("name").to_owned(),
        |field: &Field| field.name.clone(),
    );
    named_list(parent, name, fields, names, update)
}

fn write_ttl(spec: &mut DynamicMessage, ttl: Duration) -> Result<()> {
    let seconds = i64::try_from(ttl.as_secs()).map_err(|_| {
        Error::new(
            ErrorKind::Definition,
            format!("the ttl of feature view `{}` is too long", spec.text("name")),
        )
    })?;
    if spec.child("ttl").is_none() && ttl.is_zero() {
        return Ok(());
    }
    let message = spec.child_mut("ttl")?;
    message.set("seconds", Value::I64(seconds))?;
    message.set("nanos", Value::I32(i32::try_from(ttl.subsec_nanos()).unwrap_or(0)))
}
