use std::io;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use hybrid_core::{Error, ErrorKind, Result};
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStore};

use super::error::store_error;
use super::ranges::Requests;
use super::runtime;

/// Requests for one object that run side by side.
const PARALLEL: usize = 8;

/// An object as it was when it was listed.
#[derive(Clone, Debug)]
pub(crate) struct RemoteObject {
    store: Arc<dyn ObjectStore>,
    /// Its URL, for messages.
    url: Arc<str>,
    meta: Arc<ObjectMeta>,
}

impl RemoteObject {
    pub(super) fn new(store: Arc<dyn ObjectStore>, url: String, meta: ObjectMeta) -> Self {
        Self {
            store,
            url: url.into(),
            meta: Arc::new(meta),
        }
    }

    /// How many bytes it has.
    pub(crate) fn size(&self) -> u64 {
        self.meta.size
    }

    /// The bytes of each range, fetched together.
    ///
    /// # Errors
    /// A [`hybrid_core::Error`] inside: what the server says, or Unavailable and retryable when the
    /// object is no longer the one that was listed.
    pub(crate) fn fetch(&self, ranges: &[Range<u64>]) -> io::Result<Vec<Bytes>> {
        let requests = Requests::of(ranges);
        let object = self.clone();
        let parts = requests.parts().to_vec();
        let fetched = runtime::block(async move { object.all(parts).await }).map_err(io::Error::other)?;
        Ok(ranges.iter().map(|range| requests.cut(&fetched, range)).collect())
    }

    async fn all(&self, parts: Vec<Range<u64>>) -> Result<Vec<Bytes>> {
        stream::iter(parts.into_iter().map(|part| self.part(part)))
            .buffered(PARALLEL)
            .try_collect()
            .await
    }

    async fn part(&self, part: Range<u64>) -> Result<Bytes> {
        let length = part.end - part.start;
        let got = match self.store.get_opts(&self.meta.location, self.options(part)).await {
            Ok(answer) => answer.bytes().await,
            Err(error) => Err(error),
        };
        match got {
            Ok(bytes) if bytes.len() as u64 == length => Ok(bytes),
            Ok(_) => Err(self.changed()),
            Err(object_store::Error::NotFound { .. } | object_store::Error::Precondition { .. }) => Err(self.changed()),
            Err(error) => Err(store_error("read", &self.url, &error)),
        }
    }

    /// Nothing of an object that replaced this one is read: it would be mixed with the old footer.
    fn options(&self, part: Range<u64>) -> GetOptions {
        let options = GetOptions {
            range: Some(GetRange::Bounded(part)),
            ..GetOptions::default()
        };
        match self.meta.e_tag.as_deref().filter(|tag| !tag.starts_with("W/")) {
            // Azure's listing leaves out the quotes that its header has.
            Some(tag) => GetOptions {
                if_match: Some(if tag.starts_with("0x") {
                    format!("\"{tag}\"")
                } else {
                    tag.to_owned()
                }),
                ..options
            },
            None => GetOptions {
                if_unmodified_since: Some(self.meta.last_modified),
                ..options
            },
        }
    }

    fn changed(&self) -> Error {
        Error::new(
            ErrorKind::Unavailable,
            format!("`{}` was replaced or deleted while it was being read", self.url),
        )
        .with_help("run it again: the new object is read as a whole")
        .retryable()
    }
}
