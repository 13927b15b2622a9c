//! The entity frame: which column is the time, which are the keys, and the numbered rows that
//! stores are given.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, UInt64Array};
use arrow::compute::{max, min};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use chrono::{DateTime, Utc};
use futures::StreamExt;

use super::csv::CsvFrame;
use super::files;
use super::plan::{Plan, PlannedKey};
use super::range;
use super::run::OPERATION;
use super::spool::{Spool, SpoolWriter, too_many_rows};
use crate::canonical::{NoTime, canonical_key_type, canonical_keys, is_time, try_micros};
use crate::definitions::not_found;
use crate::router::Slot;
use crate::store::{ENTITY_TIME, EntityRows, JoinKey, ROW_NUMBER, SelectFrame};
use crate::{BatchStream, Error, ErrorKind, Result, ValueType, timestamp_type};

/// The entity rows of a retrieval: what features are joined to.
pub enum EntityFrame {
    /// Arrow batches, read once.
    Rows(BatchStream),
    /// A CSV file, read when the retrieval runs. Its join keys are of the type that their entity
    /// declares.
    Csv(CsvFrame),
    /// A single SELECT that runs in the store of that key.
    Sql {
        /// The store's key.
        store: String,
        /// The SELECT.
        query: String,
    },
    /// No frame: one row per distinct key set seen between the two, both inclusive, as of the end.
    Between(DateTime<Utc>, DateTime<Utc>),
}

impl EntityFrame {
    /// A frame in memory.
    pub fn from_batches(schema: SchemaRef, batches: Vec<RecordBatch>) -> Self {
        Self::Rows(BatchStream::from_batches(schema, batches))
    }

    /// A Parquet, CSV or Arrow file, by its extension; read when the retrieval runs. A CSV file is
    /// also gone through now, to find the types of its columns.
    ///
    /// # Errors
    /// NotFound, Corrupt, or InvalidInput for another extension and for a CSV file without header.
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        match files::is_csv(path) {
            true => CsvFrame::open(path).map(Self::Csv),
            false => files::read_file(path).map(Self::Rows),
        }
    }
}

/// A frame whose columns are known: what a retrieval begins with.
pub(crate) enum Frame {
    Rows(BatchStream),
    Select(SelectedFrame),
    Between(DateTime<Utc>, DateTime<Utc>),
}

/// A SELECT, the store that runs it, and its columns.
pub(crate) struct SelectedFrame {
    pub(crate) slot: Arc<Slot>,
    pub(crate) query: String,
    pub(crate) schema: SchemaRef,
}

impl Frame {
    /// Settles the types of a frame; `slot` gives the store of a key.
    pub(crate) async fn new(
        frame: EntityFrame,
        plan: &Plan,
        slot: impl FnOnce(&str) -> Result<Arc<Slot>>,
    ) -> Result<Self> {
        Ok(match frame {
            EntityFrame::Rows(rows) => Self::Rows(rows),
            EntityFrame::Csv(file) => Self::Rows(file.rows(|column| declared_type(plan, column))?),
            EntityFrame::Between(start, end) => Self::Between(start, end),
            EntityFrame::Sql { store, query } => {
                let slot = slot(&store)?;
                let described = async { slot.store().await?.select_schema(&query).await };
                let schema = described
                    .await
                    .map_err(|error| error.within("entity frame").in_operation(OPERATION, &slot.key, ""))?;
                Self::Select(SelectedFrame { slot, query, schema })
            }
        })
    }

    pub(super) fn schema(&self, plan: &Plan) -> Result<SchemaRef> {
        match self {
            Self::Rows(rows) => Ok(rows.schema().clone()),
            Self::Select(select) => Ok(select.schema.clone()),
            Self::Between(start, end) => {
                crate::router::window(Some(*start), Some(*end))?;
                range::frame_schema(plan)
            }
        }
    }
}

/// What the entities declare for a join key's column.
fn declared_type(plan: &Plan, column: &str) -> Option<DataType> {
    let mut keys = plan.views().iter().flat_map(|view| &view.keys);
    let declared = keys.find_map(|key| key.value_type.as_ref().filter(|_| key.entity == column))?;
    Some(declared.to_arrow())
}

/// The frame's columns that have a role.
#[derive(Debug, Clone)]
pub(super) struct FrameColumns {
    time: usize,
    /// Distinct key columns: where they stand and their canonical type.
    keys: Vec<(usize, DataType)>,
    /// What stores see.
    numbered: SchemaRef,
    schema: SchemaRef,
}

