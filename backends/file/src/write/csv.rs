//! CSV, new and continued.

use std::io::{BufWriter, Read, Write};

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch};
use arrow::compute::cast;
use arrow::compute::kernels::cmp::eq;
use arrow::datatypes::{DataType, SchemaRef};
use arrow_csv::WriterBuilder;
use arrow_csv::writer::{Terminator, Writer};
use hybrid_core::Result;

use super::temp::Output;
use crate::error::{invalid, io_error};
use crate::read::Cancel;
use crate::storage::Blob;
use hybrid_core::values::is_text;

const BUFFER: usize = 1 << 20;

/// Lines of a CSV file.
pub(super) struct CsvSink(Writer<BufWriter<Output>>);

impl CsvSink {
    /// A new file: it begins with a header.
    pub(super) fn new(output: Output, schema: &SchemaRef) -> Result<Self> {
        let mut writer = WriterBuilder::new().build(BufWriter::with_capacity(BUFFER, output));
        writer.write(&RecordBatch::new_empty(SchemaRef::clone(schema)))?;
        Ok(Self(writer))
    }

    /// A file that begins with all of `old`, whose lines end as these will.
    pub(super) fn after(old: &Blob, name: &str, output: Output, cancel: &Cancel) -> Result<Self> {
        let mut output = BufWriter::with_capacity(BUFFER, output);
        let ending = copy(old, name, &mut output, cancel)?;
        let terminator = if ending == "\r\n" {
            Terminator::CRLF
        } else {
            Terminator::Any(b'\n')
        };
        let builder = WriterBuilder::new().with_header(false).with_line_terminator(terminator);
        Ok(Self(builder.build(output)))
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let schema = batch.schema();
        for (field, column) in schema.fields().iter().zip(batch.columns()) {
            refuse_empty(field.name(), column)?;
        }
        Ok(self.0.write(batch)?)
    }

    pub(super) fn finish(self) -> Result<()> {
        Ok(self.0.into_inner().flush()?)
    }
}

/// Copies all bytes, adds the last line's end where it is missing, and says how lines end.
fn copy(old: &Blob, name: &str, output: &mut impl Write, cancel: &Cancel) -> Result<&'static str> {
    let mut reader = old.reader();
    let mut buffer = vec![0; BUFFER];
    let (mut ending, mut last) = (None, None);
    loop {
        cancel.check()?;
        let count = reader
            .read(&mut buffer)
            .map_err(|error| io_error("read", name, error))?;
        if count == 0 {
            break;
        }
        let bytes = &buffer[..count];
        ending = ending.or_else(|| first_ending(bytes));
        last = bytes.last().copied();
        output.write_all(bytes)?;
    }
    let ending = ending.unwrap_or("\n");
    if last.is_some_and(|last| last != b'\n') {
        output.write_all(ending.as_bytes())?;
    }
    Ok(ending)
}

fn first_ending(bytes: &[u8]) -> Option<&'static str> {
    let at = bytes.iter().position(|byte| *byte == b'\n')?;
    Some(if at > 0 && bytes[at - 1] == b'\r' { "\r\n" } else { "\n" })
}

/// An empty field is read as NULL.
fn refuse_empty(name: &str, column: &ArrayRef) -> Result<()> {
    if !is_text(column.data_type()) {
        return Ok(());
    }
    let text = cast(column, &DataType::Utf8)?;
    let empty: BooleanArray = eq(&text, &arrow::array::StringArray::new_scalar(""))?;
    if empty.true_count() == 0 {
        return Ok(());
    }
    Err(invalid(format!(
        "column `{name}` has an empty text, which CSV cannot tell from NULL"
    ))
    .with_help("give NULL instead, or keep the rows in Parquet"))
}
