use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use futures::{Stream, StreamExt, stream};
use hybrid_core::{BatchStream, Error, ErrorKind, Result};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::driver::{Driver, Event};
use super::http::Client;
use super::page::Chunk;
use super::properties::Properties;
use crate::error::protocol;
use crate::types::Decoder;

/// How many pages or segments may wait for the reader, and how many are fetched and decoded at once.
const AHEAD: usize = 2;

/// Statements with the same session properties; whatever of them still runs can be ended at once.
pub(crate) struct Conversation {
    client: Arc<Client>,
    properties: Arc<Properties>,
    stop: watch::Sender<bool>,
    running: Mutex<Vec<JoinHandle<()>>>,
}

impl Conversation {
    pub(crate) fn new(client: Arc<Client>, properties: Arc<Properties>) -> Self {
        Self {
            client,
            properties,
            stop: watch::Sender::new(false),
            running: Mutex::default(),
        }
    }

    /// Sets a session property for the statements that follow.
    pub(crate) fn set(&self, name: &str, value: &str) {
        self.properties.set(name, value);
    }

    /// Sets one for them that has no value yet.
    pub(crate) fn offer(&self, name: String, value: &str) {
        self.properties.offer(name, value);
    }

    /// The rows of a query. Dropping them ends it in the engine.
    pub(crate) async fn query(&self, query: &str) -> Result<BatchStream> {
        let mut events = self.start(query);
        let decoder = match events.recv().await {
            Some(Ok(Event::Columns(columns))) => Decoder::new(&columns),
            Some(Ok(Event::Chunk(_))) => return Err(protocol("rows before their columns")),
            Some(Ok(Event::Done(_))) => return Ok(BatchStream::from_batches(Arc::new(Schema::empty()), Vec::new())),
            Some(Err(error)) => return Err(error),
            None => return Err(ended_early()),
        };
        let schema = Arc::clone(decoder.schema());
        Ok(BatchStream::new(schema, self.decoded(events, decoder)))
    }

    /// All rows of a query that has few.
    pub(crate) async fn rows(&self, query: &str) -> Result<Vec<RecordBatch>> {
        self.query(query).await?.collect().await
    }

    /// Runs a statement to its end and says how many rows it wrote, where it wrote any.
    pub(crate) async fn execute(&self, statement: &str) -> Result<Option<u64>> {
        let mut events = self.start(statement);
        while let Some(event) = events.recv().await {
            if let Event::Done(count) = event? {
                return Ok(count);
            }
        }
        Err(ended_early())
    }

    /// Ends in the engine what still runs, and waits until that is done.
    pub(crate) async fn stop(&self) {
        self.stop.send_replace(true);
        let running = std::mem::take(&mut *self.running());
        futures::future::join_all(running).await;
    }

    fn running(&self) -> std::sync::MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start(&self, statement: &str) -> mpsc::Receiver<Result<Event>> {
        let (events, receiver) = mpsc::channel(AHEAD);
        let driver = Driver {
            client: Arc::clone(&self.client),
            properties: Arc::clone(&self.properties),
            events,
            stop: self.stop.subscribe(),
        };
        let task = tokio::spawn(driver.run(statement.to_owned()));
        let mut running = self.running();
        running.retain(|task| !task.is_finished());
        running.push(task);
        receiver
    }

    fn decoded(
        &self,
        events: mpsc::Receiver<Result<Event>>,
        decoder: Decoder,
    ) -> impl Stream<Item = Result<RecordBatch>> + Send + use<> {
        let client = Arc::clone(&self.client);
        chunks(events)
            .map(move |chunk| decode(Arc::clone(&client), decoder.clone(), chunk))
            .buffered(AHEAD)
            .filter(|batch| {
                let some = !matches!(batch, Ok(batch) if batch.num_rows() == 0);
                async move { some }
            })
    }
}

fn ended_early() -> Error {
    Error::new(ErrorKind::Unexpected, "a task that reads results ended early")
}

fn chunks(events: mpsc::Receiver<Result<Event>>) -> impl Stream<Item = Result<Chunk>> + Send {
    stream::unfold(Some(events), |events| async move {
        let mut events = events?;
        loop {
            match events.recv().await {
                Some(Ok(Event::Chunk(chunk))) => return Some((Ok(chunk), Some(events))),
                Some(Ok(Event::Columns(_))) => {}
                Some(Ok(Event::Done(_))) => return None,
                Some(Err(error)) => return Some((Err(error), None)),
                None => return Some((Err(ended_early()), None)),
            }
        }
    })
}

async fn decode(client: Arc<Client>, decoder: Decoder, chunk: Result<Chunk>) -> Result<RecordBatch> {
    let chunk = match chunk? {
        Chunk::Segment(mut segment) => {
            segment.fetch(&client).await?;
            Chunk::Segment(segment)
        }
        rows @ Chunk::Rows(_) => rows,
    };
    let decoded = tokio::task::spawn_blocking(move || match chunk {
        Chunk::Rows(rows) => decoder.decode(&rows),
        Chunk::Segment(segment) => decoder.decode(&segment.unpack()?),
    });
    decoded
        .await
        .unwrap_or_else(|error| Err(Error::new(ErrorKind::Unexpected, "a decoding thread failed").with_cause(error)))
}
