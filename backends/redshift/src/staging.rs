mod endpoint;

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt};
use hybrid_core::sql::jittered;
use hybrid_core::{Error, ErrorKind, Result};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload, RetryConfig};

use crate::config::staging_parts;
use crate::credentials::Chain;
use crate::{RedshiftConfig, error};

/// What the names of our folders begin with.
const PREFIX: &str = "hybrid_";

/// The folder in S3 that this process and Redshift both reach.
#[derive(Clone)]
pub(crate) struct Staging {
    store: Arc<AmazonS3>,
    chain: Chain,
    bucket: String,
    folder: Path,
    attempts: u32,
}

/// A folder of its own for one result or upload.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    path: Path,
    /// As UNLOAD and COPY name it, with a slash at the end.
    pub(crate) url: String,
}

impl Staging {
    /// The folder that a configuration names; `endpoint`: of S3, where it is not AWS's.
    pub(crate) fn new(config: &RedshiftConfig, chain: &Chain, endpoint: Option<&str>) -> Result<Option<Self>> {
        let Some(location) = &config.s3_staging_location else {
            return Ok(None);
        };
        let (bucket, folder) = staging_parts(location).ok_or_else(|| {
            Error::new(
                ErrorKind::Config,
                format!("`s3_staging_location` {location} is no folder"),
            )
        })?;
        let retry = RetryConfig {
            max_retries: usize::try_from(config.max_attempts).unwrap_or(10),
            ..RetryConfig::default()
        };
        let endpoint = endpoint.map_or_else(|| endpoint::of(&config.region), str::to_owned);
        let builder = AmazonS3Builder::new()
            .with_bucket_name(bucket)
            .with_region(&config.region)
            .with_allow_http(endpoint.starts_with("http://"))
            .with_endpoint(endpoint)
            .with_credentials(Arc::new(chain.clone()))
            .with_retry(retry);
        Ok(Some(Self {
            store: Arc::new(builder.build().map_err(|failed| error::storage(failed, "be reached"))?),
            chain: chain.clone(),
            bucket: bucket.to_owned(),
            folder: Path::from(folder),
            attempts: config.max_attempts,
        }))
    }

    pub(crate) fn fresh(&self) -> Place {
        let name = format!("{PREFIX}{}_{}", now(), uuid::Uuid::new_v4().simple());
        let path = self.folder.clone().join(name);
        let url = format!("s3://{}/{path}/", self.bucket);
        Place { path, url }
    }

    /// The URL of a folder that stays; its name is of plain ones with slashes between.
    pub(crate) fn kept(&self, name: &str) -> String {
        let path = name.split('/').fold(self.folder.clone(), |path, part| path.join(part));
        format!("s3://{}/{path}/", self.bucket)
    }

    /// A name that no other such folder has.
    pub(crate) fn unique() -> String {
        format!("export_{}_{}", now(), uuid::Uuid::new_v4().simple())
    }

    pub(crate) async fn put(&self, place: &Place, name: &str, bytes: Vec<u8>) -> Result<()> {
        let (path, payload) = (place.path.clone().join(name), PutPayload::from(bytes));
        let put = || self.store.put(&path, payload.clone()).boxed();
        let done = self.signed(put).await;
        done.map(drop)
            .map_err(|failed| error::storage(failed, &format!("write {path}")))
    }

    /// An object of the place, where it is there.
    pub(crate) async fn find(&self, place: &Place, name: &str) -> Result<Option<Bytes>> {
        match self.get(&place.path.clone().join(name)).await {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            outcome => outcome.map(Some),
        }
    }

    pub(crate) async fn get(&self, path: &Path) -> Result<Bytes> {
        let read = || async move { self.store.get(path).await?.bytes().await }.boxed();
        let bytes = self.signed(read).await;
        bytes.map_err(|failed| error::storage(failed, &format!("read {path}")))
    }

    /// The path of an object that a manifest names by its URL.
    pub(crate) fn path_of(&self, url: &str) -> Result<Path> {
        let rest = url
            .strip_prefix("s3://")
            .and_then(|rest| rest.strip_prefix(&self.bucket)?.strip_prefix('/'));
        rest.map(Path::from).ok_or_else(|| {
            Error::new(
                ErrorKind::Corrupt,
                format!("UNLOAD's manifest names {url}, which lies elsewhere"),
            )
        })
    }

