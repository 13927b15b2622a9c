//! Every type of Postgres, read and written on a real server.

mod common;

#[path = "types/append.rs"]
mod append;
#[path = "types/bulk.rs"]
mod bulk;
#[path = "types/plans.rs"]
mod plans;
#[path = "types/read.rs"]
mod read;
#[path = "types/upload.rs"]
mod upload;
