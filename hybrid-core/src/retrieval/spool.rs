//! Batches that are read again: in memory up to a budget, then in an unnamed temporary file, so
//! that nothing is left behind however the process ends.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::ptr::NonNull;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayData, ArrayRef, AsArray, MutableArrayData, RecordBatch, RecordBatchOptions, make_array,
};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;

use futures::StreamExt;

use crate::{BatchStream, Error, ErrorKind, Result};

/// Reads a stream to its end and gives its batches again: up to `memory` bytes of them are held in memory, more
/// than that goes into an unnamed temporary file.
///
/// # Errors
/// What the stream gives; ResourceExhausted and others of the disk.
pub async fn spooled(mut rows: BatchStream, memory: usize) -> Result<BatchStream> {
    let mut writer = SpoolWriter::new(rows.schema().clone(), memory);
    while let Some(batch) = rows.next().await {
        writer.push(batch?)?;
    }
    writer.finish()?.stream()
}

/// Bytes that one spool holds in memory before it goes to disk.
pub(crate) const MEMORY: usize = 64 << 20;

/// About as many bytes are one batch on disk: several of them are in memory while they are read.
const PIECE: usize = 4 << 20;

/// What a column of a batch takes besides its values, about: there may be many batches of a few rows.
pub(super) const COLUMN: usize = 256;

/// Takes batches of one schema.
pub(crate) struct SpoolWriter {
    schema: SchemaRef,
    budget: usize,
    held: usize,
    batches: Vec<RecordBatch>,
    file: Option<StreamWriter<BufWriter<File>>>,
}

impl SpoolWriter {
    pub(crate) fn new(schema: SchemaRef, budget: usize) -> Self {
        Self {
            schema,
            budget,
            held: 0,
            batches: Vec::new(),
            file: None,
        }
    }

    pub(crate) fn push(&mut self, batch: RecordBatch) -> Result<()> {
        let bytes = size(&batch);
        self.held += bytes + COLUMN * batch.num_columns();
        self.batches.push(own(batch, bytes)?);
        if self.held > self.budget { self.spill() } else { Ok(()) }
    }

