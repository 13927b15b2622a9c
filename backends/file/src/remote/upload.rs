//! Putting a finished local file into object storage, as one object that is there whole or not at all.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use hybrid_core::{Error, ErrorKind, Result};
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use tokio::sync::oneshot;

use super::address::Address;
use super::error::store_error;
use super::{client, path, runtime};
use crate::error::io_error;
use crate::location::Scheme;

/// Larger files go in parts, of at least this size.
const PART: u64 = 16 << 20;
/// Servers take at most 10,000 parts.
const MAX_PARTS: u64 = 9_000;
const PARALLEL: usize = 4;

/// Uploads `file`, from its start, as the object `url/name`, which must not exist.
///
/// Readers see the whole object or none. When it fails, or its future is dropped, nothing that was
/// sent stays behind.
///
/// # Errors
/// InvalidInput when the object exists; what the server says.
pub(crate) async fn put_file(scheme: Scheme, url: &str, endpoint: Option<&str>, name: &str, file: File) -> Result<()> {
    let url = format!("{}/{name}", url.trim_end_matches('/'));
    let endpoint = endpoint.map(str::to_owned);
    // Closed when the caller drops this future.
    let (caller, waits) = oneshot::channel::<()>();
    let done = runtime::run(async move {
        let address = Address::parse(&url)?;
        let store = client::client(scheme, &address, endpoint.as_deref()).await?;
        let upload = Upload {
            at: path(&address.key, &url)?,
            store,
            url,
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
        let mut upload = self
            .store
            .put_multipart(&self.at)
            .await
            .map_err(|error| self.error(&error))?;
        let sent = self
            .parts(upload.as_mut(), file, PART.max(size.div_ceil(MAX_PARTS)))
            .await;
        if sent.is_err() {
            // What fails here, the bucket's own rules for unfinished uploads clean up.
            let _ = upload.abort().await;
        }
        sent
    }

    async fn once(&self, bytes: Bytes) -> Result<()> {
        let put = |mode: PutMode| {
            let options = PutOptions {
                mode,
                ..PutOptions::default()
            };
            self.store.put_opts(&self.at, PutPayload::from(bytes.clone()), options)
        };
        let error = match put(PutMode::Create).await {
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        let done = match &error {
            // The first try of a request may have arrived although its answer did not.
            object_store::Error::AlreadyExists { .. } => self.holds(&bytes).await,
            // Names are unique: a server without conditional requests is as safe.
            object_store::Error::NotImplemented { .. } | object_store::Error::NotSupported { .. } => {
                return put(PutMode::Overwrite)
                    .await
                    .map(drop)
                    .map_err(|error| self.error(&error));
            }
            _ => false,
        };
        if done { Ok(()) } else { Err(self.error(&error)) }
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

    async fn parts(&mut self, upload: &mut dyn MultipartUpload, mut file: File, size: u64) -> Result<()> {
        let mut running = FuturesUnordered::new();
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
        upload.complete().await.map(drop).map_err(|error| self.error(&error))
    }

    fn error(&self, error: &object_store::Error) -> Error {
        store_error("write", &self.url, error)
    }
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
