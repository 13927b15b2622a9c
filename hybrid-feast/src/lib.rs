//! What speaks Feast: its registry of definitions, and the feature store over it.

mod apply;
mod feature_store;
mod proto;
mod registry;

pub use apply::Checked;
pub use feature_store::FeatureStore;
pub use registry::{Applied, read_registry};
