//! What both pulls share: a window of rows, and the columns in their order.

use std::sync::Arc;

use hybrid_core::arrow::array::{ArrayRef, RecordBatch, UInt64Array};
use hybrid_core::arrow::datatypes::{Field, Schema};
use hybrid_core::{BatchStream, OutputColumn, PullAllRequest, PullLatestRequest, Result};

use crate::MemorySource;
use crate::columns::{column, keys, output, value};
use crate::join::{Times, rows_by_key};

/// Every row of the window, in the table's order.
pub(crate) fn all(request: &PullAllRequest<MemorySource>, rows: &RecordBatch) -> Result<BatchStream> {
    let times = Times::of(rows, &request.source)?;
    let picked = in_window(&times, request.start, request.end)
        .map(|row| row as u64)
        .collect();
    let created = request
        .source
        .created_timestamp_column
        .as_ref()
        .zip(request.created_name.as_ref());
    let asked = [&request.join_keys[..], &request.features].concat();
    let times = named((&request.source.timestamp_field, &request.timestamp_name), created);
    answer(rows, asked.iter().chain(&times), &picked)
}

/// The latest row of the window per join key.
pub(crate) fn latest(request: &PullLatestRequest<MemorySource>, rows: &RecordBatch) -> Result<BatchStream> {
    let times = Times::of(rows, &request.source)?;
    let key_columns = request.join_keys.iter().map(|key| column(rows, &key.source).cloned());
    let mut keys = keys(&key_columns.collect::<Result<Vec<ArrayRef>>>()?, rows.num_rows())?;
    let window: Vec<usize> = in_window(&times, Some(request.start), Some(request.end)).collect();
    let keys = window.iter().map(|row| keys[*row].take()).collect();
    let best = |group: Vec<usize>| {
        group
            .into_iter()
            .map(|at| window[at])
            .max_by_key(|row| times.rank(*row))
    };
    let mut winners: Vec<u64> = rows_by_key(keys)
        .into_values()
        .filter_map(best)
        .map(|row| row as u64)
        .collect();
    winners.sort_unstable();
    let created = request
        .source
        .created_timestamp_column
        .as_ref()
        .zip(request.created_name.as_ref());
    let asked = [&request.join_keys[..], &request.features].concat();
    let times = named((&request.source.timestamp_field, &request.timestamp_name), created);
    answer(rows, asked.iter().chain(&times), &winners.into())
}

/// The rows whose event time lies between the ends, both inclusive; a NULL lies nowhere.
fn in_window(times: &Times, start: Option<i64>, end: Option<i64>) -> impl Iterator<Item = usize> {
    let (start, end) = (start.unwrap_or(i64::MIN), end.unwrap_or(i64::MAX));
    let inside = move |row: &usize| value(&times.event, *row).is_some_and(|time| start <= time && time <= end);
    (0..times.event.len()).filter(inside)
}

/// The timestamps as output columns: pairs of a source column and its output name.
fn named(event: (&String, &String), created: Option<(&String, &String)>) -> Vec<OutputColumn> {
    let column = |(source, name): (&String, &String)| OutputColumn {
        source: source.clone(),
        name: name.clone(),
        data_type: None,
    };
    [Some(event), created].into_iter().flatten().map(column).collect()
}

fn answer<'a>(
    rows: &RecordBatch,
    columns: impl Iterator<Item = &'a OutputColumn>,
    picked: &UInt64Array,
) -> Result<BatchStream> {
    let columns: Vec<(Field, ArrayRef)> = columns
        .map(|asked| output(rows, asked, picked))
        .collect::<Result<_>>()?;
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = columns.into_iter().unzip();
    let schema = Arc::new(Schema::new(fields));
    let batch = RecordBatch::try_new(schema.clone(), arrays)?;
    Ok(BatchStream::from_batches(schema, vec![batch]))
}
