use std::fmt::Write;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::DataType;
use arrow::util::display::array_value_to_string;
use hybrid_core::Result;
use hybrid_core::sql::Dialect;

use crate::RedshiftDialect;

/// A statement has about so many bytes; Redshift takes 16 MB.
const STATEMENT: usize = 1 << 20;

/// Rows as INSERTs of many rows each.
pub(super) struct Inserts {
    begin: String,
    text: String,
}

impl Inserts {
    pub(super) fn into(table: &str) -> Self {
        let begin = format!("INSERT INTO {table} VALUES ");
        Self {
            text: begin.clone(),
            begin,
        }
    }

    /// Adds a row of staged types; gives a statement when that is full.
    pub(super) fn push(&mut self, batch: &RecordBatch, row: usize) -> Result<Option<String>> {
        self.text
            .push_str(if self.text.len() > self.begin.len() { ", (" } else { "(" });
        for (at, column) in batch.columns().iter().enumerate() {
            if at > 0 {
                self.text.push_str(", ");
            }
            value(column, row, &mut self.text)?;
        }
        self.text.push(')');
        Ok(if self.text.len() >= STATEMENT {
            self.finish()
        } else {
            None
        })
    }

    /// The statement of the rows so far.
    pub(super) fn finish(&mut self) -> Option<String> {
        let is_empty = self.text.len() == self.begin.len();
        let text = std::mem::replace(&mut self.text, self.begin.clone());
        (!is_empty).then_some(text)
    }
}

fn value(array: &ArrayRef, row: usize, out: &mut String) -> Result<()> {
    if array.is_null(row) {
        out.push_str("NULL");
        return Ok(());
    }
    match array.data_type() {
        DataType::Utf8 => out.push_str(&RedshiftDialect.text(array.as_string::<i32>().value(row))),
        DataType::Binary => out.push_str(&RedshiftDialect.bytes(array.as_binary::<i32>().value(row))),
        // Quoted, every type of the table reads its own text.
        DataType::Float32 | DataType::Float64 => {
            let text = array_value_to_string(array, row)?;
            let text = match text.as_str() {
                "inf" => "Infinity",
                "-inf" => "-Infinity",
                other => other,
            };
            // Writing into a String does not fail.
            let _ = write!(out, "'{text}'");
        }
        _ => {
            let _ = write!(out, "'{}'", array_value_to_string(array, row)?);
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{BinaryArray, BooleanArray, Float64Array, Int64Array, StringArray};

    use super::*;

    #[test]
    fn values_are_literals() {
        let columns: [(&str, ArrayRef); 5] = [
            ("n", Arc::new(Int64Array::from(vec![Some(i64::MIN), None]))),
            ("f", Arc::new(Float64Array::from(vec![f64::NEG_INFINITY, 0.1]))),
            ("t", Arc::new(StringArray::from(vec!["it's", "a\\"]))),
            ("b", Arc::new(BinaryArray::from(vec![&b"\x00\xff"[..], b""]))),
            ("o", Arc::new(BooleanArray::from(vec![true, false]))),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let mut inserts = Inserts::into("x");
        assert!(inserts.finish().is_none());
        for row in 0..2 {
            assert!(inserts.push(&batch, row).unwrap().is_none());
        }
        assert_eq!(
            inserts.finish().unwrap(),
            "INSERT INTO x VALUES ('-9223372036854775808', '-Infinity', 'it''s', FROM_HEX('00ff'), 'true'), \
             (NULL, '0.1', ('a' || CHR(92) || ''), FROM_HEX(''), 'false')"
        );
    }
}
