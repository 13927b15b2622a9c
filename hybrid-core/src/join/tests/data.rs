//! Rows as the tests write them, and the arrays the join takes.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Int64Array, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Int64Type, TimeUnit};

use crate::join::{EntityIndex, FeatureBatch, JoinOptions, JoinWorker};

/// An entity row or a feature row. Keys are numbers below [`KINDS`]' limit; the arrays hold the
/// values these stand for.
#[derive(Debug, Clone)]
pub struct Row {
    pub keys: Vec<Option<u8>>,
    pub time: Option<i64>,
    pub created: Option<i64>,
}

pub fn row(key: impl Into<Option<u8>>, time: impl Into<Option<i64>>) -> Row {
    Row {
        keys: vec![key.into()],
        time: time.into(),
        created: None,
    }
}

impl Row {
    pub fn created(mut self, created: impl Into<Option<i64>>) -> Self {
        self.created = created.into();
        self
    }
}

/// The key types, and how many different keys of each there are.
pub fn kinds() -> Vec<(DataType, u8)> {
    vec![
        (DataType::Int64, 5),
        (DataType::Utf8, 5),
        (DataType::Binary, 5),
        (DataType::Boolean, 2),
        (DataType::Date32, 5),
        (DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), 5),
        (DataType::Decimal128(38, 2), 5),
    ]
}

const NUMBERS: [i64; 5] = [0, 1, -1, i64::MIN, i64::MAX];
const DAYS: [i32; 5] = [0, 1, -1, i32::MIN, i32::MAX];
const DECIMALS: [i128; 5] = [0, 1, 1 << 64, -1, -(1 << 64)];
const TEXTS: [&str; 5] = [
    "",
    "a",
    "a\0",
    "ä",
    "longer than any block of the row format, certainly",
];

pub fn key_column(data_type: &DataType, keys: impl Iterator<Item = Option<u8>>) -> ArrayRef {
    let keys = keys.map(|key| key.map(usize::from));
    match data_type {
        DataType::Int64 => Arc::new(keys.map(|k| Some(NUMBERS[k?])).collect::<Int64Array>()),
        DataType::Timestamp(_, zone) => {
            let times: TimestampMicrosecondArray = keys.map(|k| Some(NUMBERS[k?])).collect();
            Arc::new(times.with_timezone_opt(zone.clone()))
        }
        DataType::Date32 => Arc::new(keys.map(|k| Some(DAYS[k?])).collect::<Date32Array>()),
        DataType::Decimal128(..) => {
            let decimals: Decimal128Array = keys.map(|k| Some(DECIMALS[k?])).collect();
            Arc::new(decimals.with_data_type(data_type.clone()))
        }
        DataType::Boolean => Arc::new(keys.map(|k| Some(k? == 1)).collect::<BooleanArray>()),
        DataType::Utf8 => Arc::new(keys.map(|k| Some(TEXTS[k?])).collect::<StringArray>()),
        DataType::Binary => Arc::new(keys.map(|k| Some(TEXTS[k?].as_bytes())).collect::<BinaryArray>()),
        other => panic!("no keys of type {other}"),
    }
}

pub fn key_columns(types: &[DataType], rows: &[Row]) -> Vec<ArrayRef> {
    let column = |(i, t)| key_column(t, rows.iter().map(move |row: &Row| row.keys[i]));
    types.iter().enumerate().map(column).collect()
}

pub fn index(types: &[DataType], entities: &[Row]) -> Arc<EntityIndex> {
    let times: Int64Array = entities.iter().map(|row| row.time).collect();
    Arc::new(EntityIndex::new(&key_columns(types, entities), &times).unwrap())
}

/// The types of the two features: the row's number, NULL for each seventh row, and the same as text.
pub const FEATURES: [DataType; 2] = [DataType::Int64, DataType::Utf8];

/// What the first feature of a row holds.
pub fn value(row: usize) -> Option<i64> {
    (row % 7 != 6).then_some(row as i64)
}

/// The rows as one batch.
pub fn batch(types: &[DataType], rows: &[Row], with_created: bool) -> FeatureBatch {
    let numbers = 0..rows.len();
    FeatureBatch {
        keys: key_columns(types, rows),
        times: rows.iter().map(|row| row.time).collect(),
        created: with_created.then(|| rows.iter().map(|row| row.created).collect()),
        features: vec![
            Arc::new(numbers.clone().map(value).collect::<Int64Array>()),
            Arc::new(
                numbers
                    .map(|row| value(row).map(|v| format!("row {v}")))
                    .collect::<StringArray>(),
            ),
        ],
        sequence: 0,
    }
}

/// Part of a batch, with arrays that start in the middle of their buffers.
pub fn slice(batch: &FeatureBatch, start: usize, length: usize) -> FeatureBatch {
    let cut = |arrays: &[ArrayRef]| arrays.iter().map(|a| a.slice(start, length)).collect();
    FeatureBatch {
        keys: cut(&batch.keys),
        times: batch.times.slice(start, length),
        created: batch.created.as_ref().map(|created| created.slice(start, length)),
        features: cut(&batch.features),
        sequence: batch.sequence + start as u64,
    }
}

/// Joins rows with one Int64 key in one batch; the first feature of each entity row.
pub fn join(entities: &[Row], features: &[Row], options: JoinOptions) -> Vec<Option<i64>> {
    let types = vec![DataType::Int64; entities.first().map_or(1, |row| row.keys.len())];
    let mut worker = JoinWorker::new(index(&types, entities), &FEATURES, options);
    worker.push(&batch(&types, features, true)).unwrap();
    first_feature(worker, entities.len())
}

pub fn first_feature(worker: JoinWorker, rows: usize) -> Vec<Option<i64>> {
    let columns = worker.finish().unwrap().columns(0, rows).unwrap();
    check_texts(&columns);
    columns[0].as_primitive::<Int64Type>().iter().collect()
}

/// The second feature must come from the same row as the first.
pub fn check_texts(columns: &[ArrayRef]) {
    let numbers = columns[0].as_primitive::<Int64Type>().iter();
    let texts: Vec<_> = columns[1]
        .as_string::<i32>()
        .iter()
        .map(|t| t.map(str::to_owned))
        .collect();
    assert_eq!(
        texts,
        numbers.map(|n| n.map(|n| format!("row {n}"))).collect::<Vec<_>>()
    );
    assert_eq!(columns[0].len(), columns[1].len());
}

pub fn any_age() -> JoinOptions {
    JoinOptions::default()
}

pub fn ttl(ttl: i64) -> JoinOptions {
    JoinOptions {
        ttl: Some(ttl),
        filter_by_created: false,
    }
}

pub fn filtered() -> JoinOptions {
    JoinOptions {
        ttl: None,
        filter_by_created: true,
    }
}
