//! Rows that come in any order, put in the frame's order in bounded memory.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use arrow::array::{RecordBatch, UInt64Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::SchemaRef;
use futures::StreamExt;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use super::contract::{broken, fuse_on_error, numbers, without_number};
use super::spill::{SpillFile, Spilled};
use super::spool::{COLUMN, own, size};
use crate::{BatchStream, Error, ErrorKind, Result};

/// About so many bytes of features are put in order at once: some copies of them are in memory meanwhile.
const BUCKET: usize = 8 << 20;

/// Larger buckets, whose rows turned out wider than the first ones, are divided.
const MOST: usize = 4 * BUCKET;

/// More buckets would be written and read in too small parts, as would more than have room for some parts each.
const MOST_BUCKETS: usize = 1024;
const LEAST_BUCKETS: usize = 16;
const PARTS: usize = 16;

/// About so much goes to disk at once, for which its runtime's thread waits.
const AT_ONCE: usize = 32 << 20;

/// The rows of an answer in order, without their numbers. A task of its own reads it to its end, however slow the reader of
/// this stream is: an engine drops a query that nobody asks for its rows. A bucket of rows is given when it is full and all
/// before it are given, so that what is almost in order passes through. `memory` bytes are held, half of them of buckets
/// that wait for the reader, and as many again while one is divided; the rest is in a temporary file.
pub(super) fn restored(answer: BatchStream, features: SchemaRef, rows: u64, memory: usize) -> Result<BatchStream> {
    Ok(Ordered::new(answer, features, rows, memory)?.stream())
}

/// As [`restored`], when the answer has been read to its end.
pub(super) async fn restored_whole(
    answer: BatchStream,
    features: SchemaRef,
    rows: u64,
    memory: usize,
) -> Result<BatchStream> {
    let mut ordered = Ordered::new(answer, features, rows, memory)?;
    ordered.read().await?;
    Ok(ordered.stream())
}

/// An answer that one reads and another may drop at any time.
#[derive(Clone)]
struct Answer(Arc<Mutex<Option<BatchStream>>>);

impl Answer {
    /// The next batch that has rows; nothing when the answer has ended, or was dropped.
    async fn next(&self) -> Result<Option<RecordBatch>> {
        loop {
            let next = poll_fn(
                |context| match &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
                    Some(rows) => rows.poll_next_unpin(context),
                    None => Poll::Ready(None),
                },
            );
            match next.await.transpose()? {
                Some(batch) if batch.num_rows() == 0 => {}
                next => return Ok(next),
            }
        }
    }

    fn end(&self) {
        let answer = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(answer);
    }
}

/// What is read of the stream.
struct Ordered {
    full: UnboundedReceiver<Full>,
    /// Parts of a bucket that was too large.
    divided: VecDeque<Bucket>,
    reading: JoinSet<Result<()>>,
    answer: Answer,
    /// Of the answer.
    schema: SchemaRef,
    features: SchemaRef,
    memory: usize,
}

impl Drop for Ordered {
    /// The task would drop the answer some time later, when its session is not waited for any more.
    fn drop(&mut self) {
        self.answer.end();
    }
}

impl Ordered {
    fn new(answer: BatchStream, features: SchemaRef, rows: u64, memory: usize) -> Result<Self> {
        let runtime = Handle::try_current().map_err(|error| {
            Error::new(ErrorKind::Unexpected, "a retrieval needs a Tokio runtime").with_cause(error)
        })?;
        let (sender, receiver) = unbounded_channel();
        let schema = answer.schema().clone();
        let answer = Answer(Arc::new(Mutex::new(Some(answer))));
        let mut reading = JoinSet::new();
        reading.spawn_on(read_to_end(answer.clone(), rows, memory, sender), &runtime);
        Ok(Self {
            full: receiver,
            divided: VecDeque::new(),
            reading,
            answer,
            schema,
            features,
            memory,
        })
    }

