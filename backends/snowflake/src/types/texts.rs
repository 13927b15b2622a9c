//! What Snowflake sends as JSON: every value a text.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, RecordBatch, RecordBatchOptions, StringArray,
    Time64MicrosecondArray, TimestampMicrosecondArray,
};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::SchemaRef;
use hybrid_core::Result;
use serde_json::Value;

use super::Type;
use crate::client::message::Column;
use crate::error::protocol;

/// A batch of rows that came as texts.
pub(crate) fn from_texts(rows: &[Vec<Value>], columns: &[Column], schema: &SchemaRef) -> Result<RecordBatch> {
    if rows.iter().any(|row| row.len() != columns.len()) {
        return Err(protocol("a row with a wrong number of values"));
    }
    let arrays = columns.iter().enumerate().map(|(place, column)| {
        let values: Vec<Option<String>> = rows.iter().map(|row| row.get(place).and_then(shown)).collect();
        let kind = Type::of(column);
        array(&values, kind).ok_or_else(|| protocol(format!("a value of column `{}` is none of its type", column.name)))
    });
    let arrays = arrays.collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    Ok(RecordBatch::try_new_with_options(
        SchemaRef::clone(schema),
        arrays,
        &options,
    )?)
}

fn shown(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

type Texts<'a> = &'a [Option<String>];

/// Each value read by `read`; nothing where one cannot be read.
fn each<T>(values: Texts<'_>, read: impl Fn(&str) -> Option<T>) -> Option<Vec<Option<T>>> {
    let value = |text: &Option<String>| match text {
        None => Some(None),
        Some(text) => read(text).map(Some),
    };
    values.iter().map(value).collect()
}

fn array(values: Texts<'_>, kind: Type) -> Option<ArrayRef> {
    Some(match kind {
        Type::Text => Arc::new(StringArray::from(values.to_vec())),
        Type::Integer | Type::Decimal(..) | Type::Real => {
            let strict = CastOptions {
                safe: false,
                ..CastOptions::default()
            };
            cast_with_options(&StringArray::from(values.to_vec()), &kind.arrow(), &strict).ok()?
        }
        Type::Boolean => Arc::new(BooleanArray::from(each(values, boolean)?)),
        Type::Binary => {
            let bytes = each(values, bytes)?;
            Arc::new(bytes.iter().map(Option::as_deref).collect::<BinaryArray>())
        }
        Type::Date => Arc::new(Date32Array::from(each(values, |text| text.parse().ok())?)),
        Type::Time(_) => Arc::new(Time64MicrosecondArray::from(each(values, micros)?)),
        Type::Timestamp(_, zoned) => {
            // Behind a zoned one stands its offset in minutes, which does not move the instant.
            let instant = |text: &str| micros(text.split(' ').next().unwrap_or_default());
            let made = TimestampMicrosecondArray::from(each(values, instant)?);
            Arc::new(made.with_timezone_opt(zoned.then_some("UTC")))
        }
    })
}

fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" => Some(true),
        "0" | "false" => Some(false),
        _ => None,
    }
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    let pairs = digits.chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
        u8::from_str_radix(pair, 16).ok()
    });
    pairs.collect()
}

/// Seconds with a fraction as microseconds, floored.
fn micros(text: &str) -> Option<i64> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let negative = seconds.starts_with('-');
    let seconds: i64 = seconds.parse().ok()?;
    let nanos: i64 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    let nanos = if negative { -nanos } else { nanos };
    seconds.checked_mul(1_000_000)?.checked_add(nanos.div_euclid(1_000))
}
