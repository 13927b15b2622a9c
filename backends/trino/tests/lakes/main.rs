//! On object storage: tables of Delta and Hive, exports, and staged rows.

#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;
mod delta;
mod exports;
mod hive;
mod staged;
mod writers;
