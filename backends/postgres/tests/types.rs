//! Every type of Postgres, read and written on a real server.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

#[path = "types/append.rs"]
mod append;
#[path = "types/bulk.rs"]
mod bulk;
#[path = "types/plans.rs"]
mod plans;
#[path = "types/read.rs"]
mod read;
#[path = "types/retrieval.rs"]
mod retrieval;
#[path = "types/upload.rs"]
mod upload;
