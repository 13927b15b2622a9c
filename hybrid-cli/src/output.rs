//! Where rows go: a file, or a table on standard output.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Instant;

use arrow::array::RecordBatch;
use futures::StreamExt;
use hybrid_offline_store::retrieval::write_stream;
use hybrid_offline_store::{BatchStream, EntityFrame, Error, ErrorKind, Result, RetrievalJob};

use crate::outcome::{Outcome, Stop};
use crate::progress::Bar;
use crate::{report, table};

/// How many rows of a table are shown on a terminal; a pipe gets all.
const ROWS_ON_TERMINAL: u64 = 40;

/// A file, whose extension says its format, or `-`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// An aligned table on standard output.
    Table,
    /// A Parquet, CSV or Arrow file.
    File(PathBuf),
}

impl FromStr for Output {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "-" {
            return Ok(Self::Table);
        }
        let path = PathBuf::from(text);
        let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
        match extension.as_deref() {
            Some("parquet" | "csv" | "arrow") => Ok(Self::File(path)),
            _ => Err("write a file that ends in .parquet, .csv or .arrow, or - for a table".to_owned()),
        }
    }
}

impl Output {
    /// Runs a retrieval into it, shown by `bar`, and tells what it gave.
    pub async fn retrieve(&self, job: RetrievalJob, bar: Bar) -> Outcome {
        let summary = match self {
            Self::File(path) => {
                let summary = job.write_to(path).await?;
                drop(bar);
                summary
            }
            Self::Table => {
                let spool = Spool::new()?;
                let summary = job.write_to(spool.path()).await?;
                drop(bar);
                spool.print(summary.rows).await?;
                summary
            }
        };
        report::summary(&summary);
        Ok(())
    }

    /// Reads a stream into it, shown by `bar`, and tells how many rows came.
    pub async fn receive(&self, rows: BatchStream, bar: Bar) -> Outcome {
        let began = Instant::now();
        let Self::File(path) = self else {
            return print_rows(rows, bar).await;
        };
        let count = write_stream(rows, path).await?;
        let elapsed = began.elapsed();
        drop(bar);
        report::rows(count, elapsed);
        Ok(())
    }
}

async fn print_rows(rows: BatchStream, bar: Bar) -> Outcome {
    let began = Instant::now();
    let spool = Spool::new()?;
    // One row more than is shown tells that there are more.
    let count = write_stream(head(rows, shown().saturating_add(1)), spool.path()).await?;
    let elapsed = began.elapsed();
    drop(bar);
    spool.print(count).await?;
    if count <= shown() {
        report::rows(count, elapsed);
    }
    Ok(())
}

/// Rows on disk: a table has to be read twice, once for how wide its columns are.
struct Spool {
    folder: tempfile::TempDir,
}

impl Spool {
    fn new() -> Outcome<Self> {
        let folder = tempfile::tempdir().map_err(|error| Stop::from_io("cannot make a temporary folder", error))?;
        Ok(Self { folder })
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("rows.arrow")
    }

    async fn print(&self, rows: u64) -> Outcome {
        let limit = shown();
        let layout = table::Layout::measure(open(&self.path())?, limit).await?;
        layout.print(open(&self.path())?, limit).await?;
        if rows > limit {
            report::line(format_args!("the first {limit} rows; -o FILE gives all"));
        }
        Ok(())
    }
}

/// How many rows a table shows.
fn shown() -> u64 {
    match io::stdout().is_terminal() {
        true => ROWS_ON_TERMINAL,
        false => u64::MAX,
    }
}

/// The first `left` rows; what comes after them is not even asked for.
fn head(rows: BatchStream, left: u64) -> BatchStream {
    let schema = rows.schema().clone();
    let batches = rows.scan(left, |left, batch| {
        let wanted = *left > 0;
        let batch = batch.map(|batch: RecordBatch| table::first(&batch, left));
        std::future::ready(wanted.then_some(batch))
    });
    BatchStream::new(schema, batches)
}

/// The rows of a file.
pub fn open(path: &Path) -> Result<BatchStream> {
    match EntityFrame::from_path(path)? {
        EntityFrame::Rows(rows) => Ok(rows),
        _ => Err(Error::new(ErrorKind::Unexpected, "a file holds no rows")),
    }
}

/// Writes text to standard output, at once.
pub fn print(text: impl std::fmt::Display) -> Outcome {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")
        .and_then(|()| out.flush())
        .map_err(|error| Stop::from_stdout(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extension_is_known_or_it_is_a_usage_error() {
        assert_eq!("-".parse(), Ok(Output::Table));
        assert_eq!("a/b.PARQUET".parse(), Ok(Output::File("a/b.PARQUET".into())));
        for wrong in ["", "out", "out.txt", "parquet", "out.parquet.gz"] {
            assert!(wrong.parse::<Output>().is_err(), "{wrong}");
        }
    }
}
