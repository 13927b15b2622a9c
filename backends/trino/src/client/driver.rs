use std::sync::Arc;

use hybrid_core::{Error, ErrorKind, Result};
use reqwest::Url;
use tokio::sync::{mpsc, watch};

use super::http::{Answer, Client};
use super::page::{Chunk, Page};
use super::properties::Properties;
use crate::error::query_error;
use crate::types::Described;

/// What comes of a statement, in this order.
pub(super) enum Event {
    /// The result's columns; a statement that gives no rows may have none.
    Columns(Vec<Described>),
    /// Some rows.
    Chunk(Chunk),
    /// Its end, and how many rows it wrote.
    Done(Option<u64>),
}

/// One statement on its way through the server, in a task of its own: it ends in the engine when nobody listens
/// any more, also when that happens while it is being handed in.
pub(super) struct Driver {
    pub(super) client: Arc<Client>,
    pub(super) properties: Arc<Properties>,
    pub(super) events: mpsc::Sender<Result<Event>>,
    pub(super) stop: watch::Receiver<bool>,
}

/// Why a statement does not go on.
enum End {
    /// Nobody wants to know more.
    Unheard,
    /// The session is closed.
    Stopped,
    Failed(Error),
}

impl Driver {
    pub(super) async fn run(mut self, statement: String) {
        let mut next = None;
        let error = match self.drive(&statement, &mut next).await {
            Ok(()) | Err(End::Unheard) => None,
            Err(End::Stopped) => Some(Error::new(
                ErrorKind::Cancelled,
                "the query was ended before it was done",
            )),
            Err(End::Failed(error)) => Some(error),
        };
        if let Some(url) = next {
            self.client.cancel(&url).await;
        }
        if let Some(error) = error {
            // Nobody is listening only when the statement was given up.
            let _ = self.events.send(Err(error)).await;
        }
    }

    /// From the first page to the last; `next` is set as long as the engine works on it.
    async fn drive(&mut self, statement: &str, next: &mut Option<Url>) -> Result<(), End> {
        let headers = self.properties.header().map_err(End::Failed)?;
        // Not to be interrupted: the answer tells where to end what has just been started.
        let mut answer = self.client.post(statement, headers).await.map_err(End::Failed)?;
        let mut described = false;
        loop {
            let page = self.read(&answer).map_err(End::Failed)?;
            *next = page.next;
            if let Some(failure) = page.failure {
                *next = None;
                return Err(End::Failed(query_error(failure)));
            }
            if let Some(columns) = page.columns.filter(|_| !described) {
                described = true;
                self.tell(Event::Columns(columns)).await?;
            }
            for chunk in page.chunks {
                self.tell(Event::Chunk(chunk)).await?;
            }
            match next {
                None => return self.tell(Event::Done(page.update_count)).await,
                Some(url) => answer = self.follow(&url.clone()).await?,
            }
        }
    }

    fn read(&self, answer: &Answer) -> Result<Page> {
        self.properties.learn(&answer.headers);
        Page::parse(&answer.body)
    }

    async fn tell(&mut self, event: Event) -> Result<(), End> {
        tokio::select! {
            told = self.events.send(Ok(event)) => told.map_err(|_| End::Unheard),
            () = stopped(&mut self.stop) => Err(End::Stopped),
        }
    }

    async fn follow(&mut self, url: &Url) -> Result<Answer, End> {
        tokio::select! {
            answer = self.client.page(url) => answer.map_err(End::Failed),
            () = self.events.closed() => Err(End::Unheard),
            () = stopped(&mut self.stop) => Err(End::Stopped),
        }
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stopped| *stopped).await.is_err() {
        // The session is gone without having been closed: its streams may still be read.
        std::future::pending().await
    }
}
