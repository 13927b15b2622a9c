use std::pin::Pin;
use std::sync::Arc;

use arrow::array::RecordBatch;
use futures::TryStreamExt;
use hybrid_core::{BatchStream, Result};
use tokio_postgres::{SimpleQueryMessage, SimpleQueryStream};

use super::Busy;
use crate::error;
use crate::types::{Rows, described};

/// A query that has begun to answer.
struct Answer {
    busy: Option<Busy>,
    rows: Rows,
    messages: Pin<Box<SimpleQueryStream>>,
    statement: String,
}

/// Runs a query by the simple protocol: values are text, which does not depend on how Redshift writes numbers in binary, and
/// rows come as fast as they are read. Dropping the future or the stream cancels it.
pub(super) async fn run(busy: Busy, query: &str) -> Result<BatchStream> {
    let begun = async {
        let client = busy.client()?;
        let failed = |failed| error::connection(failed, Some(query));
        let schema = described(client.prepare(query).await.map_err(failed)?.columns());
        let mut messages = Box::pin(client.simple_query_raw(query).await.map_err(failed)?);
        // What is wrong from the start is told now.
        let first = messages.try_next().await.map_err(failed)?;
        let mut rows = Rows::new(Arc::clone(&schema))?;
        if let Some(SimpleQueryMessage::Row(row)) = &first {
            rows.push((0..row.len()).map(|at| row.get(at)))?;
        }
        Ok((schema, messages, rows))
    };
    let (schema, messages, rows) = match begun.await {
        Ok(begun) => begun,
        Err(error) => {
            busy.done();
            return Err(error);
        }
    };
    let answer = Answer {
        busy: Some(busy),
        rows,
        messages,
        statement: query.to_owned(),
    };
    let batches = futures::stream::try_unfold(answer, |mut answer| async move {
        Ok(answer.next().await?.map(|batch| (batch, answer)))
    });
    Ok(BatchStream::new(schema, batches))
}

impl Answer {
    /// The next batch; after the last one the connection is free.
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        while self.busy.is_some() && !self.rows.is_full() {
            match self.messages.try_next().await {
                Ok(Some(SimpleQueryMessage::Row(row))) => self.rows.push((0..row.len()).map(|at| row.get(at)))?,
                Ok(Some(_)) => {}
                Ok(None) => {
                    if let Some(busy) = self.busy.take() {
                        busy.done();
                    }
                }
                Err(failed) => {
                    if let Some(busy) = self.busy.take() {
                        busy.done();
                    }
                    return Err(error::connection(failed, Some(&self.statement)));
                }
            }
        }
        self.rows.finish()
    }
}
