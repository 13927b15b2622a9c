//! Who asks, who pays, what it costs: credentials of every kind, and what every request says.

#![allow(clippy::unwrap_used)]

mod common;

#[path = "access/credentials.rs"]
mod credentials;
#[path = "access/expired.rs"]
mod expired;
#[path = "access/exported.rs"]
mod exported;
#[path = "access/partitions.rs"]
mod partitions;
#[path = "access/said.rs"]
mod said;
#[path = "access/tokens.rs"]
mod tokens;
