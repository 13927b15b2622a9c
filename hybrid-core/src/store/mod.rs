//! What a backend implements, what it is asked, and how it registers itself.

mod call;
mod capabilities;
mod data_source;
mod dynamic;
mod entity_rows;
pub(crate) mod known;
mod lookup;
mod offline_store;
pub(crate) mod registration;
mod request;
pub(crate) mod rule;
mod stream;
mod write_columns;

pub use call::{Call, Progress};
pub use capabilities::Capabilities;
pub use data_source::{DataSource, key_of};
pub use dynamic::DynOfflineStore;
pub use entity_rows::{ENTITY_TIME, EntityRows, ROW_NUMBER, Staged, StagedFrame};
pub use known::{KnownBackend, known_backends};
pub use lookup::{backends, find_backend, resolve_key};
pub use offline_store::{Context, FROM_TEXT, FeatureRows, OfflineStore};
pub use registration::{Registered, Registration};
pub use request::{
    Explain, HistoricalRequest, HistoricalView, JoinKey, OutputColumn, PersistRequest, PullAllRequest,
    PullLatestRequest, SelectFrame, SourceTable, WriteRequest,
};
pub use stream::BatchStream;
pub use write_columns::{SQL_TYPE, check_write_columns, sql_type_of};
