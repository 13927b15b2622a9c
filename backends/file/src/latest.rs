//! The latest row per join key in a window.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};
use hybrid_core::canonical::canonical_keys;
use hybrid_core::join::{FeatureBatch, LatestPerKey};
use hybrid_core::{BatchStream, Call, Progress, PullLatestRequest, Result};

use crate::FileSource;
use crate::columns::{Pull, PullColumns};
use crate::read::{Cancel, Plan, Scan, Table, Wanted, each_unit, in_background, plan, thread_count};
use crate::window::in_window;

/// Rows of one batch of the answer.
const ANSWER_ROWS: usize = 32_768;

pub(crate) async fn pull(base: PathBuf, request: PullLatestRequest<FileSource>, call: &Call) -> Result<BatchStream> {
    let progress = call.progress.clone();
    let (schema, batches) = in_background(move |cancel| {
        let table = Table::open(&base, &request.source, cancel)?;
        let columns = PullColumns::new(&table, &asked(&request))?;
        let wanted = Arc::new(wanted(&request));
        let plan = plan(&table, &wanted, cancel)?;
        let batches = latest(&table, &columns, &wanted, &plan, cancel, &progress)?;
        Ok((columns.schema(), batches))
    })
    .await?;
    Ok(BatchStream::from_batches(schema, batches))
}

pub(crate) fn asked(request: &PullLatestRequest<FileSource>) -> Pull<'_> {
    Pull {
        source: &request.source,
        join_keys: &request.join_keys,
        features: &request.features,
        timestamp_name: &request.timestamp_name,
        created_name: request.created_name.as_deref(),
    }
}

pub(crate) fn wanted(request: &PullLatestRequest<FileSource>) -> Wanted {
    Wanted {
        timestamp: request.source.timestamp_field.clone(),
        window: (Some(request.start), Some(request.end)),
        keys: Vec::new(),
    }
}

fn latest(
    table: &Table,
    columns: &PullColumns,
    wanted: &Arc<Wanted>,
    plan: &Plan,
    cancel: &Cancel,
    progress: &Progress,
) -> Result<Vec<RecordBatch>> {
    let schema = columns.schema();
    let keys = columns.canonical_keys()?;
    let scan = Scan::new(table, columns.columns.names(), wanted, plan, cancel, progress);
    let start = || LatestPerKey::new(&keys, Arc::clone(&schema));
    let workers = each_unit(
        &plan.units,
        thread_count(plan.units.len()),
        cancel,
        || None,
        |worker, _, unit| {
            scan.read(unit, |batch| {
                let latest = match worker {
                    Some(latest) => latest,
                    None => worker.insert(start()?),
                };
                let features = columns.arrays(batch)?;
                latest.push(&FeatureBatch {
                    keys: in_types(&features[..columns.keys], &keys)?,
                    times: in_window(&columns.timestamp.micros(batch)?, wanted.window),
                    created: columns
                        .created
                        .as_ref()
                        .map(|created| created.micros(batch))
                        .transpose()?,
                    features,
                    sequence: batch.sequence,
                })?;
                Ok(true)
            })
        },
    )?;
    merged(workers.into_iter().flatten(), &schema)
}

/// The keys as they compare; the answer has them as they are.
fn in_types(keys: &[ArrayRef], types: &[DataType]) -> Result<Vec<ArrayRef>> {
    keys.iter()
        .zip(types)
        .map(|(key, canonical)| canonical_keys(key, canonical))
        .collect()
}

fn merged(mut workers: impl Iterator<Item = LatestPerKey>, schema: &SchemaRef) -> Result<Vec<RecordBatch>> {
    let Some(mut all) = workers.next() else {
        return Ok(vec![RecordBatch::new_empty(Arc::clone(schema))]);
    };
    for other in workers {
        all.merge(other)?;
    }
    all.finish(ANSWER_ROWS)
}
