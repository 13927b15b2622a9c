//! Files in object storage: S3, Google Cloud Storage, Azure.
//!
//! The readers are synchronous and the clients are not, so every request runs on one small runtime of
//! this module's own ([`runtime`]): a reading thread waits for it without needing, or blocking, the
//! runtime of whoever called.

mod address;
mod client;
mod error;
mod keys;
mod object;
mod ranges;
mod runtime;
#[cfg(test)]
mod tests;
mod upload;

use std::sync::Arc;

use futures::TryStreamExt;
use hybrid_core::{Error, ErrorKind, Result};
use hybrid_objects::{Address, Purpose};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};

use self::address::{key, may_be_object};
use self::error::store_error;
use self::keys::Wanted;
use crate::listing::Listed;
use crate::storage::Handle;

pub(crate) use self::object::RemoteObject;
pub(crate) use self::upload::{Existing, exists, put_file};

/// A source's place in object storage.
pub(crate) struct Bucket {
    store: Arc<dyn ObjectStore>,
    address: Address,
}

impl Bucket {
    /// Connects to the bucket of `url`, with credentials from the environment.
    ///
    /// # Errors
    /// Definition for a malformed URL or endpoint, Config for settings that do not go together,
    /// Unauthenticated where no credentials are found.
    pub(crate) fn open(url: &str, endpoint: Option<&str>) -> Result<Self> {
        let address = address::parse(url)?;
        let endpoint = endpoint.map(str::to_owned);
        runtime::block(async move {
            let store = client::client(&address, endpoint.as_deref(), Purpose::Requests).await?;
            Ok(Self { store, address })
        })
    }

    /// The source's files, sorted by path, and whether the URL names one object.
    ///
    /// # Errors
    /// NotFound when there is none; Unsupported for a Delta or Iceberg table; what the server says.
    pub(crate) fn list(self) -> Result<(Vec<Listed>, bool)> {
        runtime::block(async move {
            if may_be_object(&self.address)
                && let Some(found) = self.head().await?
            {
                let name = found.location.filename().unwrap_or_default().to_owned();
                return Ok((vec![self.listed(found, vec![name])], true));
            }
            let files = self.below(&Wanted::of(&self.address)?).await?;
            Ok((files, false))
        })
    }

    /// Whether the URL's object is there.
    ///
    /// # Errors
    /// InvalidInput for a URL that names none; what the server says.
    pub(crate) fn has_object(self) -> Result<bool> {
        if !may_be_object(&self.address) {
            let message = format!("`{}` is no name of an object", self.address.url);
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        runtime::block(async move { Ok(self.head().await?.is_some()) })
    }

    async fn head(&self) -> Result<Option<ObjectMeta>> {
        match self.store.head(&path(key(&self.address), &self.address.url)?).await {
            Ok(found) => Ok(Some(found)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(store_error("read", &self.address.url, &error)),
        }
    }

    async fn below(&self, wanted: &Wanted) -> Result<Vec<Listed>> {
        let url = &self.address.url;
        let prefix = path(wanted.prefix(), url)?;
        let mut objects = self.store.list(Some(&prefix));
        let mut files = Vec::new();
        while let Some(object) = objects
            .try_next()
            .await
            .map_err(|error| store_error("list", url, &error))?
        {
            if let Some(parts) = wanted.parts(object.location.as_ref(), object.size)? {
                files.push(self.listed(object, parts));
            }
        }
        if files.is_empty() {
            let what = if wanted.is_glob() {
                "no object matches"
            } else {
                "there is no object at or below"
            };
            return Err(Error::new(ErrorKind::NotFound, format!("{what} `{url}`"))
                .with_help("objects and folders whose names start with `.` or `_` are ignored"));
        }
        files.sort_by(|a, b| a.parts.cmp(&b.parts));
        Ok(files)
    }

    fn listed(&self, found: ObjectMeta, parts: Vec<String>) -> Listed {
        let name = format!("{}/{}", self.address.root, found.location);
        let object = RemoteObject::new(Arc::clone(&self.store), name.clone(), found);
        Listed::new(name, parts, Handle::Remote(object))
    }
}

/// The key as the client wants it.
fn path(key: &str, url: &str) -> Result<Path> {
    Path::parse(key).map_err(|error| {
        Error::new(
            ErrorKind::Definition,
            format!("`{url}` is no valid URL of an object: {error}"),
        )
    })
}
