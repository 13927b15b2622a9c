use std::path::{Path, PathBuf};

use hybrid_core::{Error, ErrorKind, Result};
use hybrid_objects::{Kind, check_endpoint};
use serde::Deserialize;

use crate::objects::{Address, of_staging};

/// Storage that this process and Trino share.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Staging {
    /// The folder as this process reaches it, or a URL of an object store; absent or empty: `location`, which is such a URL then.
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
        let Some(path) = self.path.as_deref().filter(|path| !is_empty(path)) else {
            let place = Address::parse(&self.location)?.map(Place::Objects);
            return place.ok_or_else(unreached);
        };
        match url(path) {
            None => Ok(Place::Folder(path.to_owned())),
            Some(url) => Address::parse(url)?.map(Place::Objects).ok_or_else(unknown),
        }
    }

    /// The server of `s3://…`, where one is named.
    pub(crate) fn endpoint(&self) -> Option<&str> {
        self.s3_endpoint_override.as_deref().filter(|named| !named.is_empty())
    }

    pub(super) fn check(&self) -> Result<()> {
        let kind = match self.place()? {
            Place::Objects(address) => {
                self.check_location(&address)?;
                Some(address.at.kind)
            }
            Place::Folder(_) => None,
        };
        let Some(endpoint) = self.endpoint() else {
            return Ok(());
        };
        check_endpoint(endpoint, kind, ErrorKind::Config).map_err(of_staging)
    }

    /// Whether Trino can find at `location` what this process writes to an address.
    fn check_location(&self, address: &Address) -> Result<()> {
        let Some(location) = Address::parse(&self.location)? else {
            return Ok(());
        };
        if let Some(instead) = location.instead() {
            return Err(unread(&location, instead));
        }
        match location.is_elsewhere(address) {
            true => Err(elsewhere(address, &location)),
            false => Ok(()),
        }
    }

    /// Has a relative `path` start in a folder.
    pub(super) fn start_in(&mut self, folder: &Path) {
        if let Some(path) = self.path.as_mut().filter(|path| !is_empty(path) && url(path).is_none()) {
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

fn unread(location: &Address, instead: &str) -> Error {
    config(format!("Trino does not read `{}`", location.at.url)).with_help(format!(
        "write `location` of `staging` as {instead}; how this process names it can stand in `path`"
    ))
}

fn elsewhere(path: &Address, location: &Address) -> Error {
    config(format!(
        "`path` and `location` of `staging` are not the same folder: `{path}`, `{location}`"
    ))
    .with_help("`path` is the folder as this process reaches it, `location` the same one as Trino names it")
}

fn is_empty(path: &Path) -> bool {
    path.as_os_str().is_empty()
}

fn url(path: &Path) -> Option<&str> {
    path.to_str().filter(|path| path.contains("://"))
}
