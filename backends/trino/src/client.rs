//! The client of Trino's protocol: a statement goes out in one POST, its results come page by page from the
//! address that each page gives for the next.

mod driver;
mod http;
mod page;
mod properties;
mod results;
mod segment;
mod tls;

pub(crate) use http::Client;
pub(crate) use properties::Properties;
pub(crate) use results::Conversation;