impl FrameColumns {
    /// Finds them by name and checks their types; everything that is wrong is reported at once.
    pub(super) fn new(schema: &SchemaRef, plan: &Plan) -> Result<Self> {
        let mut problems = Vec::new();
        let time = time_column(schema)
            .map_err(|error| problems.push(error))
            .unwrap_or_default();
        let mut keys: Vec<(usize, DataType)> = Vec::new();
        for key in plan.views().iter().flat_map(|view| &view.keys) {
            match key_column(schema, key) {
                Ok(found) if !keys.contains(&found) => keys.push(found),
                Ok(_) => {}
                Err(error) if problems.iter().any(|known: &Error| known.message() == error.message()) => {}
                Err(error) => problems.push(error),
            }
        }
        for field in plan.output_fields() {
            if schema.fields().find(field.name()).is_some() {
                problems.push(collision(field.name()));
            }
        }
        problems.extend(reserved(schema));
        if let Some(error) = Error::from_problems(problems) {
            return Err(error);
        }
        let numbered = numbered_schema(schema, &keys);
        Ok(Self {
            time,
            keys,
            numbered,
            schema: schema.clone(),
        })
    }

    /// The join key as a store is told of it.
    pub(super) fn join_key(&self, key: &PlannedKey, source: &str) -> JoinKey {
        let data_type = self
            .numbered
            .field_with_name(&key.entity)
            .map_or(DataType::Null, |field| field.data_type().clone());
        JoinKey {
            source: source.to_owned(),
            entity: key.entity.clone(),
            data_type,
        }
    }

    /// What a store is told of a SELECT with these columns.
    pub(super) fn select(&self, query: &str) -> SelectFrame {
        let name = |index: usize| self.schema.field(index).name().clone();
        SelectFrame {
            query: query.to_owned(),
            time: name(self.time),
            keys: self
                .keys
                .iter()
                .map(|(index, data_type)| (name(*index), data_type.clone()))
                .collect(),
        }
    }

    /// Reads the frame once: as it came, and numbered for the stores; each is held in `memory` bytes, then on disk.
    pub(super) async fn read(&self, mut rows: BatchStream, memory: usize) -> Result<(Spool, EntityRows)> {
        let mut frame = SpoolWriter::new(self.schema.clone(), memory);
        let mut numbered = SpoolWriter::new(self.numbered.clone(), memory);
        let (mut count, mut times) = (0_u64, None);
        while let Some(batch) = rows.next().await {
            let batch = batch?;
            if batch.schema_ref().fields() != self.schema.fields() {
                return Err(Error::new(
                    ErrorKind::InvalidInput,
                    "a batch of the entity frame has another schema than the frame",
                ));
            }
            let (part, range) = self.number(&batch, count)?;
            count = count.checked_add(batch.num_rows() as u64).ok_or_else(too_many_rows)?;
            times = widen(times, range);
            numbered.push(part)?;
            frame.push(batch)?;
        }
        let numbered = numbered.finish()?;
        let entities = EntityRows::new(self.numbered.clone(), count, times, move || numbered.stream());
        Ok((frame.finish()?, entities))
    }

    fn number(&self, batch: &RecordBatch, first: u64) -> Result<(RecordBatch, Option<(i64, i64)>)> {
        let name = self.schema.field(self.time).name();
        let times = try_micros(batch.column(self.time)).map_err(|NoTime { index, error }| {
            let row = index.map(|index| format!(", row {}", row_number(first, index)));
            in_frame(&error, &format!("`{name}`{}", row.unwrap_or_default()))
        })?;
        if let Some(row) = (0..times.len()).find(|row| times.is_null(*row)) {
            let message = format!(
                "entity frame: column `{name}` is NULL in row {}",
                row_number(first, row)
            );
            return Err(Error::new(ErrorKind::InvalidInput, message)
                .with_help("every entity row needs the time as of which its features are wanted"));
        }
        let numbers = UInt64Array::from_iter_values(first..first + batch.num_rows() as u64);
        let range = min(&times).zip(max(&times));
        let mut columns: Vec<ArrayRef> = vec![Arc::new(numbers), Arc::new(times)];
        for (index, canonical) in &self.keys {
            let name = self.schema.field(*index).name();
            let given = batch.column(*index);
            let keys = canonical_keys(given, canonical).map_err(|error| in_frame(&error, &format!("`{name}`")))?;
            if keys.null_count() > given.logical_null_count() {
                return Err(key_out_of_range(name, given, &keys, first));
            }
            columns.push(keys);
        }
        Ok((RecordBatch::try_new(self.numbered.clone(), columns)?, range))
    }
}

/// The number of a row in the whole frame, as people count: from 1.
fn row_number(before: u64, index: usize) -> u64 {
    before + index as u64 + 1
}

