//! How statements reach Redshift: over the Data API, or over a connection of Postgres' protocol.

mod connection;
mod data_api;
mod running;

pub(crate) use connection::{Connection, Connector};
pub(crate) use data_api::{Conversation, DataApi};
use running::Statements;

use std::time::Duration;

/// Between half and all of a pause, so that many clients do not come back at once.
pub(crate) fn jittered(pause: Duration) -> Duration {
    let random = uuid::Uuid::new_v4().as_bytes()[0];
    pause.mul_f64(0.5 + f64::from(random) / 512.0)
}

/// An identifier as a literal.
pub(crate) fn quoted_text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
