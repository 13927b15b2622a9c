use std::path::Path;

use arrow::datatypes::{DataType, SchemaRef};
use hybrid_core::config::without_secrets;
use hybrid_core::{Error, Result, SourceTable};

use super::format::{Format, of_one_format};
use super::{Cancel, CsvFile, ParquetFile, Wanted, each_unit, folder_excludes, schema, thread_count};
use crate::FileSource;
use crate::error::missing_column;
use crate::listing::{Listed, list_glob, list_local};
use crate::location::{Location, is_glob, resolve};

/// The files of larger sources are opened when they are read: a process may not have many open. A
/// source of one file is, as an append may replace that one.
const KEPT_OPEN: usize = 16;
const MAX_REMOTE_OPENS: usize = 16;

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

    fn released(self) -> Result<Self> {
        match self {
            Self::Parquet(file) => file.released().map(Self::Parquet),
            Self::Csv(_) => Ok(self),
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
    /// More files that were not opened, as their folders' names rule them out.
    pub skipped: usize,
}

impl Table {
    /// Lists the source's files and reads their footers or headers.
    pub(crate) fn open(base: &Path, source: &SourceTable<FileSource>, cancel: &Cancel) -> Result<Self> {
        Self::at(base, &source.options, &source.name, cancel)
    }

    /// The same, without the files that their folders' names rule out for what is `wanted`.
    pub(crate) fn open_for(
        base: &Path,
        source: &SourceTable<FileSource>,
        wanted: &Wanted,
        cancel: &Cancel,
    ) -> Result<Self> {
        let (listed, format) = listed(base, &source.options)?;
        let (mut kept, mut skipped) = (Vec::new(), Vec::new());
        for file in listed {
            let out = folder_excludes(&file, |_| false, wanted)?;
            if out { &mut skipped } else { &mut kept }.push(file);
        }
        if kept.is_empty() {
            // One tells what columns there are.
            kept.extend(skipped.pop());
        }
        let mut table = Self::of(kept, format, named(&source.name, &source.options), cancel)?;
        let has_own = |file: &DataFile| file.listed().partitions.iter().any(|p| file.has_column(&p.column));
        if !skipped.is_empty() && table.files.iter().any(has_own) {
            // What the files say of those columns counts, not the folders.
            return Self::open(base, source, cancel);
        }
        table.skipped = skipped.len();
        Ok(table)
    }

    /// The files of a source without a name.
    pub(crate) fn at(base: &Path, options: &FileSource, name: &str, cancel: &Cancel) -> Result<Self> {
        let (listed, format) = listed(base, options)?;
        Self::of(listed, format, named(name, options), cancel)
    }

    fn of(listed: Vec<Listed>, format: Format, name: String, cancel: &Cancel) -> Result<Self> {
        let keep_open = listed.len() <= KEPT_OPEN;
        let opened = each_unit(
            &listed,
            opening_threads(&listed),
            cancel,
            Vec::new,
            |files, index, listed| {
                let file = DataFile::open(listed.clone(), format)?;
                files.push((index, if keep_open { file } else { file.released()? }));
                Ok(())
            },
        )?;
        let mut files: Vec<(usize, DataFile)> = opened.into_iter().flatten().collect();
        files.sort_by_key(|(index, _)| *index);
        Ok(Self {
            name,
            files: files.into_iter().map(|(_, file)| file).collect(),
            format,
            skipped: 0,
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

fn listed(base: &Path, options: &FileSource) -> Result<(Vec<Listed>, Format)> {
    let (listed, single) = list(base, options)?;
    of_one_format(listed, options, single)
}

/// The source's name in messages; its path, without what is secret there, when it has none.
fn named(name: &str, options: &FileSource) -> String {
    if name.is_empty() {
        without_secrets(&options.path)
    } else {
        name.to_owned()
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
            let files = if glob {
                list_glob(base, &path)
            } else {
                list_local(&path)
            }?;
            Ok((files, path.is_file()))
        }
        Location::Remote(url) => remote(&url, options),
    }
}

#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
fn remote(url: &str, options: &FileSource) -> Result<(Vec<Listed>, bool)> {
    crate::remote::Bucket::open(url, options.s3_endpoint_override.as_deref())?.list()
}

#[cfg(not(any(feature = "s3", feature = "gcs", feature = "azure")))]
fn remote(url: &str, _: &FileSource) -> Result<(Vec<Listed>, bool)> {
    Err(crate::error::unsupported(format!(
        "`{}`: this program was built without object stores",
        without_secrets(url)
    )))
}
