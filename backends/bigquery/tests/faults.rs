//! What goes wrong around a running job: each a clear error of the right kind, nothing twice, and nothing left behind.

#![allow(clippy::unwrap_used)]

mod common;

#[path = "faults/behind.rs"]
mod behind;
#[path = "faults/given_up.rs"]
mod given_up;
#[path = "faults/jobs.rs"]
mod jobs;
#[path = "faults/loads.rs"]
mod loads;
#[path = "faults/results.rs"]
mod results;
