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
use crate::passes::{PASS_ROWS, Passes};
use crate::read::{Cancel, KeyFilter, Plan, Scan, Table, Tally, Wanted, WantedKey, each_unit, plan, thread_count};
use hybrid_core::values::{Place, check_key};

/// Rows of one batch of the answer.
const ANSWER_ROWS: usize = 32_768;

/// Answers a retrieval. The features of a pass are all read before its first batch comes.
pub(crate) async fn get(base: PathBuf, request: HistoricalRequest<FileSource>, call: &Call) -> Result<FeatureRows> {
    let schema = answer_schema(&request);
    let mut passes = Passes::new(base, request, &schema, call, PASS_ROWS)?;
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

pub(crate) fn answer_schema(request: &HistoricalRequest<FileSource>) -> SchemaRef {
    let mut fields = vec![Field::new(ROW_NUMBER, DataType::UInt64, false)];
    for feature in request.views.iter().flat_map(|view| &view.features) {
        let data_type = feature.data_type.clone().unwrap_or(DataType::Null);
        fields.push(Field::new(&feature.name, data_type, true));
    }
    Arc::new(Schema::new(fields))
}

pub(crate) fn answer(schema: SchemaRef, rows: ArrayRef, joined: Vec<JoinedFeatures>) -> BatchStream {
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
    pub(crate) rows: ArrayRef,
    times: Int64Array,
    keys: HashMap<String, ArrayRef>,
    range: Option<(i64, i64)>,
}

impl Frame {
    /// All entity rows.
    pub(crate) async fn read(entities: &EntityRows) -> Result<Self> {
        Self::new(entities.schema(), &entities.stream()?.collect().await?)
    }

    pub(crate) fn new(schema: &Schema, batches: &[RecordBatch]) -> Result<Self> {
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

pub(crate) fn join_all(
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
