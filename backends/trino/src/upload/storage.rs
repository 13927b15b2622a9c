//! The storage that this process and Trino share, as this process reaches it, and what is on it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use hybrid_core::{Error, Result};

use crate::config::{Place, Staging};
use crate::objects::{Objects, Upload};

/// Where files are staged, each in a folder of its own.
pub(crate) enum Storage {
    /// Below a folder of this machine.
    Folder(PathBuf),
    /// Below one of an object store.
    Objects(Arc<Objects>),
}

impl Storage {
    /// The storage that a configuration names.
    pub(crate) fn of(staging: &Staging) -> Result<Self> {
        Ok(match staging.place()? {
            Place::Folder(folder) => Self::Folder(folder),
            Place::Objects(address) => Self::Objects(Arc::new(Objects::new(address, staging.endpoint())?)),
        })
    }
}

/// What was staged, or is about to be: it is removed in the end.
pub(crate) enum Staged {
    Folder(PathBuf),
    Object(Upload),
}

impl Staged {
    /// Removes it; it may not be there yet.
    pub(crate) async fn remove(self) -> Result<()> {
        match self {
            Self::Object(upload) => upload.remove().await,
            Self::Folder(folder) => match tokio::fs::remove_dir_all(&folder).await {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    Err(Error::from(error).within(&format!("the staged rows in `{}` stay", folder.display())))
                }
                _ => Ok(()),
            },
        }
    }
}

impl fmt::Display for Staged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => write!(f, "{}", folder.display()),
            Self::Object(upload) => f.write_str(&upload.url()),
        }
    }
}
