//! What stores have in common that read or write objects of S3, Google Cloud Storage and Azure: a URL taken apart, a client
//! of its bucket with what the environment says, whether there are credentials, and what the client's errors mean.
//!
//! Here belongs what is the same whoever asks. What is read, listed or written, and on which runtime, is the store's own; so
//! is the setting that a URL stands in: the store says whose mistake an error is
//! ([`Error::within`](hybrid_core::Error::within), the [kind](hybrid_core::ErrorKind) that it passes) and who must be allowed
//! what.

mod address;
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
mod client;
mod endpoint;
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
mod error;

pub use address::{Address, Kind};
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
pub use client::{Client, Purpose};
pub use endpoint::check_endpoint;
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
pub use error::{code, request_error};
