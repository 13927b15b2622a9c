use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt, TryStreamExt};
use tokio::sync::mpsc;

use crate::{Error, ErrorKind, Result};

/// How many batches a blocking producer may be ahead of its reader.
const AHEAD: usize = 2;

/// A stream of Arrow batches. Dropping it cancels what produces it.
pub struct BatchStream {
    schema: SchemaRef,
    // Never locked: it only makes the stream Sync, so that a future that borrows one can be spawned.
    batches: Mutex<BoxStream<'static, Result<RecordBatch>>>,
}

impl BatchStream {
    /// Batches of `schema`.
    pub fn new(schema: SchemaRef, batches: impl Stream<Item = Result<RecordBatch>> + Send + 'static) -> Self {
        Self {
            schema,
            batches: Mutex::new(Box::pin(batches)),
        }
    }

    /// Batches that are already in memory.
    pub fn from_batches(schema: SchemaRef, batches: Vec<RecordBatch>) -> Self {
        Self::new(schema, futures::stream::iter(batches.into_iter().map(Ok)))
    }

    /// Batches that a blocking thread makes, at most two ahead of the reader. It starts with the
    /// first poll, which must be inside a tokio runtime, and stops when the stream is dropped.
    pub fn from_blocking<I>(schema: SchemaRef, produce: impl FnOnce() -> Result<I> + Send + 'static) -> Self
    where
        I: Iterator<Item = Result<RecordBatch>>,
    {
        let started = futures::stream::once(async move {
            let (sender, receiver) = mpsc::channel(AHEAD);
            let thread = tokio::task::spawn_blocking(move || send_all(produce, &sender));
            received(receiver, thread)
        });
        Self::new(schema, started.flatten())
    }

    /// The schema of every batch; one with more or fewer columns is an error.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// What `change` makes of each batch, of `schema`; the first error ends it.
    #[must_use]
    pub fn changed(
        self,
        schema: SchemaRef,
        mut change: impl FnMut(RecordBatch) -> Result<RecordBatch> + Send + 'static,
    ) -> Self {
        Self::new(schema, self.map(move |batch| change(batch?)))
    }

    /// Reads to the end.
    ///
    /// # Errors
    /// The first error of the stream.
    pub async fn collect(self) -> Result<Vec<RecordBatch>> {
        self.try_collect().await
    }

    /// Adds operation, store and source to every error.
    pub(crate) fn within(self, operation: &'static str, store: &str, source: &str) -> Self {
        let (store, source) = (store.to_owned(), source.to_owned());
        Self::new(
            self.schema.clone(),
            self.map_err(move |error| error.in_operation(operation, &store, &source)),
        )
    }
}

impl Stream for BatchStream {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let columns = self.schema.fields().len();
        let batches = self.batches.get_mut().unwrap_or_else(PoisonError::into_inner);
        let next = batches.as_mut().poll_next(context);
        next.map(|next| Some(next?.and_then(|batch| of_columns(batch, columns))))
    }
}

/// What reads a stream takes its columns by their places.
fn of_columns(batch: RecordBatch, columns: usize) -> Result<RecordBatch> {
    if batch.num_columns() == columns {
        return Ok(batch);
    }
    let message = format!("a stream of {columns} columns gave {}", batch.num_columns());
    Err(Error::new(ErrorKind::Unexpected, message).with_help("this is a bug of the store, not of your data"))
}

fn send_all<I>(produce: impl FnOnce() -> Result<I>, sender: &mpsc::Sender<Result<RecordBatch>>)
where
    I: Iterator<Item = Result<RecordBatch>>,
{
    let batches = match produce() {
        Ok(batches) => batches,
        Err(error) => {
            // Nobody is listening only when the stream was dropped.
            let _ = sender.blocking_send(Err(error));
            return;
        }
    };
    for batch in batches {
        let failed = batch.is_err();
        if sender.blocking_send(batch).is_err() || failed {
            return;
        }
    }
}

/// What comes through the channel, then how the thread ended: a panic must not look like the end.
fn received(
    receiver: mpsc::Receiver<Result<RecordBatch>>,
    thread: tokio::task::JoinHandle<()>,
) -> impl Stream<Item = Result<RecordBatch>> {
    futures::stream::unfold((receiver, Some(thread)), |(mut receiver, mut thread)| async move {
        if let Some(batch) = receiver.recv().await {
            return Some((batch, (receiver, thread)));
        }
        match thread.take()?.await {
            Ok(()) => None,
            Err(error) => {
                let error = Error::new(ErrorKind::Unexpected, "a reading thread failed").with_cause(error);
                Some((Err(error), (receiver, None)))
            }
        }
    })
}
