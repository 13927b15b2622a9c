//! Event times and the window of a pull.

use arrow::array::{Array, BooleanArray, Int64Array};
use arrow::buffer::NullBuffer;

/// Earliest and latest time in microseconds, both inclusive.
pub(crate) type Window = (Option<i64>, Option<i64>);

fn contains((start, end): Window, time: i64) -> bool {
    start.is_none_or(|start| time >= start) && end.is_none_or(|end| time <= end)
}

/// The times, those outside the window NULL.
pub(crate) fn in_window(times: &Int64Array, window: Window) -> Int64Array {
    if times.values().iter().all(|time| contains(window, *time)) {
        return times.clone();
    }
    let inside: NullBuffer = times
        .values()
        .iter()
        .map(|time| contains(window, *time))
        .collect::<Vec<bool>>()
        .into();
    let nulls = NullBuffer::union(times.nulls(), Some(&inside));
    Int64Array::new(times.values().clone(), nulls)
}

/// Which rows have a time within the window; `None` when all have.
pub(crate) fn rows_inside(times: &Int64Array, window: Window) -> Option<BooleanArray> {
    let inside = in_window(times, window);
    (inside.null_count() > 0).then(|| (0..inside.len()).map(|i| Some(inside.is_valid(i))).collect())
}
