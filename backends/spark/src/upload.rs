//! Rows on their way into a temporary view.
//!
//! Spark ships the rows of a local relation to its tasks one object each, every time they are used. Here a row of the
//! relation holds some thousands of values per column, as arrays, which travel as they are; the view unpacks them.

mod artifacts;
mod pack;

use arrow::array::RecordBatch;
use futures::TryStreamExt;
use hybrid_core::{BatchStream, Result};

use crate::protocol::{CachedRelation, LocalRelation, Plan, RelationKind};
use crate::session::SparkSession;
use crate::types::Incoming;
use pack::Packer;

/// About so many bytes are one Arrow stream; a frame that is smaller goes inside the plan.
const BLOB: usize = 4 << 20;
/// From this size on, what was loaded is too large to be sent to every executor as a matter of course.
const BROADCAST: usize = 10 << 20;
/// Larger batches are cut, so that one Arrow stream stays near its size.
const SLICE: usize = 1 << 16;

/// A temporary view and what is in it.
pub(crate) struct Uploaded {
    pub(crate) view: String,
    pub(crate) rows: u64,
    pub(crate) schema: arrow::datatypes::SchemaRef,
}

/// Loads rows into a new temporary view.
pub(crate) async fn upload(session: &SparkSession, rows: BatchStream) -> Result<Uploaded> {
    let incoming = Incoming::new(rows.schema())?;
    let mut packer = Packer::new(incoming.schema());
    let (mut count, mut bytes, mut names) = (0, 0, Vec::new());
    let mut first = Vec::new();
    let mut rows = sliced(rows);
    while let Some(batch) = rows.try_next().await? {
        let batch = incoming.convert(&batch)?;
        count += batch.num_rows() as u64;
        if session.staging.is_some() {
            first.push(batch.clone());
        }
        packer.push(&batch)?;
        if packer.len() < BLOB {
            continue;
        }
        if let Some(staging) = &session.staging {
            return staging.upload(session, &incoming, first, rows).await;
        }
        bytes += packer.len();
        names.push(artifacts::add(session, packer.take()?).await?);
    }
    let last = packer.take()?;
    bytes += last.len();
    let relation = if names.is_empty() {
        RelationKind::Local(LocalRelation {
            data: Some(last.into()),
        })
    } else {
        names.push(artifacts::add(session, last).await?);
        RelationKind::Cached(CachedRelation { names })
    };
    let view = view_of(session, relation, &packer).await?;
    if bytes > BROADCAST {
        session.rely_on_runtime_sizes().await?;
    }
    Ok(Uploaded {
        view,
        rows: count,
        schema: incoming.schema().clone(),
    })
}

async fn view_of(session: &SparkSession, packed: RelationKind, packer: &Packer) -> Result<String> {
    let (inner, view) = (SparkSession::fresh_name(), SparkSession::fresh_name());
    session.name(&inner, packed.into()).await?;
    session.remember(&view);
    let statement = format!("CREATE TEMPORARY VIEW `{view}` AS {}", packer.unpacked(&inner));
    session.run(Plan::statement(&statement)).await?;
    Ok(view)
}

/// The same rows, in batches that are not too large.
fn sliced(rows: BatchStream) -> BatchStream {
    let slices = |batch: RecordBatch| {
        let starts = (0..batch.num_rows()).step_by(SLICE);
        let slices: Vec<_> = starts
            .map(|start| Ok(batch.slice(start, SLICE.min(batch.num_rows() - start))))
            .collect();
        futures::stream::iter(slices)
    };
    let schema = rows.schema().clone();
    BatchStream::new(schema, rows.map_ok(slices).try_flatten())
}
