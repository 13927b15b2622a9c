//! registry.db: Feast's definitions, read and written.

mod changes;
mod document;
mod entity;
mod feature_service;
mod feature_view;
mod file;
mod merge;
mod read;
mod source;
mod source_kind;
mod value_type;

pub use changes::Applied;
pub(crate) use changes::apply;
pub(crate) use document::Document;
pub(crate) use file::{RegistryFile, Stamp};
pub(crate) use merge::merged;
pub(crate) use read::read;
pub(crate) use value_type::number_of;

use hybrid_core::{FeatureRegistry, Result};

/// The definitions of `project` in the bytes of a registry.db of Feast.
///
/// # Errors
/// Corrupt, when the bytes are no registry; ResourceExhausted, when there are too many.
pub fn read_registry(bytes: &[u8], project: &str) -> Result<FeatureRegistry> {
    read(&Document::decode(bytes)?, project)
}
