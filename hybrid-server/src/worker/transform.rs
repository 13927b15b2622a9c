//! Rows, and then what on-demand feature views make of them.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use hybrid_core::{BatchStream, Error, ErrorKind, Result};

use super::chunks::Chunks;
use super::config::WorkerConfig;
use super::ipc;
use super::pool::Pool;
use super::request::{Asked, Request};

const SCRIPT: &str = concat!(include_str!("views.py"), include_str!("worker.py"));

/// Runs on-demand feature views. Cheap to clone; all clones share the processes.
#[derive(Clone)]
pub(crate) struct Workers(Arc<Pool>);

impl Workers {
    /// No process begins yet. Functions find modules of their own in `folder`, which they also work in.
    ///
    /// # Errors
    /// Config, for a configuration that could run nothing.
    pub(crate) fn new(config: WorkerConfig, folder: PathBuf) -> Result<Self> {
        Ok(Self(Arc::new(Pool::new(config, SCRIPT, folder)?)))
    }

    /// Begins a process, which takes seconds, before the first call waits for one.
    pub(crate) async fn prepare(self) {
        if let Err(error) = self.0.prepare().await {
            tracing::warn!(kind = ?error.kind(), %error, "a Python worker did not begin; the next call of an on-demand feature view tries again");
        }
    }

    /// The columns of `rows` as they are, then those of the views, in order. The first rows are computed at once, the
    /// others as they are asked for; a process is busy only while it computes.
    ///
    /// # Errors
    /// What a function raises, and what its columns do not fit, as InvalidInput; Timeout and ResourceExhausted;
    /// Unexpected, when a process ended; Config, when none can begin. Those of `rows`.
    pub(crate) async fn transform(
        &self,
        views: Vec<Asked>,
        full_feature_names: bool,
        rows: BatchStream,
    ) -> Result<BatchStream> {
        let given = Arc::clone(rows.schema());
        let mut work = Work {
            pool: Arc::clone(&self.0),
            views: views.into(),
            full_feature_names,
            agreed: Arc::default(),
            chunks: Chunks::new(rows),
        };
        let first = work.chunks.next().await?;
        let sample = first
            .clone()
            .unwrap_or_else(|| RecordBatch::new_empty(Arc::clone(&given)));
        let columns = work.columns(&sample).await?;
        let schema = with_columns(&given, columns.schema_ref());
        let Some(first) = first else {
            return Ok(BatchStream::from_batches(schema, Vec::new()));
        };
        work.agreed = ipc::encode_schema(columns.schema_ref())?.into();
        let first = joined(&schema, &first, &columns)?;
        let target = Arc::clone(&schema);
        let batches = futures::stream::try_unfold((work, Some(first)), move |(mut work, first)| {
            let schema = Arc::clone(&target);
            async move {
                let next = match first {
                    Some(first) => Some(first),
                    None => work.next(&schema).await?,
                };
                Ok(next.map(|next| (next, (work, None))))
            }
        });
        Ok(BatchStream::new(schema, batches))
    }
}

/// A transformation under way.
struct Work {
    pool: Arc<Pool>,
    views: Arc<[Asked]>,
    full_feature_names: bool,
    agreed: Arc<[u8]>,
    chunks: Chunks,
}

impl Work {
    async fn next(&mut self, schema: &SchemaRef) -> Result<Option<RecordBatch>> {
        let Some(rows) = self.chunks.next().await? else {
            return Ok(None);
        };
        let columns = self.columns(&rows).await?;
        joined(schema, &rows, &columns).map(Some)
    }

    async fn columns(&self, rows: &RecordBatch) -> Result<RecordBatch> {
        let request = Request {
            views: Arc::clone(&self.views),
            full_feature_names: self.full_feature_names,
            agreed: Arc::clone(&self.agreed),
            rows: rows.clone(),
        };
        self.pool.ask(request).await
    }
}

fn with_columns(given: &Schema, columns: &Schema) -> SchemaRef {
    let fields = given
        .fields()
        .iter()
        .chain(columns.fields())
        .cloned()
        .collect::<Vec<_>>();
    Arc::new(Schema::new_with_metadata(fields, given.metadata().clone()))
}

fn joined(schema: &SchemaRef, rows: &RecordBatch, columns: &RecordBatch) -> Result<RecordBatch> {
    let all = rows.columns().iter().chain(columns.columns()).cloned().collect();
    RecordBatch::try_new(Arc::clone(schema), all).map_err(|error| {
        let message = "the Python worker's columns are not those of the rows before";
        Error::new(ErrorKind::Unexpected, message).with_cause(error)
    })
}