/// As NULL it would match nothing, although a source may well hold it.
fn key_out_of_range(name: &str, given: &ArrayRef, keys: &ArrayRef, first: u64) -> Error {
    let nulls = given.logical_nulls();
    let lost = |row: &usize| keys.is_null(*row) && nulls.as_ref().is_none_or(|nulls| nulls.is_valid(*row));
    let row = row_number(first, (0..keys.len()).find(lost).unwrap_or_default());
    let message = format!("entity frame: column `{name}`, row {row}: the key is larger than an Int64 holds");
    Error::new(ErrorKind::InvalidInput, message).with_help("keep such keys as text, in the frame and in the source")
}

/// The error with its place before it.
fn in_frame(error: &Error, column: &str) -> Error {
    let message = format!("entity frame: column {column}: {}", error.message());
    let help = error.help().iter().cloned();
    help.fold(Error::new(error.kind(), message), Error::with_help)
}

fn widen(times: Option<(i64, i64)>, range: Option<(i64, i64)>) -> Option<(i64, i64)> {
    match (times, range) {
        (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
        (times, range) => times.or(range),
    }
}

fn numbered_schema(schema: &Schema, keys: &[(usize, DataType)]) -> SchemaRef {
    let mut fields = vec![
        Field::new(ROW_NUMBER, DataType::UInt64, false),
        Field::new(ENTITY_TIME, timestamp_type(), false),
    ];
    fields.extend(
        keys.iter()
            .map(|(index, data_type)| Field::new(schema.field(*index).name(), data_type.clone(), true)),
    );
    Arc::new(Schema::new(fields))
}

/// `event_timestamp`, else the only timestamp column.
fn time_column(schema: &Schema) -> Result<usize> {
    if let Some((index, field)) = schema.fields().find("event_timestamp") {
        if is_time(field.data_type()) {
            return Ok(index);
        }
        let message = format!(
            "entity frame: column `event_timestamp` has type {}, which holds no times",
            field.data_type()
        );
        return Err(
            Error::new(ErrorKind::InvalidInput, message).with_help("times are timestamps, dates, or RFC 3339 strings")
        );
    }
    let is_timestamp = |index: &usize| matches!(schema.field(*index).data_type(), DataType::Timestamp(..));
    let candidates: Vec<usize> = (0..schema.fields().len()).filter(is_timestamp).collect();
    if let [only] = candidates.as_slice() {
        return Ok(*only);
    }
    let names = |indices: &[usize]| {
        indices
            .iter()
            .map(|i| schema.field(*i).name().clone())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let message = match candidates.as_slice() {
        [] => format!(
            "entity frame: no column `event_timestamp` and no timestamp column among {}",
            names(&(0..schema.fields().len()).collect::<Vec<_>>())
        ),
        several => format!(
            "entity frame: no column `event_timestamp`, and several timestamp columns: {}",
            names(several)
        ),
    };
    Err(Error::new(ErrorKind::InvalidInput, message)
        .with_help("name the column with the entity rows' time event_timestamp"))
}

fn key_column(schema: &Schema, key: &PlannedKey) -> Result<(usize, DataType)> {
    let Some((index, field)) = schema.fields().find(&key.entity) else {
        let known: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        let error = not_found("entity frame: join key column", &key.entity, &known);
        return Err(Error::new(ErrorKind::InvalidInput, error.message()).with_help(error.help().join("; ")));
    };
    let Some(canonical) = canonical_key_type(field.data_type()) else {
        return Err(wrong_key(key, field.data_type(), "which cannot be a key"));
    };
    let declared = key.value_type.as_ref().map(ValueType::to_arrow);
    match declared.as_ref().map(canonical_key_type) {
        Some(Some(wanted)) if wanted != canonical => Err(wrong_key(
            key,
            field.data_type(),
            &format!("the entity's key is {wanted}"),
        )),
        _ => Ok((index, canonical)),
    }
}

fn wrong_key(key: &PlannedKey, given: &DataType, why: &str) -> Error {
    Error::new(
        ErrorKind::InvalidInput,
        format!("entity frame: join key column `{}` has type {given}, {why}", key.entity),
    )
    .with_help("cast the column; integers of any width and strings of any encoding will do")
}

fn collision(name: &str) -> Error {
    Error::new(
        ErrorKind::InvalidInput,
        format!("the entity frame has a column `{name}`, and so is a feature named"),
    )
    .with_help("ask for full feature names (view__feature), or rename the frame's column")
}

/// Duplicate names cannot be told apart, and ours must stay ours.
fn reserved(schema: &Schema) -> Vec<Error> {
    let mut problems = Vec::new();
    for (index, field) in schema.fields().iter().enumerate() {
        let message = match field.name().as_str() {
            name if name == ROW_NUMBER || name == ENTITY_TIME => {
                format!("entity frame: the column name `{name}` is reserved")
            }
            name if schema.fields().find(name).is_some_and(|(first, _)| first != index) => {
                format!("entity frame: two columns are named `{name}`")
            }
            _ => continue,
        };
        problems.push(Error::new(ErrorKind::InvalidInput, message));
    }
    problems
}
