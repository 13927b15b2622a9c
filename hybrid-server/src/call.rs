//! One call under way: its place among those that run, its time, and what is told of it.

use std::time::Duration;

use arrow::array::RecordBatch;
use hybrid_core::{Error, ErrorKind, Result};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::Instant;
use tracing::Instrument;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::flight::Caller;
use crate::observe::{Observer, Outcome};

/// A call from the moment it may run until its last message is sent. Dropped before it succeeded or failed, it counts
/// as given up by the client.
pub(crate) struct Call {
    api: &'static str,
    begun: Instant,
    limit: Option<Duration>,
    rows: u64,
    observer: Observer,
    span: tracing::Span,
    ended: bool,
    stopped: Stopped,
    _place: OwnedSemaphorePermit,
}

/// Does `work`, for as long as it may take; `None` when that was not enough.
pub(crate) async fn within<T>(limit: Option<Duration>, work: impl Future<Output = T>) -> Option<T> {
    match limit {
        None => Some(work.await),
        Some(limit) => tokio::time::timeout(limit, work).await.ok(),
    }
}

/// Becomes true when what still runs has to end.
pub(crate) type Stopped = watch::Receiver<bool>;

/// The error of what the server's end ends; waits until then.
async fn stopped(mut stopped: Stopped) -> Error {
    // Whoever could say it is gone: then nothing is ended.
    if stopped.wait_for(|stopped| *stopped).await.is_err() {
        std::future::pending::<()>().await;
    }
    Error::new(
        ErrorKind::Unavailable,
        "the server was stopped before the call had ended",
    )
}

impl Call {
    pub(crate) fn new(
        api: &'static str,
        caller: &Caller,
        limit: Option<Duration>,
        observer: Observer,
        stopped: Stopped,
        place: OwnedSemaphorePermit,
    ) -> Self {
        let Caller { who, origin } = caller;
        let span = tracing::info_span!("call", api, user = who.name, request = origin.request);
        // It fails where nobody is told of spans.
        let _ = span.set_parent(origin.parent.clone());
        observer.begun(api);
        Self {
            api,
            begun: Instant::now(),
            limit,
            rows: 0,
            observer,
            span,
            ended: false,
            stopped,
            _place: place,
        }
    }

    /// What is left of the call's time.
    pub(crate) fn left(&self) -> Option<Duration> {
        self.limit.map(|limit| limit.saturating_sub(self.begun.elapsed()))
    }

    /// Does a part of the call's work.
    ///
    /// # Errors
    /// Those of the work; Timeout when the call's time is over.
    pub(crate) async fn limit<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let work = work.instrument(self.span.clone());
        let work = async {
            tokio::select! {
                done = work => done,
                error = stopped(self.stopped.clone()) => Err(error),
            }
        };
        within(self.left(), work).await.unwrap_or_else(|| {
            let limit = self.limit.unwrap_or_default();
            let message = format!("the call took longer than {} s", limit.as_secs_f64());
            Err(Error::new(ErrorKind::Timeout, message)
                .with_help("ask for less, or allow the server's calls more time"))
        })
    }

    /// Counts rows that were sent.
    pub(crate) fn sent(&mut self, batch: &RecordBatch) {
        self.rows += batch.num_rows() as u64;
    }

    pub(crate) fn succeeded(mut self) {
        self.end(Outcome::Ok);
    }

    pub(crate) fn failed(mut self, error: &Error) {
        self.span
            .in_scope(|| tracing::warn!(kind = ?error.kind(), %error, "failed"));
        self.end(Outcome::Failed(error.kind()));
    }

    fn end(&mut self, outcome: Outcome) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let took = self.begun.elapsed();
        self.observer.ended(self.api, outcome, took, self.rows);
        let _entered = self.span.enter();
        tracing::info!(
            outcome = outcome.name(),
            rows = self.rows,
            seconds = took.as_secs_f64(),
            "ended"
        );
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.end(Outcome::GivenUp);
    }
}
