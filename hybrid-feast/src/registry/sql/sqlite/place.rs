use std::fmt;
use std::fs;
use std::io::ErrorKind as IoKind;
use std::path::PathBuf;
use std::time::Duration;

use hybrid_core::config::{SqlAddress, SqlRegistry};
use hybrid_core::{Error, ErrorKind, Result};
use rusqlite::{Connection, OpenFlags};

use super::error::failed;
use crate::registry::file::file_number;

/// A database file.
pub(super) struct Place {
    path: PathBuf,
    read_only: bool,
    /// How long to wait for who has locked it, where the configuration says that.
    patience: Option<Duration>,
}

impl Place {
    pub(super) fn new(address: &SqlAddress, config: &SqlRegistry) -> Result<Self> {
        let SqlAddress::Sqlite { path, read_only } = address else {
            let message = "`path` and `read_path` of the registry are of different databases";
            return Err(Error::new(ErrorKind::Config, message).with_help("give both as sqlite:///PATH"));
        };
        Ok(Self {
            path: path.clone(),
            read_only: *read_only,
            patience: patience(config)?,
        })
    }

    /// Which file it is now; `None` where there is none, or one in which nothing was ever written.
    pub(super) fn file(&self) -> Result<Option<u64>> {
        match fs::metadata(&self.path) {
            Ok(metadata) if metadata.len() == 0 => Ok(None),
            Ok(metadata) => Ok(Some(file_number(&metadata))),
            Err(error) if error.kind() == IoKind::NotFound => Ok(None),
            Err(error) => Err(self.unreachable(error)),
        }
    }

    /// A connection of its own; with `create`, a file that is not there is made.
    pub(super) fn open(&self, patience: Duration, create: bool) -> Result<Connection> {
        let mut flags = OpenFlags::SQLITE_OPEN_NO_MUTEX;
        // Who only reads must be able to write as well: it puts right what a writer that was killed left behind.
        flags |= match self.read_only {
            true => OpenFlags::SQLITE_OPEN_READ_ONLY,
            false => OpenFlags::SQLITE_OPEN_READ_WRITE,
        };
        if create && !self.read_only {
            flags |= OpenFlags::SQLITE_OPEN_CREATE;
            if let Some(folder) = self.path.parent() {
                fs::create_dir_all(folder).map_err(|error| self.unreachable(error))?;
            }
        }
        let opened = Connection::open_with_flags(&self.path, flags);
        let connection = opened.map_err(|error| failed(self, "open", error))?;
        connection
            .busy_timeout(self.patience.unwrap_or(patience))
            .map_err(|error| failed(self, "open", error))?;
        Ok(connection)
    }

    fn unreachable(&self, error: std::io::Error) -> Error {
        let kind = Error::from(std::io::Error::from(error.kind())).kind();
        Error::new(kind, format!("cannot look at registry {self}")).with_cause(error)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(f)
    }
}

/// `timeout` of the driver, in seconds.
fn patience(config: &SqlRegistry) -> Result<Option<Duration>> {
    let Some(written) = config.connect_args.get("timeout") else {
        return Ok(None);
    };
    let seconds = written.expose().parse().ok();
    match seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()) {
        Some(patience) => Ok(Some(patience)),
        None => Err(Error::new(
            ErrorKind::Config,
            "`timeout` of the registry is no number of seconds",
        )),
    }
}
