//! No entity frame, but start and end: one row per distinct key set seen in the range, as of the
//! end, ordered by key.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, TimestampMicrosecondArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::row::{OwnedRow, RowConverter, SortField};
use chrono::{DateTime, Utc};
use futures::StreamExt;

use super::plan::{Plan, PlannedView};
use crate::canonical::{canonical_key_type, canonical_keys};
use crate::router::StoreGroup;
use crate::store::{Call, OutputColumn, PullLatestRequest, SourceTable};
use crate::{BatchStream, Error, ErrorKind, Result, Source, ValueType, timestamp_type};

/// Rows of the frame that stand in one batch.
const BATCH: usize = 1 << 16;

/// The frame's columns: the keys under their entity columns, sorted by name, then `event_timestamp`.
pub(super) fn frame_schema(plan: &Plan) -> Result<SchemaRef> {
    let mut key_sets = plan.views().iter().map(|view| (view, keys_of(view)));
    let Some((first, keys)) = key_sets.next() else {
        return Ok(Arc::new(Schema::empty()));
    };
    if let Some((other, others)) = key_sets.find(|(_, others)| others.keys().ne(keys.keys())) {
        let names = |keys: &BTreeMap<&str, _>| keys.keys().copied().collect::<Vec<_>>().join(", ");
        let message = format!(
            "without an entity frame all feature views must share their join keys: `{}` has ({}), `{}` has ({})",
            first.name,
            names(&keys),
            other.name,
            names(&others)
        );
        return Err(Error::new(ErrorKind::InvalidInput, message)
            .with_help("make one call per key set, or give an entity frame"));
    }
    let mut fields = Vec::new();
    for (name, value_type) in keys {
        let Some(value_type) = value_type else {
            let message = format!("the type of join key `{name}` is not known");
            return Err(Error::new(ErrorKind::Definition, message)
                .with_help("give its entity a value_type, or run `hybrid apply`, which infers it"));
        };
        fields.push(Field::new(name, value_type.to_arrow(), false));
    }
    fields.push(Field::new("event_timestamp", timestamp_type(), false));
    Ok(Arc::new(Schema::new(fields)))
}

fn keys_of(view: &PlannedView) -> BTreeMap<&str, Option<&ValueType>> {
    view.keys
        .iter()
        .map(|key| (key.entity.as_str(), key.value_type.as_ref()))
        .collect()
}

/// Asks every view for its keys in the range.
pub(super) async fn frame(
    plan: &Plan,
    groups: &[StoreGroup],
    start: DateTime<Utc>,
    end: DateTime<Utc>,
) -> Result<BatchStream> {
    let schema = frame_schema(plan)?;
    let mut keys = KeySet::new(&schema)?;
    for group in groups {
        for view in group.views.iter().map(|view| &plan.views()[*view]) {
            let request = keys_request(view, start, end);
            let read = async {
                let call = Call::default();
                let mut rows = group
                    .slot
                    .store()
                    .await?
                    .pull_latest_from_table_or_query(request, &call)
                    .await?;
                while let Some(batch) = rows.next().await {
                    keys.add(&batch?)?;
                }
                Ok(())
            };
            read.await.map_err(|error: Error| {
                error.in_operation("get_historical_features", &group.slot.key, &view.source.name)
            })?;
        }
    }
    Ok(BatchStream::from_batches(schema.clone(), keys.finish(&schema, end)?))
}

/// The latest row per key gives each key once; of its features only the time is asked for.
fn keys_request(view: &PlannedView, start: DateTime<Utc>, end: DateTime<Utc>) -> PullLatestRequest<Source> {
    let source = &view.source;
    let mut keys: Vec<_> = view.keys.iter().collect();
    keys.sort_by(|a, b| a.entity.cmp(&b.entity));
    let column = |key: &super::plan::PlannedKey| OutputColumn {
        source: source.column_of(&key.name).to_owned(),
        name: key.entity.clone(),
        data_type: key.value_type.as_ref().map(ValueType::to_arrow),
    };
    PullLatestRequest {
        source: SourceTable {
            created_timestamp_column: None,
            ..SourceTable::untyped(source)
        },
        join_keys: keys.into_iter().map(column).collect(),
        features: Vec::new(),
        timestamp_name: crate::store::ENTITY_TIME.to_owned(),
        created_name: None,
        start: start.timestamp_micros(),
        end: end.timestamp_micros(),
    }
}

/// Distinct keys, in order.
struct KeySet {
    types: Vec<DataType>,
    converter: RowConverter,
    rows: std::collections::BTreeSet<OwnedRow>,
    seen_without_keys: bool,
}

impl KeySet {
    fn new(schema: &Schema) -> Result<Self> {
        let keys = &schema.fields()[..schema.fields().len() - 1];
        let canonical = |field: &arrow::datatypes::FieldRef| {
            canonical_key_type(field.data_type()).ok_or_else(|| {
                let message = format!(
                    "join key `{}` has type {}, which cannot be a key",
                    field.name(),
                    field.data_type()
                );
                Error::new(ErrorKind::Definition, message)
            })
        };
        let types: Vec<DataType> = keys.iter().map(canonical).collect::<Result<_>>()?;
        let converter = RowConverter::new(types.iter().cloned().map(SortField::new).collect())?;
        Ok(Self {
            types,
            converter,
            rows: std::collections::BTreeSet::new(),
            seen_without_keys: false,
        })
    }

    /// Adds the keys of a batch, which stand first in it; rows with a NULL key are no entity.
    fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        if self.types.is_empty() {
            self.seen_without_keys |= batch.num_rows() > 0;
            return Ok(());
        }
        let keys = self
            .types
            .iter()
            .zip(batch.columns())
            .map(|(canonical, column)| canonical_keys(column, canonical));
        let keys: Vec<ArrayRef> = keys.collect::<Result<_>>()?;
        let rows = self.converter.convert_columns(&keys)?;
        for row in 0..batch.num_rows() {
            if keys.iter().all(|key| key.is_valid(row)) {
                self.rows.insert(rows.row(row).owned());
            }
        }
        Ok(())
    }

    fn finish(self, schema: &SchemaRef, end: DateTime<Utc>) -> Result<Vec<RecordBatch>> {
        let batch = |keys: Vec<ArrayRef>, count: usize| {
            let times = TimestampMicrosecondArray::from_value(end.timestamp_micros(), count).with_timezone("UTC");
            let typed = keys
                .iter()
                .zip(schema.fields())
                .map(|(key, field)| cast(key, field.data_type()));
            let mut columns: Vec<ArrayRef> = typed.collect::<std::result::Result<_, _>>()?;
            columns.push(Arc::new(times));
            Ok(RecordBatch::try_new(schema.clone(), columns)?)
        };
        if self.types.is_empty() {
            return Ok(if self.seen_without_keys {
                vec![batch(Vec::new(), 1)?]
            } else {
                Vec::new()
            });
        }
        let rows: Vec<OwnedRow> = self.rows.into_iter().collect();
        let chunk = |rows: &[OwnedRow]| batch(self.converter.convert_rows(rows.iter().map(OwnedRow::row))?, rows.len());
        rows.chunks(BATCH).map(chunk).collect()
    }
}
