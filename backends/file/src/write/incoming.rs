//! The rows to be written, as the writing thread gets them.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::StreamExt;
use hybrid_core::{BatchStream, Error, ErrorKind, OutputColumn, Progress, Result};
use tokio::sync::mpsc;

use super::fit::Fit;
use crate::error::invalid;

/// So many batches wait for the disk.
const AHEAD: usize = 2;

/// A batch, the stream's error, or its end. A channel that closes without an end was cancelled.
pub(super) enum Message {
    Rows(Result<RecordBatch>),
    End,
}

/// The receiving end.
pub(super) struct Incoming {
    pub schema: SchemaRef,
    /// The source's columns that must be given.
    pub required: Vec<OutputColumn>,
    receiver: mpsc::Receiver<Message>,
    progress: Progress,
    first: Option<RecordBatch>,
    rows: u64,
}

/// Sends the stream's batches until it ends or nobody listens.
pub(super) async fn feed(mut rows: BatchStream, sender: mpsc::Sender<Message>) {
    while let Some(batch) = rows.next().await {
        if sender.send(Message::Rows(batch)).await.is_err() {
            return;
        }
    }
    let _ = sender.send(Message::End).await;
}

impl Incoming {
    pub(super) fn channel(
        schema: SchemaRef,
        required: Vec<OutputColumn>,
        progress: Progress,
    ) -> (mpsc::Sender<Message>, Self) {
        let (sender, receiver) = mpsc::channel(AHEAD);
        let incoming = Self {
            schema,
            required,
            receiver,
            progress,
            first: None,
            rows: 0,
        };
        (sender, incoming)
    }

    /// Waits for the first row; whether there is one.
    pub(super) fn any(&mut self) -> Result<bool> {
        if self.first.is_none() {
            self.first = self.receive()?;
        }
        Ok(self.first.is_some())
    }

    /// Gives `each` the batches in the shape of `fit`; returns how many rows they were.
    pub(super) fn each(
        mut self,
        fit: &Fit,
        mut each: impl FnMut(&RecordBatch, RecordBatch) -> Result<()>,
    ) -> Result<u64> {
        loop {
            let batch = match self.first.take() {
                Some(first) => first,
                None => match self.receive()? {
                    Some(batch) => batch,
                    None => return Ok(self.rows),
                },
            };
            each(&batch, fit.shaped(&batch, self.rows)?)?;
            self.rows += batch.num_rows() as u64;
            self.progress.report(self.rows, None);
        }
    }

    /// The next batch that has rows.
    fn receive(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            let batch = match self.receiver.blocking_recv() {
                Some(Message::Rows(batch)) => batch?,
                Some(Message::End) => return Ok(None),
                None => return Err(Error::new(ErrorKind::Cancelled, "the call was cancelled")),
            };
            if !same_columns(&batch, &self.schema) {
                return Err(invalid(
                    "a batch of the rows has other columns than their stream declares",
                ));
            }
            if batch.num_rows() > 0 {
                return Ok(Some(batch));
            }
        }
    }
}

fn same_columns(batch: &RecordBatch, declared: &SchemaRef) -> bool {
    let schema = batch.schema_ref();
    let fields = schema.fields().iter().zip(declared.fields());
    schema.fields().len() == declared.fields().len()
        && fields
            .into_iter()
            .all(|(a, b)| a.name() == b.name() && a.data_type() == b.data_type())
}
