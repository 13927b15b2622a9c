//! What the clients of several engines need.

use std::fmt;
use std::time::Duration;

use crate::{Error, ErrorKind, Result};

/// Does work that holds a thread up, such as writing Parquet, on a thread for that.
///
/// # Errors
/// Those of the work; Unexpected, when it panics.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(Error::new(ErrorKind::Unexpected, "a writing thread failed").with_cause(error)))
}

/// An HTTP status, and the start of a body that is meant to be read.
pub fn status_line(status: impl fmt::Display, body: &str) -> String {
    let line = body.trim().lines().next().unwrap_or_default();
    match line.is_empty() || line.starts_with(['<', '{']) {
        true => format!("HTTP status {status}"),
        false => format!("HTTP status {status}, {}", line.chars().take(300).collect::<String>()),
    }
}

/// Between half and all of a pause, so that many clients do not come back at once.
pub fn jittered(pause: Duration) -> Duration {
    let random = uuid::Uuid::new_v4().as_bytes()[0];
    pause.mul_f64(0.5 + f64::from(random) / 512.0)
}
