//! Entity: read and updated in place.

use hybrid_core::{Entity, Result};
use prost_reflect::{DynamicMessage, Value};

use super::value_type;
use crate::proto::Fields;

/// The entity that Feast puts where a view has none, and its join key.
pub(crate) const DUMMY: &str = "__dummy";
pub(crate) const DUMMY_KEY: &str = "__dummy_id";

/// Reads an EntitySpecV2.
pub(crate) fn read(spec: &DynamicMessage) -> Entity {
    let mut entity = Entity::new(spec.text("name"));
    if !spec.text("join_key").is_empty() {
        entity.join_key = spec.text("join_key").to_owned();
    }
    entity.value_type = value_type::scalar_or_list(spec.number("value_type"));
    entity.description = spec.text("description").to_owned();
    entity.owner = spec.text("owner").to_owned();
    entity.tags = spec.map("tags");
    entity
}

/// Makes `spec` say what `entity` says.
pub(crate) fn write(spec: &mut DynamicMessage, entity: &Entity) -> Result<()> {
    spec.set_text("name", &entity.name)?;
    spec.set_text("join_key", &entity.join_key)?;
    if let Some(value_type) = &entity.value_type {
        spec.set("value_type", Value::I32(value_type::number_of(value_type)?))?;
    }
    spec.set_text("description", &entity.description)?;
    spec.set_text("owner", &entity.owner)?;
    spec.set_map("tags", &entity.tags)
}
