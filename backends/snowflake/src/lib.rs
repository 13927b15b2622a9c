#![doc = include_str!("docs.md")]

mod append;
mod client;
mod config;
mod dialect;
mod embed;
mod error;
mod names;
mod session;
mod source;
mod store;
mod types;
mod upload;

pub use config::{EntitySelect, Protocol, SnowflakeConfig};
pub use session::SnowflakeSession;
pub use source::SnowflakeSource;
pub use store::SnowflakeStore;
