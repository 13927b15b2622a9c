//! Reading: the files of a source, the rows that can matter, batches of the wanted columns.

mod csv;
mod filter;
mod parquet;
mod plan;
mod scan;
mod schema;
mod table;
mod workers;

pub(crate) use self::parquet::{ParquetFile, batch_error};
pub(crate) use csv::CsvFile;
pub(crate) use filter::KeyFilter;
pub(crate) use plan::{Plan, Wanted, WantedKey, plan};
pub(crate) use scan::{RawBatch, Scan};
pub(crate) use table::{DataFile, Format, Table, declared_format, format_of, list, of_one_format, unknown_format};
pub(crate) use workers::{Cancel, each_unit, guarded, in_background, spawn, thread_count};
