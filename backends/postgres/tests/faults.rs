//! What goes wrong, on a real server: each a clear error of the right kind, and nothing left behind.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

#[path = "faults/cancel.rs"]
mod cancel;
#[path = "faults/given_up.rs"]
mod given_up;
#[path = "faults/killed.rs"]
mod killed;
#[path = "faults/lost.rs"]
mod lost;
#[path = "faults/refused.rs"]
mod refused;
#[path = "faults/slow.rs"]
mod slow;
