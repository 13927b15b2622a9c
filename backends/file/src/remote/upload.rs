//! Putting a finished local file into object storage, as one object that is there whole or not at all.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use hybrid_core::{Error, ErrorKind, Result};
use hybrid_objects::Purpose;
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, PutResult};
use tokio::sync::oneshot;

use super::address::{self, key};
use super::error::store_error;
use super::{client, path, runtime};
use crate::error::{invalid, io_error};

/// Larger files go in parts, of at least this size.
const PART: u64 = 16 << 20;
/// Servers take at most 10,000 parts.
const MAX_PARTS: u64 = 9_000;
const PARALLEL: usize = 4;

/// What becomes of an object of that name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Existing {
    /// It stays as it is, and nothing is written.
    Stays,
    /// It is replaced at once.
    Goes,
}

/// Uploads `file`, from its start, as the object `url/name`. Where a larger one must not exist, that is looked for when all
/// parts have arrived: servers refuse none there, and of two that end in the same moment the later stays.
///
/// Readers see the whole object or none. When it fails, or its future is dropped, nothing that was
/// sent stays behind.
///
/// # Errors
/// InvalidInput when the object exists; what the server says.
pub(crate) async fn put_file(
    url: &str,
    endpoint: Option<&str>,
    name: &str,
    file: File,
    existing: Existing,
) -> Result<()> {
    let url = format!("{}/{name}", url.trim_end_matches('/'));
    let endpoint = endpoint.map(str::to_owned);
    // Closed when the caller drops this future.
    let (caller, waits) = oneshot::channel::<()>();
    let done = runtime::run(async move {
        let address = address::parse(&url)?;
        let store = client::client(&address, endpoint.as_deref(), Purpose::Uploads).await?;
        let upload = Upload {
            at: path(key(&address), &address.url)?,
            store,
            url: address.url,
            existing,
            caller: waits,
        };
        upload.run(file).await
    })
    .await;
    drop(caller);
    done
}

struct Upload {
    store: Arc<dyn ObjectStore>,
    at: Path,
    url: String,
    existing: Existing,
    caller: oneshot::Receiver<()>,
}

impl Upload {
    async fn run(mut self, file: File) -> Result<()> {
        let failed = |error| io_error("read", "the file to upload", error);
        let size = file.metadata().map_err(failed)?.len();
        (&file).seek(SeekFrom::Start(0)).map_err(failed)?;
        if size <= PART {
            let (_, bytes) = chunk(file, PART).await?;
            return self.once(bytes).await;
        }
        let upload = self.store.put_multipart(&self.at).await;
        let upload = upload.map_err(|error| self.error(&error))?;
        self.in_parts(upload, file, PART.max(size.div_ceil(MAX_PARTS))).await
    }

    async fn in_parts(&mut self, mut upload: Box<dyn MultipartUpload>, file: File, part: u64) -> Result<()> {
        let sent = self.parts(upload.as_mut(), file, part).await;
        if sent.is_err() {
            // What fails here, the bucket's own rules for unfinished uploads clean up.
            let _ = upload.abort().await;
        }
        sent
    }

    async fn put(&self, bytes: &Bytes, mode: PutMode) -> object_store::Result<PutResult> {
        let options = PutOptions {
            mode,
            ..PutOptions::default()
        };
        let payload = PutPayload::from(bytes.clone());
        self.store.put_opts(&self.at, payload, options).await
    }

    async fn over(&self, bytes: &Bytes) -> Result<()> {
        let sent = self.put(bytes, PutMode::Overwrite).await;
        sent.map(drop).map_err(|error| self.error(&error))
    }

