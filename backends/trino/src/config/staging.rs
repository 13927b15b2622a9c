use std::path::{Path, PathBuf};

use hybrid_core::{Error, ErrorKind, Result};
use hybrid_objects::{Kind, check_endpoint};
use serde::Deserialize;

use crate::objects::{Address, of_staging};

/// Storage that this process and Trino share.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Staging {
    /// The folder as this process reaches it, or a URL of an object store; absent: `location`, which is such a URL then.
    #[serde(default)]
    pub path: Option<PathBuf>,
    /// The same folder as Trino names it.
    pub location: String,
    /// A catalog of the Hive connector, where external tables over the files are made.
    pub catalog: String,
    /// The schema for them; absent: the configuration's `dataset`.
    #[serde(default)]
    pub schema: Option<String>,
    /// The server of `s3://…`, where it is not AWS's.
    #[serde(default)]
    pub s3_endpoint_override: Option<String>,
}

/// Where this process reaches the storage.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A folder of this machine.
    Folder(PathBuf),
    /// A folder of an object store.
    Objects(Address),
}

impl Staging {
    /// Where this process reaches it.
    ///
    /// # Errors
    /// Config, for a URL that is no folder of an object store, or where there is none.
    pub(crate) fn place(&self) -> Result<Place> {
        let Some(path) = &self.path else {
            let place = Address::parse(&self.location)?.map(Place::Objects);
            return place.ok_or_else(unreached);
        };
        match url(path) {
            None => Ok(Place::Folder(path.clone())),
            Some(url) => Address::parse(url)?.map(Place::Objects).ok_or_else(unknown),
        }
    }

    /// The server of `s3://…`, where one is named.
    pub(crate) fn endpoint(&self) -> Option<&str> {
        self.s3_endpoint_override.as_deref().filter(|named| !named.is_empty())
    }

    pub(super) fn check(&self) -> Result<()> {
        let kind = match self.place()? {
            Place::Objects(address) => Some(address.at.kind),
            Place::Folder(_) => None,
        };
        let Some(endpoint) = self.endpoint() else {
            return Ok(());
        };
        check_endpoint(endpoint, kind, ErrorKind::Config).map_err(of_staging)
    }

    /// Has a relative `path` start in a folder.
    pub(super) fn start_in(&mut self, folder: &Path) {
        if let Some(path) = self.path.as_mut().filter(|path| url(path).is_none()) {
            *path = folder.join(&*path);
        }
    }
}

fn config(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Config, message)
}

fn unreached() -> Error {
    config("`staging.path` is missing, and `location` is no URL of an object store that this process reaches")
        .with_help("let `path` be the folder as this process has it, or `location` an s3://, gs:// or abfss:// URL")
}

fn unknown() -> Error {
    config("`staging.path` is a URL of no known scheme").with_help(format!(
        "the schemes are {}; a folder of this machine is written without one",
        Kind::schemes()
    ))
}

fn url(path: &Path) -> Option<&str> {
    path.to_str().filter(|path| path.contains("://"))
}
