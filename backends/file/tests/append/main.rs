//! Appending: what is there afterwards, what is refused, and that nothing is half done.

#![allow(clippy::unwrap_used)]

mod failures;
mod folders;
mod layouts;
mod parquet;
mod refusals;
mod repo;
mod single;