    fn stream(self) -> BatchStream {
        let features = self.features.clone();
        let batches = futures::stream::unfold(self, |mut ordered| async move {
            let batch = ordered.next().await.transpose()?;
            Some((batch, ordered))
        });
        BatchStream::new(features, fuse_on_error(batches))
    }

    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            let (bucket, _room) = match self.divided.pop_front() {
                Some(part) => (part, None),
                None => match self.full.recv().await {
                    Some(full) => (full.bucket, full.room),
                    None => return self.read().await.map(|()| None),
                },
            };
            if bucket.bytes > MOST && bucket.rows() > 1 {
                let memory = self.memory / 2;
                let parts = blocking(move || bucket.divided(memory)).await?;
                parts.into_iter().rev().for_each(|part| self.divided.push_front(part));
                continue;
            }
            let (schema, features) = (self.schema.clone(), self.features.clone());
            return if bucket.spilled.is_empty() {
                bucket.in_order(&schema, &features)
            } else {
                blocking(move || bucket.in_order(&schema, &features)).await
            }
            .map(Some);
        }
    }

    /// Waits for the end of the answer.
    async fn read(&mut self) -> Result<()> {
        match self.reading.join_next().await {
            Some(read) => read.map_err(failed)?,
            // It was waited for already.
            None => Ok(()),
        }
    }
}

fn failed(error: tokio::task::JoinError) -> Error {
    Error::new(ErrorKind::Unexpected, "reading a store's answer failed").with_cause(error)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(failed)?
}

/// A bucket that waits for the reader, and the room that it takes in memory.
struct Full {
    bucket: Bucket,
    room: Option<OwnedSemaphorePermit>,
}

async fn read_to_end(answer: Answer, rows: u64, memory: usize, full: UnboundedSender<Full>) -> Result<()> {
    let outcome = fill(&answer, rows, memory, &full).await;
    // Its session is closed before the stream ends.
    answer.end();
    outcome
}

async fn fill(answer: &Answer, rows: u64, memory: usize, full: &UnboundedSender<Full>) -> Result<()> {
    let Some(first) = answer.next().await? else {
        return Err(broken(format!("it ended after 0 of {rows} rows")));
    };
    let width = (size(&first) / first.num_rows()).max(1);
    let waiting = Arc::new(Semaphore::new((memory / 2).min(Semaphore::MAX_PERMITS)));
    let mut buckets = Buckets::new(0..rows, (BUCKET / width) as u64, first.schema(), memory / 2);
    let mut next = Some(first);
    while let Some(batch) = next {
        buckets.push(&batch)?;
        while buckets.is_first_full() {
            hand_on(&mut buckets, &waiting, full)?;
        }
        next = answer.next().await?;
    }
    // They lack rows: which ones, is found where they are put in order.
    while !buckets.left.is_empty() {
        hand_on(&mut buckets, &waiting, full)?;
    }
    Ok(())
}

/// Gives the first bucket to the reader, in memory while there is room for those that wait.
fn hand_on(buckets: &mut Buckets, waiting: &Arc<Semaphore>, full: &UnboundedSender<Full>) -> Result<()> {
    let Some(mut bucket) = buckets.take_first() else {
        return Ok(());
    };
    let held = u32::try_from(bucket.held_bytes).ok();
    let room = held.and_then(|held| Arc::clone(waiting).try_acquire_many_owned(held).ok());
    if room.is_none() {
        bucket.spill(&buckets.schema, &mut buckets.file)?;
    }
    let gone = |_| Error::new(ErrorKind::Cancelled, "nobody reads the rows any more");
    full.send(Full { bucket, room }).map_err(gone)
}

fn twice(number: u64) -> Error {
    broken(format!("row {number} came twice"))
}

/// Rows whose numbers are in a range.
struct Bucket {
    range: Range<u64>,
    /// How many have come.
    count: u64,
    /// Of all that have come.
    bytes: usize,
    held: Vec<RecordBatch>,
    held_bytes: usize,
    spilled: Vec<Spilled>,
}

impl Bucket {
    fn new(range: Range<u64>) -> Self {
        Self {
            range,
            count: 0,
            bytes: 0,
            held: Vec::new(),
            held_bytes: 0,
            spilled: Vec::new(),
        }
    }

    /// How many there must be.
    fn rows(&self) -> u64 {
        self.range.end - self.range.start
    }

