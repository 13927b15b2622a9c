#![doc = include_str!("docs.md")]

mod append;
mod client;
mod config;
mod dialect;
mod error;
mod explain;
mod export;
mod names;
mod protocol;
mod read;
mod session;
mod source;
mod store;
mod types;
mod upload;

pub use config::{BigQueryConfig, CreateDisposition};
pub use source::BigQuerySource;
pub use store::BigQueryStore;
