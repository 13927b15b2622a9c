#![doc = include_str!("docs.md")]

mod append;
mod client;
mod config;
mod credentials;
mod dialect;
mod error;
mod session;
mod source;
mod staging;
mod store;
mod types;
mod unload;
mod upload;

pub use config::{Bulk, RedshiftConfig};
pub use dialect::RedshiftDialect;
pub use session::RedshiftSession;
pub use source::RedshiftSource;
pub use store::RedshiftStore;