    async fn once(&self, bytes: Bytes) -> Result<()> {
        if self.existing == Existing::Goes {
            return self.over(&bytes).await;
        }
        let error = match self.put(&bytes, PutMode::Create).await {
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        let made = self.error(&error);
        let done = match &error {
            // A request may have arrived although its answer did not, and been repeated then.
            object_store::Error::AlreadyExists { .. } => self.holds(&bytes).await,
            _ if made.is_retryable() => self.holds(&bytes).await,
            // Names are unique, or were looked for: a server without conditional requests is as safe.
            object_store::Error::NotImplemented { .. } | object_store::Error::NotSupported { .. } => {
                return self.over(&bytes).await;
            }
            _ => false,
        };
        if done { Ok(()) } else { Err(made) }
    }

    /// Whether the object is there with just these bytes.
    async fn holds(&self, bytes: &Bytes) -> bool {
        let same_size = self
            .store
            .head(&self.at)
            .await
            .is_ok_and(|found| found.size == bytes.len() as u64);
        if !same_size {
            return false;
        }
        match self.store.get(&self.at).await {
            Ok(found) => found.bytes().await.is_ok_and(|found| found == bytes),
            Err(_) => false,
        }
    }

    async fn has_size(&self, size: u64) -> bool {
        let found = self.store.head(&self.at).await;
        found.is_ok_and(|found| found.size == size)
    }

    async fn parts(&mut self, upload: &mut dyn MultipartUpload, mut file: File, size: u64) -> Result<()> {
        let mut running = FuturesUnordered::new();
        let mut total = 0;
        loop {
            if matches!(self.caller.try_recv(), Err(oneshot::error::TryRecvError::Closed)) {
                return Err(Error::new(
                    ErrorKind::Cancelled,
                    format!("writing `{}` was cancelled", self.url),
                ));
            }
            let (rest, bytes) = chunk(file, size).await?;
            file = rest;
            if bytes.is_empty() {
                break;
            }
            total += bytes.len() as u64;
            running.push(upload.put_part(PutPayload::from(bytes)));
            if running.len() >= PARALLEL
                && let Some(sent) = running.next().await
            {
                sent.map_err(|error| self.error(&error))?;
            }
        }
        while let Some(sent) = running.next().await {
            sent.map_err(|error| self.error(&error))?;
        }
        drop(running);
        if self.existing == Existing::Stays && self.store.head(&self.at).await.is_ok() {
            return Err(exists(&self.url));
        }
        match upload.complete().await {
            Ok(_) => Ok(()),
            // The name is new: what is there is what was sent, and only the answer was lost.
            Err(_) if self.existing == Existing::Stays && self.has_size(total).await => Ok(()),
            Err(error) => Err(self.error(&error)),
        }
    }

    fn error(&self, error: &object_store::Error) -> Error {
        store_error("write", &self.url, error)
    }
}

/// What is said of an object that is there and stays.
pub(crate) fn exists(url: &str) -> Error {
    invalid(format!("`{url}` exists")).with_help("allow it to be overwritten, or name another")
}

/// The next bytes of the file, read where waiting for a disk disturbs nobody.
async fn chunk(file: File, size: u64) -> Result<(File, Bytes)> {
    let read = tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        (&file).take(size).read_to_end(&mut bytes)?;
        Ok((file, Bytes::from(bytes)))
    });
    match read.await {
        Ok(read) => read.map_err(|error| io_error("read", "the file to upload", error)),
        Err(_) => Err(Error::new(
            ErrorKind::Unexpected,
            "reading the file to upload ended without a result",
        )),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Write;
    use std::sync::Mutex;

    use hybrid_core::async_trait;
    use object_store::UploadPart;
    use object_store::memory::InMemory;

    use super::*;

    /// Says what was asked of it, and fails at the part of that number.
    #[derive(Debug)]
    struct Recorded(Arc<Mutex<Vec<&'static str>>>, usize);

    #[async_trait]
    impl MultipartUpload for Recorded {
        fn put_part(&mut self, _: PutPayload) -> UploadPart {
            let mut calls = self.0.lock().unwrap();
            let fails = calls.len() == self.1;
            calls.push("part");
            Box::pin(async move {
                match fails {
                    true => Err(object_store::Error::Generic {
                        store: "test",
                        source: "no".into(),
                    }),
                    false => Ok(()),
                }
            })
        }

        async fn complete(&mut self) -> object_store::Result<PutResult> {
            self.0.lock().unwrap().push("complete");
            Ok(PutResult {
                e_tag: None,
                version: None,
            })
        }

        async fn abort(&mut self) -> object_store::Result<()> {
            self.0.lock().unwrap().push("abort");
            Ok(())
        }
    }

    async fn sent(fails_at: usize, gone: bool) -> (Result<()>, Vec<&'static str>) {
        sent_to(InMemory::new(), fails_at, gone).await
    }

    async fn sent_to(store: InMemory, fails_at: usize, gone: bool) -> (Result<()>, Vec<&'static str>) {
        let (caller, waits) = oneshot::channel();
        let caller = (!gone).then_some(caller);
        let mut upload = Upload {
            store: Arc::new(store),
            at: Path::from("x"),
            url: "s3://b/x".to_owned(),
            existing: Existing::Stays,
            caller: waits,
        };
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[7; 25]).unwrap();
        file.rewind().unwrap();
        let calls = Arc::new(Mutex::new(Vec::new()));
        let result = upload
            .in_parts(Box::new(Recorded(Arc::clone(&calls), fails_at)), file, 10)
            .await;
        drop(caller);
        let calls = calls.lock().unwrap().clone();
        (result, calls)
    }

    #[tokio::test]
    async fn an_upload_is_completed_or_aborted() {
        let (result, calls) = sent(9, false).await;
        assert!(result.is_ok());
        assert_eq!(calls, ["part", "part", "part", "complete"]);
        let (result, calls) = sent(1, false).await;
        assert!(result.unwrap_err().to_string().contains("s3://b/x"));
        assert_eq!(calls, ["part", "part", "part", "abort"]);
        let (result, calls) = sent(9, true).await;
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Cancelled);
        assert_eq!(calls, ["abort"]);
    }

    #[tokio::test]
    async fn an_object_that_came_while_parts_were_sent_stays() {
        let store = InMemory::new();
        store
            .put(&Path::from("x"), PutPayload::from_static(b"another"))
            .await
            .unwrap();
        let (result, calls) = sent_to(store, 9, false).await;
        assert_eq!(result.unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(calls, ["part", "part", "part", "abort"]);
    }
}
