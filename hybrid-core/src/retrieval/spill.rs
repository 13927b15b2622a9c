//! Batches that went to disk, of many owners in one unnamed temporary file.

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::iter;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;

use super::spool::{SharedFile, disk, pieces, write_failed};
use crate::Result;

/// The file, which is made with the first batch. It is gone when nobody reads it any more.
#[derive(Default)]
pub(super) struct SpillFile {
    file: Option<Arc<File>>,
    end: u64,
}

/// Where some batches stand in the file.
pub(super) struct Spilled {
    file: Arc<File>,
    at: u64,
}

impl SpillFile {
    /// Writes the batches, small ones as one.
    pub(super) fn write(&mut self, schema: &SchemaRef, batches: &[RecordBatch]) -> Result<Spilled> {
        let file = match &self.file {
            Some(file) => Arc::clone(file),
            None => {
                let made = tempfile::tempfile().map_err(|error| disk(error, "create"))?;
                Arc::clone(self.file.insert(Arc::new(made)))
            }
        };
        let at = self.end;
        let end = BufWriter::new(SharedFile {
            file: Arc::clone(&file),
            at,
        });
        let mut writer = StreamWriter::try_new(end, schema).map_err(write_failed)?;
        for piece in pieces(batches) {
            writer.write(&concat_batches(schema, piece)?).map_err(write_failed)?;
        }
        writer.finish().map_err(write_failed)?;
        let end = writer.into_inner().map_err(write_failed)?.into_inner();
        self.end = end.map_err(|error| disk(error.into_error(), "write"))?.at;
        Ok(Spilled { file, at })
    }
}

impl Spilled {
    /// Reads one after the other.
    pub(super) fn read(self) -> Box<dyn Iterator<Item = Result<RecordBatch>>> {
        let Self { file, at } = self;
        match StreamReader::try_new(BufReader::new(SharedFile { file, at }), None) {
            Ok(batches) => Box::new(batches.map(|batch| Ok(batch?))),
            Err(error) => Box::new(iter::once(Err(error.into()))),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::array::{ArrayRef, Int64Array};

    use super::*;

    #[test]
    fn each_reads_what_it_wrote() {
        let batch = |n: i64| {
            let column = Arc::new(Int64Array::from_iter_values(n * 10..n * 10 + 3)) as ArrayRef;
            RecordBatch::try_from_iter([("n", column)]).unwrap()
        };
        let mut file = SpillFile::default();
        let schema = batch(0).schema();
        let written: Vec<Spilled> = (0..5)
            .map(|n| file.write(&schema, &[batch(n), batch(n + 100)]).unwrap())
            .collect();
        drop(file);
        for (n, spilled) in (0..5_i32).zip(written).rev() {
            let n = i64::from(n);
            let expected = concat_batches(&schema, &[batch(n), batch(n + 100)]).unwrap();
            assert_eq!(spilled.read().collect::<Result<Vec<_>>>().unwrap(), [expected]);
        }
    }
}
