//! Entity rows inside the statement, where no temporary table can be made.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use futures::TryStreamExt;
use hybrid_core::{BatchStream, Error, ErrorKind, Result};

use super::load::natural;
use super::target::quoted;
use crate::types::{Wire, literal};

/// More is no statement that a server should parse.
const MOST_ROWS: usize = 10_000;
const MOST_BYTES: usize = 8 << 20;

/// Why entity rows are in the statement.
#[derive(Debug, Clone, Copy)]
pub(super) enum Why {
    /// `entity_select_mode` says so.
    Configured,
    /// The server only reads.
    OnlyReads,
}

/// The rows as a parenthesised SELECT: one array literal per column, so that types are said once and NULLs are typed.
pub(super) async fn relation(mut rows: BatchStream, why: Why) -> Result<String> {
    let schema = rows.schema().clone();
    let wires = natural(&schema)?;
    let mut columns = vec![String::new(); wires.len()];
    let mut count = 0;
    while let Some(batch) = rows.try_next().await? {
        count += batch.num_rows();
        for (text, array) in columns.iter_mut().zip(batch.columns()) {
            append(array, text)?;
        }
        if count > MOST_ROWS || columns.iter().map(String::len).sum::<usize>() > MOST_BYTES {
            return Err(too_large(why));
        }
    }
    let arrays = columns
        .iter()
        .zip(&wires)
        .map(|(text, wire): (&String, &Wire)| format!("'{{{}}}'::{}[]", text.replace('\'', "''"), wire.sql()));
    let arrays: Vec<String> = arrays.collect();
    let names: Vec<String> = schema.fields().iter().map(|field| quoted(field.name())).collect();
    Ok(format!(
        "(SELECT * FROM unnest({}) AS u({}))",
        arrays.join(", "),
        names.join(", ")
    ))
}

fn too_large(why: Why) -> Error {
    let message = format!(
        "a statement takes {MOST_ROWS} entity rows and {} MiB of their text",
        MOST_BYTES >> 20
    );
    let help = match why {
        Why::Configured => {
            "use fewer rows, or entity_select_mode: temp_table with a role that may create temporary tables"
        }
        Why::OnlyReads => "a standby has no temporary tables for more: use fewer rows, or ask the primary",
    };
    Error::new(ErrorKind::ResourceExhausted, message).with_help(help)
}

/// Appends values as items of an array literal.
fn append(array: &ArrayRef, out: &mut String) -> Result<()> {
    let format = FormatOptions::new();
    let shown = ArrayFormatter::try_new(array, &format)?;
    for row in 0..array.len() {
        if !out.is_empty() {
            out.push(',');
        }
        if array.is_null(row) {
            out.push_str("NULL");
            continue;
        }
        match array.data_type() {
            DataType::Binary => {
                out.push_str("\"\\\\x");
                array
                    .as_binary::<i32>()
                    .value(row)
                    .iter()
                    .for_each(|byte| out.push_str(&format!("{byte:02x}")));
                out.push('"');
            }
            DataType::Utf8 => quote_item(array.as_string::<i32>().value(row), out),
            DataType::Timestamp(..) => {
                let micros = hybrid_core::canonical::to_micros(&array.slice(row, 1))?.value(0);
                quote_item(&literal(micros, false), out);
            }
            _ => quote_item(&shown.value(row).to_string(), out),
        }
    }
    Ok(())
}

fn quote_item(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, RecordBatch};

    use super::*;

    #[tokio::test]
    async fn who_has_too_many_rows_gets_the_help_of_their_server() {
        for (why, helps) in [(Why::Configured, "temp_table"), (Why::OnlyReads, "ask the primary")] {
            let many: ArrayRef = Arc::new(Int64Array::from_iter_values(0..10_001));
            let batch = RecordBatch::try_from_iter([("n", many)]).unwrap();
            let rows = BatchStream::from_batches(batch.schema(), vec![batch]);
            let error = relation(rows, why).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ResourceExhausted, "{error}");
            assert!(matches!(error.help(), [help] if help.contains(helps)), "{error}");
        }
    }
}
