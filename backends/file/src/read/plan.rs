//! Which files, row groups and pages can matter.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, StringArray};
use arrow::datatypes::DataType;
use hybrid_core::Result;
use parquet::arrow::arrow_reader::RowSelection;
use parquet::file::metadata::ParquetMetaData;

use super::filter::KeyFilter;
use super::table::{DataFile, Table};
use super::{Cancel, ParquetFile, bloom, each_unit, thread_count};
use crate::listing::Listed;
use hybrid_core::values::{Place, is_time, to_key, to_micros};

/// What rows must be like to matter.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    /// The column with the event time.
    pub timestamp: String,
    /// Earliest and latest event time in microseconds, both inclusive.
    pub window: (Option<i64>, Option<i64>),
    /// Join keys and the values that the entity rows have for them.
    pub keys: Vec<WantedKey>,
}

/// A join key of a [`Wanted`] row.
#[derive(Debug)]
pub(crate) struct WantedKey {
    pub column: String,
    pub canonical: DataType,
    pub values: KeyFilter,
}

/// A piece of work: a row group of a Parquet file, or a whole CSV file.
#[derive(Debug, Clone)]
pub(crate) struct Unit {
    /// The file's place in the table.
    pub file: usize,
    pub row_group: usize,
    /// The rows of the file before it.
    pub first_row: u64,
    /// How many of its rows are read; `None` for CSV.
    pub rows: Option<u64>,
    /// The pages that matter, where not all do, with the index that says where they are.
    pub pages: Option<(Arc<ParquetMetaData>, RowSelection)>,
}

/// What is read and what is passed over.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// In the order of the files.
    pub units: Vec<Unit>,
    /// All there is.
    pub files: usize,
    pub row_groups: usize,
    pub rows: u64,
    /// Files of which anything is read.
    pub files_kept: usize,
    /// Rows that are read; CSV files do not say.
    pub rows_kept: u64,
}

impl Plan {
    /// The rows that are read, where every file says.
    pub(crate) fn total(&self) -> Option<u64> {
        self.units
            .iter()
            .all(|unit| unit.rows.is_some())
            .then_some(self.rows_kept)
    }
}

/// Decides what to read of `table`.
pub(crate) fn plan(table: &Table, wanted: &Wanted, cancel: &Cancel) -> Result<Plan> {
    let planned = each_unit(
        &table.files,
        thread_count(table.files.len()),
        cancel,
        Vec::new,
        |done, index, file| {
            done.push((index, units_of(file, index, wanted)?));
            Ok(())
        },
    )?;
    let mut planned: Vec<(usize, Vec<Unit>)> = planned.into_iter().flatten().collect();
    planned.sort_by_key(|(index, _)| *index);
    let mut plan = Plan {
        files: table.files.len() + table.skipped,
        ..Plan::default()
    };
    for (file, (_, units)) in table.files.iter().zip(planned) {
        if let DataFile::Parquet(file) = file {
            plan.row_groups += file.row_groups().len();
            plan.rows += (0..file.row_groups().len()).map(|group| file.rows(group)).sum::<u64>();
        }
        plan.files_kept += usize::from(!units.is_empty());
        plan.rows_kept += units.iter().filter_map(|unit| unit.rows).sum::<u64>();
        plan.units.extend(units);
    }
    Ok(plan)
}

fn units_of(file: &DataFile, index: usize, wanted: &Wanted) -> Result<Vec<Unit>> {
    if folder_excludes(file.listed(), |column| file.has_column(column), wanted)? {
        return Ok(Vec::new());
    }
    match file {
        DataFile::Csv(_) => Ok(vec![Unit {
            file: index,
            row_group: 0,
            first_row: 0,
            rows: None,
            pages: None,
        }]),
        DataFile::Parquet(file) => row_groups(file, index, wanted),
    }
}

