//! feature_store.yaml and features.yaml: read with positions, variables expanded, every problem
//! reported with file, line and column.

mod node;
mod repo;

pub use node::Node;
pub use repo::{RepoConfig, StoreConfig};
