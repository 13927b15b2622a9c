//! The files of a repository as text.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::parse::MAX_BYTES;
use crate::{Error, ErrorKind, Position, Result};

/// `name` in `folder`, written as short as a user would.
pub(super) fn file_in(folder: &Path, name: &str) -> PathBuf {
    if folder == Path::new(".") {
        name.into()
    } else {
        folder.join(name)
    }
}

/// The text of a file, or an error that names it; `kind` is that of an error about what is in it.
pub(super) fn read_file(file: &Path, kind: ErrorKind) -> Result<String> {
    let bytes = read_bytes(file).map_err(|error| {
        let message = format!("`{}` cannot be read", file.display());
        Error::new(Error::from(std::io::Error::from(error.kind())).kind(), message).with_cause(error)
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        Error::new(kind, "the file is not UTF-8 from here on").at(end_of(valid, file))
    })
}

/// The bytes of a file, no more than one that is too large.
fn read_bytes(file: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(file)?.take(MAX_BYTES as u64 + 4).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The position after `bytes`.
pub(super) fn end_of(bytes: &[u8], file: &Path) -> Position {
    let text = String::from_utf8_lossy(bytes);
    let last = text.rsplit('\n').next().unwrap_or_default();
    Position {
        file: file.to_owned(),
        line: text.matches('\n').count() + 1,
        column: last.chars().count() + 1,
    }
}
