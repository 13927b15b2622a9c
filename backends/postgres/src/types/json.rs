//! Lists, maps and structs as JSON, for `jsonb` columns.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use hybrid_core::{Error, ErrorKind, Result};

use super::encode::items;

/// How times are said: RFC 3339.
const FORMAT: FormatOptions<'static> = FormatOptions::new()
    .with_timestamp_format(Some("%Y-%m-%dT%H:%M:%S%.6f"))
    .with_timestamp_tz_format(Some("%Y-%m-%dT%H:%M:%S%.6f%:z"));

/// One JSON text per value.
///
/// # Errors
/// Unsupported, for a type that has no form in JSON.
pub fn texts(array: &ArrayRef) -> Result<ArrayRef> {
    let mut texts = StringBuilder::new();
    let mut text = String::new();
    for row in 0..array.len() {
        text.clear();
        write(array, row, &mut text)?;
        if array.is_null(row) {
            texts.append_null()
        } else {
            texts.append_value(&text)
        }
    }
    Ok(Arc::new(texts.finish()))
}

fn write(array: &ArrayRef, row: usize, out: &mut String) -> Result<()> {
    if array.is_null(row) {
        out.push_str("null");
        return Ok(());
    }
    match array.data_type() {
        DataType::List(_) => write_list(&items::<i32>(array, row), out),
        DataType::LargeList(_) => write_list(&items::<i64>(array, row), out),
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns().iter();
            let members = fields
                .iter()
                .zip(columns)
                .map(|(field, column)| (field.name().clone(), column, row));
            write_object(members, out)
        }
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            let (keys, values) = (entries.column(0), entries.column(1));
            let key = |row| Ok((arrow::util::display::array_value_to_string(keys, row)?, values, row));
            write_object(
                (0..entries.len()).map(key).collect::<Result<Vec<_>>>()?.into_iter(),
                out,
            )
        }
        DataType::Float32 => write_float(
            f64::from(array.as_primitive::<Float32Type>().value(row)),
            &shown(array, row)?,
            out,
        ),
        DataType::Float64 => write_float(array.as_primitive::<Float64Type>().value(row), &shown(array, row)?, out),
        t if t.is_integer() || *t == DataType::Boolean || t.is_decimal() => {
            out.push_str(&shown(array, row)?);
            Ok(())
        }
        DataType::Binary => {
            let hex: String = array
                .as_binary::<i32>()
                .value(row)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            write_text(&format!("\\x{hex}"), out)
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Date32 | DataType::Timestamp(..) => {
            write_text(&shown(array, row)?, out)
        }
        other => Err(Error::new(
            ErrorKind::Unsupported,
            format!("Arrow's {other} has no form in JSON"),
        )),
    }
}

fn shown(array: &ArrayRef, row: usize) -> Result<String> {
    Ok(ArrayFormatter::try_new(array, &FORMAT)?.value(row).to_string())
}

fn write_list(items: &ArrayRef, out: &mut String) -> Result<()> {
    out.push('[');
    for row in 0..items.len() {
        if row > 0 {
            out.push(',');
        }
        write(items, row, out)?;
    }
    out.push(']');
    Ok(())
}

fn write_object<'a>(members: impl Iterator<Item = (String, &'a ArrayRef, usize)>, out: &mut String) -> Result<()> {
    out.push('{');
    for (index, (name, values, row)) in members.enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_text(&name, out)?;
        out.push(':');
        write(values, row, out)?;
    }
    out.push('}');
    Ok(())
}

/// JSON has no NaN and no infinities: they are texts.
fn write_float(value: f64, shown: &str, out: &mut String) -> Result<()> {
    if value.is_finite() {
        out.push_str(shown);
        return Ok(());
    }
    write_text(
        if value.is_nan() {
            "NaN"
        } else if value > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        },
        out,
    )
}

fn write_text(text: &str, out: &mut String) -> Result<()> {
    use std::fmt::Write;
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            // Writing into a String does not fail.
            c if c.is_control() => drop(write!(out, "\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::array::{Int64Array, StringArray, StructArray};
    use arrow::datatypes::Field;

    use super::*;

    #[test]
    fn structs_are_objects() {
        let field = |name: &str, array: &ArrayRef| Arc::new(Field::new(name, array.data_type().clone(), true));
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None]));
        let words: ArrayRef = Arc::new(StringArray::from(vec!["a\"\\\n\u{1}", "ü"]));
        let both = [
            (field("n", &numbers), numbers.clone()),
            (field("w\"", &words), words.clone()),
        ];
        let array: ArrayRef = Arc::new(StructArray::from(both.to_vec()));
        let texts = texts(&array).unwrap();
        assert_eq!(texts.as_string::<i32>().value(0), r#"{"n":1,"w\"":"a\"\\\n\u0001"}"#);
        assert_eq!(texts.as_string::<i32>().value(1), r#"{"n":null,"w\"":"ü"}"#);
    }
}