    /// The objects of a place with their sizes, in the order of their names.
    pub(crate) async fn list(&self, place: &Place) -> Result<Vec<(Path, u64)>> {
        let list = || {
            let found = self.store.list(Some(&place.path));
            found
                .map_ok(|object| (object.location, object.size))
                .try_collect::<Vec<_>>()
                .boxed()
        };
        let found = self.again(list).await;
        let mut found = found.map_err(|failed| error::storage(failed, &format!("list {}", place.path)))?;
        found.sort();
        Ok(found)
    }

    /// Does what S3 is asked for, and once more with fresh credentials where it does not take the old ones any more.
    async fn signed<'a, T>(
        &self,
        work: impl Fn() -> BoxFuture<'a, object_store::Result<T>>,
    ) -> object_store::Result<T> {
        let asked = Instant::now();
        match work().await {
            Err(failed) if error::asks_for_others(&error::storage_code(&failed)) => {
                self.chain.forget(asked).await;
                work().await
            }
            outcome => outcome,
        }
    }

    /// Lists and deletes break in ways that the client does not try again by itself.
    async fn again<'a, T>(&self, work: impl Fn() -> BoxFuture<'a, object_store::Result<T>>) -> object_store::Result<T> {
        use object_store::Error as S;
        let (mut pause, mut attempt) = (Duration::from_millis(100), 1);
        loop {
            match self.signed(&work).await {
                Err(failed @ S::Generic { .. }) if attempt < self.attempts && !is_final(&failed) => {
                    tokio::time::sleep(jittered(pause)).await;
                    (attempt, pause) = (attempt + 1, (pause * 2).min(Duration::from_secs(5)));
                }
                outcome => return outcome,
            }
        }
    }

    /// Deletes all objects of a place.
    pub(crate) async fn remove(&self, place: &Place) -> Result<()> {
        self.delete(&place.path).await
    }

    async fn delete(&self, folder: &Path) -> Result<()> {
        let delete = || {
            let found = self.store.list(Some(folder)).map_ok(|object| object.location).boxed();
            self.store.delete_stream(found).try_collect::<Vec<_>>().boxed()
        };
        match self.again(delete).await {
            Ok(_) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(failed) => Err(error::storage(failed, &format!("delete {folder}"))),
        }
    }

    /// Deletes what processes that were killed have left behind, by name and age. What goes wrong does not matter: the next
    /// start tries again.
    pub(crate) async fn sweep(&self, age: Duration) {
        let Ok(found) = self.store.list_with_delimiter(Some(&self.folder)).await else {
            return;
        };
        for folder in found.common_prefixes {
            if folder.filename().is_some_and(|name| is_older(name, age)) {
                let _ = self.delete(&folder).await;
            }
        }
    }
}

/// What another attempt does not change.
fn is_final(failed: &object_store::Error) -> bool {
    let code = error::storage_code(failed);
    let is_refused = matches!(
        code.as_str(),
        "NoSuchBucket" | "AccessDenied" | "InvalidAccessKeyId" | "SignatureDoesNotMatch"
    );
    is_refused || error::asks_for_others(&code)
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_secs())
}

fn is_older(name: &str, age: Duration) -> bool {
    let seconds = name
        .strip_prefix(PREFIX)
        .and_then(|rest| rest.split_once('_'))
        .and_then(|(seconds, _)| seconds.parse::<u64>().ok());
    seconds.is_some_and(|seconds| seconds.saturating_add(age.as_secs()) < now())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_old_folders_are_swept() {
        let day = Duration::from_secs(86_400);
        assert!(is_older("hybrid_1000_abc", day));
        for name in [
            format!("hybrid_{}_abc", now()),
            "hybrid_x_abc".into(),
            "other_1000_abc".into(),
            "hybrid_1000".into(),
        ] {
            assert!(!is_older(&name, day), "{name}");
        }
    }
}
