//! How statements reach Redshift: over the Data API, or over a connection of Postgres' protocol.

mod connection;
mod data_api;
mod running;

pub(crate) use connection::{Connection, Connector};
pub(crate) use data_api::{Conversation, DataApi};
use running::Statements;

/// An identifier as a literal.
pub(crate) fn quoted_text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
