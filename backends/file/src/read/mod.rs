//! Reading: the files of a source, the rows that can matter, batches of the wanted columns.

mod bloom;
mod csv;
mod filter;
mod format;
mod parquet;
mod plan;
mod scan;
mod schema;
mod table;
mod workers;
mod written;

pub(crate) use self::parquet::{ParquetFile, batch_error};
pub(crate) use csv::CsvFile;
pub(crate) use filter::KeyFilter;
pub(crate) use format::{Format, declared_format, format_of, of_one_format, unknown_format};
pub(crate) use plan::{Plan, Wanted, WantedKey, folder_excludes, plan};
pub(crate) use scan::{RawBatch, Scan, Tally};
pub(crate) use table::{DataFile, Table, list};
pub(crate) use workers::{Cancel, each_unit, in_background, spawn, thread_count};
