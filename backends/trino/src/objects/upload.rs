//! One object on its way: it is there whole, or not at all.

use std::mem;
use std::sync::Arc;

use bytes::Bytes;
use hybrid_core::{Error, ErrorKind, Result};
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStoreExt, PutPayloadMut};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};

use super::{Objects, REMOVAL};

/// What is larger goes in parts of this size.
const PART: usize = 16 << 20;

/// The most that an object has: servers take 10,000 parts.
const MOST: u64 = 10_000 * PART as u64;

/// So many parts are on their way at the same time.
const AT_ONCE: usize = 4;

/// What a writer hands on.
enum Piece {
    Bytes(Bytes),
    /// All bytes are there: the object may be seen.
    End,
}

/// An object that a session answers for. A task of its own sends it, which a caller that goes away does not cut off in the
/// middle of a request: it gives the object up.
pub(crate) struct Upload {
    objects: Arc<Objects>,
    name: String,
    /// Dropped where the object is not wanted any more.
    wanted: oneshot::Sender<()>,
    /// Says whether the object is there.
    task: JoinHandle<bool>,
}

/// What takes the object's bytes.
pub(crate) struct Feed {
    pieces: mpsc::Sender<Piece>,
    outcome: oneshot::Receiver<Result<()>>,
}

pub(super) fn begin(objects: Arc<Objects>, name: &str) -> (Upload, Feed) {
    let (sender, pieces) = mpsc::channel(1);
    let (told, outcome) = oneshot::channel();
    let (wanted, given_up) = oneshot::channel();
    let mut object = Object::new(Arc::clone(&objects), name, pieces, given_up);
    let task = tokio::spawn(async move {
        let done = object.take().await;
        let is_there = done.is_ok();
        if !is_there {
            let _ = tokio::time::timeout(REMOVAL, object.give_up()).await;
        }
        // Nobody asks where the caller went away.
        let _ = told.send(done);
        is_there
    });
    let upload = Upload {
        objects,
        name: name.to_owned(),
        wanted,
        task,
    };
    let feed = Feed {
        pieces: sender,
        outcome,
    };
    (upload, feed)
}

impl Upload {
    /// Gives up what is not done, and removes what is.
    pub(crate) async fn remove(self) -> Result<()> {
        drop(self.wanted);
        let mut task = self.task;
        let ended = tokio::time::timeout(REMOVAL, &mut task).await;
        // A request that is not answered for so long is cut off.
        task.abort();
        let was_there = matches!(ended, Ok(Ok(true)));
        let removed = self.objects.remove(&self.name).await;
        // What failed has been told, and most likely left nothing.
        if was_there { removed } else { Ok(()) }
    }

    /// The URL of its folder.
    pub(crate) fn url(&self) -> String {
        self.objects.url(&self.name)
    }
}

impl Feed {
    /// Hands bytes on, when the ones before are on their way.
    ///
    /// # Errors
    /// What the store says of the bytes before.
    pub(crate) async fn put(&mut self, bytes: Vec<u8>) -> Result<()> {
        self.hand_on(Piece::Bytes(bytes.into())).await
    }

    /// Waits until the object is there.
    ///
    /// # Errors
    /// What the store says.
    pub(crate) async fn end(mut self) -> Result<()> {
        self.hand_on(Piece::End).await?;
        self.outcome().await
    }

    async fn hand_on(&mut self, piece: Piece) -> Result<()> {
        if self.pieces.send(piece).await.is_ok() {
            return Ok(());
        }
        self.outcome().await.and(Err(given_up()))
    }

    async fn outcome(&mut self) -> Result<()> {
        (&mut self.outcome).await.unwrap_or_else(|_| Err(lost()))
    }
}

fn given_up() -> Error {
    Error::new(ErrorKind::Cancelled, "staging rows was given up")
}

fn lost() -> Error {
    Error::new(ErrorKind::Unexpected, "sending the staged rows ended without a result")
}

fn too_large() -> Error {
    let message = format!("the staged rows are more than {MOST} bytes, which is what fits into an object");
    Error::new(ErrorKind::ResourceExhausted, message).with_help("write fewer rows at a time")
}

/// In memory are the parts on their way, the next one, and what is handed on.
struct Object {
    objects: Arc<Objects>,
    path: Path,
    pieces: mpsc::Receiver<Piece>,
    /// Ends when the object is not wanted any more.
    given_up: oneshot::Receiver<()>,
    /// What is no whole part yet.
    next: PutPayloadMut,
    /// From when there is more than one part.
    upload: Option<Box<dyn MultipartUpload>>,
    /// The bytes of the parts that are there or on their way.
    sent: u64,
    running: JoinSet<object_store::Result<()>>,
}

