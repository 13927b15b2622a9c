//! What users define: entities, sources, feature views and services, and the references to features.

mod duration;
mod entity;
mod feature_service;
mod feature_view;
mod field;
mod reference;
mod registry;
mod source;

pub use duration::{format_duration, parse_duration};
pub use entity::Entity;
pub use feature_service::{FeatureProjection, FeatureService};
pub use feature_view::FeatureView;
pub use field::Field;
pub use reference::FeatureReference;
pub use registry::FeatureRegistry;
pub(crate) use registry::{listed, not_found};
pub use source::{Options, Source};

/// Free-form labels, sorted by name.
pub type Tags = std::collections::BTreeMap<String, String>;
