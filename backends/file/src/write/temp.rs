//! Files under a hidden name that become visible by a rename.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use hybrid_core::Result;

use crate::error::io_error;

const PREFIX: &str = ".hybrid-write-";
const SUFFIX: &str = ".tmp";

/// A file being written; its writer holds a lock on it as long as it lives. Removed when dropped.
#[derive(Debug)]
pub(super) struct Temp {
    path: PathBuf,
    file: Arc<File>,
    failure: Failure,
    published: bool,
}

/// What the operating system refused: writers of formats keep only its text.
type Failure = Arc<Mutex<Option<io::Error>>>;

impl Temp {
    /// Makes one in `folder`, after removing what killed writers left there.
    pub(super) fn create(folder: &Path) -> io::Result<Self> {
        sweep(folder);
        loop {
            let path = folder.join(format!("{PREFIX}{:016x}{SUFFIX}", random()));
            let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
            // Where there are no locks nobody sweeps either.
            let locked = !matches!(file.try_lock(), Err(TryLockError::WouldBlock));
            // Another writer may have taken it for a leftover before it was locked.
            if locked && path.exists() {
                return Ok(Self {
                    path,
                    file: Arc::new(file),
                    failure: Failure::default(),
                    published: false,
                });
            }
            let _ = fs::remove_file(&path);
        }
    }

    /// Where to write.
    pub(super) fn output(&self) -> Output {
        Output {
            file: Arc::clone(&self.file),
            failure: Arc::clone(&self.failure),
        }
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Replaces `error` by what the operating system refused, if that was the reason.
    pub(super) fn blame(&self, error: hybrid_core::Error, target: &Path) -> hybrid_core::Error {
        let refused = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        refused.map_or(error, |refused| io_error("write", target.display(), refused))
    }

    /// Makes it durable, then visible as `target`.
    pub(super) fn publish(mut self, target: &Path) -> Result<()> {
        let fail = |error| io_error("write", target.display(), error);
        self.file.sync_all().map_err(fail)?;
        fs::rename(&self.path, target).map_err(fail)?;
        self.published = true;
        sync_folder(folder_of(target)).map_err(fail)
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        if !self.published {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The writing end of a [`Temp`].
#[derive(Debug, Clone)]
pub(super) struct Output {
    file: Arc<File>,
    failure: Failure,
}

impl Output {
    fn noted<T>(&self, done: io::Result<T>) -> io::Result<T> {
        done.map_err(|error| {
            let copy = io::Error::from(error.kind());
            self.failure
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get_or_insert(error);
            copy
        })
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match (&*self.file).write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            done => self.noted(done),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.noted((&*self.file).flush())
    }
}

/// The folder that a path is in.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    // Only Unix opens folders; elsewhere the rename itself is all there is.
    if cfg!(not(unix)) {
        return Ok(());
    }
    match File::open(folder)?.sync_all() {
        // Some network file systems have no such call.
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        done => done,
    }
}

/// A number that no other writer has, on this machine or another.
pub(super) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// Removes files whose writers are gone: nobody holds their lock any more.
fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(PREFIX) && name.ends_with(SUFFIX) {
            remove_if_abandoned(&entry.path());
        }
    }
}

fn remove_if_abandoned(path: &Path) {
    let Ok(file) = OpenOptions::new().read(true).write(true).open(path) else {
        return;
    };
    if file.try_lock().is_ok() {
        let _ = fs::remove_file(path);
    }
}
