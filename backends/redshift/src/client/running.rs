use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use hybrid_core::{Error, ErrorKind, Result};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};

/// So many statements of one session at once are not expected.
const MOST: u32 = 1 << 16;

/// The statements of a session that run in the engine. Each runs in a task of its own, which learns when nobody waits for it
/// any more and cancels it then; closing tells all of them and waits.
pub(crate) struct Statements {
    closing: watch::Sender<bool>,
    running: Arc<Semaphore>,
}

/// Resolves when a statement is not wanted any more.
pub(crate) struct Unwanted {
    dropped: oneshot::Receiver<()>,
    closing: watch::Receiver<bool>,
    _running: OwnedSemaphorePermit,
}

impl Default for Statements {
    fn default() -> Self {
        Self {
            closing: watch::channel(false).0,
            running: Arc::new(Semaphore::new(MOST as usize)),
        }
    }
}

impl Statements {
    /// Runs `work` to its end, or until it has been told that it is unwanted and has cleaned up.
    pub(crate) async fn run<T, F>(&self, work: impl FnOnce(Unwanted) -> F) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let closed = || Error::new(ErrorKind::Cancelled, "the session was closed");
        let running = Arc::clone(&self.running).acquire_owned().await.map_err(|_| closed())?;
        if *self.closing.borrow() {
            return Err(closed());
        }
        // When this future is dropped, so is the sender.
        let (_wanted, dropped) = oneshot::channel();
        let task = tokio::spawn(work(Unwanted {
            dropped,
            closing: self.closing.subscribe(),
            _running: running,
        }));
        task.await
            .map_err(|error| Error::new(ErrorKind::Unexpected, "a statement's task was lost").with_cause(error))?
    }

    /// Ends what runs and waits for that, but not for ever.
    pub(crate) async fn close(&self, most: Duration) {
        self.closing.send_replace(true);
        let all = self.running.acquire_many(MOST);
        if let Ok(Ok(all)) = tokio::time::timeout(most, all).await {
            all.forget();
        }
        self.running.close();
    }
}

impl Unwanted {
    pub(crate) async fn wait(&mut self) {
        tokio::select! {
            _ = &mut self.dropped => {}
            _ = self.closing.wait_for(|closing| *closing) => {}
        }
    }
}
