//! Every row in a window, in the order of the files, as it is read.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::filter_record_batch;
use hybrid_core::{BatchStream, Call, Error, ErrorKind, Progress, PullAllRequest, Result};
use tokio::sync::mpsc;

use crate::FileSource;
use crate::columns::{Pull, PullColumns};
use crate::read::{Cancel, Plan, Scan, Table, Wanted, guarded, in_background, plan, spawn};
use crate::window::rows_inside;

/// So many batches wait for a slow consumer.
const AHEAD: usize = 2;

/// What the reading thread needs.
struct Opened {
    table: Table,
    columns: PullColumns,
    wanted: Arc<Wanted>,
    plan: Plan,
}

pub(crate) async fn pull(base: PathBuf, request: PullAllRequest<FileSource>, call: &Call) -> Result<BatchStream> {
    let progress = call.progress.clone();
    let opened = in_background(move |cancel| {
        let table = Table::open(&base, &request.source, cancel)?;
        let columns = PullColumns::new(&table, &asked(&request))?;
        let wanted = Arc::new(wanted(&request));
        let plan = plan(&table, &wanted, cancel)?;
        Ok(Opened {
            table,
            columns,
            wanted,
            plan,
        })
    })
    .await?;
    let schema = opened.columns.schema();
    let (sender, receiver) = mpsc::channel(AHEAD);
    let cancel = Cancel::default();
    let guard = cancel.on_drop();
    spawn("hybrid-file-all", move || {
        let read = guarded(&opened.table.name, || send_all(&opened, &cancel, &progress, &sender));
        if let Err(error) = read {
            let _ = sender.blocking_send(Err(error));
        }
    })?;
    let batches = futures::stream::unfold((receiver, guard), |(mut receiver, guard)| async {
        let batch = receiver.recv().await?;
        Some((batch, (receiver, guard)))
    });
    Ok(BatchStream::new(schema, batches))
}

pub(crate) fn asked(request: &PullAllRequest<FileSource>) -> Pull<'_> {
    Pull {
        source: &request.source,
        join_keys: &request.join_keys,
        features: &request.features,
        timestamp_name: &request.timestamp_name,
        created_name: request.created_name.as_deref(),
    }
}

pub(crate) fn wanted(request: &PullAllRequest<FileSource>) -> Wanted {
    Wanted {
        timestamp: request.source.timestamp_field.clone(),
        window: (request.start, request.end),
        keys: Vec::new(),
    }
}

fn send_all(
    opened: &Opened,
    cancel: &Cancel,
    progress: &Progress,
    sender: &mpsc::Sender<Result<RecordBatch>>,
) -> Result<()> {
    let Opened {
        table,
        columns,
        wanted,
        plan,
    } = opened;
    let schema = columns.schema();
    let scan = Scan::new(table, columns.columns.names(), wanted, plan, cancel, progress);
    for unit in &plan.units {
        scan.read(unit, |batch| {
            let made = RecordBatch::try_new(Arc::clone(&schema), columns.arrays(batch)?)?;
            let made = match rows_inside(&columns.timestamp.micros(batch)?, wanted.window) {
                Some(inside) => filter_record_batch(&made, &inside)?,
                None => made,
            };
            if made.num_rows() == 0 {
                return Ok(true);
            }
            let gone = |_| Error::new(ErrorKind::Cancelled, "the call was cancelled");
            sender.blocking_send(Ok(made)).map_err(gone)?;
            Ok(true)
        })?;
    }
    Ok(())
}
