//! A standby: it answers as its primary does, says what it cannot do, and may become a primary itself.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

#[path = "standby/conflict.rs"]
mod conflict;
#[path = "standby/pair.rs"]
mod pair;
#[path = "standby/promotion.rs"]
mod promotion;
#[path = "standby/reads.rs"]
mod reads;
#[path = "standby/refused.rs"]
mod refused;
#[path = "standby/tls.rs"]
mod tls;
