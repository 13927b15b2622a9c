//! The point-in-time join, row by row: for each entity row the best feature row of its key.

use std::collections::HashMap;

use hybrid_core::arrow::array::{ArrayRef, Int64Array, RecordBatch, UInt64Array};
use hybrid_core::store::ENTITY_TIME;
use hybrid_core::{HistoricalView, Result, SourceTable};

use crate::MemorySource;
use crate::columns::{Key, cast, column, keys, micros, value};

/// When each row happened and when it was written.
pub(crate) struct Times {
    pub(crate) event: Int64Array,
    created: Option<Int64Array>,
}

impl Times {
    pub(crate) fn of(rows: &RecordBatch, source: &SourceTable<MemorySource>) -> Result<Self> {
        let created = source.created_timestamp_column.as_deref();
        Ok(Self {
            event: micros(rows, &source.timestamp_field)?,
            created: created.map(|name| micros(rows, name)).transpose()?,
        })
    }

    fn created(&self, row: usize) -> Option<i64> {
        self.created.as_ref().and_then(|created| value(created, row))
    }

    /// Whether the row was written by `now`; a source that does not say when is not filtered.
    fn known_by(&self, row: usize, now: i64) -> bool {
        self.created.is_none() || self.created(row).is_some_and(|created| created <= now)
    }

    /// What decides between two rows of a key: event time, then created, where none at all is the
    /// least, then the place in the table.
    pub(crate) fn rank(&self, row: usize) -> (Option<i64>, Option<i64>, usize) {
        (value(&self.event, row), self.created(row), row)
    }
}

/// For each entity row the number of the feature row that wins it, or NULL.
pub(crate) fn winners(
    entities: &RecordBatch,
    view: &HistoricalView<MemorySource>,
    features: &RecordBatch,
    filter_by_created: bool,
) -> Result<UInt64Array> {
    let times = Times::of(features, &view.source)?;
    let by_key = rows_by_key(feature_keys(view, features)?);
    let entity_times = micros(entities, ENTITY_TIME)?;
    let entity_keys = entity_keys(view, entities)?;
    let winner = |(entity, key): (usize, Key)| {
        let now = entity_times.value(entity);
        let oldest = view.ttl.map_or(i64::MIN, |ttl| now.saturating_sub(ttl));
        let counts = |row: &&usize| {
            let then = value(&times.event, **row);
            let in_time = then.is_some_and(|then| oldest <= then && then <= now);
            in_time && (!filter_by_created || times.known_by(**row, now))
        };
        let candidates = by_key.get(&key?)?.iter().filter(counts);
        candidates.max_by_key(|row| times.rank(**row)).map(|row| *row as u64)
    };
    Ok(entity_keys.into_iter().enumerate().map(winner).collect())
}

/// The numbers of the rows that share a key; rows with a NULL key match nothing.
pub(crate) fn rows_by_key(keys: Vec<Key>) -> HashMap<Vec<u8>, Vec<usize>> {
    let mut rows: HashMap<Vec<u8>, Vec<usize>> = HashMap::new();
    for (row, key) in keys.into_iter().enumerate() {
        if let Some(key) = key {
            rows.entry(key).or_default().push(row);
        }
    }
    rows
}

/// The table's keys, in the types that the entity rows have.
fn feature_keys(view: &HistoricalView<MemorySource>, features: &RecordBatch) -> Result<Vec<Key>> {
    let columns = view
        .join_keys
        .iter()
        .map(|key| cast(column(features, &key.source)?, &key.data_type));
    keys(&columns.collect::<Result<Vec<_>>>()?, features.num_rows())
}

fn entity_keys(view: &HistoricalView<MemorySource>, entities: &RecordBatch) -> Result<Vec<Key>> {
    let columns = view.join_keys.iter().map(|key| column(entities, &key.entity).cloned());
    keys(&columns.collect::<Result<Vec<ArrayRef>>>()?, entities.num_rows())
}
