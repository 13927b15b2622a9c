//! On object storage: tables of Delta and Hive, and exports.

#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;
mod delta;
mod exports;
mod hive;
mod writers;
