//! feature_store.yaml and features.yaml: read with positions, variables expanded, every problem
//! reported with file, line and column.

mod blank;
mod de;
mod definitions;
mod expand;
mod fields;
mod json;
mod node;
mod parse;
mod problem;
mod problems;
mod read;
mod redact;
mod registry;
mod repair;
mod repo;
mod scalar;
mod store_type;
mod stores;
#[cfg(test)]
mod tests;

pub use definitions::{load_definitions, parse_definitions, to_yaml};
pub use node::Node;
pub(crate) use redact::redacted;
pub use redact::without_secrets;
pub use registry::{
    ClientAuth, DatabaseUrl, RegistryConfig, RemoteRegistry, RemoteTls, SchemaMode, SqlAddress, SqlRegistry,
};
pub use repo::{RepoConfig, StoreConfig};

/// The value of an environment variable, for [`RepoConfig::parse`] and [`parse_definitions`].
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
