use std::path::Path;

use arrow::datatypes::{DataType, SchemaRef};
use hybrid_core::error::nearest;
use hybrid_core::{Error, ErrorKind, Result, SourceTable};

use super::{Cancel, CsvFile, ParquetFile, each_unit, schema, thread_count};
use crate::FileSource;
use crate::error::{io_error, missing_column, unsupported};
use crate::listing::{Listed, list_local};
use crate::location::{Location, is_glob, resolve};

const MAX_REMOTE_OPENS: usize = 16;

/// How the bytes of a file are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Parquet,
    Csv,
}

/// A file with what its footer or header says.
#[derive(Debug)]
pub(crate) enum DataFile {
    Parquet(ParquetFile),
    Csv(CsvFile),
}

impl DataFile {
    pub(crate) fn open(listed: Listed, format: Format) -> Result<Self> {
        match format {
            Format::Parquet => ParquetFile::open(listed).map(Self::Parquet),
            Format::Csv => CsvFile::open(listed).map(Self::Csv),
        }
    }

    pub(crate) fn listed(&self) -> &Listed {
        match self {
            Self::Parquet(file) => file.listed(),
            Self::Csv(file) => file.listed(),
        }
    }

    /// The names of the columns in the file itself.
    pub(crate) fn has_column(&self, name: &str) -> bool {
        match self {
            Self::Parquet(file) => file.schema().column_with_name(name).is_some(),
            Self::Csv(file) => file.position(name).is_some(),
        }
    }
}

/// A source as it is at this moment.
#[derive(Debug)]
pub(crate) struct Table {
    /// The source's name, for messages.
    pub name: String,
    /// Sorted by path.
    pub files: Vec<DataFile>,
    pub format: Format,
}

impl Table {
    /// Lists the source's files and reads their footers or headers.
    pub(crate) fn open(base: &Path, source: &SourceTable<FileSource>, cancel: &Cancel) -> Result<Self> {
        Self::at(base, &source.options, &source.name, cancel)
    }

    /// The same, for a source without a name.
    pub(crate) fn at(base: &Path, options: &FileSource, name: &str, cancel: &Cancel) -> Result<Self> {
        let name = if name.is_empty() { options.path.as_str() } else { name };
        let (listed, single) = list(base, options)?;
        let (listed, format) = of_one_format(listed, options, single)?;
        let opened = each_unit(
            &listed,
            opening_threads(&listed),
            cancel,
            Vec::new,
            |files, index, listed| {
                files.push((index, DataFile::open(listed.clone(), format)?));
                Ok(())
            },
        )?;
        let mut files: Vec<(usize, DataFile)> = opened.into_iter().flatten().collect();
        files.sort_by_key(|(index, _)| *index);
        Ok(Self {
            name: name.to_owned(),
            files: files.into_iter().map(|(_, file)| file).collect(),
            format,
        })
    }

    /// The columns of all files, then those that folders give.
    pub(crate) fn schema(&self) -> Result<SchemaRef> {
        schema::merged(self)
    }

    /// Refuses columns that no file and no folder has.
    pub(crate) fn require<'a>(&self, columns: impl IntoIterator<Item = &'a str>) -> Result<()> {
        let missing: Vec<&str> = columns.into_iter().filter(|column| !self.has(column)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let names = schema::names(self);
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let problems = missing.iter().map(|column| missing_column(column, &self.name, &names));
        Error::from_problems(problems.collect()).map_or(Ok(()), Err)
    }

    fn has(&self, column: &str) -> bool {
        self.files
            .iter()
            .any(|file| file.has_column(column) || file.listed().partitions.iter().any(|p| p.column == column))
    }

    /// The type that values of a folder's column have when nobody declared one.
    pub(crate) fn partition_type(&self, column: &str) -> DataType {
        let of_file = |file: &'_ DataFile| -> Option<Option<String>> {
            let partition = file.listed().partitions.iter().find(|p| p.column == column)?;
            Some(partition.value.clone())
        };
        let values: Vec<Option<String>> = self.files.iter().filter_map(of_file).collect();
        crate::hive::inferred(values.iter())
    }
}

/// Opening an object is waiting for an answer, so more threads do it than there are cores.
fn opening_threads(listed: &[Listed]) -> usize {
    if listed.iter().any(|file| file.handle.is_remote()) {
        listed.len().clamp(1, MAX_REMOTE_OPENS)
    } else {
        thread_count(listed.len())
    }
}

