//! What the configuration says, on a real server.

mod common;

#[path = "config/fields.rs"]
mod fields;
#[path = "config/public.rs"]
mod public;
#[path = "config/tls.rs"]
mod tls;
