//! One object on its way: it is there whole, or not at all.

use std::mem;
use std::sync::Arc;

use bytes::Bytes;
use hybrid_core::{Error, ErrorKind, Result};
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, PutPayloadMut};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};

use super::Objects;

/// What is larger goes in parts of this size: 10,000 of them, which is what servers take, are 160 GB.
const PART: usize = 16 << 20;

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
    pieces: mpsc::Sender<Piece>,
    /// Says whether the object may be there.
    task: JoinHandle<bool>,
}

/// What takes the object's bytes.
pub(crate) struct Feed {
    /// The upload has the other end: when that is removed, none are taken any more.
    pieces: mpsc::WeakSender<Piece>,
    outcome: oneshot::Receiver<Result<()>>,
}

pub(super) fn begin(objects: Arc<Objects>, name: &str) -> (Upload, Feed) {
    let (sender, mut pieces) = mpsc::channel(1);
    let (told, outcome) = oneshot::channel();
    let feed = Feed {
        pieces: sender.downgrade(),
        outcome,
    };
    let sending = Arc::clone(&objects);
    let mut object = Object::new(Arc::clone(objects.store()), objects.object(name));
    let task = tokio::spawn(async move {
        let done = match object.take(&mut pieces).await {
            Ok(()) => Ok(()),
            Err(error) => {
                object.give_up().await;
                Err(error.map_or_else(given_up, |error| sending.error("write to", &error)))
            }
        };
        let may_be_there = done.as_ref().err().is_none_or(|error| !is_refusal(error));
        // Nobody asks where the caller went away.
        let _ = told.send(done);
        may_be_there
    });
    let upload = Upload {
        objects,
        name: name.to_owned(),
        pieces: sender,
        task,
    };
    (upload, feed)
}

impl Upload {
    /// Gives up what is not done, and removes what is.
    pub(crate) async fn remove(self) -> Result<()> {
        drop(self.pieces);
        match self.task.await {
            Ok(false) => Ok(()),
            _ => self.objects.remove(&self.name).await,
        }
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
        let taken = match self.pieces.upgrade() {
            Some(pieces) => pieces.send(piece).await.is_ok(),
            None => false,
        };
        if taken {
            return Ok(());
        }
        self.outcome().await.and(Err(given_up()))
    }

    async fn outcome(&mut self) -> Result<()> {
        (&mut self.outcome).await.unwrap_or_else(|_| Err(given_up()))
    }
}

/// Whether nothing can be there after such an error; after others, only the answer may be lost.
fn is_refusal(error: &Error) -> bool {
    use ErrorKind as K;
    matches!(
        error.kind(),
        K::Cancelled | K::NotFound | K::PermissionDenied | K::Unauthenticated
    )
}

fn given_up() -> Error {
    Error::new(ErrorKind::Cancelled, "staging rows was given up")
}

/// In memory are the parts on their way, the next one, and what is handed on.
struct Object {
    store: Arc<dyn ObjectStore>,
    path: Path,
    /// What is no whole part yet.
    next: PutPayloadMut,
    /// From when there is more than one part.
    upload: Option<Box<dyn MultipartUpload>>,
    running: JoinSet<object_store::Result<()>>,
}

impl Object {
    fn new(store: Arc<dyn ObjectStore>, path: Path) -> Self {
        Self {
            store,
            path,
            next: PutPayloadMut::new(),
            upload: None,
            running: JoinSet::new(),
        }
    }

    /// Sends all pieces; an error without a cause says that they ended too early.
    async fn take(&mut self, pieces: &mut mpsc::Receiver<Piece>) -> Result<(), Option<object_store::Error>> {
        while let Some(piece) = pieces.recv().await {
            match piece {
                Piece::Bytes(bytes) => self.add(bytes).await?,
                Piece::End => return self.end().await.map_err(Some),
            }
        }
        Err(None)
    }

    async fn add(&mut self, mut bytes: Bytes) -> object_store::Result<()> {
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
    async fn send(&mut self) -> object_store::Result<()> {
        self.wait(AT_ONCE - 1).await?;
        let mut upload = match self.upload.take() {
            Some(upload) => upload,
            None => self.store.put_multipart(&self.path).await?,
        };
        self.running.spawn(upload.put_part(mem::take(&mut self.next).freeze()));
        self.upload = Some(upload);
        Ok(())
    }

    /// Waits until no more than so many parts are on their way.
    async fn wait(&mut self, most: usize) -> object_store::Result<()> {
        while self.running.len() > most
            && let Some(sent) = self.running.join_next().await
        {
            sent??;
        }
        Ok(())
    }

    async fn end(&mut self) -> object_store::Result<()> {
        if self.upload.is_none() {
            let all = mem::take(&mut self.next).freeze();
            return self.store.put(&self.path, all).await.map(drop);
        }
        self.send().await?;
        self.wait(0).await?;
        match &mut self.upload {
            Some(upload) => upload.complete().await.map(drop),
            None => Ok(()),
        }
    }

    /// Takes back the parts that are there. What fails here, the bucket's own rules for unfinished uploads clean up.
    async fn give_up(&mut self) {
        self.running.shutdown().await;
        if let Some(upload) = &mut self.upload {
            let _ = upload.abort().await;
        }
    }
}
