//! Feast's definitions, read and written: in registry.db, in tables of a database, on Feast's registry server.

mod backing;
mod changes;
mod current;
mod document;
mod entity;
mod feature_service;
mod feature_view;
mod file;
mod file_backing;
mod merge;
mod on_demand;
mod permission;
mod read;
#[cfg(feature = "registry-remote")]
mod remote;
mod source;
mod source_kind;
#[cfg(any(feature = "registry-sql-sqlite", feature = "registry-sql-postgres"))]
mod sql;
mod value_type;

pub use changes::Applied;
pub(crate) use changes::apply;
pub(crate) use current::Current;
pub use current::Snapshot;
pub(crate) use document::Document;
pub(crate) use merge::merged;
pub use on_demand::OnDemandView;
pub use permission::{Action, Identity, Permissions, Resource, ResourceKind};
use read::read;
pub(crate) use value_type::number_of;

use hybrid_core::{FeatureRegistry, Result, Source};

/// The source that the JSON of a DataSource of Feast's describes, as its clients send it.
///
/// # Errors
/// InvalidInput, when the text is no such message; Unsupported, for a source that holds no rows.
pub fn source_from_json(text: &str) -> Result<Source> {
    source::read(&crate::proto::decode_json("DataSource", text)?)
}

/// The definitions of `project` in the bytes of a registry.db of Feast.
///
/// # Errors
/// Corrupt, when the bytes are no registry; ResourceExhausted, when there are too many.
pub fn read_registry(bytes: &[u8], project: &str) -> Result<FeatureRegistry> {
    read(&Document::decode(bytes)?, project)
}

/// The Permission objects of `project` in the bytes of a registry.db of Feast.
///
/// # Errors
/// Corrupt, when the bytes are no registry; ResourceExhausted, when there are too many.
pub fn read_permissions(bytes: &[u8], project: &str) -> Result<Permissions> {
    permission::read(&Document::decode(bytes)?, project)
}
