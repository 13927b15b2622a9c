//! One writer at a time for a single file.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use hybrid_core::Result;

use super::temp::folder_of;
use crate::error::{io_error, unsupported};
use crate::read::Cancel;

const FIRST_PAUSE: Duration = Duration::from_micros(500);
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

/// Held while a file is rewritten; released when dropped, and by the system when the process dies.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Waits until no other writer has the lock of `target`: a hidden file beside it, which stays.
    pub(super) fn wait(target: &Path, cancel: &Cancel) -> Result<Self> {
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let path = folder_of(target).join(format!(".{name}.lock"));
        let file = opened(&path).map_err(|error| io_error("lock", path.display(), error))?;
        let mut pause = FIRST_PAUSE;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => {
                    let message = format!("`{}` is on a file system without locks ({error})", target.display());
                    return Err(unsupported(message).with_help("append to a folder of files, which needs no lock"));
                }
            }
            cancel.check()?;
            sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

fn opened(path: &Path) -> io::Result<File> {
    let made = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path);
    match made {
        // Another user's: it can be locked all the same.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => File::open(path).map_err(|_| error),
        made => made,
    }
}
