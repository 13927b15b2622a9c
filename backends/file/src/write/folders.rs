//! Folders that a write makes; gone again when it fails.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::temp::{folder_of, sync_folder};

/// The folders that were made, outermost first.
#[derive(Debug, Default)]
pub(super) struct Folders(Vec<PathBuf>);

impl Folders {
    /// Makes `folder` and those above it that do not exist.
    pub(super) fn make(folder: &Path) -> io::Result<Self> {
        let mut made = Self::default();
        let missing: Vec<&Path> = folder
            .ancestors()
            .take_while(|f| !f.as_os_str().is_empty() && !f.exists())
            .collect();
        for folder in missing.into_iter().rev() {
            match fs::create_dir(folder) {
                Ok(()) => {
                    made.0.push(folder.to_owned());
                    sync_folder(folder_of(folder))?;
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(made)
    }

    /// They stay.
    pub(super) fn keep(mut self) {
        self.0.clear();
    }
}

impl Drop for Folders {
    fn drop(&mut self) {
        for folder in self.0.iter().rev() {
            // Not empty when another writer uses it by now.
            let _ = fs::remove_dir(folder);
        }
    }
}
