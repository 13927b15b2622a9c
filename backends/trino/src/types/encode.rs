//! Rows as JSON that Trino casts back: what a column travels as, and the expression that makes it what it was.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Field, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    Time64MicrosecondType, TimeUnit, TimestampMicrosecondType,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hybrid_core::Result;
use std::fmt::{Display, Write};

use super::{no_type, sql_type};
use crate::names::quoted;

/// Writes the value of a row.
type Writer = Box<dyn Fn(usize, &mut String) + Send>;

/// How values of a type travel in JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Carried {
    /// The type of Trino that the JSON is cast to.
    pub(crate) json: String,
    /// What makes the value of the cast, for which U+0001 stands; `None`: the cast is the value.
    made: Option<String>,
}

impl Carried {
    fn plain(json: impl Into<String>) -> Self {
        Self {
            json: json.into(),
            made: None,
        }
    }

    fn made(json: impl Into<String>, made: impl Into<String>) -> Self {
        Self {
            json: json.into(),
            made: Some(made.into()),
        }
    }

    /// The value, made from what the JSON was cast to.
    pub(crate) fn value(&self, cast: &str) -> String {
        self.made
            .as_ref()
            .map_or_else(|| cast.to_owned(), |made| made.replace('\u{1}', cast))
    }
}

/// How values of a type, one of those that [`normal`](super::normal) gives, travel in JSON.
pub(crate) fn carried(data_type: &DataType) -> Result<Carried> {
    carried_at(data_type, 0)
}

/// `depth` numbers the variables of lambdas, which are inside of each other.
fn carried_at(data_type: &DataType, depth: usize) -> Result<Carried> {
    use DataType as T;
    Ok(match data_type {
        T::Null => Carried::plain("varchar"),
        T::Binary => Carried::made("varchar", "from_base64(\u{1})"),
        T::Date32 => Carried::made("bigint", "date_add('day', \u{1}, DATE '1970-01-01')"),
        T::Time64(TimeUnit::Microsecond) => Carried::made("varchar", "CAST(\u{1} AS time(6))"),
        // Nanoseconds in 64 bits end in 2262.
        T::Timestamp(TimeUnit::Microsecond, None) => Carried::made(
            "bigint",
            "CAST(from_unixtime_nanos(CAST(\u{1} AS decimal(38,0)) * 1000) AS timestamp(6))",
        ),
        T::List(item) => list(carried_at(item.data_type(), depth + 1)?, depth),
        T::Map(entries, _) => map(pair(entries)?, depth)?,
        T::Struct(fields) => row(fields, data_type, depth)?,
        other => Carried::plain(sql_type(other)?),
    })
}

fn list(item: Carried, depth: usize) -> Carried {
    let json = format!("array({})", item.json);
    match item.made {
        None => Carried::plain(json),
        Some(_) => Carried::made(
            json,
            format!("transform(\u{1}, e{depth} -> {})", item.value(&format!("e{depth}"))),
        ),
    }
}

fn map((key, value): (&Field, &Field), depth: usize) -> Result<Carried> {
    let item = carried_at(value.data_type(), depth + 1)?;
    let json = format!("map(varchar, {})", item.json);
    let mut made = "\u{1}".to_owned();
    if item.made.is_some() {
        made = format!(
            "transform_values({made}, (k{depth}, e{depth}) -> {})",
            item.value(&format!("e{depth}"))
        );
    }
    if key.data_type() != &DataType::Utf8 {
        let key = sql_type(key.data_type())?;
        made = format!("transform_keys({made}, (k{depth}, e{depth}) -> CAST(k{depth} AS {key}))");
    }
    Ok(if made == "\u{1}" {
        Carried::plain(json)
    } else {
        Carried::made(json, made)
    })
}

fn row(fields: &[std::sync::Arc<Field>], whole: &DataType, depth: usize) -> Result<Carried> {
    let items = fields
        .iter()
        .map(|field| carried_at(field.data_type(), depth + 1))
        .collect::<Result<Vec<_>>>()?;
    let json: Vec<String> = fields
        .iter()
        .zip(&items)
        .map(|(field, item)| format!("{} {}", quoted(field.name()), item.json))
        .collect();
    let json = format!("row({})", json.join(", "));
    if items.iter().all(|item| item.made.is_none()) {
        return Ok(Carried::plain(json));
    }
    let value =
        |(field, item): (&std::sync::Arc<Field>, &Carried)| item.value(&format!("\u{1}.{}", quoted(field.name())));
    let values: Vec<String> = fields.iter().zip(&items).map(value).collect();
    let made = format!(
        "IF(\u{1} IS NULL, NULL, CAST(ROW({}) AS {}))",
        values.join(", "),
        sql_type(whole)?
    );
    Ok(Carried::made(json, made))
}

/// The fields of a map's keys and values.
fn pair(entries: &Field) -> Result<(&Field, &Field)> {
    match entries.data_type() {
        DataType::Struct(pair) if pair.len() == 2 => Ok((&pair[0], &pair[1])),
        other => Err(no_type(other)),
    }
}

