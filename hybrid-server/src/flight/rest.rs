//! What a client still sends when its call has already failed.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use arrow_flight::FlightData;
use futures::{Stream, StreamExt};
use tonic::{Status, Streaming};

/// How long a client is listened to whose call has failed.
const PATIENCE: Duration = Duration::from_secs(10);

/// The messages of a call, which can be read on when their first reader has let them go.
#[derive(Clone)]
pub(super) struct Rest(Arc<Mutex<Streaming<FlightData>>>);

impl Rest {
    pub(super) fn of(messages: Streaming<FlightData>) -> Self {
        Self(Arc::new(Mutex::new(messages)))
    }

    /// Reads and forgets what comes until the client has sent everything. An error that arrives while a client of
    /// Feast's still sends is not made into Feast's exception there.
    pub(super) async fn drain(mut self) {
        let drained = async { while let Some(Ok(_)) = self.next().await {} };
        let _ = tokio::time::timeout(PATIENCE, drained).await;
    }
}

impl Stream for Rest {
    type Item = Result<FlightData, Status>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut messages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        messages.poll_next_unpin(context)
    }
}
