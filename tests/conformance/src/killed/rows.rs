use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, TimestampMicrosecondArray, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use futures::{StreamExt, stream};
use hybrid_core::store::{ENTITY_TIME, ROW_NUMBER};
use hybrid_core::{BatchStream, EntityRows, Result, timestamp_type};

/// How many rows travel in one batch.
const BATCH: usize = 10_000;

/// So many entity rows with the key `k`, and after them their end, unless it `stops` there.
pub fn entity_rows(rows: usize, stops: bool) -> EntityRows {
    let schema: SchemaRef = Arc::new(Schema::new(vec![
        Field::new(ROW_NUMBER, DataType::UInt64, false),
        Field::new(ENTITY_TIME, timestamp_type(), false),
        Field::new("k", DataType::Int64, true),
    ]));
    let given = schema.clone();
    EntityRows::new(schema, rows as u64, Some((0, rows as i64 - 1)), move || {
        let made = given.clone();
        let starts = stream::iter((0..rows).step_by(BATCH));
        let batches = starts.map(move |start| batch(&made, start..(start + BATCH).min(rows)));
        let end = match stops {
            true => stream::pending::<Result<RecordBatch>>().left_stream(),
            false => stream::empty().right_stream(),
        };
        Ok(BatchStream::new(given.clone(), batches.chain(end)))
    })
}

fn batch(schema: &SchemaRef, rows: Range<usize>) -> Result<RecordBatch> {
    let numbers = rows.start as i64..rows.end as i64;
    let columns: Vec<ArrayRef> = vec![
        Arc::new(UInt64Array::from_iter_values(rows.start as u64..rows.end as u64)),
        Arc::new(TimestampMicrosecondArray::from_iter_values(numbers.clone()).with_timezone("UTC")),
        Arc::new(Int64Array::from_iter_values(numbers.map(|number| number % 1000))),
    ];
    Ok(RecordBatch::try_new(schema.clone(), columns)?)
}