/// What writes the values of an array, of one of the types that [`normal`](super::normal) gives.
pub(crate) fn writer(array: &ArrayRef) -> Result<Writer> {
    use DataType as T;
    let write: Writer = match array.data_type() {
        T::Null => Box::new(|_, out| out.push_str("null")),
        T::Boolean => shown(array.as_boolean().clone(), |array, row| array.value(row)),
        T::Int8 => shown(array.as_primitive::<Int8Type>().clone(), |array, row| array.value(row)),
        T::Int16 => shown(array.as_primitive::<Int16Type>().clone(), |array, row| array.value(row)),
        T::Int32 => shown(array.as_primitive::<Int32Type>().clone(), |array, row| array.value(row)),
        T::Int64 => shown(array.as_primitive::<Int64Type>().clone(), |array, row| array.value(row)),
        T::Date32 => shown(array.as_primitive::<Date32Type>().clone(), |array, row| {
            array.value(row)
        }),
        T::Timestamp(TimeUnit::Microsecond, None) => shown(
            array.as_primitive::<TimestampMicrosecondType>().clone(),
            |array, row| array.value(row),
        ),
        T::Time64(TimeUnit::Microsecond) => {
            let array = array.as_primitive::<Time64MicrosecondType>().clone();
            Box::new(move |row, out| text(out, &crate::types::time::time_text(array.value(row))))
        }
        T::Float32 => {
            let array = array.as_primitive::<Float32Type>().clone();
            Box::new(move |row, out| float(out, array.value(row), f64::from(array.value(row))))
        }
        T::Float64 => {
            let array = array.as_primitive::<Float64Type>().clone();
            Box::new(move |row, out| float(out, array.value(row), array.value(row)))
        }
        T::Decimal128(..) => {
            let array = array.as_primitive::<Decimal128Type>().clone();
            Box::new(move |row, out| text(out, &array.value_as_string(row)))
        }
        T::Utf8 => {
            let array = array.as_string::<i32>().clone();
            Box::new(move |row, out| text(out, array.value(row)))
        }
        T::Binary => {
            let array = array.as_binary::<i32>().clone();
            Box::new(move |row, out| text(out, &STANDARD.encode(array.value(row))))
        }
        T::List(_) => lists(array)?,
        T::Map(..) => maps(array)?,
        T::Struct(_) => rows(array)?,
        other => return Err(no_type(other)),
    };
    let Some(nulls) = array.nulls().cloned() else {
        return Ok(write);
    };
    Ok(Box::new(move |row, out| match nulls.is_null(row) {
        true => out.push_str("null"),
        false => write(row, out),
    }))
}

/// Values that JSON writes as Rust does.
fn shown<A: Send + 'static, V: Display>(array: A, value: impl Fn(&A, usize) -> V + Send + 'static) -> Writer {
    Box::new(move |row, out| {
        // Writing to a String does not fail.
        let _ = write!(out, "{}", value(&array, row));
    })
}

/// JSON has no words for what is no number, and Trino's reader loses the sign of zero.
fn float(out: &mut String, short: impl std::fmt::LowerExp, value: f64) {
    let _ = match value {
        value if value.is_nan() => write!(out, "\"NaN\""),
        value if value.is_infinite() => write!(out, "\"{}Infinity\"", if value < 0.0 { "-" } else { "" }),
        value if value == 0.0 && value.is_sign_negative() => write!(out, "\"-0.0\""),
        _ => write!(out, "{short:e}"),
    };
}

fn text(out: &mut String, text: &str) {
    out.push('"');
    // A single quote is written by its number: nothing is left to escape in SQL.
    for part in text.split_inclusive(|c: char| matches!(c, '"' | '\\' | '\'') || c < ' ') {
        let mut chars = part.chars();
        match chars.next_back() {
            Some(c @ ('"' | '\\')) => {
                out.push_str(chars.as_str());
                out.push('\\');
                out.push(c);
            }
            Some(c) if c < ' ' || c == '\'' => {
                out.push_str(chars.as_str());
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            _ => out.push_str(part),
        }
    }
    out.push('"');
}

/// Writes `[…]` or `{…}` of the values of a range.
fn between(
    out: &mut String,
    (open, close): (char, char),
    range: std::ops::Range<usize>,
    mut item: impl FnMut(usize, &mut String),
) {
    out.push(open);
    for (nth, index) in range.enumerate() {
        if nth > 0 {
            out.push(',');
        }
        item(index, out);
    }
    out.push(close);
}

fn lists(array: &ArrayRef) -> Result<Writer> {
    let list = array.as_list::<i32>();
    let (ends, item) = (list.offsets().clone(), writer(list.values())?);
    Ok(Box::new(move |row, out| {
        between(out, ('[', ']'), range(&ends, row), &item)
    }))
}

fn range(ends: &[i32], row: usize) -> std::ops::Range<usize> {
    let end = |row: usize| ends.get(row).map_or(0, |end| usize::try_from(*end).unwrap_or_default());
    end(row)..end(row + 1)
}

fn maps(array: &ArrayRef) -> Result<Writer> {
    let map = array.as_map();
    let keys = arrow::compute::cast(map.keys(), &DataType::Utf8)?;
    let (ends, key, value) = (map.offsets().clone(), writer(&keys)?, writer(map.values())?);
    Ok(Box::new(move |row, out| {
        between(out, ('{', '}'), range(&ends, row), |index, out| {
            key(index, out);
            out.push(':');
            value(index, out);
        });
    }))
}

fn rows(array: &ArrayRef) -> Result<Writer> {
    let columns = array
        .as_struct()
        .columns()
        .iter()
        .map(writer)
        .collect::<Result<Vec<_>>>()?;
    Ok(Box::new(move |row, out| {
        between(out, ('[', ']'), 0..columns.len(), |index, out| columns[index](row, out))
    }))
}
