//! What speaks Feast: its registry of definitions, and the feature store over it.

mod feature_store;

pub use feature_store::{Applied, FeatureStore};
