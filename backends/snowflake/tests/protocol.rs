//! What the emulator does not do, against a server that answers as Snowflake is documented to: results in parts on
//! object storage, sessions that expire, statements that go on, throttling, every way to prove who asks.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
mod protocol {
    pub mod access;
    pub mod parts;
    pub mod sessions;
    pub mod staged;
}
