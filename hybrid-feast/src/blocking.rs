use hybrid_core::{Error, ErrorKind, Result};

/// Runs what reads or writes files, or computes for long, outside of the threads that serve requests.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(crashed(error)))
}

/// What became of a task that ended early.
pub(crate) fn crashed(error: tokio::task::JoinError) -> Error {
    Error::new(ErrorKind::Unexpected, "a task of the feature store ended early").with_cause(error)
}