/// The source's files, and whether the path names one file.
pub(crate) fn list(base: &Path, options: &FileSource) -> Result<(Vec<Listed>, bool)> {
    match resolve(base, &options.path)? {
        Location::Local { path, .. } => {
            let glob = is_glob(&options.path) && !path.exists();
            let files = list_local(&path, glob)?;
            Ok((files, path.is_file()))
        }
        Location::Remote { scheme, url } => remote(scheme, &url, options),
    }
}

#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
fn remote(scheme: crate::location::Scheme, url: &str, options: &FileSource) -> Result<(Vec<Listed>, bool)> {
    crate::remote::Bucket::open(scheme, url, options.s3_endpoint_override.as_deref())?.list()
}

#[cfg(not(any(feature = "s3", feature = "gcs", feature = "azure")))]
fn remote(_: crate::location::Scheme, url: &str, _: &FileSource) -> Result<(Vec<Listed>, bool)> {
    Err(unsupported(format!(
        "`{url}`: this program was built without object stores"
    )))
}

/// The format that an extension stands for.
pub(crate) fn format_of(extension: &str) -> Option<Format> {
    match extension {
        "parquet" | "pq" | "parq" => Some(Format::Parquet),
        "csv" => Some(Format::Csv),
        _ => None,
    }
}

/// The format that the source declares.
pub(crate) fn declared_format(options: &FileSource) -> Result<Option<Format>> {
    let Some(text) = options.file_format.as_deref().filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    match text.to_ascii_lowercase().as_str() {
        "parquet" => Ok(Some(Format::Parquet)),
        "csv" => Ok(Some(Format::Csv)),
        "delta" | "iceberg" => Err(unsupported(format!(
            "file_format `{text}`: the file store does not read {text} tables"
        ))
        .with_help("the formats are parquet and csv")),
        other => {
            let error = Error::new(ErrorKind::Definition, format!("unknown file_format `{text}`"));
            let error = match nearest(other, ["parquet", "csv"]) {
                Some(name) => error.with_help(format!("did you mean `{name}`?")),
                None => error,
            };
            Err(error.with_help("the formats are parquet and csv"))
        }
    }
}

/// Only the files of the source's format, which is declared, or told by their extensions.
pub(crate) fn of_one_format(listed: Vec<Listed>, options: &FileSource, single: bool) -> Result<(Vec<Listed>, Format)> {
    if let Some(format) = declared_format(options)? {
        return Ok((listed, format));
    }
    if single {
        return match listed.first().map(|file| (file, format_of(&file.extension()))) {
            Some((_, Some(format))) => Ok((listed, format)),
            Some((file, None)) => {
                let format = sniffed(file)?;
                Ok((listed, format))
            }
            None => Err(unknown_format(&options.path)),
        };
    }
    let known: Vec<(Listed, Format)> = listed
        .into_iter()
        .filter_map(|file| format_of(&file.extension()).map(|format| (file, format)))
        .collect();
    let Some((_, format)) = known.first() else {
        return Err(Error::new(
            ErrorKind::NotFound,
            format!("`{}` has no file that ends in .parquet or .csv", options.path),
        )
        .with_help("set file_format to read files with other names"));
    };
    let format = *format;
    if let Some((other, _)) = known.iter().find(|(_, other)| *other != format) {
        let message = format!(
            "`{}` holds both Parquet and CSV: `{}` and `{}`",
            options.path, known[0].0.name, other.name
        );
        return Err(Error::new(ErrorKind::Definition, message).with_help("name the files by a glob: DIR/*.parquet"));
    }
    Ok((known.into_iter().map(|(file, _)| file).collect(), format))
}

/// A single file without a telling name: Parquet begins with its own letters.
fn sniffed(file: &Listed) -> Result<Format> {
    let mut magic = [0; 4];
    let blob = file.handle.open(&file.name)?;
    match std::io::Read::read(&mut blob.reader(), &mut magic) {
        Ok(4) if &magic == b"PAR1" => Ok(Format::Parquet),
        Ok(_) => Err(unknown_format(&file.name)),
        Err(error) => Err(io_error("read", &file.name, error)),
    }
}

pub(crate) fn unknown_format(path: &str) -> Error {
    Error::new(
        ErrorKind::Definition,
        format!("the name of `{path}` does not say its format"),
    )
    .with_help("set file_format to parquet or csv, or end the name in .parquet or .csv")
}
