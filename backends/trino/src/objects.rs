//! A folder of an object store, where rows are staged: one object in a folder of its own for each time.

mod address;
mod error;
mod upload;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use hybrid_core::sql::jittered;
use hybrid_core::{Error, ErrorKind, Result};
use hybrid_objects::{Client, Kind, Purpose};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

pub(crate) use address::Address;
pub(crate) use error::of_staging;
pub(crate) use upload::{Feed, Upload};

use crate::names;

/// The object's name in its folder.
const ROWS: &str = "rows.parquet";

/// How often an object is asked to be deleted.
const ATTEMPTS: u32 = 3;

/// So long what is given up may take to end, and then its removal: an upload's own time is for lines that are slow.
const REMOVAL: Duration = Duration::from_secs(90);

/// A folder of an object store.
pub(crate) struct Objects {
    client: Client,
    address: Address,
}

impl Objects {
    /// The folder at an address, with credentials and settings from the environment; `endpoint`: of S3, where it is not
    /// the environment's.
    ///
    /// # Errors
    /// Config for settings that do not go together.
    pub(crate) fn new(address: Address, endpoint: Option<&str>) -> Result<Self> {
        let client = Client::new(&address.at, endpoint, Purpose::Uploads).map_err(of_staging)?;
        Ok(Self { client, address })
    }

    /// Whether there are credentials.
    ///
    /// # Errors
    /// Unauthenticated where there are none.
    pub(crate) async fn check(&self) -> Result<()> {
        self.client.check(&self.address.at).await.map_err(of_staging)
    }

    /// Begins the object of a folder.
    pub(crate) fn begin(self: &Arc<Self>, name: &str) -> (Upload, Feed) {
        upload::begin(Arc::clone(self), name)
    }

    /// The URL of a folder.
    pub(crate) fn url(&self, name: &str) -> String {
        format!("{}/{name}", self.address)
    }

    fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.client.store
    }

    fn folder(&self, name: &str) -> Path {
        self.address.folder.clone().join(name)
    }

    fn object(&self, name: &str) -> Path {
        self.folder(name).join(ROWS)
    }

    /// Deletes a folder's object, where it is there.
    pub(crate) async fn remove(&self, name: &str) -> Result<()> {
        let removed = tokio::time::timeout(REMOVAL, self.remove_all(name)).await;
        removed.unwrap_or_else(|_| Err(unanswered())).map_err(|error| {
            let place = format!("the staged rows in `{}` stay", self.url(name));
            error.within(&place)
        })
    }

    async fn remove_all(&self, name: &str) -> Result<()> {
        self.delete(&self.object(name)).await?;
        if self.address.at.kind == Kind::Azure {
            // Where Azure has real folders, one without files is still there; where it has none, this finds nothing.
            let _ = self.delete(&self.folder(name)).await;
        }
        Ok(())
    }

    /// Deletes an object; its client does not try again what was cut off in the middle.
    async fn delete(&self, path: &Path) -> Result<()> {
        let mut attempt = 1;
        loop {
            let failed = match self.store().delete(path).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => return Ok(()),
                Err(failed) => self.error("delete from", &failed),
            };
            if attempt == ATTEMPTS || !failed.is_retryable() {
                return Err(failed);
            }
            tokio::time::sleep(jittered(Duration::from_millis(200) * attempt)).await;
            attempt += 1;
        }
    }

    /// Deletes what processes that were killed have left behind, by name and age. What goes wrong does not matter: the
    /// next start tries again.
    pub(crate) async fn sweep(&self, age: u64) {
        if self.check().await.is_err() {
            return;
        }
        let folder = &self.address.folder;
        let Ok(found) = self.store().list_with_delimiter(Some(folder)).await else {
            return;
        };
        let folders = found.common_prefixes.iter().filter_map(Path::filename);
        for name in folders.filter(|name| names::is_older(name, age)) {
            let _ = self.remove(name).await;
        }
    }

    fn error(&self, action: &str, error: &object_store::Error) -> Error {
        error::storage(action, &self.address, error)
    }
}

fn unanswered() -> Error {
    of_staging(Error::new(ErrorKind::Timeout, "object storage does not answer"))
}
