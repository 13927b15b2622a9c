//! A retrieval's entity rows, as many at a time as are joined in one pass.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::TryStreamExt;
use hybrid_core::{BatchStream, Call, HistoricalRequest, Progress, Result};

use crate::FileSource;
use crate::historical::{Frame, answer, join_all};
use crate::read::in_background;

/// Entity rows that are joined in one pass over the features. A larger frame takes several passes: what is held in
/// memory, a row's keys, time and values, stays within bounds.
pub(crate) const PASS_ROWS: usize = 8 << 20;

/// The entity rows of a retrieval, a pass at a time.
pub(crate) struct Passes {
    entities: BatchStream,
    /// What was read of the entity rows and belongs to the next pass.
    held: Vec<RecordBatch>,
    size: usize,
    base: Arc<PathBuf>,
    request: Arc<HistoricalRequest<FileSource>>,
    schema: SchemaRef,
    progress: Progress,
}

impl Passes {
    pub(crate) fn new(
        base: PathBuf,
        request: HistoricalRequest<FileSource>,
        schema: &SchemaRef,
        call: &Call,
        size: usize,
    ) -> Result<Self> {
        Ok(Self {
            entities: request.entities.stream()?,
            held: Vec::new(),
            size,
            base: Arc::new(base),
            request: Arc::new(request),
            schema: Arc::clone(schema),
            progress: call.progress.clone(),
        })
    }

    /// The answer to the next rows; `None` when there are no more.
    pub(crate) async fn next(&mut self) -> Result<Option<BatchStream>> {
        let batches = self.take().await?;
        if batches.is_empty() {
            return Ok(None);
        }
        let frame = Frame::new(self.request.entities.schema(), &batches)?;
        let (base, request) = (Arc::clone(&self.base), Arc::clone(&self.request));
        let progress = self.progress.clone();
        let joined = in_background(move |cancel| {
            let joined = join_all(&base, &request, &frame, cancel, &progress)?;
            Ok((frame.rows, joined))
        });
        let (rows, joined) = joined.await?;
        Ok(Some(answer(Arc::clone(&self.schema), rows, joined)))
    }

    /// The entity rows of a pass.
    async fn take(&mut self) -> Result<Vec<RecordBatch>> {
        let mut batches = std::mem::take(&mut self.held);
        let mut count: usize = batches.iter().map(RecordBatch::num_rows).sum();
        while count < self.size {
            let Some(batch) = self.entities.try_next().await? else {
                break;
            };
            count += batch.num_rows();
            batches.push(batch);
        }
        let over = count.saturating_sub(self.size);
        if over > 0
            && let Some(last) = batches.pop()
        {
            let kept = last.num_rows() - over;
            self.held.push(last.slice(kept, over));
            batches.push(last.slice(0, kept));
        }
        batches.retain(|batch| batch.num_rows() > 0);
        Ok(batches)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::array::{ArrayRef, AsArray, TimestampMicrosecondArray, UInt64Array};
    use arrow::datatypes::{DataType, Field, Schema, UInt64Type};
    use hybrid_core::store::{ENTITY_TIME, ROW_NUMBER};
    use hybrid_core::{EntityRows, timestamp_type};

    use crate::historical::answer_schema;

    use super::*;

    /// Entity rows of times alone, in batches of these lengths.
    fn entities(lengths: &'static [u64]) -> EntityRows {
        let fields = vec![
            Field::new(ROW_NUMBER, DataType::UInt64, false),
            Field::new(ENTITY_TIME, timestamp_type(), false),
        ];
        let schema = Arc::new(Schema::new(fields));
        let of = Arc::clone(&schema);
        let open = move || {
            let mut first = 0;
            let batches = lengths.iter().map(|length| {
                let rows = UInt64Array::from_iter_values(first..first + length);
                let times = TimestampMicrosecondArray::from_iter_values(rows.values().iter().map(|row| *row as i64));
                first += length;
                let columns: Vec<ArrayRef> = vec![Arc::new(rows), Arc::new(times.with_timezone("UTC"))];
                RecordBatch::try_new(Arc::clone(&of), columns).unwrap()
            });
            Ok(BatchStream::from_batches(Arc::clone(&of), batches.collect()))
        };
        let count = lengths.iter().sum();
        EntityRows::new(schema, count, (count > 0).then_some((0, count as i64 - 1)), open)
    }

    /// The numbers of the rows that each pass answers.
    async fn passes(lengths: &'static [u64], size: usize) -> Vec<Vec<u64>> {
        let request = HistoricalRequest {
            entities: entities(lengths),
            views: Vec::new(),
            filter_by_created_timestamp: false,
        };
        let schema = answer_schema(&request);
        let mut passes = Passes::new(PathBuf::new(), request, &schema, &Call::default(), size).unwrap();
        let mut answered = Vec::new();
        while let Some(rows) = passes.next().await.unwrap() {
            let batches = rows.collect().await.unwrap();
            let numbers = batches
                .iter()
                .flat_map(|batch| batch.column(0).as_primitive::<UInt64Type>().values().to_vec());
            answered.push(numbers.collect());
        }
        answered
    }

    #[tokio::test]
    async fn a_frame_is_joined_in_passes_and_every_row_once() {
        for (lengths, size, expected) in [
            (&[3, 4, 0, 5][..], 5, vec![5, 5, 2]),
            (&[12], 5, vec![5, 5, 2]),
            (&[5, 5], 5, vec![5, 5]),
            (&[1, 1, 1], 100, vec![3]),
            (&[0, 0], 5, vec![]),
        ] {
            let answered = passes(lengths, size).await;
            assert_eq!(
                answered.iter().map(Vec::len).collect::<Vec<_>>(),
                expected,
                "{lengths:?}"
            );
            let all: Vec<u64> = answered.concat();
            assert_eq!(all, (0..lengths.iter().sum()).collect::<Vec<_>>(), "{lengths:?}");
        }
    }
}
