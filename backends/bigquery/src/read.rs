use std::sync::Arc;

use arrow::array::RecordBatch;
use hybrid_core::sql::{Dialect, sqlparser};
use hybrid_core::{BatchStream, Error, ErrorKind, Result};
use sqlparser::ast::Statement;
use sqlparser::parser::Parser;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::client::{Job, Reader, TableReference};
use crate::dialect::BigQueryDialect;
use crate::error::protocol;
use crate::session::Shared;
use crate::types::Outgoing;

/// How many batches the streams together may be ahead of who reads them.
const AHEAD: usize = 2;

/// The table that BigQuery has put the rows of a query into.
pub(crate) fn table_of(job: Job) -> Result<TableReference> {
    let table = job.configuration.query.and_then(|query| query.destination_table);
    let table = table.filter(|table| !table.table_id.is_empty());
    table.ok_or_else(|| protocol("a query without a table of its rows"))
}

/// The rows of a query that has run, from the table that they are in.
pub(crate) async fn rows(
    shared: &Shared,
    table: &TableReference,
    sql: &str,
    stop: watch::Receiver<bool>,
) -> Result<BatchStream> {
    // Several streams come in any order.
    let streams = if is_ordered(sql) { 1 } else { shared.config.read_streams };
    let session = shared.storage.session(shared.jobs.project(), table, streams).await?;
    let outgoing = Arc::new(Outgoing::new(&session.schema));
    let (sender, receiver) = mpsc::channel(AHEAD);
    let mut tasks = JoinSet::new();
    for stream in session.streams {
        let reader = Reader::new(&shared.storage, &session.schema, stream);
        tasks.spawn(read(reader, Arc::clone(&outgoing), sender.clone(), stop.clone()));
    }
    let schema = Arc::clone(outgoing.schema());
    Ok(BatchStream::new(
        schema,
        futures::stream::unfold(Some((receiver, tasks)), next),
    ))
}

type Batches = mpsc::Receiver<Result<RecordBatch>>;

/// The next rows of any stream. Dropping the tasks ends them.
async fn next(state: Option<(Batches, JoinSet<()>)>) -> Option<(Result<RecordBatch>, Option<(Batches, JoinSet<()>)>)> {
    let (mut receiver, mut tasks) = state?;
    match receiver.recv().await {
        Some(Ok(batch)) => Some((Ok(batch), Some((receiver, tasks)))),
        Some(Err(error)) => Some((Err(error), None)),
        None => {
            while let Some(ended) = tasks.join_next().await {
                if let Err(error) = ended {
                    let lost = Error::new(ErrorKind::Unexpected, "a stream of rows was lost").with_cause(error);
                    return Some((Err(lost), None));
                }
            }
            None
        }
    }
}

/// One stream from its begin to its end.
async fn read(
    mut reader: Reader,
    outgoing: Arc<Outgoing>,
    batches: mpsc::Sender<Result<RecordBatch>>,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        let batch = tokio::select! {
            batch = reader.next() => batch.transpose(),
            () = stopped(&mut stop) => Some(Err(Error::new(ErrorKind::Cancelled, "the query was ended before it was done"))),
        };
        let Some(batch) = batch.map(|batch| outgoing.convert(&batch?)) else {
            return;
        };
        let failed = batch.is_err();
        if batches.send(batch).await.is_err() || failed {
            return;
        }
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stopped| *stopped).await.is_err() {
        // The session is gone without having been closed: its streams may still be read.
        std::future::pending().await
    }
}

/// Whether a query asks for an order of its rows; so does one that cannot be read.
pub(crate) fn is_ordered(sql: &str) -> bool {
    match Parser::parse_sql(&*BigQueryDialect.grammar(), sql).as_deref() {
        Ok([Statement::Query(query)]) => query.order_by.is_some(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_order_of_the_whole_is_one() {
        assert!(is_ordered("SELECT a FROM t ORDER BY a"));
        assert!(is_ordered(
            "WITH x AS (SELECT 1 AS a) SELECT a FROM x ORDER BY a LIMIT 1"
        ));
        assert!(is_ordered("SELECT a FROM"));
        assert!(!is_ordered(
            "SELECT a, ROW_NUMBER() OVER (PARTITION BY b ORDER BY a) FROM (SELECT * FROM t ORDER BY a) AS t"
        ));
    }
}
