//! Traits, routing, configuration and the point-in-time join of the hybrid offline store.

#[doc(hidden)]
pub mod __private;
pub mod canonical;
pub mod config;
pub mod definitions;
pub mod error;
mod guard;
pub mod join;
pub mod retrieval;
mod router;
mod secret;
#[cfg(feature = "sql")]
pub mod sql;
pub mod store;
mod text_column;
mod value_type;
pub mod values;

pub use arrow;
pub use async_trait::async_trait;
pub use chrono;
pub use hybrid_macros::{DataSource, offline_store};
pub use serde;

pub use definitions::{
    Entity, FeatureProjection, FeatureReference, FeatureRegistry, FeatureService, FeatureView, Field, Options, Source,
};
pub use error::{Error, ErrorKind, Position, Result};
pub use guard::{guarded, is_guarded, panic_text};
pub use retrieval::{CsvFrame, EntityFrame, FeatureSelection, RetrievalJob, RetrievalOptions, Summary, SummaryHandle};
pub use router::{HybridOfflineStore, Pull};
pub use secret::Secret;
pub use store::{
    BatchStream, Call, Capabilities, Context, DataSource, EntityRows, Explain, FeatureRows, HistoricalRequest,
    HistoricalView, JoinKey, OfflineStore, OutputColumn, PersistRequest, Progress, PullAllRequest, PullLatestRequest,
    Registered, Registration, SelectFrame, SourceTable, Staged, StagedFrame, WriteRequest, backends,
};
pub use text_column::TextColumn;
pub use value_type::{ValueType, timestamp_type};
