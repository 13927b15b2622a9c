//! A new file of the rows of a result.

use std::path::{Path, PathBuf};

use hybrid_core::retrieval::{write_new, write_stream};
use hybrid_core::{Error, ErrorKind, PersistRequest, Result};

use crate::FileSource;
use crate::error::{invalid, unsupported};
use crate::location::{Location, is_glob, resolve};

/// Writes one local file, which appears when it is whole.
pub(crate) async fn persist(base: &Path, request: PersistRequest<FileSource>) -> Result<u64> {
    let path = destination(base, &request.options)?;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| {
            let error = Error::from(error);
            Error::new(
                error.kind(),
                format!("the folder `{}` cannot be made: {}", folder.display(), error.message()),
            )
        })?;
    }
    match request.overwrite {
        true => write_stream(request.rows, path).await,
        false => write_new(request.rows, path).await,
    }
}

fn destination(base: &Path, source: &FileSource) -> Result<PathBuf> {
    if is_glob(&source.path) {
        return Err(invalid(format!("`{}` is no single file", source.path)));
    }
    let Location::Local { path, folder: false } = resolve(base, &source.path)? else {
        let message = format!("`{}`: results are written to local files", source.path);
        return Err(unsupported(message).with_help("write a local file and copy it, or append to a source there"));
    };
    let extension = path
        .extension()
        .and_then(|extension| extension.to_str())
        .unwrap_or_default();
    match source.file_format.as_deref() {
        Some(format) if !format.eq_ignore_ascii_case(extension) => Err(Error::new(
            ErrorKind::InvalidInput,
            format!("`{}` does not end in .{format}, its file_format", source.path),
        )),
        _ => Ok(path),
    }
}
