//! Arrow Flight: messages in, messages out.

mod answer;
mod body;
mod caller;
mod pending;
mod rest;
mod service;

pub(crate) use body::Body;
pub(crate) use caller::Caller;
pub(crate) use pending::Pending;
pub(crate) use service::{Gate, Service};
