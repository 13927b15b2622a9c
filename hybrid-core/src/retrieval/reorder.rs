//! Rows that come in any order, put in the frame's order in bounded memory.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{RecordBatch, UInt64Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::SchemaRef;
use futures::StreamExt;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use super::contract::{broken, fuse_on_error, numbers, without_number};
use super::spool::SpoolWriter;
use crate::{BatchStream, Error, ErrorKind, Result};

/// Bytes that all buckets together hold in memory, those that fill and those that wait for the reader.
const MEMORY: usize = 64 << 20;

/// Bytes of features that are put in order at once: some copies of them are in memory meanwhile.
const BUCKET: usize = 8 << 20;

/// Buckets that have gone to disk are a file each.
const MOST_BUCKETS: u64 = 256;

/// The rows of an answer in order, without their numbers. A task of its own reads it to its end, however slow the reader of
/// this stream is: an engine drops a query that nobody asks for its rows. A bucket of rows is given when it is full and all
/// before it are given, so that what is almost in order passes through.
pub(super) fn restored(answer: BatchStream, features: SchemaRef, rows: u64) -> BatchStream {
    let (sender, receiver) = unbounded_channel();
    let schema = answer.schema().clone();
    let mut reading = JoinSet::new();
    reading.spawn(read_to_end(answer, rows, sender));
    let ordered = Ordered {
        full: receiver,
        reading,
        schema,
        features: features.clone(),
    };
    let batches = futures::stream::unfold(ordered, |mut ordered| async move {
        let batch = ordered.next().await.transpose()?;
        Some((batch, ordered))
    });
    BatchStream::new(features, fuse_on_error(batches))
}

struct Ordered {
    full: UnboundedReceiver<Result<Full>>,
    /// Ends when this is dropped.
    reading: JoinSet<()>,
    /// Of the answer.
    schema: SchemaRef,
    features: SchemaRef,
}

impl Ordered {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        if let Some(full) = self.full.recv().await {
            return self.in_order(full?.bucket).await.map(Some);
        }
        match self.reading.join_next().await {
            Some(Err(error)) => {
                Err(Error::new(ErrorKind::Unexpected, "reading a store's answer failed").with_cause(error))
            }
            _ => Ok(None),
        }
    }

    async fn in_order(&self, bucket: Bucket) -> Result<RecordBatch> {
        let range = bucket.range;
        let spool = bucket.writer.finish()?;
        let rows = concat_batches(&self.schema, &spool.stream()?.collect().await?)?;
        if numbers(&rows)?.values().iter().copied().eq(range.clone()) {
            return without_number(&rows, &self.features);
        }
        let mut places: Vec<Option<u64>> = vec![None; (range.end - range.start) as usize];
        for (at, number) in numbers(&rows)?.values().iter().enumerate() {
            if places[(number - range.start) as usize].replace(at as u64).is_some() {
                return Err(twice(*number));
            }
        }
        if let Some(missing) = places.iter().position(Option::is_none) {
            return Err(broken(format!("row {} did not come", range.start + missing as u64)));
        }
        without_number(&take_record_batch(&rows, &UInt64Array::from(places))?, &self.features)
    }
}

fn twice(number: u64) -> Error {
    broken(format!("row {number} came twice"))
}

/// A bucket that waits for the reader, and the room that it takes.
struct Full {
    bucket: Bucket,
    _room: OwnedSemaphorePermit,
}

async fn read_to_end(answer: BatchStream, rows: u64, full: UnboundedSender<Result<Full>>) {
    if let Err(error) = fill(answer, rows, &full).await {
        // Nobody listens only when the stream was dropped.
        let _ = full.send(Err(error));
    }
}

async fn fill(mut answer: BatchStream, rows: u64, full: &UnboundedSender<Result<Full>>) -> Result<()> {
    let mut buckets: Option<Buckets> = None;
    while let Some(batch) = answer.next().await.transpose()? {
        if batch.num_rows() > 0 {
            let buckets = buckets.get_or_insert_with(|| Buckets::new(&batch, rows));
            buckets.push(&batch)?;
            while buckets.is_first_full() {
                buckets.hand_on(full)?;
            }
        }
    }
    let Some(mut buckets) = buckets else {
        return Err(broken(format!("it ended after 0 of {rows} rows")));
    };
    // They lack rows: which ones, is found where they are put in order.
    while !buckets.left.is_empty() {
        buckets.hand_on(full)?;
    }
    Ok(())
}

