#![doc = include_str!("docs.md")]

mod address;
mod append;
mod client;
mod config;
mod dialect;
mod error;
mod protocol;
mod session;
mod source;
mod staging;
mod store;
mod types;
mod upload;

pub use address::{Address, Keepalive};
pub use config::{Setting, SparkConfig};
pub use dialect::SparkDialect;
pub use session::SparkSession;
pub use source::SparkSource;
pub use store::SparkStore;