    /// Writes what is held, small batches as one. From then on no more than a piece is held.
    fn spill(&mut self) -> Result<()> {
        let mut writer = match self.file.take() {
            Some(writer) => writer,
            None => {
                let file = tempfile::tempfile().map_err(|error| disk(error, "create"))?;
                StreamWriter::try_new(BufWriter::new(file), &self.schema).map_err(write_failed)?
            }
        };
        for piece in pieces(&self.batches) {
            writer
                .write(&concat_batches(&self.schema, piece)?)
                .map_err(write_failed)?;
        }
        self.file = Some(writer);
        self.batches.clear();
        self.held = 0;
        self.budget = self.budget.min(PIECE);
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<Spool> {
        if self.file.is_some() && !self.batches.is_empty() {
            self.spill()?;
        }
        let stored = match self.file {
            None => Stored::Memory(self.batches),
            Some(mut writer) => {
                writer.finish().map_err(write_failed)?;
                let file = writer.into_inner().map_err(write_failed)?;
                Stored::Disk(Arc::new(
                    file.into_inner().map_err(|error| disk(error.into_error(), "write"))?,
                ))
            }
        };
        Ok(Spool {
            schema: self.schema,
            stored: Arc::new(stored),
        })
    }
}

/// Bytes of a batch's own values. What is read from a message or cut out of a larger batch shares its buffers with others,
/// each of which would count them all.
pub fn size(batch: &RecordBatch) -> usize {
    batch.columns().iter().map(|column| bytes(&column.to_data())).sum()
}

fn bytes(data: &ArrayData) -> usize {
    let (from, to) = (data.offset(), data.offset() + data.len());
    let items = |first: usize, end: usize| bytes(&data.child_data()[0].slice(first, end - first));
    match data.data_type() {
        _ if data.is_empty() => 0,
        DataType::Utf8View | DataType::BinaryView => {
            let views = &data.buffers()[0].typed_data::<u128>()[from..to];
            // Each begins with its length; longer ones are elsewhere.
            let longer = views
                .iter()
                .map(|view| *view as u32 as usize)
                .filter(|length| *length > 12);
            size_of_val(views) + longer.sum::<usize>()
        }
        DataType::List(_) | DataType::Map(..) => {
            let ends = &data.buffers()[0].typed_data::<i32>()[from..=to];
            size_of_val(ends) + items(ends[0] as usize, ends[data.len()] as usize)
        }
        DataType::LargeList(_) => {
            let ends = &data.buffers()[0].typed_data::<i64>()[from..=to];
            size_of_val(ends) + items(ends[0] as usize, ends[data.len()] as usize)
        }
        DataType::Struct(_) => data.child_data().iter().map(bytes).sum(),
        _ => data
            .get_slice_memory_size()
            .unwrap_or_else(|_| data.get_array_memory_size()),
    }
}

/// The batch by itself: copied where it keeps much more in memory than its own values, as a part of a larger batch does, and
/// a column of a message. Views would also have the texts of other rows with them on disk. `bytes`: its [`size`].
pub(super) fn own(batch: RecordBatch, bytes: usize) -> Result<RecordBatch> {
    if kept(&batch) <= 2 * bytes + COLUMN * batch.num_columns() {
        return Ok(batch);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let columns = batch.columns().iter().map(copied).collect::<Result<_>>()?;
    Ok(RecordBatch::try_new_with_options(batch.schema(), columns, &options)?)
}

fn copied(column: &ArrayRef) -> Result<ArrayRef> {
    Ok(match column.data_type() {
        DataType::Utf8View => Arc::new(column.as_string_view().gc()),
        DataType::BinaryView => Arc::new(column.as_binary_view().gc()),
        _ => {
            let data = column.to_data();
            let mut copy = MutableArrayData::new(vec![&data], false, data.len());
            copy.try_extend(0, 0, data.len())?;
            make_array(copy.freeze())
        }
    })
}

/// Bytes that are in memory as long as the batch is.
fn kept(batch: &RecordBatch) -> usize {
    let mut allocations = BTreeMap::new();
    for column in batch.columns() {
        find(&column.to_data(), &mut allocations);
    }
    allocations.values().sum()
}

/// Finds the allocations of an array, by where they begin: some buffers are parts of one.
fn find(data: &ArrayData, allocations: &mut BTreeMap<NonNull<u8>, usize>) {
    let nulls = data.nulls().map(|nulls| nulls.buffer());
    for buffer in data.buffers().iter().chain(nulls) {
        allocations.insert(buffer.data_ptr(), buffer.capacity());
    }
    for child in data.child_data() {
        find(child, allocations);
    }
}

/// The batches in groups of about a piece.
pub(super) fn pieces(mut batches: &[RecordBatch]) -> impl Iterator<Item = &[RecordBatch]> {
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let is_enough = |batch: &RecordBatch| {
            bytes += size(batch);
            bytes >= PIECE
        };
        let end = batches
            .iter()
            .position(is_enough)
            .map_or(batches.len(), |last| last + 1);
        let (piece, rest) = batches.split_at(end);
        batches = rest;
        (!piece.is_empty()).then_some(piece)
    })
}

pub(super) fn write_failed(error: ArrowError) -> Error {
    match error {
        ArrowError::IoError(_, error) => disk(error, "write"),
        other => other.into(),
    }
}

/// Batches that can be read from the start as often as needed. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Spool {
    schema: SchemaRef,
    stored: Arc<Stored>,
}

enum Stored {
    Memory(Vec<RecordBatch>),
    Disk(Arc<File>),
}

impl Spool {
    pub(crate) fn stream(&self) -> Result<BatchStream> {
        match &*self.stored {
            Stored::Memory(batches) => Ok(BatchStream::from_batches(self.schema.clone(), batches.clone())),
            Stored::Disk(file) => {
                let file = Arc::clone(file);
                Ok(BatchStream::from_blocking(self.schema.clone(), move || read(file)))
            }
        }
    }

    #[cfg(test)]
    fn is_on_disk(&self) -> bool {
        matches!(*self.stored, Stored::Disk(_))
    }
}

fn read(file: Arc<File>) -> Result<impl Iterator<Item = Result<RecordBatch>>> {
    let reader = StreamReader::try_new(BufReader::new(SharedFile { file, at: 0 }), None)?;
    Ok(reader.map(|batch| Ok(batch?)))
}

pub(super) fn disk(error: io::Error, action: &str) -> Error {
    let kind = Error::from(io::Error::from(error.kind())).kind();
    Error::new(
        kind,
        format!("cannot {action} a temporary file in {}", std::env::temp_dir().display()),
    )
    .with_help("set TMPDIR to a folder with room for the entity frame and the features")
    .with_cause(error)
}