/// Rows whose numbers are in a range.
struct Bucket {
    range: Range<u64>,
    /// How many have come.
    count: u64,
    writer: SpoolWriter,
}

/// Rows by their numbers' range, as many ranges as their width asks for; those that are handed on are not there any more.
struct Buckets {
    rows: u64,
    /// Rows of one bucket.
    size: u64,
    /// How many are handed on.
    gone: u64,
    left: VecDeque<Bucket>,
    /// Bytes of memory that are not taken by those that are handed on.
    room: Arc<Semaphore>,
}

impl Buckets {
    /// Judges the rows' width by the first batch.
    fn new(first: &RecordBatch, rows: u64) -> Self {
        let width = first.get_array_memory_size() / first.num_rows().max(1) + 1;
        let size = ((BUCKET / width) as u64)
            .clamp(1 << 10, 1 << 20)
            .max(rows.div_ceil(MOST_BUCKETS));
        let bucket = |number: u64| Bucket {
            range: number * size..rows.min((number + 1) * size),
            count: 0,
            writer: SpoolWriter::new(first.schema(), MEMORY),
        };
        Self {
            rows,
            size,
            gone: 0,
            left: (0..rows.div_ceil(size)).map(bucket).collect(),
            room: Arc::new(Semaphore::new(MEMORY)),
        }
    }

    /// Gives each bucket its part of the batch.
    fn push(&mut self, batch: &RecordBatch) -> Result<()> {
        let mut parts: Vec<Vec<u64>> = vec![Vec::new(); self.left.len()];
        for (at, number) in numbers(batch)?.values().iter().enumerate() {
            if *number >= self.rows {
                return Err(broken(format!("it gave row {number} of {}", self.rows)));
            }
            let bucket = (number / self.size).checked_sub(self.gone);
            parts[bucket.ok_or_else(|| twice(*number))? as usize].push(at as u64);
        }
        for (bucket, at) in self.left.iter_mut().zip(parts) {
            let part = match at.len() {
                0 => continue,
                all if all == batch.num_rows() => batch.clone(),
                _ => take_record_batch(batch, &UInt64Array::from(at))?,
            };
            bucket.count += part.num_rows() as u64;
            bucket.writer.push(part)?;
        }
        self.make_room()
    }

    /// The largest go to disk until the others have room.
    fn make_room(&mut self) -> Result<()> {
        let held = |bucket: &Bucket| bucket.writer.held();
        let mut all: usize = self.left.iter().map(held).sum();
        while all > self.room.available_permits()
            && let Some(largest) = self.left.iter_mut().max_by_key(|bucket| held(bucket))
        {
            all -= held(largest);
            largest.writer.spill()?;
        }
        Ok(())
    }

    fn is_first_full(&self) -> bool {
        let is_full = |first: &Bucket| first.count >= first.range.end - first.range.start;
        self.left.front().is_some_and(is_full)
    }

    /// Gives the first bucket to the reader.
    fn hand_on(&mut self, full: &UnboundedSender<Result<Full>>) -> Result<()> {
        let Some(bucket) = self.left.pop_front() else {
            return Ok(());
        };
        self.gone += 1;
        // There is room: it has been made for all that are left.
        let held = u32::try_from(bucket.writer.held()).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).try_acquire_many_owned(held);
        let _room =
            room.map_err(|error| Error::new(ErrorKind::Unexpected, "no room for a bucket").with_cause(error))?;
        // Nobody listens only when the stream was dropped: this task ends soon.
        let _ = full.send(Ok(Full { bucket, _room }));
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use arrow::array::{ArrayRef, AsArray, Int64Array};
    use arrow::datatypes::{DataType, Field, Int64Type, Schema};
    use futures::Stream;

