//! Which values a cast changed without saying so.

use std::sync::Arc;

use crate::{Result, timestamp_type};
use arrow::array::{Array, ArrayRef, AsArray, OffsetSizeTrait};
use arrow::buffer::BooleanBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};

use super::{is_decimal, is_text, plain};

/// The first element of `array` that lost a fraction or a time of day, or became infinite, in `made`, also deep
/// within lists, maps and structs.
pub(super) fn first_changed(array: &ArrayRef, made: &ArrayRef) -> Result<Option<usize>> {
    Ok(changed(array, made)?.and_then(|changed| changed.set_indices().next()))
}

/// The elements that changed; `None` when none can have.
fn changed(array: &ArrayRef, made: &ArrayRef) -> Result<Option<BooleanBuffer>> {
    if array.data_type() == made.data_type() {
        return Ok(None);
    }
    let array = &plain(array)?;
    if let Some((made, made_ends)) = parts(made) {
        return match parts(array) {
            Some((array, ends)) => in_parts(&array, &ends, &made, &made_ends),
            // One value became a list of one.
            None if array.len() == made.len() => changed(array, &made),
            None => Ok(None),
        };
    }
    match (array.as_struct_opt(), made.as_struct_opt()) {
        (Some(from), Some(to)) => {
            let mut any = None;
            for (at, (field, made)) in to.fields().iter().zip(to.columns()).enumerate() {
                let from = from.column_by_name(field.name()).or_else(|| from.columns().get(at));
                any = either(any, from.map_or(Ok(None), |from| changed(from, made))?);
            }
            Ok(valid(any, array))
        }
        _ => in_values(array, made),
    }
}

fn either(a: Option<BooleanBuffer>, b: Option<BooleanBuffer>) -> Option<BooleanBuffer> {
    match (a, b) {
        (Some(a), Some(b)) => Some(&a | &b),
        (a, b) => a.or(b),
    }
}

/// Below NULL anything may be.
fn valid(changed: Option<BooleanBuffer>, array: &ArrayRef) -> Option<BooleanBuffer> {
    let changed = changed?;
    Some(match array.nulls() {
        Some(nulls) => &changed & nulls.inner(),
        None => changed,
    })
}

/// For each row where its elements begin, and where the last one's end; an empty range for NULL.
type Ranges = Vec<(usize, usize)>;

/// The elements of all lists or maps, and which of them are whose.
fn parts(array: &ArrayRef) -> Option<(ArrayRef, Ranges)> {
    let ranges = |at: &dyn Fn(usize) -> (usize, usize)| {
        let range = |row| if array.is_valid(row) { at(row) } else { (0, 0) };
        (0..array.len()).map(range).collect()
    };
    match array.data_type() {
        DataType::List(_) => Some(list_parts::<i32>(array, ranges)),
        DataType::LargeList(_) => Some(list_parts::<i64>(array, ranges)),
        DataType::FixedSizeList(..) => {
            let list = array.as_fixed_size_list();
            let length = usize::try_from(list.value_length()).unwrap_or(0);
            Some((
                Arc::clone(list.values()),
                ranges(&|row| (row * length, (row + 1) * length)),
            ))
        }
        DataType::Map(..) => {
            let map = array.as_map();
            let ends = map.value_offsets();
            let at = |row: usize| (ends[row].max(0) as usize, ends[row + 1].max(0) as usize);
            Some((Arc::new(map.entries().clone()), ranges(&at)))
        }
        _ => None,
    }
}

fn list_parts<O: OffsetSizeTrait>(
    array: &ArrayRef,
    ranges: impl Fn(&dyn Fn(usize) -> (usize, usize)) -> Ranges,
) -> (ArrayRef, Ranges) {
    let list = array.as_list::<O>();
    let ends = list.value_offsets();
    let found = ranges(&|row| (ends[row].as_usize(), ends[row + 1].as_usize()));
    (Arc::clone(list.values()), found)
}

fn in_parts(array: &ArrayRef, from: &Ranges, made: &ArrayRef, to: &Ranges) -> Result<Option<BooleanBuffer>> {
    if from == to && array.len() == made.len() {
        let Some(changed) = changed(array, made)? else {
            return Ok(None);
        };
        let row = |row: usize| (from[row].0..from[row].1).any(|at| changed.value(at));
        return Ok(Some(BooleanBuffer::collect_bool(from.len(), row)));
    }
    // The cast moved the elements: row by row.
    let mut rows = vec![false; from.len()];
    for (row, ((start, end), (made_start, made_end))) in from.iter().zip(to).enumerate() {
        if end - start == made_end - made_start {
            let (array, made) = (array.slice(*start, end - start), made.slice(*made_start, end - start));
            rows[row] = first_changed(&array, &made)?.is_some();
        }
    }
    Ok(Some(rows.into()))
}

fn in_values(array: &ArrayRef, made: &ArrayRef) -> Result<Option<BooleanBuffer>> {
    let (from, to) = (array.data_type(), made.data_type());
    if from.is_floating() && to.is_integer() {
        let doubles = cast(array, &DataType::Float64)?;
        let doubles = doubles.as_primitive::<Float64Type>();
        let changed = BooleanBuffer::collect_bool(doubles.len(), |at| doubles.value(at).fract() != 0.0);
        return Ok(valid(Some(changed), array));
    }
    if from.is_numeric() && matches!(to, DataType::Float16 | DataType::Float32) {
        let (before, after) = (cast(array, &DataType::Float64)?, cast(made, &DataType::Float64)?);
        let (before, after) = (
            before.as_primitive::<Float64Type>(),
            after.as_primitive::<Float64Type>(),
        );
        let overflown = |at| after.value(at).is_infinite() && before.value(at).is_finite();
        return Ok(valid(Some(BooleanBuffer::collect_bool(made.len(), overflown)), array));
    }
    if is_text(from) && to == &DataType::Date32 {
        // A time of day.
        let (times, days) = (cast(array, &timestamp_type())?, cast(made, &timestamp_type())?);
        let differs = arrow::compute::kernels::cmp::neq(&times, &days)?;
        return Ok(valid(Some(differs.values().clone()), &times));
    }
    if is_decimal(from) && (to.is_integer() || is_decimal(to)) {
        let back = cast(made, from)?;
        let differs = arrow::compute::kernels::cmp::distinct(&back, array)?;
        return Ok(valid(Some(differs.values().clone()), array));
    }
    Ok(None)
}
