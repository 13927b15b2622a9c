//! Lists, maps and structs that an engine keeps as JSON documents.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Float64Array, Int64Array, ListArray, MapArray, StringArray,
    StructArray, new_null_array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::{CastOptions, cast, cast_with_options};
use arrow::datatypes::{DataType, Fields};
use serde_json::Value;

use super::{Place, invalid, is_text};
use crate::{Result, timestamp_type};

/// How much of a document is shown in an error.
const SHOWN: usize = 80;

/// Documents as the declared nested type. In them bytes are texts of `\x` and hexadecimal digits, times
/// are RFC 3339, and floats that JSON does not know are the texts NaN, Infinity and -Infinity.
pub(super) fn from_json(texts: &ArrayRef, declared: &DataType, place: Place<'_>) -> Result<ArrayRef> {
    let texts = cast(texts, &DataType::Utf8)?;
    let texts = texts.as_string::<i32>();
    let refused = |row: usize, text: &str| {
        let shown: String = text.chars().take(SHOWN).collect();
        invalid(format!(
            "{}: `{shown}` is no JSON of the declared type {declared}",
            place.at(Some(row))
        ))
    };
    let mut documents = Vec::with_capacity(texts.len());
    for (row, text) in texts.iter().enumerate() {
        let parsed = text.map(serde_json::from_str::<Value>).transpose();
        documents.push(parsed.map_err(|_| refused(row, text.unwrap_or_default()))?);
    }
    let values: Vec<Option<&Value>> = documents.iter().map(Option::as_ref).collect();
    made(&values, declared).ok_or_else(|| {
        let wrong = values
            .iter()
            .position(|value| made(&[*value], declared).is_none())
            .unwrap_or_default();
        refused(wrong, if texts.is_valid(wrong) { texts.value(wrong) } else { "" })
    })
}

/// An array of these values; `None` when one of them is none of the type.
fn made(values: &[Option<&Value>], declared: &DataType) -> Option<ArrayRef> {
    let values: Vec<Option<&Value>> = values
        .iter()
        .map(|value| value.filter(|value| !value.is_null()))
        .collect();
    match declared {
        DataType::Struct(fields) => structs(&values, fields),
        DataType::List(item) => {
            let lists = all(&values, Value::as_array)?;
            let items: Vec<Option<&Value>> = lists.iter().flatten().flat_map(|list| list.iter().map(Some)).collect();
            let ends = OffsetBuffer::from_lengths(lists.iter().map(|list| list.map_or(0, Vec::len)));
            let list = ListArray::try_new(Arc::clone(item), ends, made(&items, item.data_type())?, present(&lists));
            Some(Arc::new(list.ok()?))
        }
        DataType::Map(entries, sorted) => {
            let DataType::Struct(fields) = entries.data_type() else {
                return None;
            };
            let maps = all(&values, Value::as_object)?;
            let ends = OffsetBuffer::from_lengths(maps.iter().map(|map| map.map_or(0, serde_json::Map::len)));
            let names: StringArray = maps.iter().flatten().flat_map(|map| map.keys().map(Some)).collect();
            let members: Vec<Option<&Value>> = maps.iter().flatten().flat_map(|map| map.values().map(Some)).collect();
            let columns = vec![
                scalar(Arc::new(names), fields[0].data_type())?,
                made(&members, fields[1].data_type())?,
            ];
            let made = StructArray::try_new(fields.clone(), columns, None).ok()?;
            Some(Arc::new(
                MapArray::try_new(Arc::clone(entries), ends, made, present(&maps), *sorted).ok()?,
            ))
        }
        other => scalars(&values, other),
    }
}

fn structs(values: &[Option<&Value>], fields: &Fields) -> Option<ArrayRef> {
    let objects = all(values, Value::as_object)?;
    let column = |name: &str, data_type| {
        let members: Vec<Option<&Value>> = objects
            .iter()
            .map(|object| object.and_then(|object| object.get(name)))
            .collect();
        made(&members, data_type)
    };
    let columns: Option<Vec<ArrayRef>> = fields
        .iter()
        .map(|field| column(field.name(), field.data_type()))
        .collect();
    let made = StructArray::try_new_with_length(fields.clone(), columns?, present(&objects), values.len());
    Some(Arc::new(made.ok()?))
}

