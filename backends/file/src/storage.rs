//! Bytes of a file, wherever it is: what the Parquet and CSV readers stand on.

use std::fs::{File, Metadata};
use std::io::{self, BufReader, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use hybrid_core::{Error, ErrorKind, Result};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

use crate::error::io_error;
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
use crate::remote::RemoteObject;

/// Most Parquet footers are in the last bytes of this number.
const TAIL: u64 = 256 << 10;

/// How a listed file is opened.
#[derive(Debug, Clone)]
pub(crate) enum Handle {
    Local(PathBuf),
    #[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
    Remote(RemoteObject),
}

/// An open file: it stays the same file when another is renamed over its path.
#[derive(Debug)]
enum Backing {
    Local(File),
    #[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
    Remote(RemoteObject),
}

/// What tells a file from another that took its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stamp {
    size: u64,
    modified: Option<SystemTime>,
    /// The device and the file's number on it, where the system has them.
    identity: Option<(u64, u64)>,
}

/// Random access to an open file, from any thread; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Blob {
    backing: Arc<Backing>,
    size: u64,
    /// Ranges fetched ahead, for stores where each request takes long.
    ahead: Arc<[(u64, Bytes)]>,
}

impl Handle {
    /// Whether a thread that reads it mostly waits for answers.
    pub(crate) fn is_remote(&self) -> bool {
        !matches!(self, Self::Local(_))
    }

    /// Opens the file called `name`.
    pub(crate) fn open(&self, name: &str) -> Result<Blob> {
        match self {
            Self::Local(path) => {
                let file = File::open(path).map_err(|error| io_error("open", name, error))?;
                let size = file.metadata().map_err(|error| io_error("read", name, error))?.len();
                Ok(Blob::new(Backing::Local(file), size))
            }
            #[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
            Self::Remote(object) => Ok(Blob::new(Backing::Remote(object.clone()), object.size())),
        }
    }

    /// Opens the file again that had this stamp.
    ///
    /// # Errors
    /// Unavailable, to be tried again, when there is another file now, or none.
    pub(crate) fn reopen(&self, name: &str, stamp: &Stamp) -> Result<Blob> {
        let changed = || {
            let message = format!("`{name}` was replaced or deleted while it was being read");
            Error::new(ErrorKind::Unavailable, message)
                .with_help("try again")
                .retryable()
        };
        let blob = self.open(name).map_err(|error| match error.kind() {
            ErrorKind::NotFound => changed(),
            _ => error,
        })?;
        let now = blob.stamp().map_err(|error| io_error("read", name, error))?;
        if now.is_some_and(|now| &now != stamp) {
            return Err(changed());
        }
        Ok(blob)
    }
}

impl Blob {
    fn new(backing: Backing, size: u64) -> Self {
        Self {
            backing: Arc::new(backing),
            size,
            ahead: Arc::new([]),
        }
    }

    /// What to know the file again by; `None` where nothing is held open.
    pub(crate) fn stamp(&self) -> io::Result<Option<Stamp>> {
        match &*self.backing {
            Backing::Local(file) => {
                let metadata = file.metadata()?;
                Ok(Some(Stamp {
                    size: metadata.len(),
                    modified: metadata.modified().ok(),
                    identity: identity(&metadata),
                }))
            }
            #[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
            Backing::Remote(_) => Ok(None),
        }
    }

    /// The same file without what was fetched ahead.
    pub(crate) fn without_ahead(self) -> Self {
        Self {
            ahead: Arc::new([]),
            ..self
        }
    }

    /// How many bytes it has.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// The same file with these ranges fetched at once, where that saves requests.
    pub(crate) fn with_ahead(&self, ranges: &[std::ops::Range<u64>]) -> io::Result<Self> {
        match &*self.backing {
            Backing::Local(_) => {
                let _ = ranges;
                Ok(self.clone())
            }
            #[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
            Backing::Remote(object) => {
                let fetched = object.fetch(ranges)?;
                let ahead = ranges.iter().map(|range| range.start).zip(fetched).collect();
                Ok(Self { ahead, ..self.clone() })
            }
        }
    }