/// Whether the values that folders' names give rule the file out; columns that it has itself do not
/// come from there.
pub(crate) fn folder_excludes(listed: &Listed, has_column: impl Fn(&str) -> bool, wanted: &Wanted) -> Result<bool> {
    for partition in listed.partitions.iter().filter(|p| !has_column(&p.column)) {
        let value: ArrayRef = Arc::new(StringArray::from(vec![partition.value.clone()]));
        let place = Place {
            source: &listed.name,
            column: &partition.column,
            row: None,
            csv: true,
        };
        if partition.column == wanted.timestamp {
            let times = to_micros(&value, place)?;
            if times.is_null(0) || !in_window(wanted.window, times.value(0), times.value(0)) {
                return Ok(true);
            }
        }
        for key in wanted.keys.iter().filter(|key| key.column == partition.column) {
            let value = to_key(&value, &key.canonical, place)?;
            if value.is_null(0) || !key.values.overlaps(&value, &value, 0) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn row_groups(file: &ParquetFile, index: usize, wanted: &Wanted) -> Result<Vec<Unit>> {
    let times = time_bounds(file, wanted);
    let keys = key_bounds(file, wanted);
    let mut indexed: Option<Option<Arc<ParquetMetaData>>> = None;
    let (mut units, mut first_row) = (Vec::new(), 0);
    for row_group in 0..file.row_groups().len() {
        let rows = file.rows(row_group);
        let unit = Unit {
            file: index,
            row_group,
            first_row,
            rows: Some(rows),
            pages: None,
        };
        first_row += rows;
        if rows == 0 || !may_hold(row_group, wanted, times.as_ref(), &keys) || blooms_exclude(file, row_group, wanted)?
        {
            continue;
        }
        if !cut_by_window(row_group, wanted, times.as_ref()) {
            units.push(unit);
            continue;
        }
        if indexed.is_none() {
            indexed = Some(file.with_page_index()?.map(Arc::new));
        }
        units.extend(with_pages(
            file,
            unit,
            wanted,
            indexed.as_ref().and_then(Option::as_ref),
        ));
    }
    Ok(units)
}

type Times = (Int64Array, Int64Array);

fn time_bounds(file: &ParquetFile, wanted: &Wanted) -> Option<Times> {
    let (_, field) = file.schema().column_with_name(&wanted.timestamp)?;
    if !is_time(field.data_type()) {
        return None;
    }
    let bounds = file.bounds(&wanted.timestamp)?;
    let place = Place {
        source: &file.listed().name,
        column: &wanted.timestamp,
        row: None,
        csv: false,
    };
    Some((
        to_micros(&bounds.low, place).ok()?,
        to_micros(&bounds.high, place).ok()?,
    ))
}

/// The row groups' bounds of the wanted keys, in their canonical types.
fn key_bounds<'a>(file: &ParquetFile, wanted: &'a Wanted) -> Vec<(&'a WantedKey, ArrayRef, ArrayRef)> {
    let of_key = |key: &'a WantedKey| {
        let bounds = file.bounds(&key.column)?;
        let place = Place {
            source: &file.listed().name,
            column: &key.column,
            row: None,
            csv: false,
        };
        let low = to_key(&bounds.low, &key.canonical, place).ok()?;
        let high = to_key(&bounds.high, &key.canonical, place).ok()?;
        Some((key, low, high))
    };
    wanted.keys.iter().filter_map(of_key).collect()
}

fn may_hold(
    row_group: usize,
    wanted: &Wanted,
    times: Option<&Times>,
    keys: &[(&WantedKey, ArrayRef, ArrayRef)],
) -> bool {
    times.is_none_or(|times| within(wanted.window, times, row_group))
        && keys
            .iter()
            .all(|(key, low, high)| key.values.overlaps(low, high, row_group))
}

fn within(window: (Option<i64>, Option<i64>), (low, high): &Times, at: usize) -> bool {
    low.is_null(at) || high.is_null(at) || in_window(window, low.value(at), high.value(at))
}

fn in_window((start, end): (Option<i64>, Option<i64>), low: i64, high: i64) -> bool {
    start.is_none_or(|start| high >= start) && end.is_none_or(|end| low <= end)
}

/// Whether some of a row group's times lie outside the window, so that single pages may.
fn cut_by_window(row_group: usize, wanted: &Wanted, times: Option<&Times>) -> bool {
    let Some((low, high)) = times else { return false };
    let (start, end) = wanted.window;
    low.is_valid(row_group)
        && high.is_valid(row_group)
        && (start.is_some_and(|start| low.value(row_group) < start)
            || end.is_some_and(|end| high.value(row_group) > end))
}

fn blooms_exclude(file: &ParquetFile, row_group: usize, wanted: &Wanted) -> Result<bool> {
    for key in &wanted.keys {
        if bloom::excludes(file, row_group, key)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The unit with the pages that lie in the window; `None` when none does.
fn with_pages(
    file: &ParquetFile,
    mut unit: Unit,
    wanted: &Wanted,
    indexed: Option<&Arc<ParquetMetaData>>,
) -> Option<Unit> {
    let Some(indexed) = indexed else { return Some(unit) };
    let place = Place {
        source: &file.listed().name,
        column: &wanted.timestamp,
        row: None,
        csv: false,
    };
    let keep = |low: &ArrayRef, high: &ArrayRef, page: usize| match (
        to_micros(&low.slice(page, 1), place),
        to_micros(&high.slice(page, 1), place),
    ) {
        (Ok(low), Ok(high)) => within(wanted.window, &(low, high), 0),
        _ => true,
    };
    let Some(selection) = file.pages(indexed, &wanted.timestamp, unit.row_group, keep) else {
        return Some(unit);
    };
    let kept = selection.row_count() as u64;
    if kept == 0 {
        return None;
    }
    if Some(kept) != unit.rows {
        unit.rows = Some(kept);
        unit.pages = Some((Arc::clone(indexed), selection));
    }
    Some(unit)
}
