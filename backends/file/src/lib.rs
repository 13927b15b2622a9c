#![doc = include_str!("docs.md")]

mod all;
mod columns;
mod config;
mod error;
mod explain;
mod historical;
mod hive;
mod latest;
mod listing;
mod location;
mod passes;
mod persist;
mod read;
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
mod remote;
mod source;
mod storage;
mod store;
mod window;
mod write;

pub use config::FileConfig;
pub use source::FileSource;
pub use store::FileStore;
