//! A registry in SQLite: what Feast made of it, what is applied to it, and who else uses it.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "sqlite/applied.rs"]
mod applied;
#[path = "sqlite/database.rs"]
mod database;
#[path = "sqlite/faults.rs"]
mod faults;
#[path = "sqlite/read.rs"]
mod read;
mod support;
