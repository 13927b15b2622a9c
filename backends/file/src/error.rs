use std::fmt::Display;
use std::io;

use hybrid_core::error::nearest;
use hybrid_core::{Error, ErrorKind};
use parquet::errors::ParquetError;

/// An operating system's error, with what was being done to which file; an object store's error,
/// which says that already, stays as it is.
pub(crate) fn io_error(action: &str, path: impl Display, error: io::Error) -> Error {
    let error = match error.downcast::<Error>() {
        Ok(error) => return error,
        Err(error) => error,
    };
    let kind = Error::from(io::Error::from(error.kind())).kind();
    let made = Error::new(kind, format!("cannot {action} `{path}`: {error}"));
    match kind {
        ErrorKind::ResourceExhausted => made.with_help("free some disk space and try again; nothing was changed"),
        ErrorKind::PermissionDenied => made.with_help("give this user access to it, and to its folder for writing"),
        _ => made,
    }
}

/// What the Parquet reader says of `path`.
pub(crate) fn parquet_error(path: &str, error: ParquetError) -> Error {
    let message = format!("`{path}` cannot be read as Parquet: {error}");
    if let ParquetError::External(cause) = error {
        return match cause.downcast::<io::Error>() {
            Ok(cause) => io_error("read", path, *cause),
            Err(_) => Error::new(ErrorKind::Corrupt, message),
        };
    }
    Error::new(ErrorKind::Corrupt, message)
}

/// A column that no file of a source has.
pub(crate) fn missing_column(column: &str, source: &str, existing: &[&str]) -> Error {
    let error = Error::new(
        ErrorKind::NotFound,
        format!("source `{source}` has no column `{column}`"),
    );
    let error = match nearest(column, existing.iter().copied()) {
        Some(name) => error.with_help(format!("did you mean `{name}`?")),
        None => error,
    };
    error.with_help(format!("its columns are {}", existing.join(", ")))
}

/// A caller's mistake.
pub(crate) fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidInput, message)
}

/// What this store does not do.
pub(crate) fn unsupported(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Unsupported, message)
}
