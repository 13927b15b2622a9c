//! What the configuration says, on a real server.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

#[path = "config/fields.rs"]
mod fields;
#[path = "config/public.rs"]
mod public;
#[path = "config/tls.rs"]
mod tls;
