//! Where rows go: what a source's path means to a writer.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use hybrid_core::config::without_secrets;
use hybrid_core::{ErrorKind, Result, SourceTable};

use crate::FileSource;
use crate::error::{io_error, unsupported};
use crate::listing::{Listed, extension, refuse_tables};
use crate::location::{Location, is_glob, resolve};
use crate::read::{Format, declared_format, format_of, list, of_one_format, unknown_format};

/// Where rows are appended.
#[derive(Debug)]
pub(super) enum Place {
    /// One file, which is written anew; it may not exist.
    File(PathBuf),
    /// A folder, which gets another file; it may not exist.
    Folder {
        path: PathBuf,
        /// What the new file's name ends in.
        extension: String,
    },
    /// A prefix in an object store, which gets another object.
    #[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
    Remote(RemotePlace),
}

/// A prefix in an object store.
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
#[derive(Debug)]
pub(super) struct RemotePlace {
    pub url: String,
    /// What the new object's name ends in.
    pub extension: String,
}

/// A source as a writer sees it.
#[derive(Debug)]
pub(super) struct Target {
    pub base: PathBuf,
    pub options: FileSource,
    /// The source's name, for messages.
    pub name: String,
    pub place: Place,
    pub format: Format,
    /// What is there; empty when the source is new.
    pub files: Vec<Listed>,
}

impl Target {
    /// # Errors
    /// Unsupported for a glob other than `DIR/*.ext`, and for tables of other formats.
    pub(super) fn of(base: &Path, source: &SourceTable<FileSource>) -> Result<Self> {
        let options = source.options.clone();
        let (place, format, files) = match resolve(base, &options.path)? {
            Location::Local { path, folder } => local(base, &options, path, folder)?,
            Location::Remote(url) => remote(base, &options, &url)?,
        };
        let name = if source.name.is_empty() {
            without_secrets(&options.path)
        } else {
            source.name.clone()
        };
        Ok(Self {
            base: base.to_owned(),
            options,
            name,
            place,
            format,
            files,
        })
    }
}

type Found = (Place, Format, Vec<Listed>);

fn local(base: &Path, options: &FileSource, path: PathBuf, folder: bool) -> Result<Found> {
    let metadata = match fs::metadata(&path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound && is_glob(&options.path) => {
            return globbed(base, options, &path);
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound && !path.is_symlink() => {
            return new(options, path, folder);
        }
        Err(error) => return Err(io_error("write", path.display(), error)),
    };
    if metadata.is_dir() {
        let (format, files) = of_folder(base, options, None)?;
        return Ok((in_folder(path, format), format, files));
    }
    if !metadata.is_file() {
        return Err(unsupported(format!(
            "`{}` is neither a file nor a folder",
            path.display()
        )));
    }
    // A link stays a link: what it points to is written.
    let path = fs::canonicalize(&path).map_err(|error| io_error("write", path.display(), error))?;
    let (files, single) = list(base, options)?;
    let (files, format) = of_one_format(files, options, single)?;
    Ok((Place::File(path), format, files))
}

fn new(options: &FileSource, path: PathBuf, folder: bool) -> Result<Found> {
    let declared = declared_format(options)?;
    let of_name = format_of(&extension(&path.to_string_lossy()));
    match of_name.filter(|_| !folder) {
        Some(format) => Ok((Place::File(path), declared.unwrap_or(format), Vec::new())),
        None => {
            let format = declared.unwrap_or(Format::Parquet);
            Ok((in_folder(path, format), format, Vec::new()))
        }
    }
}

/// `DIR/*.ext` is a folder whose new files end in `.ext`.
fn globbed(base: &Path, options: &FileSource, pattern: &Path) -> Result<Found> {
    let (extension, format) = appendable(options, pattern)?;
    let folder = pattern.parent().unwrap_or(base).to_owned();
    refuse_tables(&folder)?;
    let (format, files) = of_folder(base, options, Some(format))?;
    let place = Place::Folder {
        path: folder,
        extension,
    };
    Ok((place, format, files))
}

/// The extension and format of new files that the pattern matches.
fn appendable(options: &FileSource, pattern: &Path) -> Result<(String, Format)> {
    let written = options.path.as_str();
    let parts = (Path::new(written).parent(), Path::new(written).file_name());
    let folder = parts.0.unwrap_or(Path::new("")).to_string_lossy();
    let last = &*parts.1.unwrap_or_default().to_string_lossy();
    let ending = last
        .strip_prefix("*.")
        .filter(|ending| !ending.is_empty() && !is_glob(ending));
    let Some(ending) = ending.filter(|_| !is_glob(&folder)) else {
        return Err(unsupported(format!(
            "`{}` does not say which folder new rows go to",
            without_secrets(written)
        ))
        .with_help("rows are appended to a folder, to DIR/*.parquet or DIR/*.csv, or to one file"));
    };
    let format = declared_format(options)?.or_else(|| format_of(&extension(last)));
    let format = format.ok_or_else(|| unknown_format(&pattern.display().to_string()))?;
    Ok((ending.to_owned(), format))
}

fn in_folder(path: PathBuf, format: Format) -> Place {
    Place::Folder {
        path,
        extension: ending(format).to_owned(),
    }
}

pub(super) fn ending(format: Format) -> &'static str {
    match format {
        Format::Parquet => "parquet",
        Format::Csv => "csv",
    }
}

/// The files of a folder or glob, none if there are none yet.
fn of_folder(base: &Path, options: &FileSource, known: Option<Format>) -> Result<(Format, Vec<Listed>)> {
    let found = list(base, options).and_then(|(files, _)| of_one_format(files, options, false));
    match found {
        Ok((files, format)) => Ok((format, files)),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let format = known.or(declared_format(options)?).unwrap_or(Format::Parquet);
            Ok((format, Vec::new()))
        }
        Err(error) => Err(error),
    }
}

#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
fn remote(base: &Path, options: &FileSource, url: &str) -> Result<Found> {
    let one_object = || {
        unsupported(format!(
            "`{}` is one object, which no object store can append to atomically",
            without_secrets(url)
        ))
        .with_help("append to a folder: end the path in `/`")
    };
    let place = |url: &str, extension: &str| {
        Place::Remote(RemotePlace {
            url: url.trim_end_matches('/').to_owned(),
            extension: extension.to_owned(),
        })
    };
    if is_glob(&options.path) {
        let (extension, format) = appendable(options, Path::new(url))?;
        let (format, files) = of_folder(base, options, Some(format))?;
        let folder = url.rsplit_once('/').map_or(url, |(folder, _)| folder);
        return Ok((place(folder, &extension), format, files));
    }
    let folder = url.ends_with('/') || format_of(&extension(url)).is_none();
    match list(base, options) {
        Ok((_, true)) => return Err(one_object()),
        Err(error) if error.kind() == ErrorKind::NotFound && !folder => return Err(one_object()),
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let (format, files) = of_folder(base, options, None)?;
    Ok((place(url, ending(format)), format, files))
}

#[cfg(not(any(feature = "s3", feature = "gcs", feature = "azure")))]
fn remote(_: &Path, _: &FileSource, url: &str) -> Result<Found> {
    Err(unsupported(format!(
        "`{}`: this program was built without object stores",
        without_secrets(url)
    )))
}
