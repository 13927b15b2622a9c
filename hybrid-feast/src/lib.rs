//! What speaks Feast: its registry of definitions, and the feature store over it.

mod apply;
mod blocking;
mod feature_store;
mod proto;
mod registry;

pub use apply::Checked;
pub use feature_store::FeatureStore;
pub use registry::{
    Action, Applied, Identity, OnDemandView, Permissions, Resource, ResourceKind, Snapshot, read_permissions,
    read_registry, source_from_json,
};
