//! A new file of the rows of a result.

use std::path::{Path, PathBuf};

use hybrid_core::config::without_secrets;
use hybrid_core::retrieval::{write_new, write_stream};
use hybrid_core::{BatchStream, Call, Error, PersistRequest, Result};

use crate::FileSource;
use crate::error::{invalid, unsupported};
use crate::listing::extension;
use crate::location::{Location, is_glob, resolve};

/// Writes one file or object, which appears when it is whole.
pub(crate) async fn persist(base: &Path, request: PersistRequest<FileSource>, call: &Call) -> Result<u64> {
    let PersistRequest {
        options,
        rows,
        overwrite,
    } = request;
    match place(base, &options)? {
        Location::Local { path, folder: false } => {
            let written = local(path, rows, overwrite).await?;
            call.progress.report(written, Some(written));
            Ok(written)
        }
        #[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
        Location::Remote(url) => remote(url, options, rows, overwrite, call).await,
        _ => Err(a_folder(&options)),
    }
}

/// What is wrong with a destination before anything is made of the rows.
pub(crate) fn check(base: &Path, destination: &FileSource) -> Result<()> {
    match place(base, destination)? {
        Location::Local { folder: true, .. } => Err(a_folder(destination)),
        _ => Ok(()),
    }
}

fn place(base: &Path, destination: &FileSource) -> Result<Location> {
    if is_glob(&destination.path) {
        let path = without_secrets(&destination.path);
        return Err(invalid(format!("`{path}` is no single file")));
    }
    check_extension(destination)?;
    resolve(base, &destination.path)
}

fn a_folder(destination: &FileSource) -> Error {
    let path = without_secrets(&destination.path);
    unsupported(format!("`{path}` is a folder, and a result is one file")).with_help("name a file in it")
}

fn check_extension(source: &FileSource) -> Result<()> {
    let extension = extension(&source.path);
    match source.file_format.as_deref() {
        Some(format) if !format.eq_ignore_ascii_case(&extension) => {
            let path = without_secrets(&source.path);
            Err(invalid(format!("`{path}` does not end in .{format}, its file_format")))
        }
        _ => Ok(()),
    }
}

async fn local(path: PathBuf, rows: BatchStream, overwrite: bool) -> Result<u64> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| {
            let error = Error::from(error);
            Error::new(
                error.kind(),
                format!("the folder `{}` cannot be made: {}", folder.display(), error.message()),
            )
        })?;
    }
    match overwrite {
        true => write_stream(rows, path).await,
        false => write_new(rows, path).await,
    }
}

#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
async fn remote(url: String, source: FileSource, rows: BatchStream, overwrite: bool, call: &Call) -> Result<u64> {
    use crate::remote::Existing;

    let Some(format) = crate::read::format_of(&extension(&url)) else {
        let message = format!("the format of `{}` is not known", without_secrets(&url));
        return Err(invalid(message).with_help("name an object that ends in .parquet or .csv"));
    };
    let object = crate::write::Object {
        url,
        endpoint: source.s3_endpoint_override,
        format,
        existing: if overwrite { Existing::Goes } else { Existing::Stays },
    };
    crate::write::make(object, rows, call).await
}
