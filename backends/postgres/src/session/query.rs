use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use bytes::Bytes;
use futures::StreamExt;
use hybrid_core::sql::jittered;
use hybrid_core::{BatchStream, Error, Result};
use tokio_postgres::{Column, CopyOutStream};

use crate::client::Busy;
use crate::error;
use crate::types::{self, CAST, Rows};

/// How often a query is run that the server gave up for the sake of others, and the first pause between.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(50);

/// A query that has begun to answer.
struct Answer {
    busy: Option<Busy>,
    bytes: Pin<Box<CopyOutStream>>,
    /// What came first: until then a failed query has given nothing.
    first: Option<Bytes>,
    rows: Rows,
    statement: String,
}

/// Runs a query through a binary COPY. Dropping the future or the stream cancels it.
pub(super) async fn run(busy: Busy, query: &str) -> Result<BatchStream> {
    let mut pause = PAUSE;
    let mut attempt = 1;
    let begun = loop {
        match begin(&busy, query).await {
            Err(error) if attempt < ATTEMPTS && is_conflict(&error) => {
                tokio::time::sleep(jittered(pause)).await;
                (attempt, pause) = (attempt + 1, pause * 2);
            }
            outcome => break outcome,
        }
    };
    let (schema, bytes, first, rows, statement) = match begun {
        Ok(begun) => begun,
        Err(error) => {
            busy.done();
            return Err(error.error(query));
        }
    };
    let answer = Answer {
        busy: Some(busy),
        bytes,
        first,
        rows,
        statement,
    };
    let batches = futures::stream::try_unfold(answer, |mut answer| async move {
        Ok(answer.next().await?.map(|batch| (batch, answer)))
    });
    Ok(BatchStream::new(schema, batches))
}

type Begun = (SchemaRef, Pin<Box<CopyOutStream>>, Option<Bytes>, Rows, String);

/// Why a query did not begin: told by the server, or by us.
enum Failed {
    Server(tokio_postgres::Error),
    Here(Error),
}

impl Failed {
    fn error(self, query: &str) -> Error {
        match self {
            Self::Server(error) => error::made(error, Some(query)),
            Self::Here(error) => error,
        }
    }
}

impl From<tokio_postgres::Error> for Failed {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Server(error)
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Here(error)
    }
}

/// A serialization failure or a deadlock: the server took back what it did.
fn is_conflict(error: &Failed) -> bool {
    let Failed::Server(error) = error else { return false };
    error
        .code()
        .is_some_and(|code| matches!(code.code(), "40001" | "40P01"))
}

async fn begin(busy: &Busy, query: &str) -> Result<Begun, Failed> {
    let connection = busy.connection()?;
    let described = connection.prepare(query).await?;
    let schema = types::described(described.columns());
    let (statement, wires) = match wrapped(query, described.columns(), &schema) {
        None => (query.to_owned(), types::wires(described.columns())?),
        Some(statement) => {
            let described = connection.prepare(&statement).await?;
            (statement, types::wires(described.columns())?)
        }
    };
    let copy = format!("COPY ({statement}) TO STDOUT (FORMAT BINARY)");
    let mut bytes = Box::pin(connection.copy_out(&copy).await?);
    let first = bytes.next().await.transpose()?;
    let rows = Rows::new(Arc::clone(&schema), &wires);
    Ok((schema, bytes, first, rows, copy))
}

/// The query with the columns cast whose binary form is not read; `None` when there are none.
fn wrapped(query: &str, columns: &[Column], schema: &Schema) -> Option<String> {
    let casts: Vec<Option<&String>> = schema.fields().iter().map(|field| field.metadata().get(CAST)).collect();
    if casts.iter().all(Option::is_none) {
        return None;
    }
    // Columns may share a name: they are numbered.
    let names: Vec<String> = (0..columns.len()).map(|index| format!("c{index}")).collect();
    let selected = names.iter().zip(&casts).map(|(name, cast)| match cast {
        Some(cast) => format!("{name}::{cast}"),
        None => name.clone(),
    });
    let selected: Vec<String> = selected.collect();
    Some(format!(
        "SELECT {} FROM ({query}) AS q({})",
        selected.join(", "),
        names.join(", ")
    ))
}

impl Answer {
    /// The next batch; after the last one the connection is free.
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        if self.busy.is_none() {
            return Ok(None);
        }
        let outcome = self.read().await;
        // After an error of the server's the connection is idle; after one of ours the query still runs.
        let is_over = match &outcome {
            Ok(more) => !more,
            Err(Failed::Server(_)) => true,
            Err(Failed::Here(_)) => false,
        };
        if is_over && let Some(busy) = self.busy.take() {
            busy.done();
        }
        if let Err(failed) = outcome {
            self.busy = None;
            return Err(failed.error(&self.statement));
        }
        self.rows.finish()
    }

    /// Reads until a batch is due; false at the end of the stream.
    async fn read(&mut self) -> Result<bool, Failed> {
        while !self.rows.is_full() {
            let bytes = match self.first.take() {
                Some(bytes) => bytes,
                None => match self.bytes.next().await.transpose()? {
                    Some(bytes) => bytes,
                    None => return Ok(false),
                },
            };
            self.rows.push(&bytes)?;
        }
        Ok(true)
    }
}
