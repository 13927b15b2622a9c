//! The messages of Spark Connect that this store sends and reads, with the field numbers of the
//! published protocol. What is not needed is left out: readers skip unknown fields.

mod analyze;
mod artifacts;
mod execute;
mod plan;
mod session;
mod status;
mod types;

pub(crate) use analyze::*;
pub(crate) use artifacts::*;
pub(crate) use execute::*;
pub(crate) use plan::*;
pub(crate) use session::*;
pub(crate) use status::*;
pub(crate) use types::*;
