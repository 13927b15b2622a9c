//! Retrievals that older clients have sent and not yet fetched: theirs alone, and for a while.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use hybrid_core::{BatchStream, Error, ErrorKind, Result};
use tokio::time::Instant;
use uuid::Uuid;

use crate::command::Command;

/// A retrieval that waits to be fetched.
pub(crate) struct Waiting {
    pub(crate) command: Command,
    /// The entity rows, in memory or in a temporary file.
    pub(crate) rows: Option<BatchStream>,
}

struct Entry {
    user: String,
    descriptor: Bytes,
    sent: Instant,
    waiting: Waiting,
}

/// What waits, by ticket. A ticket cannot be guessed, and is good for one user and one fetch.
pub(crate) struct Pending {
    entries: Mutex<HashMap<Uuid, Entry>>,
    most: usize,
    patience: Duration,
}

impl Pending {
    /// Keeps at most `most` at once, each for `patience`.
    pub(crate) fn new(most: usize, patience: Duration) -> Self {
        Self {
            entries: Mutex::default(),
            most,
            patience,
        }
    }

    fn entries(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a retrieval; one with the same descriptor is the client's earlier try.
    ///
    /// # Errors
    /// ResourceExhausted, when too many wait.
    pub(crate) fn put(&self, user: &str, descriptor: Bytes, waiting: Waiting) -> Result<()> {
        let mut entries = self.entries();
        entries.retain(|_, entry| !(entry.user == user && entry.descriptor == descriptor));
        if entries.len() >= self.most {
            let message = format!("{} retrievals wait to be fetched, and no more are kept", entries.len());
            return Err(Error::new(ErrorKind::ResourceExhausted, message).with_help("try again in a while"));
        }
        let entry = Entry {
            user: user.to_owned(),
            descriptor,
            sent: Instant::now(),
            waiting,
        };
        entries.insert(Uuid::new_v4(), entry);
        Ok(())
    }

    /// The ticket of what a user has sent with that descriptor.
    pub(crate) fn ticket(&self, user: &str, descriptor: &Bytes) -> Option<Uuid> {
        let entries = self.entries();
        let mut own = entries.iter().filter(|(_, entry)| entry.user == user);
        own.find(|(_, entry)| entry.descriptor == *descriptor)
            .map(|(ticket, _)| *ticket)
    }

    /// The descriptors of what a user has sent, with their tickets.
    pub(crate) fn of(&self, user: &str) -> Vec<(Bytes, Uuid)> {
        let entries = self.entries();
        let own = entries.iter().filter(|(_, entry)| entry.user == user);
        own.map(|(ticket, entry)| (entry.descriptor.clone(), *ticket)).collect()
    }

    /// Takes what a user may fetch with that ticket.
    pub(crate) fn take(&self, user: &str, ticket: &[u8]) -> Option<Waiting> {
        let ticket = Uuid::try_parse_ascii(ticket).ok()?;
        let mut entries = self.entries();
        entries.get(&ticket).filter(|entry| entry.user == user)?;
        entries.remove(&ticket).map(|entry| entry.waiting)
    }

    /// Forgets what nobody fetched in time, again and again.
    pub(crate) async fn sweep(&self) {
        let mut every = tokio::time::interval((self.patience / 4).max(Duration::from_millis(10)));
        loop {
            every.tick().await;
            self.entries().retain(|_, entry| entry.sent.elapsed() < self.patience);
        }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.entries().len()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn waiting() -> Waiting {
        let source = crate::command::SourceText {
            data_source_proto: String::new(),
        };
        Waiting {
            command: Command::Columns(source),
            rows: None,
        }
    }

    #[tokio::test]
    async fn a_ticket_is_its_users_and_good_once() {
        let pending = Pending::new(2, Duration::from_secs(60));
        let descriptor = Bytes::from_static(b"d");
        pending.put("a", descriptor.clone(), waiting()).unwrap();
        assert!(pending.ticket("b", &descriptor).is_none() && pending.of("b").is_empty());
        let ticket = pending.ticket("a", &descriptor).unwrap().to_string();
        assert!(pending.take("b", ticket.as_bytes()).is_none());
        assert!(pending.take("a", b"\xff").is_none());
        assert!(pending.take("a", ticket.as_bytes()).is_some());
        assert!(pending.take("a", ticket.as_bytes()).is_none());
    }

    #[tokio::test]
    async fn sent_again_it_is_one_and_too_many_are_refused() {
        let pending = Pending::new(2, Duration::from_secs(60));
        for descriptor in [b"a", b"a", b"b"] {
            pending.put("u", Bytes::from_static(descriptor), waiting()).unwrap();
        }
        let refused = pending.put("u", Bytes::from_static(b"c"), waiting()).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ResourceExhausted);
    }

    #[tokio::test]
    async fn what_nobody_fetches_is_forgotten() {
        let pending = std::sync::Arc::new(Pending::new(2, Duration::from_millis(200)));
        let sweeper = std::sync::Arc::clone(&pending);
        tokio::spawn(async move { sweeper.sweep().await });
        pending.put("u", Bytes::from_static(b"a"), waiting()).unwrap();
        assert_eq!(pending.len(), 1);
        let gone = async {
            while pending.len() > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), gone).await.unwrap();
    }
}
