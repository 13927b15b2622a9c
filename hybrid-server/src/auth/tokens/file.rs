use std::fs::{self, File, Metadata};
use std::io::Read;
use std::path::Path;
use std::time::{Duration, SystemTime};

use hybrid_core::{Error, ErrorKind, Result};

/// Some ten thousand tokens.
const MAX_BYTES: u64 = 4 << 20;
/// A file younger than this can change once more without a new modification time.
const SETTLED: Duration = Duration::from_secs(2);

/// Which version of the file it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    file: u64,
}

impl Stamp {
    pub(super) fn of(path: &Path) -> std::io::Result<Self> {
        Ok(Self::from(&fs::metadata(path)?))
    }

    /// The stamp, if an equal one later on means an equal file.
    pub(super) fn settled(self) -> Option<Self> {
        let age = self.modified.and_then(|modified| modified.elapsed().ok());
        age.is_some_and(|age| age > SETTLED).then_some(self)
    }
}

impl From<&Metadata> for Stamp {
    fn from(metadata: &Metadata) -> Self {
        Self {
            modified: metadata.modified().ok(),
            length: metadata.len(),
            file: file_number(metadata),
        }
    }
}

/// The text of the file, and which version it is.
pub(super) fn read(path: &Path) -> Result<(Stamp, String)> {
    let failed = |error: std::io::Error| {
        let kind = match error.kind() {
            std::io::ErrorKind::InvalidData => ErrorKind::Config,
            kind => Error::from(std::io::Error::from(kind)).kind(),
        };
        Error::new(kind, format!("the token file `{}` cannot be read", path.display())).with_cause(error)
    };
    let mut file = File::open(path).map_err(failed)?;
    let stamp = Stamp::from(&file.metadata().map_err(failed)?);
    let mut text = String::new();
    file.by_ref()
        .take(MAX_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(failed)?;
    if text.len() as u64 > MAX_BYTES {
        let message = format!("the token file `{}` has more than {MAX_BYTES} bytes", path.display());
        return Err(Error::new(ErrorKind::Config, message));
    }
    Ok((stamp, text))
}

/// Tokens are for nobody but the server to read.
#[cfg(unix)]
pub(super) fn warn_if_open(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path).map_or(0, |metadata| metadata.permissions().mode());
    if mode & 0o004 != 0 {
        tracing::warn!(file = %path.display(), "everyone on this machine can read the token file: `chmod o-r` it");
    }
}

#[cfg(not(unix))]
pub(super) fn warn_if_open(_: &Path) {}

#[cfg(unix)]
fn file_number(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn file_number(_: &Metadata) -> u64 {
    0
}
