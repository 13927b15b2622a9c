use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::Object;
use hybrid_core::{Error, ErrorKind, Result};
use tokio::runtime::Handle;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::Client;

/// How long a cancelled connection may take to become idle before it is closed.
const SETTLE: Duration = Duration::from_secs(10);
/// How long a statement whose rows nobody reads may run on before it is cancelled.
const GRACE: Duration = Duration::from_millis(50);
/// Waits on the server for a cancel request that comes late.
const LATE: &str = "SELECT pg_sleep(0.3)";

/// One connection of the pool. Unless `end` says otherwise it is closed when it is dropped: nobody
/// knows then what still runs on it.
pub struct Lease(Option<Object>);

impl Lease {
    pub(super) fn new(object: Object) -> Self {
        Self(Some(object))
    }

    pub(super) fn end(mut self, keep: bool) {
        if let Some(object) = self.0.take() {
            match keep {
                true => drop(object),
                false => drop(Object::take(object)),
            }
        }
    }

    /// The connection.
    ///
    /// # Errors
    /// Unexpected, when it was given back.
    pub fn object(&self) -> Result<&Object> {
        self.0.as_ref().ok_or_else(closed)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(object) = self.0.take() {
            drop(Object::take(object));
        }
    }
}

/// The connection of a session, once it has one, and what it holds.
#[derive(Default)]
pub(crate) struct Slot {
    lease: Option<Lease>,
    /// Temporary tables, quoted and with their schema.
    pub(crate) temporary: Vec<String>,
    /// A cancel request was sent on it, which may arrive late: not for others.
    pub(crate) tainted: bool,
    /// The session is over.
    pub(crate) closed: bool,
}

impl Slot {
    pub(crate) fn take(&mut self) -> Option<Lease> {
        self.lease.take()
    }

    pub(crate) fn connection(&self) -> Result<&Object> {
        self.lease.as_ref().ok_or_else(closed)?.object()
    }
}

fn closed() -> Error {
    Error::new(ErrorKind::Unexpected, "the session was closed")
}

/// What runs on a session's connection: until it is [`done`](Self::done), dropping it cancels the query in the engine.
pub(crate) struct Busy {
    client: Arc<Client>,
    slot: Option<OwnedMutexGuard<Slot>>,
    runtime: Handle,
}

impl Busy {
    /// Waits for the session's connection, and makes it where there is none.
    pub(crate) async fn new(client: &Arc<Client>, slot: &Arc<Mutex<Slot>>) -> Result<Self> {
        let mut guard = Arc::clone(slot).lock_owned().await;
        if guard.closed {
            return Err(closed());
        }
        if guard.lease.is_none() {
            guard.lease = Some(client.acquire().await?);
        }
        Ok(Self {
            client: Arc::clone(client),
            slot: Some(guard),
            runtime: Handle::current(),
        })
    }

    pub(crate) fn slot(&mut self) -> Result<&mut Slot> {
        self.slot.as_deref_mut().ok_or_else(closed)
    }

    pub(crate) fn connection(&self) -> Result<&Object> {
        self.slot.as_ref().ok_or_else(closed)?.connection()
    }

    /// The statement has ended: the connection is idle.
    pub(crate) fn done(mut self) {
        self.slot = None;
    }

    /// The statement has ended, and the connection is not to be used again: it is closed.
    pub(crate) fn lost(mut self) {
        if let Some(mut slot) = self.slot.take() {
            slot.take();
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        if let Some(slot) = self.slot.take() {
            self.runtime.spawn(settle(Arc::clone(&self.client), slot));
        }
    }
}

/// Lets a short statement end by itself; cancels a longer one. A cancel request may arrive after the statement it was
/// meant for, and would end the next one: the connection goes unless it holds the session's temporary tables.
async fn settle(client: Arc<Client>, mut slot: OwnedMutexGuard<Slot>) {
    let Ok(token) = slot.connection().map(|connection| connection.cancel_token()) else {
        return;
    };
    if let Ok(true) = tokio::time::timeout(GRACE, rolled_back(&slot)).await {
        return;
    }
    slot.tainted = true;
    client.cancel(&token).await;
    if slot.temporary.is_empty() || tokio::time::timeout(SETTLE, idle(&slot)).await != Ok(true) {
        slot.take();
    }
}

async fn rolled_back(slot: &Slot) -> bool {
    match slot.connection() {
        Ok(connection) => connection.simple_query("ROLLBACK").await.is_ok(),
        Err(_) => false,
    }
}

/// After a cancel request: waits until the connection answers, and for a request that comes late.
async fn idle(slot: &Slot) -> bool {
    for _ in 0..3 {
        if rolled_back(slot).await
            && let Ok(connection) = slot.connection()
        {
            // What arrives now ends this wait, and nothing of the session's.
            let _ = connection.simple_query(LATE).await;
            return !connection.is_closed();
        }
    }
    false
}
