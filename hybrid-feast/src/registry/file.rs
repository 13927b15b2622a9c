//! The registry file: read when it changed, replaced as a whole, one writer at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind as IoKind, Write};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use hybrid_core::{Error, ErrorKind, Result};

use super::document::{Document, MAX_BYTES};

const PAUSE: Duration = Duration::from_millis(20);
/// How long an apply waits for another one.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often something is tried again that another process is about to finish.
const ATTEMPTS: usize = 10;
/// A file younger than this can change once more without a new modification time.
const SETTLED: Duration = Duration::from_millis(100);

/// Where the registry is.
#[derive(Debug, Clone)]
pub(crate) struct RegistryFile {
    path: PathBuf,
}

/// Which version of the file was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stamp {
    modified: SystemTime,
    length: u64,
    file: u64,
}

impl Stamp {
    /// Whether an equal stamp later on means an equal file.
    pub(crate) fn is_settled(&self, read_at: SystemTime) -> bool {
        read_at.duration_since(self.modified).is_ok_and(|age| age > SETTLED)
    }
}

impl RegistryFile {
    /// The registry at the path `registry`, which the configuration has resolved against the repository.
    ///
    /// # Errors
    /// Unsupported, for an address that is no path.
    pub(crate) fn new(registry: &str) -> Result<Self> {
        let local = registry.strip_prefix("file://").unwrap_or(registry);
        if let Some((scheme, _)) = local.split_once("://") {
            let message = format!("a registry at {scheme}:// cannot be read yet");
            let help = "give feature_store.yaml `registry: PATH`, a file of this machine, or a `registry_type`";
            return Err(Error::new(ErrorKind::Unsupported, message).with_help(help));
        }
        Ok(Self { path: local.into() })
    }

    /// The version that is there now; `None` when there is no file.
    pub(crate) fn stamp(&self) -> Result<Option<Stamp>> {
        match fs::metadata(&self.path) {
            Ok(metadata) => Ok(Some(Stamp {
                modified: metadata.modified().map_err(|error| self.failed("look at", error))?,
                length: metadata.len(),
                file: file_number(&metadata),
            })),
            Err(error) if error.kind() == IoKind::NotFound => Ok(None),
            Err(error) => Err(self.failed("look at", error)),
        }
    }

    /// The registry and its version; no file is an empty registry.
    ///
    /// # Errors
    /// Corrupt, when the file is no registry, also after waiting for whoever may be writing it.
    pub(crate) fn read(&self) -> Result<(Option<Stamp>, Document)> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let before = self.stamp()?;
            let read = self.read_once(before.as_ref());
            let whole = before == self.stamp()? && before.as_ref().is_none_or(|stamp| stamp.length > 0);
            // Feast truncates the file and writes it anew, so there is a moment of half a registry.
            if attempt >= ATTEMPTS || (whole && read.is_ok()) {
                return Ok((before, read?));
            }
            sleep(PAUSE);
        }
    }

    fn read_once(&self, stamp: Option<&Stamp>) -> Result<Document> {
        let length = stamp.map_or(0, |stamp| stamp.length);
        if length > MAX_BYTES as u64 {
            let message = format!(
                "registry {} has {length} bytes; at most {MAX_BYTES} are read",
                self.path.display()
            );
            return Err(Error::new(ErrorKind::ResourceExhausted, message));
        }
        match fs::read(&self.path) {
            Ok(bytes) => Document::decode(&bytes).map_err(|error| self.broken(error)),
            Err(error) if error.kind() == IoKind::NotFound => Document::decode(&[]),
            Err(error) => Err(self.failed("read", error)),
        }
    }

    /// Changes the registry: `change` works on what is there and says whether to write it. It runs
    /// again when another writer was faster.
    pub(crate) fn change<T>(&self, mut change: impl FnMut(&mut Document) -> Result<(T, bool)>) -> Result<T> {
        let _lock = self.lock()?;
        for _ in 0..ATTEMPTS {
            let (stamp, mut document) = self.read()?;
            let (result, changed) = change(&mut document)?;
            // Feast takes no lock: it may have written since.
            if !changed || self.replace(&document.encode(), stamp.as_ref())? {
                return Ok(result);
            }
        }
        let message = format!("registry {} keeps changing", self.path.display());
        Err(Error::new(ErrorKind::Unavailable, message).retryable())
    }

    /// Puts `bytes` in place at once; false when the file is not the one of `stamp` any more.
    fn replace(&self, bytes: &[u8], stamp: Option<&Stamp>) -> Result<bool> {
        // A link stays a link.
        let target = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let folder = folder_of(&target);
        let failed = |error| self.failed("write", error);
        let mut temporary = new_file(folder, &target).map_err(failed)?;
        temporary.write_all(bytes).map_err(failed)?;
        temporary.as_file().sync_all().map_err(failed)?;
        if self.stamp()?.as_ref() != stamp {
            return Ok(false);
        }
        temporary.persist(&target).map_err(|error| failed(error.error))?;
        sync_folder(folder).map_err(failed)?;
        Ok(true)
    }

    fn lock(&self) -> Result<File> {
        let mut path = self.path.clone().into_os_string();
        path.push(".lock");
        let failed = |error| self.failed("lock", error);
        fs::create_dir_all(folder_of(&self.path)).map_err(failed)?;
        // It stays there: who deletes a lock file takes it from whoever waits for it.
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
            .map_err(failed)?;
        let start = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) if start.elapsed() < PATIENCE => sleep(PAUSE),
                Err(TryLockError::WouldBlock) => return Err(self.busy()),
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
    }

    fn busy(&self) -> Error {
        let message = format!("registry {} is being written by another process", self.path.display());
        Error::new(ErrorKind::Unavailable, message).retryable()
    }

    fn failed(&self, what: &str, error: std::io::Error) -> Error {
        let kind = Error::from(std::io::Error::from(error.kind())).kind();
        Error::new(kind, format!("cannot {what} registry {}", self.path.display())).with_cause(error)
    }

    fn broken(&self, error: Error) -> Error {
        let kind = error.kind();
        Error::new(kind, format!("registry {} is damaged", self.path.display()))
            .with_cause(error)
            .with_help("restore it from a copy, or delete it and apply again")
    }
}

/// The folder that `path` is in; a bare name is in the current one.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// A temporary file in `folder` with the permissions that `target` has, or that a new file gets.
fn new_file(folder: &Path, target: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".registry");
    #[cfg(unix)]
    let everyone = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o666);
    #[cfg(unix)]
    builder.permissions(everyone);
    let file = builder.tempfile_in(folder)?;
    if let Ok(metadata) = fs::metadata(target) {
        file.as_file().set_permissions(metadata.permissions())?;
    }
    Ok(file)
}

/// What tells a file from another one at the same path, where the system has such a number.
#[cfg(unix)]
pub(super) fn file_number(metadata: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
pub(super) fn file_number(_: &fs::Metadata) -> u64 {
    0
}

/// A rename is on disk when its folder is.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> std::io::Result<()> {
    Ok(())
}
