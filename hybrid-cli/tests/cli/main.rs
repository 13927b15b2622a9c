//! Drives the built command as a person would: arguments in; files, streams and exit codes out.

#![allow(clippy::unwrap_used)]

mod apply;
mod check;
mod explain;
mod init;
mod interrupt;
mod persist;
mod pulls;
mod retrieval;
mod serve;
mod stores;
mod streams;
mod support;
mod usage;
mod write;
