//! The point-in-time join: one pass over what can matter of each view's files.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::compute::{concat, max, min};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimestampMicrosecondType};
use futures::{StreamExt, TryStreamExt};
use hybrid_core::join::{EntityIndex, FeatureBatch, JoinOptions, JoinWorker, JoinedFeatures};
use hybrid_core::store::{ENTITY_TIME, ROW_NUMBER};
use hybrid_core::{
    BatchStream, Call, EntityRows, Error, ErrorKind, FeatureRows, HistoricalRequest, HistoricalView, JoinKey, Progress,
    Result,
};

use crate::FileSource;
use crate::columns::JoinColumns;
use crate::read::{
    Cancel, KeyFilter, Plan, Scan, Table, Tally, Wanted, WantedKey, each_unit, in_background, plan, thread_count,
};
use hybrid_core::values::{Place, check_key};

/// Rows of one batch of the answer.
const ANSWER_ROWS: usize = 32_768;

/// Entity rows that are joined in one pass over the features. A larger frame takes several passes: what is held in
/// memory, a row's keys, time and values, stays within bounds.
pub(crate) const PASS_ROWS: usize = 8 << 20;

/// Answers a retrieval. The features of a pass are all read before its first batch comes.
pub(crate) async fn get(base: PathBuf, request: HistoricalRequest<FileSource>, call: &Call) -> Result<FeatureRows> {
    let schema = answer_schema(&request);
    let mut passes = Passes {
        entities: request.entities.stream()?,
        held: Vec::new(),
        size: PASS_ROWS,
        base: Arc::new(base),
        request: Arc::new(request),
        schema: Arc::clone(&schema),
        progress: call.progress.clone(),
    };
    // What is wrong is told before there is an answer.
    let first = passes.next().await?;
    let later = futures::stream::try_unfold(passes, |mut passes| async move {
        Ok::<_, Error>(passes.next().await?.map(|rows| (rows, passes)))
    });
    let answers = futures::stream::iter(first.map(Ok)).chain(later);
    Ok(FeatureRows {
        rows: BatchStream::new(schema, answers.try_flatten()),
        in_order: true,
    })
}