fn scalars(values: &[Option<&Value>], declared: &DataType) -> Option<ArrayRef> {
    let array: ArrayRef = match declared {
        DataType::Null => return Some(new_null_array(declared, values.len())),
        DataType::Boolean => Arc::new(BooleanArray::from(all(values, Value::as_bool)?)),
        t if t.is_integer() => Arc::new(Int64Array::from(all(values, Value::as_i64)?)),
        t if t.is_floating() => Arc::new(Float64Array::from(all(values, float)?)),
        DataType::Binary => {
            let bytes = all(values, bytes)?;
            Arc::new(bytes.iter().map(|bytes| bytes.as_deref()).collect::<BinaryArray>())
        }
        _ => Arc::new(
            all(values, |value| Some(text(value)))?
                .into_iter()
                .collect::<StringArray>(),
        ),
    };
    scalar(array, declared)
}

/// A checked cast.
fn scalar(array: ArrayRef, declared: &DataType) -> Option<ArrayRef> {
    if array.data_type() == declared {
        return Some(array);
    }
    if *declared == timestamp_type() && is_text(array.data_type()) {
        return Some(Arc::new(crate::canonical::to_micros(&array).ok()?.with_timezone("UTC")));
    }
    let strict = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    cast_with_options(&array, declared, &strict).ok()
}

/// What `read` makes of every value that is there; `None` when it makes nothing of one.
fn all<'a, T>(values: &[Option<&'a Value>], read: impl Fn(&'a Value) -> Option<T>) -> Option<Vec<Option<T>>> {
    let read = |value: &Option<&'a Value>| match value {
        None => Some(None),
        Some(value) => read(value).map(Some),
    };
    values.iter().map(read).collect()
}

fn present<T>(values: &[Option<T>]) -> Option<NullBuffer> {
    let all = values.iter().all(Option::is_some);
    (!all).then(|| values.iter().map(Option::is_some).collect())
}

fn float(value: &Value) -> Option<f64> {
    match value.as_str() {
        Some("NaN") => Some(f64::NAN),
        Some("Infinity") => Some(f64::INFINITY),
        Some("-Infinity") => Some(f64::NEG_INFINITY),
        _ => value.as_f64(),
    }
}

fn bytes(value: &Value) -> Option<Vec<u8>> {
    let digits = value.as_str()?.strip_prefix("\\x")?.as_bytes();
    let pair = |pair: &[u8]| {
        let text = std::str::from_utf8(pair).ok().filter(|text| text.len() == 2)?;
        u8::from_str_radix(text, 16).ok()
    };
    digits.chunks(2).map(pair).collect()
}

/// A text as it is, anything else as JSON.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::ValueType;

    fn read(texts: &[Option<&str>], declared: &str) -> Result<ArrayRef> {
        let place = Place {
            source: "t",
            column: "v",
            row: Some(0),
            csv: false,
        };
        let array: ArrayRef = Arc::new(texts.iter().copied().collect::<StringArray>());
        from_json(&array, &declared.parse::<ValueType>().unwrap().to_arrow(), place)
    }

    #[test]
    fn documents_become_what_was_declared() {
        let nested = read(
            &[Some(r#"{"a": 9007199254740993, "b": ["x", null]}"#), None, Some("{}")],
            "Struct({a: Int64, b: Array(String), c: Bytes, d: UnixTimestamp})",
        );
        let nested = nested.unwrap();
        assert_eq!((nested.len(), nested.null_count()), (3, 1));
        assert_eq!(
            nested
                .as_struct()
                .column(0)
                .as_primitive::<arrow::datatypes::Int64Type>()
                .value(0),
            9_007_199_254_740_993
        );
        let maps = read(&[Some(r#"{"a": "1", "b": null}"#), Some("{}")], "Map").unwrap();
        assert_eq!(maps.as_map().value_offsets(), [0, 2, 2]);
        let floats = read(&[Some(r#"[[1.5, "NaN"], [], null]"#)], "Array(Array(Float32))").unwrap();
        assert_eq!(floats.as_list::<i32>().value(0).null_count(), 1);
        assert_eq!(read(&[Some(r#"["\\x00ff"]"#)], "Array(Bytes)").unwrap().len(), 1);
        assert_eq!(
            read(
                &[Some(r#"["2024-01-01T00:00:00.000001+00:00"]"#)],
                "Array(UnixTimestamp)"
            )
            .unwrap()
            .len(),
            1
        );
    }

    #[test]
    fn what_is_none_is_refused_by_row() {
        for (text, declared) in [
            ("[1.5]", "Array(Int64)"),
            ("[3000000000]", "Array(Int32)"),
            ("{}", "Array(Int64)"),
            ("[", "Array(Int64)"),
            (r#"["\\x0"]"#, "Array(Bytes)"),
            (r#"["soon"]"#, "Array(UnixTimestamp)"),
        ] {
            let error = read(&[None, Some(text)], declared).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::InvalidInput, "{error}");
            assert!(error.message().contains("row 2"), "{error}");
        }
    }
}
