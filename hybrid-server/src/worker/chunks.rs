//! Rows in the parts that functions see: neither many small batches nor a large one.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use futures::stream::Fuse;
use futures::{StreamExt, TryStreamExt};
use hybrid_core::retrieval::size;
use hybrid_core::{BatchStream, Result};

/// Rows of one part at most.
const ROWS: usize = 65_536;
/// Bytes of one part, as far as single rows allow.
const BYTES: usize = 16 << 20;

pub(super) struct Chunks {
    schema: SchemaRef,
    rows: Fuse<BatchStream>,
    /// What does not fit in the part before.
    rest: Option<RecordBatch>,
}

impl Chunks {
    pub(super) fn new(rows: BatchStream) -> Self {
        Self {
            schema: Arc::clone(rows.schema()),
            rows: rows.fuse(),
            rest: None,
        }
    }

    /// The next rows, at least one; `None` at the end.
    ///
    /// # Errors
    /// Those of the stream.
    pub(super) async fn next(&mut self) -> Result<Option<RecordBatch>> {
        let (mut held, mut rows, mut bytes) = (Vec::new(), ROWS, BYTES);
        while let Some(batch) = self.batch().await? {
            let each = (size(&batch) / batch.num_rows()).max(1);
            let fitting = rows.min(bytes / each);
            // One row is taken, whatever its size.
            let taken = if held.is_empty() { fitting.max(1) } else { fitting }.min(batch.num_rows());
            if taken < batch.num_rows() {
                self.rest = Some(batch.slice(taken, batch.num_rows() - taken));
            }
            if taken > 0 {
                held.push(batch.slice(0, taken));
            }
            (rows, bytes) = (rows - taken, bytes.saturating_sub(taken * each));
            if self.rest.is_some() || rows == 0 {
                break;
            }
        }
        match held.as_slice() {
            [] => Ok(None),
            [only] => Ok(Some(only.clone())),
            several => Ok(Some(concat_batches(&self.schema, several)?)),
        }
    }

    /// A batch that has rows.
    async fn batch(&mut self) -> Result<Option<RecordBatch>> {
        if let Some(rest) = self.rest.take() {
            return Ok(Some(rest));
        }
        while let Some(batch) = self.rows.try_next().await? {
            if batch.num_rows() > 0 {
                return Ok(Some(batch));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::array::{ArrayRef, Int64Array, StringArray};

    use super::*;

    fn numbers(rows: usize) -> RecordBatch {
        let column: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows as i64));
        RecordBatch::try_from_iter([("n", column)]).unwrap()
    }

    fn texts(lengths: &[usize]) -> RecordBatch {
        let column: ArrayRef = Arc::new(StringArray::from_iter_values(
            lengths.iter().map(|length| "x".repeat(*length)),
        ));
        RecordBatch::try_from_iter([("t", column)]).unwrap()
    }

    async fn parts(batches: Vec<RecordBatch>) -> Vec<RecordBatch> {
        let schema = batches[0].schema();
        // A stream that must not be asked again when it has ended.
        let stream = futures::stream::unfold(batches.into_iter(), |mut batches| async move {
            batches.next().map(|batch| (Ok(batch), batches))
        });
        let mut chunks = Chunks::new(BatchStream::new(schema, stream));
        let mut parts = Vec::new();
        while let Some(part) = chunks.next().await.unwrap() {
            parts.push(part);
        }
        parts
    }

    async fn sizes(batches: Vec<RecordBatch>) -> Vec<usize> {
        parts(batches).await.iter().map(RecordBatch::num_rows).collect()
    }

    #[tokio::test]
    async fn rows_come_in_parts_and_in_order() {
        let batches = [0, 1, 10_000, 200_000, 0, 5].map(numbers).to_vec();
        let all = concat_batches(&batches[0].schema(), &batches).unwrap();
        let parts = parts(batches).await;
        let sizes: Vec<_> = parts.iter().map(RecordBatch::num_rows).collect();
        assert_eq!(sizes, [ROWS, ROWS, ROWS, 210_006 - 3 * ROWS]);
        assert_eq!(concat_batches(&all.schema(), &parts).unwrap(), all);
        assert!(self::sizes(vec![numbers(0)]).await.is_empty());
    }

    #[tokio::test]
    async fn large_rows_come_in_fewer() {
        let large = texts(&[BYTES / 4; 10]);
        assert_eq!(sizes(vec![large]).await, [3, 3, 3, 1]);
        let larger = texts(&[2 * BYTES, 2 * BYTES]);
        assert_eq!(sizes(vec![texts(&[1]), larger]).await, [1, 1, 1]);
    }
}
