//! An aligned table of any number of rows in bounded memory: read once for the widths, once to print.

use std::io::{self, BufWriter, Write};

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use futures::TryStreamExt;
use hybrid_offline_store::{BatchStream, Result};

use crate::outcome::{Outcome, Stop};

/// Columns stay aligned up to this width; a longer value is shown whole and moves its line.
const WIDEST: usize = 60;

const NULL: &str = "NULL";

/// How wide each column is, and which are numbers, which stand to the right.
pub struct Layout {
    columns: Vec<Column>,
}

struct Column {
    name: String,
    width: usize,
    right: bool,
}

impl Layout {
    /// Reads at most `limit` rows for their widths.
    pub async fn measure(mut rows: BatchStream, limit: u64) -> Result<Self> {
        let mut layout = Self::of(rows.schema());
        let mut left = limit;
        while let Some(batch) = rows.try_next().await? {
            let batch = first(&batch, &mut left);
            each_row(&batch, |cells| {
                layout.widen(cells);
                Ok::<_, hybrid_offline_store::Error>(())
            })?;
            if left == 0 {
                break;
            }
        }
        Ok(layout)
    }

    /// Prints the column names and at most `limit` rows.
    pub async fn print(&self, mut rows: BatchStream, limit: u64) -> Outcome {
        let names: Vec<String> = self.columns.iter().map(|column| column.name.clone()).collect();
        write(&self.line(&names))?;
        let mut left = limit;
        while let Some(batch) = rows.try_next().await? {
            self.print_batch(&first(&batch, &mut left))?;
            if left == 0 {
                break;
            }
        }
        Ok(())
    }

    fn print_batch(&self, batch: &RecordBatch) -> Outcome {
        let mut out = BufWriter::new(io::stdout().lock());
        each_row(batch, |cells| {
            out.write_all(self.line(cells).as_bytes())
                .map_err(|error| Stop::from_stdout(&error))
        })?;
        out.flush().map_err(|error| Stop::from_stdout(&error))
    }

    fn of(schema: &Schema) -> Self {
        let columns = schema.fields().iter().map(|field| {
            let name = one_line(field.name().clone());
            Column {
                width: name.chars().count(),
                name,
                right: field.data_type().is_numeric(),
            }
        });
        Self {
            columns: columns.collect(),
        }
    }

    fn widen(&mut self, cells: &[String]) {
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            column.width = column.width.max(cell.chars().count().min(WIDEST));
        }
    }

    fn line(&self, cells: &[String]) -> String {
        let mut line = String::new();
        for (column, cell) in self.columns.iter().zip(cells) {
            let width = column.width;
            match column.right {
                true => line += &format!("{cell:>width$}  "),
                false => line += &format!("{cell:<width$}  "),
            }
        }
        line.truncate(line.trim_end().len());
        line.push('\n');
        line
    }
}

fn write(text: &str) -> Outcome {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .map_err(|error| Stop::from_stdout(&error))
}

/// As much of the batch as may still be shown.
pub fn first(batch: &RecordBatch, left: &mut u64) -> RecordBatch {
    let rows = batch.num_rows().min(usize::try_from(*left).unwrap_or(usize::MAX));
    *left -= rows as u64;
    batch.slice(0, rows)
}

/// Calls `row` with the text of each row's cells.
fn each_row<E: From<hybrid_offline_store::Error>>(
    batch: &RecordBatch,
    mut row: impl FnMut(&[String]) -> Result<(), E>,
) -> Result<(), E> {
    let options = FormatOptions::default().with_null(NULL);
    let columns = batch
        .columns()
        .iter()
        .map(|array| ArrayFormatter::try_new(array, &options));
    let columns: Vec<ArrayFormatter<'_>> = columns
        .collect::<Result<_, _>>()
        .map_err(hybrid_offline_store::Error::from)?;
    for number in 0..batch.num_rows() {
        let cells = columns
            .iter()
            .map(|column| column.value(number).try_to_string().map(one_line));
        let cells: Vec<String> = cells
            .collect::<Result<_, _>>()
            .map_err(hybrid_offline_store::Error::from)?;
        row(&cells)?;
    }
    Ok(())
}

/// A row is a line, and a value has no say over the terminal.
fn one_line(text: String) -> String {
    if !text.contains(char::is_control) {
        return text;
    }
    let shown = |c: char| match c.is_control() {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    };
    text.chars().map(shown).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, StringArray};
    use hybrid_offline_store::BatchStream;

    use super::*;

    fn rows() -> BatchStream {
        let id: ArrayRef = Arc::new(Int64Array::from(vec![Some(7), None, Some(1234)]));
        let name: ArrayRef = Arc::new(StringArray::from(vec!["a\nb", "\u{1b}[2J", "x"]));
        let batch = RecordBatch::try_from_iter([("id", id), ("name", name)]).unwrap();
        BatchStream::from_batches(batch.schema(), vec![batch.slice(0, 2), batch.slice(2, 1)])
    }

    async fn lines(layout: &Layout) -> Vec<String> {
        let mut lines = Vec::new();
        for batch in rows().collect().await.unwrap() {
            each_row(&batch, |cells| {
                lines.push(layout.line(cells));
                Ok::<_, hybrid_offline_store::Error>(())
            })
            .unwrap();
        }
        lines
    }

    #[tokio::test]
    async fn columns_are_as_wide_as_their_widest_row_of_any_batch() {
        let layout = Layout::measure(rows(), u64::MAX).await.unwrap();
        assert_eq!(
            lines(&layout).await,
            ["   7  a\\nb\n", "NULL  \\u{1b}[2J\n", "1234  x\n"]
        );
    }

    #[tokio::test]
    async fn only_the_rows_that_are_shown_count() {
        let layout = Layout::measure(rows(), 1).await.unwrap();
        assert_eq!(lines(&layout).await[0], " 7  a\\nb\n");
    }
}
