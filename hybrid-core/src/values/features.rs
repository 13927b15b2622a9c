use std::sync::Arc;

use crate::{Result, timestamp_type};
use arrow::array::{Array, ArrayRef, new_null_array};
use arrow::compute::{CastOptions, can_cast_types, cast_with_options};
use arrow::datatypes::DataType;

use super::invalid;
use super::json::from_json;
use super::losses::first_changed;
use super::{Place, first_lost, is_text, is_time, plain, to_instants};

/// A feature's values in the declared type. A value that the type cannot hold (an overflow, a
/// fraction where whole numbers are declared, text that does not parse) is an error.
pub fn to_feature(array: &ArrayRef, declared: &DataType, place: Place<'_>) -> Result<ArrayRef> {
    if array.data_type() == declared {
        return Ok(Arc::clone(array));
    }
    let array = &plain(array)?;
    match array.data_type() {
        same if same == declared => Ok(Arc::clone(array)),
        DataType::Null => Ok(new_null_array(declared, array.len())),
        from if *declared == timestamp_type() && (is_time(from) || is_text(from) || from.is_integer()) => {
            to_instants(array, place)
        }
        from if is_text(from) && declared.is_nested() => from_json(array, declared, place),
        from if !can_cast_types(from, declared) => Err(no_cast(from, declared, place)),
        _ => checked(array, declared, place),
    }
}

fn checked(array: &ArrayRef, declared: &DataType, place: Place<'_>) -> Result<ArrayRef> {
    let strict = CastOptions {
        safe: false,
        ..Default::default()
    };
    let made = match cast_with_options(array, declared, &strict) {
        Ok(made) => made,
        Err(error) => return Err(refused(array, declared, place, Some(error.to_string()))),
    };
    if first_changed(array, &made)?.is_some() {
        return Err(refused(array, declared, place, None));
    }
    Ok(made)
}

fn refused(array: &ArrayRef, declared: &DataType, place: Place<'_>, cause: Option<String>) -> crate::Error {
    let safe = CastOptions {
        safe: true,
        ..Default::default()
    };
    let made = cast_with_options(array, declared, &safe).ok();
    let index = made
        .as_ref()
        .and_then(|made| first_lost(array, made).or_else(|| first_changed(array, made).ok().flatten()));
    let value = index
        .and_then(|index| arrow::util::display::array_value_to_string(array, index).ok())
        .map_or_else(|| "a value".to_owned(), |value| format!("`{value}`"));
    let error = invalid(format!(
        "{}: {value} ({}) does not fit the declared type {declared}",
        place.at(index),
        array.data_type()
    ));
    match (index, cause) {
        (None, Some(cause)) => error.with_help(cause),
        _ => error,
    }
}

fn no_cast(from: &DataType, declared: &DataType, place: Place<'_>) -> crate::Error {
    invalid(format!(
        "{place} holds {from}, which does not convert to the declared type {declared}"
    ))
    .with_help("declare the type that the file holds, or convert the file")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::array::{Decimal128Array, Float64Array, Int64Array, ListArray, StringArray, StructArray};
    use arrow::buffer::OffsetBuffer;
    use arrow::datatypes::Field;

    use super::*;

    fn feature(array: ArrayRef, declared: &DataType) -> Result<ArrayRef> {
        let place = Place {
            source: "t.parquet",
            column: "v",
            row: Some(0),
            csv: false,
        };
        to_feature(&array, declared, place)
    }

    fn list(values: ArrayRef, lengths: &[usize]) -> ArrayRef {
        let item = Arc::new(Field::new_list_field(values.data_type().clone(), true));
        let ends = OffsetBuffer::from_lengths(lengths.iter().copied());
        Arc::new(ListArray::new(item, ends, values, None))
    }

    fn decimals(values: Vec<i128>) -> ArrayRef {
        Arc::new(Decimal128Array::from(values).with_precision_and_scale(10, 2).unwrap())
    }

    fn doubles(values: Vec<f64>) -> ArrayRef {
        Arc::new(Float64Array::from(values))
    }

    fn list_of(item: DataType) -> DataType {
        DataType::new_list(item, true)
    }

    #[test]
    fn a_value_that_would_lose_its_fraction_is_refused_by_row_however_deep() {
        let whole = list(doubles(vec![1.0, 2.0, 1.5]), &[2, 0, 1]);
        let of_lists = list(Arc::clone(&whole), &[1, 2]);
        let field = |data_type| Arc::new(Field::new("a", data_type, true));
        let of = |column: ArrayRef| -> ArrayRef {
            Arc::new(StructArray::from(vec![(field(column.data_type().clone()), column)]))
        };
        let a_struct = |data_type| DataType::Struct(vec![field(data_type)].into());
        for (array, declared, row) in [
            (decimals(vec![100, 199]), DataType::Int64, 2),
            (Arc::clone(&whole), list_of(DataType::Int64), 3),
            (of_lists, list_of(list_of(DataType::Int64)), 2),
            (list(doubles(vec![1.0, 1e300]), &[1, 1]), list_of(DataType::Float32), 2),
            (list(decimals(vec![100, 199]), &[1, 1]), list_of(DataType::Int64), 2),
            (of(doubles(vec![1.0, 1.5])), a_struct(DataType::Int64), 2),
            (doubles(vec![1.0, 1e300]), DataType::Float32, 2),
            (
                Arc::new(StringArray::from(vec!["2024-05-01", "2024-05-01T12:00:00Z"])),
                DataType::Date32,
                2,
            ),
        ] {
            let from = array.data_type().clone();
            let error = feature(array, &declared).unwrap_err().to_string();
            assert!(error.contains(&format!("row {row}:")), "{from} as {declared}: {error}");
        }
        let kept = feature(whole.slice(0, 2), &list_of(DataType::Int64)).unwrap();
        assert_eq!(&kept, &list(Arc::new(Int64Array::from(vec![1, 2])), &[2, 0]));
        let kept = feature(decimals(vec![100, 200]), &DataType::Int64).unwrap();
        assert_eq!(kept.as_ref(), &Int64Array::from(vec![1, 2]) as &dyn Array);
    }
}
