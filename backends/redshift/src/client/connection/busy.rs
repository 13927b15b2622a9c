use std::sync::Arc;
use std::time::Duration;

use hybrid_core::{Error, ErrorKind, Result};
use tokio::runtime::Handle;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio_postgres::Client;

use super::Connector;

/// How long a cancelled connection may take to become idle before it is closed.
const SETTLE: Duration = Duration::from_secs(10);

/// A session's connection, once it has one.
#[derive(Default)]
pub(super) struct Slot {
    client: Option<Client>,
    closed: bool,
}

impl Slot {
    pub(super) fn close(&mut self) {
        self.closed = true;
        self.client = None;
    }

    fn client(&self) -> Result<&Client> {
        self.client.as_ref().ok_or_else(closed)
    }
}

fn closed() -> Error {
    Error::new(ErrorKind::Cancelled, "the session was closed")
}

/// What runs on the connection: until it is [`done`](Self::done), dropping it cancels the query in the engine.
pub(super) struct Busy {
    connector: Arc<Connector>,
    slot: Option<OwnedMutexGuard<Slot>>,
    runtime: Handle,
}

impl Busy {
    /// Waits for the connection, and makes it where there is none.
    pub(super) async fn new(connector: &Arc<Connector>, slot: &Arc<Mutex<Slot>>) -> Result<Self> {
        let mut guard = Arc::clone(slot).lock_owned().await;
        if guard.closed {
            return Err(closed());
        }
        if guard.client.is_none() {
            guard.client = Some(connector.connect().await?);
        }
        Ok(Self {
            connector: Arc::clone(connector),
            slot: Some(guard),
            runtime: Handle::current(),
        })
    }

    pub(super) fn client(&self) -> Result<&Client> {
        self.slot.as_ref().ok_or_else(closed)?.client()
    }

    /// The statement has ended: the connection is idle.
    pub(super) fn done(mut self) {
        self.slot = None;
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        if let Some(slot) = self.slot.take() {
            self.runtime.spawn(settle(Arc::clone(&self.connector), slot));
        }
    }
}

/// Cancels what runs and waits until the connection is idle; closes it where it does not become so.
async fn settle(connector: Arc<Connector>, mut slot: OwnedMutexGuard<Slot>) {
    let Ok(token) = slot.client().map(Client::cancel_token) else {
        return;
    };
    connector.cancel(&token).await;
    let idle = async {
        let client = slot.client().ok()?;
        // The first answer may be that of a cancel request that came late.
        for _ in 0..3 {
            if client.simple_query("ROLLBACK").await.is_ok() {
                return Some(());
            }
        }
        None
    };
    if !matches!(tokio::time::timeout(SETTLE, idle).await, Ok(Some(()))) {
        slot.client = None;
    }
}