    /// How much to read at a time when all is read: from object storage as much as several requests
    /// bring side by side.
    pub(crate) fn stride(&self) -> usize {
        match &*self.backing {
            Backing::Local(_) => 1 << 20,
            #[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
            Backing::Remote(_) => 16 << 20,
        }
    }

    /// The same file with its end fetched, where what is needed first is in one request then.
    pub(crate) fn with_tail(&self) -> io::Result<Self> {
        let tail = self.size.saturating_sub(TAIL)..self.size;
        self.with_ahead(std::slice::from_ref(&tail))
    }

    /// Reads from the start.
    pub(crate) fn reader(&self) -> BlobReader {
        BlobReader {
            blob: self.clone(),
            at: 0,
        }
    }

    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.size.saturating_sub(at)).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        let buffer = &mut buffer[..wanted];
        if buffer.is_empty() {
            return Ok(0);
        }
        if let Some(held) = self.held(at, 1) {
            let count = held.len().min(buffer.len());
            buffer[..count].copy_from_slice(&held[..count]);
            return Ok(count);
        }
        match &*self.backing {
            Backing::Local(file) => read_file_at(file, at, buffer),
            #[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
            Backing::Remote(object) => {
                let end = at + buffer.len() as u64;
                let fetched = object.fetch(std::slice::from_ref(&(at..end)))?;
                let bytes = fetched.into_iter().next().unwrap_or_default();
                let count = bytes.len().min(buffer.len());
                buffer[..count].copy_from_slice(&bytes[..count]);
                Ok(count)
            }
        }
    }

    /// What was fetched ahead from `at` on, when that is at least `length` bytes.
    fn held(&self, at: u64, length: usize) -> Option<Bytes> {
        self.ahead.iter().find_map(|(start, bytes)| {
            let offset = usize::try_from(at.checked_sub(*start)?).ok()?;
            (offset.checked_add(length)? <= bytes.len()).then(|| bytes.slice(offset..))
        })
    }
}

/// The device and the file's number on it.
#[cfg(unix)]
pub(crate) fn identity(metadata: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
pub(crate) fn identity(_: &Metadata) -> Option<(u64, u64)> {
    None
}

#[cfg(unix)]
fn read_file_at(file: &File, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, at)
}

#[cfg(windows)]
fn read_file_at(file: &File, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, at)
}

impl Length for Blob {
    fn len(&self) -> u64 {
        self.size
    }
}

impl ChunkReader for Blob {
    type T = BufReader<BlobReader>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        Ok(BufReader::new(BlobReader {
            blob: self.clone(),
            at: start,
        }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        let end = start.checked_add(length as u64).filter(|end| *end <= self.size);
        if end.is_none() {
            let message = format!("{length} bytes at {start} lie outside the file's {} bytes", self.size);
            return Err(ParquetError::EOF(message));
        }
        if let Some(held) = self.held(start, length) {
            return Ok(held.slice(..length));
        }
        let mut buffer = vec![0; length];
        let mut reader = BlobReader {
            blob: self.clone(),
            at: start,
        };
        reader.read_exact(&mut buffer)?;
        Ok(buffer.into())
    }
}

/// Reads on from one place of a [`Blob`].
#[derive(Debug)]
pub(crate) struct BlobReader {
    blob: Blob,
    at: u64,
}

impl Read for BlobReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.blob.read_at(self.at, buffer)?;
        self.at += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_took_anothers_place_is_not_taken_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("a"), folder.path().join("b"));
        std::fs::write(&path, "one").unwrap();
        let handle = Handle::Local(path.clone());
        let stamp = handle.open("a").unwrap().stamp().unwrap().unwrap();
        assert_eq!(handle.reopen("a", &stamp).unwrap().size(), 3);
        std::fs::write(&other, "two").unwrap();
        std::fs::rename(&other, &path).unwrap();
        for _ in 0..2 {
            let error = handle.reopen("a", &stamp).unwrap_err();
            assert!(
                error.is_retryable() && error.kind() == ErrorKind::Unavailable,
                "{error}"
            );
            let _ = std::fs::remove_file(&path);
        }
    }
}
