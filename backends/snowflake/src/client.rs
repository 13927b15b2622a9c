//! The client of the protocol that Snowflake's own clients speak: a login gives a session with its tokens; each
//! statement is one request, answered when it is done or by where to ask again; results are Arrow, the first part
//! in the answer and the rest on object storage; files are staged by the client with credentials that PUT gives.

mod conversation;
mod http;
mod ipc;
mod login;
pub(crate) mod message;
mod parts;
mod pool;
mod results;
mod session;
mod staged;

pub(crate) use conversation::Conversation;
pub(crate) use pool::Client;