impl Object {
    fn new(objects: Arc<Objects>, name: &str, pieces: mpsc::Receiver<Piece>, given_up: oneshot::Receiver<()>) -> Self {
        Self {
            path: objects.object(name),
            objects,
            pieces,
            given_up,
            next: PutPayloadMut::new(),
            upload: None,
            sent: 0,
            running: JoinSet::new(),
        }
    }

    /// Sends all pieces.
    async fn take(&mut self) -> Result<()> {
        loop {
            let piece = tokio::select! {
                biased;
                _ = &mut self.given_up => return Err(given_up()),
                piece = self.pieces.recv() => piece,
            };
            match piece {
                Some(Piece::Bytes(bytes)) => self.add(bytes).await?,
                Some(Piece::End) => return self.end().await,
                // Who wrote them has gone away.
                None => return Err(given_up()),
            }
        }
    }

    async fn add(&mut self, mut bytes: Bytes) -> Result<()> {
        while !bytes.is_empty() {
            if self.next.content_length() == PART {
                self.send().await?;
            }
            let room = PART - self.next.content_length();
            self.next.push(bytes.split_to(room.min(bytes.len())));
        }
        Ok(())
    }

    /// Sends what is there as the next part.
    async fn send(&mut self) -> Result<()> {
        self.wait(AT_ONCE - 1).await?;
        if self.sent >= MOST {
            return Err(too_large());
        }
        let mut upload = match self.upload.take() {
            Some(upload) => upload,
            None => {
                let begun = self.objects.store().put_multipart(&self.path).await;
                begun.map_err(|error| self.failed(&error))?
            }
        };
        let part = mem::take(&mut self.next).freeze();
        self.sent += part.content_length() as u64;
        self.running.spawn(upload.put_part(part));
        self.upload = Some(upload);
        Ok(())
    }

    /// Waits until no more than so many parts are on their way.
    async fn wait(&mut self, most: usize) -> Result<()> {
        while self.running.len() > most {
            let sent = tokio::select! {
                biased;
                _ = &mut self.given_up => return Err(given_up()),
                sent = self.running.join_next() => sent,
            };
            match sent {
                Some(Ok(sent)) => sent.map_err(|error| self.failed(&error))?,
                Some(Err(_)) => return Err(lost()),
                None => break,
            }
        }
        Ok(())
    }

    async fn end(&mut self) -> Result<()> {
        if self.upload.is_none() {
            let all = mem::take(&mut self.next).freeze();
            let put = self.objects.store().put(&self.path, all).await;
            return put.map(drop).map_err(|error| self.failed(&error));
        }
        self.send().await?;
        self.wait(0).await?;
        let done = match &mut self.upload {
            Some(upload) => upload.complete().await,
            None => return Ok(()),
        };
        let Err(error) = done else {
            return Ok(());
        };
        // The name is new: what is there is what was sent, and only the answer was lost.
        let found = self.objects.store().head(&self.path).await;
        if found.is_ok_and(|found| found.size == self.sent) {
            return Ok(());
        }
        Err(self.failed(&error))
    }

    /// Takes back the parts that are there. What fails here, the bucket's own rules for unfinished uploads clean up.
    async fn give_up(&mut self) {
        self.running.shutdown().await;
        if let Some(upload) = &mut self.upload {
            let _ = upload.abort().await;
        }
    }

    fn failed(&self, error: &object_store::Error) -> Error {
        self.objects.error("write to", error)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::tests::in_memory;
    use super::*;

    #[tokio::test]
    async fn an_object_has_no_more_parts_than_servers_take() {
        let (_, objects) = in_memory();
        let ((_sender, pieces), (_wanted, given_up)) = (mpsc::channel(1), oneshot::channel());
        let mut object = Object::new(objects, "x", pieces, given_up);
        object.sent = MOST - PART as u64;
        object.add(vec![7_u8; PART].into()).await.unwrap();
        object.send().await.unwrap();
        object.add(vec![7_u8].into()).await.unwrap();
        let error = object.end().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ResourceExhausted, "{error}");
    }

    /// As a task does that panics.
    #[tokio::test]
    async fn a_task_that_ends_without_a_word_is_told_as_what_it_is() {
        let ((pieces, _), (told, outcome)) = (mpsc::channel(1), oneshot::channel());
        drop(told);
        let error = Feed { pieces, outcome }.end().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unexpected, "{error}");
    }
}
