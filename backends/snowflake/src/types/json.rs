//! Lists, maps and structs as JSON, for columns of ARRAY, OBJECT and VARIANT. Bytes are texts of `\x` and
//! hexadecimal digits, times RFC 3339, and floats that JSON does not know the texts NaN, Infinity and -Infinity.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use hybrid_core::{Error, ErrorKind, Result};

const TIMES: FormatOptions<'static> = FormatOptions::new()
    .with_timestamp_format(Some("%Y-%m-%dT%H:%M:%S%.6f"))
    .with_timestamp_tz_format(Some("%Y-%m-%dT%H:%M:%S%.6f%:z"));

/// One document per value; nothing for what is missing.
pub(super) fn documents(array: &ArrayRef) -> Result<Vec<Option<String>>> {
    let document = |row| {
        let mut text = String::new();
        write(array, row, &mut text)?;
        Ok(array.is_valid(row).then_some(text))
    };
    (0..array.len()).map(document).collect()
}

fn write(array: &ArrayRef, row: usize, out: &mut String) -> Result<()> {
    use DataType as T;
    if array.is_null(row) {
        out.push_str("null");
        return Ok(());
    }
    match array.data_type() {
        T::List(_) => write_list(&array.as_list::<i32>().value(row), out),
        T::LargeList(_) => write_list(&array.as_list::<i64>().value(row), out),
        T::FixedSizeList(..) => write_list(&array.as_fixed_size_list().value(row), out),
        T::Struct(fields) => {
            let columns = array.as_struct().columns().iter();
            let members = fields
                .iter()
                .zip(columns)
                .map(|(field, column)| (field.name().clone(), column, row));
            write_object(members, out)
        }
        T::Map(..) => {
            let entries = array.as_map().value(row);
            let (keys, values) = (cast(entries.column(0), &T::Utf8)?, entries.column(1));
            let names = keys.as_string::<i32>();
            let members = (0..entries.len()).map(|row| (names.value(row).to_owned(), values, row));
            write_object(members, out)
        }
        T::Float16 | T::Float32 | T::Float64 => write_float(array, row, out),
        kind if kind.is_integer() || *kind == T::Boolean || kind.is_decimal() => {
            out.push_str(&shown(array, row)?);
            Ok(())
        }
        T::Binary | T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_) => {
            let bytes = cast(array, &T::Binary)?;
            let bytes = bytes.as_binary::<i32>().value(row);
            let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            write_text(&format!("\\x{digits}"), out)
        }
        T::Utf8 | T::LargeUtf8 | T::Utf8View | T::Date32 | T::Timestamp(..) | T::Time32(_) | T::Time64(_) => {
            write_text(&shown(array, row)?, out)
        }
        T::Dictionary(_, values) => write(&cast(array, values)?, row, out),
        other => Err(Error::new(
            ErrorKind::Unsupported,
            format!("Arrow's {other} has no form in JSON"),
        )),
    }
}

fn shown(array: &ArrayRef, row: usize) -> Result<String> {
    Ok(ArrayFormatter::try_new(array, &TIMES)?.value(row).to_string())
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
    for (place, (name, values, row)) in members.enumerate() {
        if place > 0 {
            out.push(',');
        }
        write_text(&name, out)?;
        out.push(':');
        write(values, row, out)?;
    }
    out.push('}');
    Ok(())
}

fn write_float(array: &ArrayRef, row: usize, out: &mut String) -> Result<()> {
    let text = shown(array, row)?;
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => {
            out.push_str(&text);
            Ok(())
        }
        Ok(value) if value == f64::INFINITY => write_text("Infinity", out),
        Ok(value) if value == f64::NEG_INFINITY => write_text("-Infinity", out),
        _ => write_text("NaN", out),
    }
}

fn write_text(text: &str, out: &mut String) -> Result<()> {
    let quoted = serde_json::to_string(text);
    out.push_str(&quoted.map_err(|error| Error::new(ErrorKind::Unexpected, error.to_string()))?);
    Ok(())
}
