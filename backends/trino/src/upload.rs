//! How rows get into Trino: inside of the statement, over storage that both share, or by INSERTs of JSON.

mod chunk;
mod parquet;
mod storage;
mod tables;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::TryStreamExt;
use hybrid_core::{BatchStream, Error, ErrorKind, Result};

use crate::config::EntitySelect;
use crate::session::TrinoSession;
use crate::types::{normal_batch, normal_schema};
use chunk::{Chunk, Shape};
pub(crate) use storage::{Staged, Storage};

/// Rows of no more text than this go inside of the statement: Trino evaluates them as often as they are named there.
const EMBEDDED: usize = 200_000;

/// The most text inside of a statement; the server takes a million characters (query.max-length).
const STATEMENT: usize = 900_000;

/// The most of it where nothing but embedding is allowed: the statement has parts of its own.
const EMBEDDED_AT_MOST: usize = 600_000;

/// Rows on their way, of normal types: those that were looked at, and the rest.
struct Incoming {
    schema: SchemaRef,
    seen: Vec<RecordBatch>,
    rest: BatchStream,
}

impl Incoming {
    /// The next rows.
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        if !self.seen.is_empty() {
            return Ok(Some(self.seen.remove(0)));
        }
        self.fresh().await
    }

    async fn fresh(&mut self) -> Result<Option<RecordBatch>> {
        self.rest
            .try_next()
            .await?
            .map(|batch| normal_batch(&batch))
            .transpose()
    }
}

impl TrinoSession {
    /// Rows as a relation: what stands in FROM.
    pub(crate) async fn incoming(&self, rows: BatchStream) -> Result<String> {
        let schema = normal_schema(rows.schema())?;
        let shape = Shape::of(&schema)?;
        let mut incoming = Incoming {
            schema,
            seen: Vec::new(),
            rest: rows,
        };
        if let Some(select) = self.embedded(&shape, &mut incoming).await? {
            return Ok(format!("({select})"));
        }
        match self.config().staging.as_ref().zip(self.shared().storage.as_ref()) {
            Some((staging, storage)) => self.shared_storage(staging, storage, incoming).await,
            None => self.inserted(&shape, incoming).await,
        }
    }

    /// The rows as a SELECT, if they are few; what was read of them stays seen.
    async fn embedded(&self, shape: &Shape, incoming: &mut Incoming) -> Result<Option<String>> {
        let limit = match self.config().entity_select_mode {
            EntitySelect::Auto => EMBEDDED,
            EntitySelect::EmbedQuery => EMBEDDED_AT_MOST,
            EntitySelect::TempTable => return Ok(None),
        };
        let mut chunk = Chunk::new(shape);
        while let Some(batch) = incoming.fresh().await? {
            let written = chunk.fill(&batch, 0, limit)?;
            let full = written < batch.num_rows();
            incoming.seen.push(batch);
            match full {
                true if self.config().entity_select_mode == EntitySelect::EmbedQuery => return Err(too_large()),
                true => return Ok(None),
                false => {}
            }
        }
        Ok(Some(chunk.select(shape)))
    }
}

fn too_large() -> Error {
    let message =
        format!("the entity rows do not fit inside of a statement: they are more than {EMBEDDED_AT_MOST} characters");
    Error::new(ErrorKind::ResourceExhausted, message).with_help(
        "`entity_select_mode: embed_query` is for small frames; `auto` puts large ones into a temporary table, which the user must be allowed to create",
    )
}
