//! What most behaviours begin with.

pub(super) use arrow::array::RecordBatch;
pub(super) use arrow::datatypes::{DataType, TimeUnit};
pub(super) use hybrid_core::chrono::{DateTime, Utc};
pub(super) use hybrid_core::{Call, ErrorKind, FeatureProjection, Pull, Result, ValueType};

pub(super) use crate::oracle::micros;
pub(super) use crate::scene::{at, shown, time};
pub(super) use crate::verdict::{Parts, created, ensure, needs, refused, same};
pub(super) use crate::{Fixture, Miss, Scene, Table, Value, Verdict, View, rows};

/// Half a second and the like, in the microseconds that a ttl has.
pub(super) const SECOND: i64 = 1_000_000;

pub(super) const NULL: Value = Value::Null;

/// What an error about a caller's mistake may be.
pub(super) const CALLERS: &[ErrorKind] = &[ErrorKind::InvalidInput, ErrorKind::NotFound, ErrorKind::Definition];

/// An entity frame of drivers: driver_id, event_timestamp.
pub(super) fn drivers(rows: Vec<Vec<Value>>) -> Table {
    Table::new(&[("driver_id", DataType::Int64), ("event_timestamp", time())], rows)
}

/// A view by driver: driver_id, ts, v.
pub(super) fn stats(rows: Vec<Vec<Value>>) -> View {
    let columns = [("driver_id", DataType::Int64), ("ts", time()), ("v", DataType::Int64)];
    View::new("stats", &["driver_id"], Table::new(&columns, rows))
}

/// A view by driver with a created column: driver_id, ts, created, v.
pub(super) fn stats_created(rows: Vec<Vec<Value>>) -> View {
    let columns = [
        ("driver_id", DataType::Int64),
        ("ts", time()),
        ("created", time()),
        ("v", DataType::Int64),
    ];
    View::new("stats", &["driver_id"], Table::new(&columns, rows))
}

/// The instant of [`at`] for the calls that take one.
pub(super) fn instant(seconds: f64) -> Verdict<DateTime<Utc>> {
    let micros = micros(&at(seconds)).and_then(DateTime::from_timestamp_micros);
    micros.ok_or_else(|| Miss::Failed(format!("{seconds} seconds are out of range")))
}

/// Rows in an order of their own, for answers that have none.
pub(super) fn sorted(rows: Vec<Vec<Value>>) -> Vec<Vec<Value>> {
    let mut rows: Vec<Vec<Value>> = rows
        .into_iter()
        .map(|row| row.into_iter().map(instants).collect())
        .collect();
    rows.sort_by_key(|row| shown(&[row]));
    rows
}

/// The same instant in one unit: an answer may keep the source's.
fn instants(value: Value) -> Value {
    match &value {
        Value::Nanos(_) => micros(&value).map_or(Value::Null, Value::Time),
        _ => value,
    }
}

/// Fails unless both hold the same rows, in any order.
pub(super) fn same_rows(what: &str, found: &Table, right: Vec<Vec<Value>>) -> Verdict {
    let (found, right) = (sorted(found.rows.clone()), sorted(right));
    ensure(found == right, || {
        format!("{what}: the rows are\n{}\nright is\n{}", shown(&found), shown(&right))
    })
}

/// Fails unless the columns have these names in this order.
pub(super) fn same_columns(what: &str, found: &Table, right: &[&str]) -> Verdict {
    let names: Vec<&str> = found.columns.iter().map(|(name, _)| name.as_str()).collect();
    same(what, &names, &right.to_vec())
}
