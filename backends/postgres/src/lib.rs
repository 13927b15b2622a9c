#![doc = include_str!("docs.md")]

mod client;
mod config;
mod dialect;
mod error;
mod session;
mod source;
mod store;
mod types;

pub use config::{ConnectionType, EntitySelectMode, PostgresConfig, SslMode};
pub use session::PostgresSession;
pub use source::PostgresSource;
pub use store::PostgresStore;

/// What those share that speak Postgres' protocol: stores of other engines, and a registry in a database; not for
/// applications.
#[doc(hidden)]
pub mod wire {
    pub use crate::client::tls::client as tls;
    pub use crate::client::{Client, Lease};
    pub use crate::error::made as error;
    pub use crate::types::json_texts;
}
