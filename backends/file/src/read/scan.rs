//! Batches of the wanted columns from the units of a plan.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch, StringArray, UInt32Array, new_null_array};
use arrow::compute::take;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use hybrid_core::{Progress, Result, guarded};
use parquet::arrow::arrow_reader::{ArrowPredicateFn, RowFilter};

use super::parquet::batch_error;
use super::plan::{Plan, Unit, Wanted, WantedKey};
use super::table::{DataFile, Table};
use super::{Cancel, CsvFile, ParquetFile};
use hybrid_core::values::{Place, to_key};

/// Filtering before decoding pays when at most one row in this many survives.
const SELECTIVE: u64 = 20;
/// After so many rows the share of survivors is known well enough.
const ENOUGH: u64 = 4096;
/// The rows of a batch that are looked at for it.
const SAMPLE: usize = 2048;
/// A file's rows count from here in the order that decides ties.
const ROWS_PER_FILE: u32 = 40;

/// Wanted columns of some rows, as the file holds them.
pub(crate) struct RawBatch<'a> {
    columns: Vec<ArrayRef>,
    origins: &'a [Origin],
    names: &'a [String],
    file: &'a str,
    row: Option<u64>,
    csv: bool,
    /// Where the first row stands among all rows of the source.
    pub sequence: u64,
    pub rows: usize,
}

impl RawBatch<'_> {
    /// The column `at` this place of the scan's columns, and where it came from.
    pub(crate) fn column(&self, at: usize) -> (&ArrayRef, Place<'_>) {
        let place = Place {
            source: self.file,
            column: &self.names[at],
            row: self.row,
            csv: self.csv || matches!(self.origins[at], Origin::Folder(_)),
        };
        (&self.columns[at], place)
    }
}

/// Reads the columns of a table.
pub(crate) struct Scan<'a> {
    pub table: &'a Table,
    /// The columns, each once.
    pub columns: &'a [String],
    pub wanted: &'a Arc<Wanted>,
    pub cancel: &'a Cancel,
    pub progress: &'a Progress,
    tally: Arc<Tally>,
    sampled: AtomicU64,
    hits: AtomicU64,
}

/// Rows read of all that one call reads.
#[derive(Debug)]
pub(crate) struct Tally {
    total: Option<u64>,
    read: AtomicU64,
}

impl Tally {
    pub(crate) fn of<'p>(plans: impl IntoIterator<Item = &'p Plan>) -> Arc<Self> {
        Arc::new(Self {
            total: plans.into_iter().map(Plan::total).sum(),
            read: AtomicU64::new(0),
        })
    }
}

/// Where a wanted column of a file comes from.
enum Origin {
    /// The n-th column that is read.
    Read(usize),
    /// The name of a folder.
    Folder(Option<String>),
    Missing,
}

impl<'a> Scan<'a> {
    pub(crate) fn new(
        table: &'a Table,
        columns: &'a [String],
        wanted: &'a Arc<Wanted>,
        plan: &Plan,
        cancel: &'a Cancel,
        progress: &'a Progress,
    ) -> Self {
        Self {
            table,
            columns,
            wanted,
            cancel,
            progress,
            tally: Tally::of([plan]),
            sampled: AtomicU64::new(0),
            hits: AtomicU64::new(0),
        }
    }

    /// Counts its rows among those of other scans of the call.
    pub(crate) fn counted_in(self, tally: &Arc<Tally>) -> Self {
        Self {
            tally: Arc::clone(tally),
            ..self
        }
    }