    fn push(&mut self, batch: RecordBatch) -> Result<()> {
        let bytes = size(&batch);
        self.count += batch.num_rows() as u64;
        self.bytes += bytes;
        self.held_bytes += bytes + COLUMN * batch.num_columns();
        self.held.push(own(batch, bytes)?);
        Ok(())
    }

    fn spill(&mut self, schema: &SchemaRef, file: &mut SpillFile) -> Result<()> {
        if !self.held.is_empty() {
            self.spilled.push(file.write(schema, &self.held)?);
            self.held.clear();
            self.held_bytes = 0;
        }
        Ok(())
    }

    /// Its rows, some after the other.
    fn batches(self) -> impl Iterator<Item = Result<RecordBatch>> {
        let spilled = self.spilled.into_iter().flat_map(Spilled::read);
        spilled.chain(self.held.into_iter().map(Ok))
    }

    fn in_order(self, schema: &SchemaRef, features: &SchemaRef) -> Result<RecordBatch> {
        let range = self.range.clone();
        let batches = self.batches().collect::<Result<Vec<_>>>()?;
        let rows = concat_batches(schema, &batches)?;
        drop(batches);
        if numbers(&rows)?.values().iter().copied().eq(range.clone()) {
            return without_number(&rows, features);
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
        without_number(&take_record_batch(&rows, &UInt64Array::from(places))?, features)
    }

    /// The same rows in buckets that are not too large, as far as rows are equally wide.
    fn divided(self, memory: usize) -> Result<VecDeque<Bucket>> {
        let parts = self.bytes.div_ceil(BUCKET) as u64;
        let (range, size) = (self.range.clone(), self.rows().div_ceil(parts));
        let mut buckets: Option<Buckets> = None;
        for batch in self.batches() {
            let batch = batch?;
            let buckets = buckets.get_or_insert_with(|| Buckets::new(range.clone(), size, batch.schema(), memory));
            buckets.push(&batch)?;
        }
        Ok(buckets.map(|buckets| buckets.left).unwrap_or_default())
    }
}

/// Rows by their numbers' range; buckets that are taken are not there any more.
struct Buckets {
    range: Range<u64>,
    /// Rows of one bucket.
    size: u64,
    /// How many are taken.
    taken: u64,
    left: VecDeque<Bucket>,
    /// What they may hold.
    memory: usize,
    schema: SchemaRef,
    file: SpillFile,
}

impl Buckets {
    fn new(range: Range<u64>, size: u64, schema: SchemaRef, memory: usize) -> Self {
        let rows = range.end - range.start;
        let part = COLUMN * schema.fields().len().max(1);
        let most = (memory / (PARTS * part)).clamp(LEAST_BUCKETS, MOST_BUCKETS);
        let size = size.max(rows.div_ceil(most as u64)).max(1);
        let starts = (0..rows.div_ceil(size)).map(|number| range.start + number * size);
        let left = starts.map(|start| Bucket::new(start..range.end.min(start + size)));
        Self {
            size,
            taken: 0,
            left: left.collect(),
            memory,
            schema,
            file: SpillFile::default(),
            range,
        }
    }

    /// Gives each bucket its part of the batch.
    fn push(&mut self, batch: &RecordBatch) -> Result<()> {
        let mut parts: Vec<Vec<u64>> = vec![Vec::new(); self.left.len()];
        for (at, number) in numbers(batch)?.values().iter().enumerate() {
            if !self.range.contains(number) {
                return Err(broken(format!("it gave row {number} of {}", self.range.end)));
            }
            let bucket = ((number - self.range.start) / self.size).checked_sub(self.taken);
            parts[bucket.ok_or_else(|| twice(*number))? as usize].push(at as u64);
        }
        for (bucket, at) in self.left.iter_mut().zip(parts) {
            let part = match at.len() {
                0 => continue,
                all if all == batch.num_rows() => batch.clone(),
                _ => take_record_batch(batch, &UInt64Array::from(at))?,
            };
            bucket.push(part)?;
        }
        self.make_room()
    }

