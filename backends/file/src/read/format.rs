//! Which format files have, as declared or by their names.

use hybrid_core::config::without_secrets;
use hybrid_core::error::nearest;
use hybrid_core::{Error, ErrorKind, Result};

use crate::FileSource;
use crate::error::{io_error, unsupported};
use crate::listing::Listed;

/// How the bytes of a file are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Parquet,
    Csv,
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
            format!(
                "`{}` has no file that ends in .parquet or .csv",
                without_secrets(&options.path)
            ),
        )
        .with_help("set file_format to read files with other names"));
    };
    let format = *format;
    if let Some((other, _)) = known.iter().find(|(_, other)| *other != format) {
        let message = format!(
            "`{}` holds both Parquet and CSV: `{}` and `{}`",
            without_secrets(&options.path),
            known[0].0.name,
            other.name
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
        format!("the name of `{}` does not say its format", without_secrets(path)),
    )
    .with_help("set file_format to parquet or csv, or end the name in .parquet or .csv")
}