    /// Gives `each` the batches of a unit, in order; it returns whether to go on.
    pub(crate) fn read(&self, unit: &Unit, mut each: impl FnMut(&RawBatch<'_>) -> Result<bool>) -> Result<()> {
        let file = &self.table.files[unit.file];
        guarded(&file.listed().name, || match file {
            DataFile::Csv(csv) => self.read_csv(csv, unit, &mut each),
            DataFile::Parquet(parquet) => self.read_parquet(parquet, unit, &mut each),
        })
    }

    fn read_csv(
        &self,
        file: &CsvFile,
        unit: &Unit,
        each: &mut impl FnMut(&RawBatch<'_>) -> Result<bool>,
    ) -> Result<()> {
        let mut positions = Vec::new();
        let origins = self.origins(unit, |column| {
            positions.push(file.position(column)?);
            Some(positions.len() - 1)
        });
        file.read(&positions, |read, before, rows| {
            let batch = RawBatch {
                columns: assembled(&origins, &read, rows)?,
                origins: &origins,
                names: self.columns,
                file: &file.listed().name,
                row: Some(before),
                csv: true,
                sequence: sequence(unit.file, before),
                rows,
            };
            self.account(rows)?;
            each(&batch)
        })
    }

    fn read_parquet(
        &self,
        file: &ParquetFile,
        unit: &Unit,
        each: &mut impl FnMut(&RawBatch<'_>) -> Result<bool>,
    ) -> Result<()> {
        let mut indices = Vec::new();
        let mut origins = self.origins(unit, |column| {
            let (index, _) = file.schema().column_with_name(column)?;
            indices.push(index);
            Some(index)
        });
        // The reader gives columns in the file's order.
        indices.sort_unstable();
        indices.dedup();
        for origin in &mut origins {
            if let Origin::Read(index) = origin {
                *index = indices.binary_search(index).unwrap_or(0);
            }
        }
        let filter = self.row_filter(file, &indices);
        let filtered = filter.is_some();
        let (index, selection) = unit.pages.clone().unzip();
        let contiguous = !filtered && selection.is_none();
        let reader = file.read(unit.row_group, &indices, index.as_ref(), selection, filter)?;
        let mut before = 0;
        for read in reader {
            self.cancel.check()?;
            let read: RecordBatch = read.map_err(|error| batch_error(&file.listed().name, error))?;
            let rows = read.num_rows();
            let batch = RawBatch {
                columns: assembled(&origins, read.columns(), rows)?,
                origins: &origins,
                names: self.columns,
                file: &file.listed().name,
                row: contiguous.then_some(unit.first_row + before),
                csv: false,
                sequence: sequence(unit.file, unit.first_row + before),
                rows,
            };
            if !filtered {
                self.account(rows)?;
                self.sample(&batch)?;
            }
            before += rows as u64;
            if !each(&batch)? {
                return Ok(());
            }
        }
        if filtered {
            self.account(usize::try_from(unit.rows.unwrap_or(0)).unwrap_or(usize::MAX))?;
        }
        Ok(())
    }

    fn origins(&self, unit: &Unit, mut position: impl FnMut(&str) -> Option<usize>) -> Vec<Origin> {
        let partitions = &self.table.files[unit.file].listed().partitions;
        let mut of_column = |column: &String| {
            if let Some(at) = position(column) {
                return Origin::Read(at);
            }
            match partitions.iter().find(|p| &p.column == column) {
                Some(partition) => Origin::Folder(partition.value.clone()),
                None => Origin::Missing,
            }
        };
        self.columns.iter().map(&mut of_column).collect()
    }

    fn account(&self, rows: usize) -> Result<()> {
        self.cancel.check()?;
        let rows = rows as u64;
        let read = self.tally.read.fetch_add(rows, Ordering::Relaxed) + rows;
        self.progress.report(read, self.tally.total);
        Ok(())
    }

    /// Learns from a few rows which share of them has keys that are asked for.
    fn sample(&self, batch: &RawBatch<'_>) -> Result<()> {
        if self.wanted.keys.is_empty() || self.sampled.load(Ordering::Relaxed) > 16 * ENOUGH {
            return Ok(());
        }
        let rows = batch.rows.min(SAMPLE);
        let mut hit = BooleanArray::from(vec![true; rows]);
        let mut any = false;
        for key in self.wanted.keys.iter().filter(|key| key.values.distinct().is_some()) {
            let Some(at) = self.columns.iter().position(|column| column == &key.column) else {
                continue;
            };
            let (column, place) = batch.column(at);
            let keys = to_key(&column.slice(0, rows), &key.canonical, place)?;
            if let Some(members) = key.values.members(&keys) {
                hit = arrow::compute::and(&hit, &members)?;
                any = true;
            }
        }
        if any {
            self.sampled.fetch_add(rows as u64, Ordering::Relaxed);
            self.hits.fetch_add(hit.true_count() as u64, Ordering::Relaxed);
        }
        Ok(())
    }

    fn is_selective(&self) -> bool {
        let sampled = self.sampled.load(Ordering::Relaxed);
        sampled >= ENOUGH && self.hits.load(Ordering::Relaxed) * SELECTIVE <= sampled
    }

    /// Decodes the keys first and the other columns only for rows whose keys are asked for, where
    /// that has shown to leave few.
    fn row_filter(&self, file: &ParquetFile, indices: &[usize]) -> Option<RowFilter> {
        if !self.is_selective() {
            return None;
        }
        let in_file = |(at, key): (usize, &WantedKey)| {
            key.values.distinct()?;
            Some((file.schema().column_with_name(&key.column)?.0, at))
        };
        let mut keys: Vec<(usize, usize)> = self.wanted.keys.iter().enumerate().filter_map(in_file).collect();
        if keys.is_empty() || indices.len() <= keys.len() {
            return None;
        }
        keys.sort_unstable();
        let roots: Vec<usize> = keys.iter().map(|(root, _)| *root).collect();
        let (wanted, name, cancel) = (Arc::clone(self.wanted), file.listed().name.clone(), self.cancel.clone());
        let predicate = move |batch: RecordBatch| {
            let found = cancel
                .check()
                .and_then(|()| members(&batch, &roots, &keys, &wanted, &name));
            found.map_err(|error| ArrowError::ExternalError(Box::new(error)))
        };
        let projection = file.mask(&indices_of(&self.wanted.keys, file));
        Some(RowFilter::new(vec![Box::new(ArrowPredicateFn::new(
            projection, predicate,
        ))]))
    }
}

/// The columns of the keys that the file has itself.
fn indices_of(keys: &[WantedKey], file: &ParquetFile) -> Vec<usize> {
    let known = keys.iter().filter(|key| key.values.distinct().is_some());
    known
        .filter_map(|key| Some(file.schema().column_with_name(&key.column)?.0))
        .collect()
}

/// Which rows of `batch`, which holds the columns `roots` in the file's order, have keys that are asked for.
fn members(
    batch: &RecordBatch,
    roots: &[usize],
    keys: &[(usize, usize)],
    wanted: &Wanted,
    file: &str,
) -> Result<BooleanArray> {
    let mut roots = roots.to_vec();
    roots.dedup();
    let mut hit = BooleanArray::from(vec![true; batch.num_rows()]);
    for (root, key) in keys {
        let key = &wanted.keys[*key];
        let column = batch.column(roots.binary_search(root).unwrap_or(0));
        let place = Place {
            source: file,
            column: &key.column,
            row: None,
            csv: false,
        };
        let typed = to_key(column, &key.canonical, place)?;
        if let Some(members) = key.values.members(&typed) {
            hit = arrow::compute::and(&hit, &members)?;
        }
    }
    Ok(hit)
}

/// Rows of later files, and later rows of a file, have larger numbers.
fn sequence(file: usize, row: u64) -> u64 {
    ((file as u64) << ROWS_PER_FILE) + row
}

fn assembled(origins: &[Origin], read: &[ArrayRef], rows: usize) -> Result<Vec<ArrayRef>> {
    let column = |origin: &Origin| -> Result<ArrayRef> {
        Ok(match origin {
            Origin::Read(at) => Arc::clone(&read[*at]),
            Origin::Missing => new_null_array(&DataType::Null, rows),
            Origin::Folder(None) => new_null_array(&DataType::Utf8, rows),
            Origin::Folder(Some(value)) => repeated(value, rows)?,
        })
    };
    origins.iter().map(column).collect()
}

/// A column that is the same everywhere.
fn repeated(value: &str, rows: usize) -> Result<ArrayRef> {
    let one = StringArray::from(vec![value]);
    Ok(take(&one, &UInt32Array::from(vec![0; rows]), None)?)
}