    /// Where they hold too much, the largest go to disk until there is room for more than a batch.
    fn make_room(&mut self) -> Result<()> {
        let mut held: usize = self.left.iter().map(|bucket| bucket.held_bytes).sum();
        if held <= self.memory {
            return Ok(());
        }
        let enough = self.memory - (self.memory / 2).min(AT_ONCE);
        while held > enough
            && let Some(largest) = self.left.iter_mut().max_by_key(|bucket| bucket.held_bytes)
        {
            held -= largest.held_bytes;
            largest.spill(&self.schema, &mut self.file)?;
        }
        Ok(())
    }

    fn is_first_full(&self) -> bool {
        self.left.front().is_some_and(|first| first.count >= first.rows())
    }

    fn take_first(&mut self) -> Option<Bucket> {
        self.taken += 1;
        self.left.pop_front()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use arrow::array::{Array, ArrayRef, AsArray, Int64Array, StringArray};
    use arrow::datatypes::{DataType, Field, Int64Type, Schema};
    use futures::Stream;

    use super::*;
    use crate::store::ROW_NUMBER;

    /// 96 MB.
    const MANY: u64 = 6_000_000;
    const MEMORY: usize = 16 << 20;
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
        restored(
            BatchStream::new(batch(0..0).schema(), batches),
            features(),
            rows,
            MEMORY,
        )
        .unwrap()
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

    /// The first rows tell nothing of how wide the others are.
    #[tokio::test]
    async fn rows_that_are_wider_than_the_first_ones_are_given_in_parts() {
        let (rows, text) = (6_000, "x".repeat(10_000));
        let fields = vec![
            Field::new(ROW_NUMBER, DataType::UInt64, false),
            Field::new("v", DataType::Utf8, true),
        ];
        let schema = Arc::new(Schema::new(fields));
        let of = schema.clone();
        let batch = move |first: u64| {
            let numbers = first..first + 100;
            let texts = StringArray::from_iter(numbers.clone().map(|number| (number < rows - 100).then_some(&text)));
            let numbers = UInt64Array::from_iter_values(numbers);
            Ok(RecordBatch::try_new(of.clone(), vec![Arc::new(numbers), Arc::new(texts)]).unwrap())
        };
        // Those without a text come first.
        let backwards = futures::stream::iter((0..rows / 100).rev().map(move |part| batch(part * 100)));
        let features = Arc::new(Schema::new(vec![schema.field(1).clone()]));
        let ordered = restored(BatchStream::new(schema, backwards), features, rows, MEMORY).unwrap();
        let batches = ordered.collect().await.unwrap();
        assert!(batches.iter().all(|batch| size(batch) < MOST), "{}", batches.len());
        let nulls: Vec<bool> = batches
            .iter()
            .flat_map(|batch| (0..batch.num_rows()).map(|row| batch.column(0).is_null(row)))
            .collect();
        assert!(nulls.into_iter().eq((0..rows).map(|row| row >= rows - 100)));
    }

    #[tokio::test]
    async fn what_is_in_order_by_itself_is_given_before_the_answer_ends() {
        let answer = in_turn(MANY / 2).chain(futures::stream::pending());
        let mut ordered = ordered(answer, MANY);
        let first = tokio::time::timeout(Duration::from_secs(30), ordered.next());
        assert!(first.await.unwrap().unwrap().unwrap().num_rows() > 0);
    }

    #[tokio::test]
    async fn an_answer_is_read_to_its_end_while_nobody_reads() {
        let asked = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&asked);
        let counted = in_turn(MANY).inspect(move |_| {
            counter.fetch_add(1, Ordering::Relaxed);
        });
        let slow = ordered(counted, MANY);
        let all_asked = async {
            while asked.load(Ordering::Relaxed) < parts(MANY).count() as u64 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), all_asked).await.unwrap();
        assert_in_order(slow, MANY).await;
    }

    #[tokio::test]
    async fn a_stream_that_is_dropped_drops_the_answer_at_once() {
        let alive = Arc::new(());
        let held = Arc::clone(&alive);
        let endless = futures::stream::pending().inspect(move |_: &Result<RecordBatch>| drop(Arc::clone(&held)));
        let ordered = ordered(endless, 1);
        tokio::task::yield_now().await;
        drop(ordered);
        assert_eq!(Arc::strong_count(&alive), 1);
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