/// The entity rows of a retrieval, a pass at a time.
struct Passes {
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
    /// The answer to the next rows; `None` when there are no more.
    async fn next(&mut self) -> Result<Option<BatchStream>> {
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

fn answer_schema(request: &HistoricalRequest<FileSource>) -> SchemaRef {
    let mut fields = vec![Field::new(ROW_NUMBER, DataType::UInt64, false)];
    for feature in request.views.iter().flat_map(|view| &view.features) {
        let data_type = feature.data_type.clone().unwrap_or(DataType::Null);
        fields.push(Field::new(&feature.name, data_type, true));
    }
    Arc::new(Schema::new(fields))
}

fn answer(schema: SchemaRef, rows: ArrayRef, joined: Vec<JoinedFeatures>) -> BatchStream {
    let (batch_schema, mut start) = (Arc::clone(&schema), 0);
    let batches = std::iter::from_fn(move || {
        let left = rows.len().checked_sub(start).filter(|left| *left > 0)?;
        let batch = answer_batch(&batch_schema, &rows, &joined, start, left.min(ANSWER_ROWS));
        start += batch.as_ref().map_or(left, RecordBatch::num_rows);
        Some(batch)
    });
    BatchStream::new(schema, futures::stream::iter(batches))
}

/// The answer of `length` rows, or of fewer, where long texts of so many do not fit an array.
fn answer_batch(
    schema: &SchemaRef,
    rows: &ArrayRef,
    joined: &[JoinedFeatures],
    start: usize,
    mut length: usize,
) -> Result<RecordBatch> {
    loop {
        let features = joined.iter().map(|view| view.columns(start, length));
        match features.collect::<Result<Vec<_>>>() {
            Ok(features) => {
                let mut columns = vec![rows.slice(start, length)];
                columns.extend(features.into_iter().flatten());
                return Ok(RecordBatch::try_new(Arc::clone(schema), columns)?);
            }
            Err(error) if length == 1 => return Err(error),
            Err(_) => length /= 2,
        }
    }
}

/// The entity rows, column by column.
pub(crate) struct Frame {
    rows: ArrayRef,
    times: Int64Array,
    keys: HashMap<String, ArrayRef>,
    range: Option<(i64, i64)>,
}

impl Frame {
    /// All entity rows.
    pub(crate) async fn read(entities: &EntityRows) -> Result<Self> {
        Self::new(entities.schema(), &entities.stream()?.collect().await?)
    }

    fn new(schema: &Schema, batches: &[RecordBatch]) -> Result<Self> {
        let mut columns = HashMap::new();
        for (at, field) in schema.fields().iter().enumerate() {
            columns.insert(field.name().clone(), concatenated(batches, at, field.data_type())?);
        }
        let mut take = |name: &str| {
            let missing = || {
                Error::new(
                    ErrorKind::Unexpected,
                    format!("the entity rows have no column `{name}`"),
                )
            };
            columns.remove(name).ok_or_else(missing)
        };
        let rows = take(ROW_NUMBER)?;
        let instants = take(ENTITY_TIME)?;
        let instants = instants.as_primitive_opt::<TimestampMicrosecondType>().ok_or_else(|| {
            Error::new(
                ErrorKind::Unexpected,
                format!("`{ENTITY_TIME}` of the entity rows is no Timestamp(us)"),
            )
        })?;
        let times = Int64Array::new(instants.values().clone(), instants.nulls().cloned());
        Ok(Self {
            rows,
            range: min(&times).zip(max(&times)),
            times,
            keys: columns,
        })
    }

    fn key(&self, key: &JoinKey) -> Result<&ArrayRef> {
        self.keys.get(&key.entity).ok_or_else(|| {
            let message = format!("the entity rows have no column `{}`", key.entity);
            Error::new(ErrorKind::InvalidInput, message)
        })
    }
}

fn concatenated(batches: &[RecordBatch], at: usize, data_type: &DataType) -> Result<ArrayRef> {
    let parts: Vec<&dyn Array> = batches.iter().map(|batch| batch.column(at).as_ref()).collect();
    match parts.as_slice() {
        [] => Ok(arrow::array::new_empty_array(data_type)),
        [_] => Ok(Arc::clone(batches[0].column(at))),
        parts => Ok(concat(parts)?),
    }
}

fn join_all(
    base: &Path,
    request: &HistoricalRequest<FileSource>,
    frame: &Frame,
    cancel: &Cancel,
    progress: &Progress,
) -> Result<Vec<JoinedFeatures>> {
    let mut indexes: HashMap<Vec<&str>, Arc<EntityIndex>> = HashMap::new();
    // What is wrong with any view is said before the first is joined.
    let prepared = request.views.iter().map(|view| prepare(base, view, frame, cancel));
    let prepared = prepared.collect::<Result<Vec<_>>>()?;
    let tally = Tally::of(prepared.iter().map(|prepared| &prepared.plan));
    let mut joined = Vec::with_capacity(request.views.len());
    for (view, prepared) in request.views.iter().zip(prepared) {
        let names: Vec<&str> = view.join_keys.iter().map(|key| key.entity.as_str()).collect();
        let index = match indexes.get(&names) {
            Some(index) => Arc::clone(index),
            None => {
                let keys = view
                    .join_keys
                    .iter()
                    .map(|key| frame.key(key).cloned())
                    .collect::<Result<Vec<_>>>()?;
                let index = Arc::new(EntityIndex::new(&keys, &frame.times)?);
                indexes.insert(names, Arc::clone(&index));
                index
            }
        };
        let options = JoinOptions {
            ttl: view.ttl,
            filter_by_created: request.filter_by_created_timestamp,
        };
        let counted = Counted {
            cancel,
            progress,
            tally: &tally,
        };
        joined.push(join(&prepared, index, options, &counted)?);
    }
    Ok(joined)
}

/// What is read for a view.
pub(crate) struct Prepared {
    pub table: Table,
    pub columns: JoinColumns,
    pub wanted: Arc<Wanted>,
    pub plan: Plan,
}

/// Opens a view's files, checks its columns and decides what to read.
pub(crate) fn prepare(
    base: &Path,
    view: &HistoricalView<FileSource>,
    frame: &Frame,
    cancel: &Cancel,
) -> Result<Prepared> {
    let columns = JoinColumns::new(&view.source, &view.join_keys, &view.features);
    let wanted = Arc::new(wanted(view, frame)?);
    let names = || columns.columns.names().iter().map(String::as_str);
    let mut table = Table::open_for(base, &view.source, &wanted, cancel)?;
    if table.skipped > 0 && table.require(names()).is_err() {
        // The files that cannot matter may have the columns.
        table = Table::open(base, &view.source, cancel)?;
    }
    table.require(names())?;
    check_keys(&table, view)?;
    let plan = if frame.range.is_some() {
        plan(&table, &wanted, cancel)?
    } else {
        Plan::default()
    };
    Ok(Prepared {
        table,
        columns,
        wanted,
        plan,
    })
}

/// Refuses a key of another kind before any row is read.
fn check_keys(table: &Table, view: &HistoricalView<FileSource>) -> Result<()> {
    for file in &table.files {
        let crate::read::DataFile::Parquet(file) = file else {
            continue;
        };
        for key in &view.join_keys {
            let Some((_, field)) = file.schema().column_with_name(&key.source) else {
                continue;
            };
            let place = Place {
                source: &file.listed().name,
                column: &key.source,
                row: None,
                csv: false,
            };
            check_key(field.data_type(), &key.data_type, place)?;
        }
    }
    Ok(())
}

fn wanted(view: &HistoricalView<FileSource>, frame: &Frame) -> Result<Wanted> {
    let (first, last) = frame.range.unzip();
    let start = first.zip(view.ttl).map(|(first, ttl)| first.saturating_sub(ttl));
    let mut keys = Vec::new();
    for key in &view.join_keys {
        if let Some(values) = KeyFilter::new(frame.key(key)?) {
            keys.push(WantedKey {
                column: key.source.clone(),
                canonical: key.data_type.clone(),
                values,
            });
        }
    }
    Ok(Wanted {
        timestamp: view.source.timestamp_field.clone(),
        window: (start, last),
        keys,
    })
}

/// Who asked, and how far all views are.
struct Counted<'a> {
    cancel: &'a Cancel,
    progress: &'a Progress,
    tally: &'a Arc<Tally>,
}

fn join(
    prepared: &Prepared,
    index: Arc<EntityIndex>,
    options: JoinOptions,
    counted: &Counted<'_>,
) -> Result<JoinedFeatures> {
    let Prepared {
        table,
        columns,
        wanted,
        plan,
    } = prepared;
    let types: Vec<DataType> = columns
        .features
        .iter()
        .map(|feature| feature.data_type.clone())
        .collect();
    let names = columns.columns.names();
    let scan = Scan::new(table, names, wanted, plan, counted.cancel, counted.progress).counted_in(counted.tally);
    let worker = || JoinWorker::new(Arc::clone(&index), &types, options);
    let workers = each_unit(
        &plan.units,
        thread_count(plan.units.len()),
        counted.cancel,
        worker,
        |worker, _, unit| {
            scan.read(unit, |batch| {
                worker.push(&FeatureBatch {
                    keys: columns.keys.iter().map(|key| key.key(batch)).collect::<Result<_>>()?,
                    times: columns.timestamp.micros(batch)?,
                    created: columns
                        .created
                        .as_ref()
                        .map(|created| created.micros(batch))
                        .transpose()?,
                    features: columns
                        .features
                        .iter()
                        .map(|feature| feature.feature(batch))
                        .collect::<Result<_>>()?,
                    sequence: batch.sequence,
                })?;
                Ok(true)
            })
        },
    )?;
    let mut workers = workers.into_iter();
    let mut all = workers.next().unwrap_or_else(worker);
    for other in workers {
        all.merge(other)?;
    }
    all.finish()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::array::{TimestampMicrosecondArray, UInt64Array};
    use arrow::datatypes::UInt64Type;
    use hybrid_core::timestamp_type;

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
        let mut passes = Passes {
            entities: request.entities.stream().unwrap(),
            held: Vec::new(),
            size,
            base: Arc::default(),
            schema: answer_schema(&request),
            request: Arc::new(request),
            progress: Progress::default(),
        };
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