/// Reads and writes a file at a place of its own, so that several share one unnamed file.
pub(super) struct SharedFile {
    pub(super) file: Arc<File>,
    pub(super) at: u64,
}

impl Read for SharedFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        #[cfg(unix)]
        let count = std::os::unix::fs::FileExt::read_at(&*self.file, buffer, self.at)?;
        #[cfg(windows)]
        let count = std::os::windows::fs::FileExt::seek_read(&*self.file, buffer, self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Write for SharedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        #[cfg(unix)]
        let count = std::os::unix::fs::FileExt::write_at(&*self.file, bytes, self.at)?;
        #[cfg(windows)]
        let count = std::os::windows::fs::FileExt::seek_write(&*self.file, bytes, self.at)?;
        self.at += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Refuses what would not fit in the row numbers.
pub(crate) fn too_many_rows() -> Error {
    Error::new(
        ErrorKind::ResourceExhausted,
        "there are more rows than a row number can count",
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::array::{
        DictionaryArray, Int64Array, Int64Builder, ListArray, MapBuilder, StringArray, StringBuilder, StringViewArray,
    };
    use arrow::datatypes::{Int32Type, Int64Type};

    use super::*;

    fn batches() -> Vec<RecordBatch> {
        let column = |i: i64| Arc::new(Int64Array::from_iter_values(i * 100..i * 100 + 100)) as ArrayRef;
        (0..5)
            .map(|i| RecordBatch::try_from_iter([("a", column(i))]).unwrap())
            .collect()
    }

    fn together(batches: &[RecordBatch]) -> RecordBatch {
        concat_batches(batches[0].schema_ref(), batches).unwrap()
    }

    #[tokio::test]
    async fn a_batch_is_as_large_as_its_own_values() {
        let texts = StringArray::from_iter_values((0..1000).map(|i| format!("{i:03}")));
        let numbers = Int64Array::from_iter_values(0..1000);
        let whole =
            RecordBatch::try_from_iter([("t", Arc::new(texts) as ArrayRef), ("n", Arc::new(numbers) as ArrayRef)]);
        let whole = whole.unwrap();
        let bytes = 1000 * (3 + 8) + 1001 * 4;
        assert_eq!(size(&whole), bytes);
        assert_eq!(size(&whole.slice(500, 10)), 10 * (3 + 8) + 11 * 4);
        // All columns of what is read from a message share one buffer.
        let mut writer = SpoolWriter::new(whole.schema(), 0);
        writer.push(whole).unwrap();
        let read = writer.finish().unwrap().stream().unwrap().collect().await.unwrap();
        assert_eq!(read.iter().map(size).sum::<usize>(), bytes);
    }

    #[test]
    fn texts_and_items_that_are_elsewhere_count() {
        let of = |column: ArrayRef| RecordBatch::try_from_iter([("c", column)]).unwrap();
        let views = StringViewArray::from_iter_values(["short", &"x".repeat(100), &"y".repeat(200)]);
        let views = of(Arc::new(views));
        assert_eq!(size(&views), 3 * 16 + 300);
        assert_eq!(size(&views.slice(1, 1)), 16 + 100);
        let lists = ListArray::from_iter_primitive::<Int64Type, _, _>((0..100).map(|_| Some(vec![Some(7); 10])));
        let lists = of(Arc::new(lists));
        let (all, part) = (size(&lists), size(&lists.slice(50, 10)));
        assert_eq!((all - 4) / 10, part - 4);
        let mut maps = MapBuilder::new(None, StringBuilder::new(), Int64Builder::new());
        for _ in 0..100 {
            maps.keys().append_value("key");
            maps.values().append_value(7);
            maps.append(true).unwrap();
        }
        let maps = of(Arc::new(maps.finish()));
        // Ends of entries, ends of keys, keys, values.
        assert!((101 * 4 + 101 * 4 + 100 * (3 + 8)..=101 * 8 + 100 * 12).contains(&size(&maps)));
        assert!(size(&maps.slice(0, 10)) < size(&maps) / 9);
        assert_eq!(
            size(&lists.slice(0, 0)) + size(&views.slice(0, 0)) + size(&maps.slice(0, 0)),
            0
        );
    }

    #[test]
    fn many_batches_of_a_row_are_more_than_their_values() {
        let rows = together(&batches());
        let mut writer = SpoolWriter::new(rows.schema(), 10_000);
        (0..rows.num_rows()).for_each(|row| writer.push(rows.slice(row, 1)).unwrap());
        assert!(size(&rows) < 10_000 && writer.finish().unwrap().is_on_disk());
    }

    #[tokio::test]
    async fn parts_of_a_batch_do_not_keep_all_of_it() {
        let texts = || (0..1000).map(|i| format!("{i:0100}"));
        let views = Arc::new(StringViewArray::from_iter_values(texts())) as ArrayRef;
        let texts = Arc::new(StringArray::from_iter_values(texts())) as ArrayRef;
        for column in [views, texts] {
            let whole = RecordBatch::try_from_iter([("t", column)]).unwrap();
            for budget in [usize::MAX, 0] {
                let mut writer = SpoolWriter::new(whole.schema(), budget);
                (0..10).for_each(|part| writer.push(whole.slice(part * 100, 100)).unwrap());
                let read = writer.finish().unwrap().stream().unwrap().collect().await.unwrap();
                assert!(read.iter().map(kept).sum::<usize>() < 2 * 1000 * 116);
                assert_eq!(together(&read), whole);
            }
        }
    }

    #[tokio::test]
    async fn keys_do_not_keep_the_message_that_they_came_in() {
        let keys = Int64Array::from_iter_values(0..100);
        let texts = StringArray::from_iter_values((0..100).map(|_| "x".repeat(1000)));
        let whole = RecordBatch::try_from_iter([("k", Arc::new(keys) as ArrayRef), ("t", Arc::new(texts))]).unwrap();
        let mut message = StreamWriter::try_new(Vec::new(), whole.schema_ref()).unwrap();
        message.write(&whole).unwrap();
        let message = message.into_inner().unwrap();
        let read = StreamReader::try_new(message.as_slice(), None)
            .unwrap()
            .next()
            .unwrap()
            .unwrap();
        let keys = read.project(&[0]).unwrap();
        assert!(kept(&keys) > 100_000 && size(&keys) == 800);
        assert!(kept(&own(keys.clone(), 800).unwrap()) < 1000);
        assert_eq!(own(keys.clone(), 800).unwrap(), keys);
        // All of a message is not copied.
        assert_eq!(kept(&own(read.clone(), size(&read)).unwrap()), kept(&read));
    }

    #[tokio::test]
    async fn dictionaries_that_differ_from_batch_to_batch_survive_the_disk() {
        let column = |text: &str| Arc::new(DictionaryArray::<Int32Type>::from_iter([text, text])) as ArrayRef;
        let batch = |text: &str| RecordBatch::try_from_iter([("a", column(text))]).unwrap();
        let mut writer = SpoolWriter::new(batch("x").schema(), 0);
        ["x", "y"].iter().for_each(|text| writer.push(batch(text)).unwrap());
        let read = writer.finish().unwrap().stream().unwrap().collect().await.unwrap();
        let texts: Vec<String> = read
            .iter()
            .map(|batch| format!("{:?}", batch.column(0).as_any_dictionary().values()))
            .collect();
        assert!(
            texts.concat().contains('x') && texts.concat().contains('y'),
            "{texts:?}"
        );
    }

    #[tokio::test]
    async fn memory_and_disk_give_the_same_rows_to_every_reader() {
        for budget in [usize::MAX, 1_000, 0] {
            let mut writer = SpoolWriter::new(batches()[0].schema(), budget);
            batches().into_iter().for_each(|batch| writer.push(batch).unwrap());
            let spool = writer.finish().unwrap();
            assert_eq!(spool.is_on_disk(), budget < usize::MAX);
            let (one, two) = (spool.stream().unwrap(), spool.stream().unwrap());
            let (one, two) = tokio::join!(one.collect(), two.collect());
            for read in [one.unwrap(), two.unwrap()] {
                assert_eq!(together(&read), together(&batches()));
            }
        }
    }

    #[tokio::test]
    async fn an_empty_spool_gives_no_batches() {
        let writer = SpoolWriter::new(batches()[0].schema(), 0);
        assert!(
            writer
                .finish()
                .unwrap()
                .stream()
                .unwrap()
                .collect()
                .await
                .unwrap()
                .is_empty()
        );
    }
}
