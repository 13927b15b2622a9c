#![doc = include_str!("docs.md")]

mod append;
mod catalogs;
mod client;
mod config;
mod dialect;
mod error;
mod export;
mod names;
mod objects;
mod session;
mod source;
mod store;
mod sweep;
mod types;
mod upload;

pub use config::{Auth, Certificate, Connector, EntitySelect, Scheme, Staging, TrinoConfig, Verify};
pub use source::TrinoSource;
pub use store::TrinoStore;
