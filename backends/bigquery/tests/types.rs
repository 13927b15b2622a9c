//! BigQuery's types as Arrow, Arrow's types as BigQuery's, rows on their way in and out.

#![allow(clippy::unwrap_used)]

mod common;

#[path = "types/append.rs"]
mod append;
#[path = "types/read.rs"]
mod read;
#[path = "types/tables.rs"]
mod tables;
#[path = "types/upload.rs"]
mod upload;
