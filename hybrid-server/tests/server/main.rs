//! The server as a Flight client sees it. Feast's own clients drive it in tests/serve of the workspace.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod broken;
mod limits;
mod on_demand;
mod reads;
mod stop;
mod support;
mod writes;
