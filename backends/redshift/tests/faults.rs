//! What goes wrong around a running statement: each a clear error of the right kind, and nothing left behind. And what requests
//! carry.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;
mod faults {
    mod connection;
    mod credentials;
    mod data_api;
    mod proxy;
    mod requests;
    mod results;
}
