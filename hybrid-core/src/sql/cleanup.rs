use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use futures::StreamExt;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::SqlSession;
use crate::{BatchStream, Error, ErrorKind, Result};

/// The sessions that are being closed, also those of calls that were dropped. A store owns one, and
/// its shutdown waits for it.
#[derive(Debug, Clone, Default)]
pub struct Cleanup {
    tasks: Arc<Mutex<JoinSet<Result<()>>>>,
}

impl Cleanup {
    fn tasks(&self) -> std::sync::MutexGuard<'_, JoinSet<Result<()>>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `task` on `runtime`, whoever waits for it.
    fn spawn(&self, runtime: &Handle, task: impl Future<Output = Result<()>> + Send + 'static) {
        let mut tasks = self.tasks();
        // What ended well needs no memory; what failed is kept for the shutdown to tell.
        while let Some(ended) = tasks.try_join_next() {
            if let Ok(Err(error)) = ended {
                tasks.spawn_on(async { Err(error) }, runtime);
                break;
            }
        }
        // The set lives as long as what runs in it, also when the store is dropped before.
        let keep = self.clone();
        let task = async move {
            let outcome = task.await;
            drop(keep);
            outcome
        };
        tasks.spawn_on(task, runtime);
    }

    /// Waits for everything that was started.
    ///
    /// # Errors
    /// What went wrong, all of it.
    pub async fn finish(&self) -> Result<()> {
        let mut tasks = Detached(std::mem::take(&mut *self.tasks()));
        let mut problems = Vec::new();
        while let Some(ended) = tasks.0.join_next().await {
            match ended {
                Ok(Ok(())) => {}
                Ok(Err(error)) => problems.push(error),
                Err(error) => {
                    problems.push(Error::new(ErrorKind::Unexpected, "a clean-up failed").with_cause(error));
                }
            }
        }
        Error::from_problems(problems).map_or(Ok(()), Err)
    }
}

/// Tasks that go on when nobody waits for them any more.
struct Detached(JoinSet<Result<()>>);

impl Drop for Detached {
    fn drop(&mut self) {
        self.0.detach_all();
    }
}

/// A session that is closed when it is dropped, whatever was going on.
pub(super) struct Guard<S: SqlSession> {
    session: Arc<S>,
    closed: bool,
    cleanup: Cleanup,
    runtime: Handle,
}

impl<S: SqlSession> Guard<S> {
    /// Must be made inside a tokio runtime.
    pub(super) fn new(session: S, cleanup: &Cleanup) -> Result<Self> {
        let runtime = Handle::try_current().map_err(|error| {
            Error::new(ErrorKind::Unexpected, "a store was asked outside of a tokio runtime").with_cause(error)
        })?;
        Ok(Self {
            session: Arc::new(session),
            closed: false,
            cleanup: cleanup.clone(),
            runtime,
        })
    }

    /// Closes it and waits for that. A failure leaves the answer as it is; the store's shutdown tells
    /// of it.
    pub(super) async fn close(mut self) {
        // Ends also when the task was lost with its runtime.
        let _ = self.start_closing().await;
    }

    fn start_closing(&mut self) -> oneshot::Receiver<()> {
        self.closed = true;
        let (done, closed) = oneshot::channel();
        let session = Arc::clone(&self.session);
        self.cleanup.spawn(&self.runtime, async move {
            let outcome = session.close().await;
            // Nobody waits after a drop.
            let _ = done.send(());
            outcome
        });
        closed
    }
}

impl<S: SqlSession> std::ops::Deref for Guard<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.session
    }
}

impl<S: SqlSession> Drop for Guard<S> {
    fn drop(&mut self) {
        if !self.closed {
            drop(self.start_closing());
        }
    }
}

/// Runs `work` in a session of its own, which is closed before this ends.
pub(super) async fn in_session<S, T>(guard: Guard<S>, work: impl AsyncFnOnce(&S) -> Result<T>) -> Result<T>
where
    S: SqlSession,
{
    let outcome = work(&guard).await;
    guard.close().await;
    outcome
}

/// The rows, with the session closed before the stream ends or fails.
pub(super) fn closing<S: SqlSession>(rows: BatchStream, guard: Arc<Guard<S>>) -> BatchStream {
    let schema = rows.schema().clone();
    let state = Some((rows, guard));
    let batches = futures::stream::unfold(state, |state| async {
        let (mut rows, guard) = state?;
        match rows.next().await {
            Some(Ok(batch)) => Some((Ok(batch), Some((rows, guard)))),
            ended => {
                drop(rows);
                close_shared(guard).await;
                let failed: Option<Result<RecordBatch>> = ended;
                failed.map(|error| (error, None))
            }
        }
    });
    BatchStream::new(schema, batches)
}

/// Closes the session, unless a sibling still needs it.
pub(super) async fn close_shared<S: SqlSession>(guard: Arc<Guard<S>>) {
    if let Some(guard) = Arc::into_inner(guard) {
        guard.close().await;
    }
}
