//! The runtime of all requests.
//!
//! A connection belongs to the runtime on which it was opened and dies with it. So there is one for
//! the process, started with the first request, with threads of its own: a thread that waits in
//! [`block`] can deadlock nobody, even if it is one of a caller's runtime.

use std::future::Future;
use std::sync::{OnceLock, mpsc};

use hybrid_core::{Error, ErrorKind, Result};
use tokio::runtime::{Builder, Runtime};

/// Decrypting is the only work that requests have.
const MAX_THREADS: usize = 4;

fn runtime() -> Result<&'static Runtime> {
    static RUNTIME: OnceLock<Result<Runtime, String>> = OnceLock::new();
    let start = || {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Builder::new_multi_thread()
            .worker_threads(cores.min(MAX_THREADS))
            .thread_name("hybrid-remote")
            .enable_all()
            .build()
            .map_err(|error| error.to_string())
    };
    RUNTIME.get_or_init(start).as_ref().map_err(|error| {
        Error::new(
            ErrorKind::ResourceExhausted,
            format!("no threads for requests can be started: {error}"),
        )
    })
}

/// Runs `work` and waits for it, from a thread that may wait.
pub(super) fn block<T: Send + 'static>(work: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
    let (sender, receiver) = mpsc::sync_channel(1);
    runtime()?.spawn(async move {
        let _ = sender.send(work.await);
    });
    receiver.recv().unwrap_or_else(|_| Err(lost()))
}

/// Runs `work` from a task of whatever runtime; it goes on when the returned future is dropped.
pub(super) async fn run<T: Send + 'static>(work: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
    runtime()?.spawn(work).await.unwrap_or_else(|_| Err(lost()))
}

fn lost() -> Error {
    Error::new(
        ErrorKind::Unexpected,
        "a request to object storage ended without a result",
    )
}
