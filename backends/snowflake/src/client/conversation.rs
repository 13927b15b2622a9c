use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use hybrid_core::{BatchStream, Error, ErrorKind, Result};
use serde_json::Value;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use super::results;
use super::session::{Request, Session, parsed};
use crate::error::protocol;
use crate::types::described;

/// How long a statement that was ended may take to end.
const END: Duration = Duration::from_secs(15);

/// Statements of one session; whatever of them still runs can be ended at once.
pub(crate) struct Conversation {
    pub(super) session: Arc<Session>,
    stop: watch::Sender<bool>,
    running: Mutex<Vec<JoinHandle<()>>>,
    /// Something was ended early: the session is not for others any more.
    tainted: Arc<AtomicBool>,
    fetch_threads: usize,
}

/// The rows of a statement that has few, as texts.
pub(crate) struct Rows {
    pub(crate) names: Vec<String>,
    pub(crate) rows: Vec<Vec<Option<String>>>,
}

impl Rows {
    /// A column's place; names are compared without case.
    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known.eq_ignore_ascii_case(name))
    }

    /// The first value.
    pub(crate) fn first(&self) -> Option<&str> {
        self.rows.first()?.first()?.as_deref()
    }
}

impl Conversation {
    pub(super) fn new(session: Arc<Session>, fetch_threads: usize) -> Self {
        Self {
            session,
            stop: watch::Sender::new(false),
            running: Mutex::default(),
            tainted: Arc::default(),
            fetch_threads,
        }
    }

    /// The columns of a query, which is not run.
    pub(crate) async fn describe(&self, query: &str) -> Result<SchemaRef> {
        let answer = self.answer(query, true).await?;
        let columns = parsed(&answer)?.data.and_then(|data| data.rowtype);
        Ok(described(&columns.unwrap_or_default()))
    }

    /// The rows of a query.
    pub(crate) async fn query(&self, query: &str) -> Result<BatchStream> {
        let answer = self.answer(query, false).await?;
        results::stream(Arc::clone(&self.session), answer, self.fetch_threads)
    }

    /// Runs a statement to its end.
    pub(crate) async fn execute(&self, statement: &str) -> Result<()> {
        self.answer(statement, false).await.map(drop)
    }

    /// Runs a statement that changes rows and says how many.
    pub(crate) async fn changed(&self, statement: &str) -> Result<u64> {
        let rows = self.rows(statement).await?;
        let count = rows.first().and_then(|count| count.parse().ok());
        count.ok_or_else(|| protocol("a statement that changes rows does not say how many"))
    }

    /// All rows of a statement that has few, as texts.
    pub(crate) async fn rows(&self, statement: &str) -> Result<Rows> {
        let answer = self.answer(statement, false).await?;
        let data = parsed(&answer)?.data.unwrap_or_default();
        let names = data
            .rowtype
            .iter()
            .flatten()
            .map(|column| column.name.clone())
            .collect();
        let rows = match data.rowset {
            Some(rows) => rows.iter().map(|row| row.iter().map(text).collect()).collect(),
            None => {
                let stream = results::stream(Arc::clone(&self.session), answer, 1)?;
                shown(&stream.collect().await?)?
            }
        };
        Ok(Rows { names, rows })
    }

    /// Runs something that gives the answer whole: where files are put, for instance.
    pub(super) async fn raw(&self, statement: &str) -> Result<Bytes> {
        self.answer(statement, false).await
    }

    /// Ends in the engine what still runs, and waits until that is done.
    pub(crate) async fn stop(&self) {
        self.stop.send_replace(true);
        let running = std::mem::take(&mut *self.running());
        futures::future::join_all(running).await;
    }

    /// Whether everything that was started came to its end by itself.
    pub(crate) fn is_clean(&self) -> bool {
        !self.tainted.load(Ordering::Relaxed) && !self.session.is_gone()
    }

    /// What is in the session is not known any more: it ends, and what is in it goes with it.
    pub(crate) fn taint(&self) {
        self.tainted.store(true, Ordering::Relaxed);
    }

    fn running(&self) -> std::sync::MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a statement in a task of its own, which ends it in the engine when nobody waits any more.
    async fn answer(&self, sql: &str, describe: bool) -> Result<Bytes> {
        let (reply, answer) = oneshot::channel();
        let statement = Statement {
            session: Arc::clone(&self.session),
            stop: self.stop.subscribe(),
            tainted: Arc::clone(&self.tainted),
        };
        let task = tokio::spawn(statement.run(Request::new(sql.to_owned(), describe), reply));
        {
            let mut running = self.running();
            running.retain(|task| !task.is_finished());
            running.push(task);
        }
        let ended = |_| Error::new(ErrorKind::Unexpected, "a task that runs a statement ended early");
        answer.await.map_err(ended)?
    }
}

/// A statement on its way through the server.
struct Statement {
    session: Arc<Session>,
    stop: watch::Receiver<bool>,
    tainted: Arc<AtomicBool>,
}

impl Statement {
    async fn run(mut self, request: Request, mut reply: oneshot::Sender<Result<Bytes>>) {
        let turn = Arc::clone(&self.session.turn);
        let _turn = tokio::select! {
            turn = turn.lock_owned() => turn,
            () = reply.closed() => return,
            () = stopped(&mut self.stop) => {
                // Nobody listens only when the statement was given up.
                let _ = reply.send(Err(cancelled()));
                return;
            }
        };
        let session = Arc::clone(&self.session);
        let mut work = std::pin::pin!(session.run(&request));
        let outcome = tokio::select! {
            outcome = &mut work => outcome,
            () = reply.closed() => self.abort(&request, work).await,
            () = stopped(&mut self.stop) => self.abort(&request, work).await,
        };
        let _ = reply.send(outcome);
    }

    /// Ends the statement, again until it is seen to end: the server may get to know of it later than of its end.
    async fn abort(
        &self,
        request: &Request,
        mut work: std::pin::Pin<&mut impl Future<Output = Result<Bytes>>>,
    ) -> Result<Bytes> {
        self.tainted.store(true, Ordering::Relaxed);
        let ending = async {
            loop {
                self.session.abort(request).await;
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        tokio::select! {
            _ = &mut work => {}
            () = ending => {}
            () = tokio::time::sleep(END) => {}
        }
        Err(cancelled())
    }
}

fn cancelled() -> Error {
    Error::new(ErrorKind::Cancelled, "the statement was ended before it was done")
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stopped| *stopped).await.is_err() {
        // The session is gone without having been closed.
        std::future::pending().await
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// Batches as texts.
fn shown(batches: &[RecordBatch]) -> Result<Vec<Vec<Option<String>>>> {
    use arrow::array::Array;
    let mut rows = Vec::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            let value = |column: &arrow::array::ArrayRef| {
                let shown = column
                    .is_valid(row)
                    .then(|| arrow::util::display::array_value_to_string(column, row));
                Ok(shown.transpose()?)
            };
            rows.push(batch.columns().iter().map(value).collect::<Result<_>>()?);
        }
    }
    Ok(rows)
}