    use super::*;
    use crate::store::ROW_NUMBER;

    /// More than is held in memory.
    const MANY: u64 = 6_000_000;
    const PART: u64 = 70_001;

    fn features() -> SchemaRef {
        Arc::new(Schema::new(vec![Field::new("v", DataType::Int64, true)]))
    }

    fn batch(numbers: impl Iterator<Item = u64> + Clone) -> RecordBatch {
        let values = Int64Array::from_iter_values(numbers.clone().map(|number| number as i64 * 10));
        RecordBatch::try_from_iter([
            (ROW_NUMBER, Arc::new(UInt64Array::from_iter_values(numbers)) as ArrayRef),
            ("v", Arc::new(values) as ArrayRef),
        ])
        .unwrap()
    }

    fn parts(rows: u64) -> impl Iterator<Item = Range<u64>> {
        (0..rows.div_ceil(PART)).map(move |part| part * PART..rows.min((part + 1) * PART))
    }

    fn ordered(batches: impl Stream<Item = Result<RecordBatch>> + Send + 'static, rows: u64) -> BatchStream {
        restored(BatchStream::new(batch(0..0).schema(), batches), features(), rows)
    }

    fn in_turn(rows: u64) -> impl Stream<Item = Result<RecordBatch>> {
        futures::stream::iter(parts(rows).map(|part| Ok(batch(part))))
    }

    async fn assert_in_order(ordered: BatchStream, rows: u64) {
        let batches = ordered.collect().await.unwrap();
        let values = batches
            .iter()
            .flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec());
        assert!(values.eq((0..rows as i64).map(|number| number * 10)));
    }

    #[tokio::test]
    async fn rows_come_in_order_however_they_came() {
        let backwards: Vec<Range<u64>> = parts(MANY).collect();
        let backwards = backwards.into_iter().rev().map(|part| Ok(batch(part.rev())));
        assert_in_order(ordered(futures::stream::iter(backwards), MANY), MANY).await;
        // Each batch has rows of all buckets.
        let count = parts(MANY).count();
        let dealt = (0..count).map(move |first| Ok(batch((first as u64..MANY).step_by(count))));
        assert_in_order(ordered(futures::stream::iter(dealt), MANY), MANY).await;
        assert_in_order(ordered(in_turn(MANY), MANY), MANY).await;
    }

    #[tokio::test]
    async fn what_is_in_order_by_itself_is_given_before_the_answer_ends() {
        let answer = in_turn(MANY / 2).chain(futures::stream::pending());
        let mut ordered = ordered(answer, MANY);
        let first = tokio::time::timeout(Duration::from_secs(30), ordered.next());
        assert!(first.await.unwrap().unwrap().unwrap().num_rows() > 0);
    }

    #[tokio::test]
    async fn an_answer_is_read_to_its_end_while_nobody_reads_and_no_further_than_the_stream_lives() {
        let asked = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&asked);
        let counted = in_turn(MANY).inspect(move |_| {
            counter.fetch_add(1, Ordering::Relaxed);
        });
        let slow = ordered(counted, MANY);
        while asked.load(Ordering::Relaxed) < parts(MANY).count() as u64 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_in_order(slow, MANY).await;

        let alive = Arc::new(());
        let held = Arc::clone(&alive);
        let endless = futures::stream::pending().inspect(move |_: &Result<RecordBatch>| drop(Arc::clone(&held)));
        drop(ordered(endless, 1));
        while Arc::strong_count(&alive) > 1 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[tokio::test]
    async fn a_row_that_comes_again_when_it_was_given_is_refused() {
        let again = in_turn(MANY).chain(futures::stream::iter([Ok(batch(0..1))]));
        let error = ordered(again, MANY).collect().await.unwrap_err();
        assert!(error.to_string().contains("row 0 came twice"), "{error}");
    }

    #[tokio::test]
    async fn an_answer_that_panics_does_not_look_whole() {
        let panics = futures::stream::poll_fn(|_| panic!("a bug of a store"));
        let error = ordered(panics, 1).collect().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unexpected, "{error}");
    }
}
