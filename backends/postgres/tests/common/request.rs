//! What a store is asked about a table of `id`, `ts` and `v`.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, TimestampMicrosecondArray, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema};
use hybrid_conformance::partitioned::one_row;
use hybrid_core::store::{ENTITY_TIME, ROW_NUMBER};
use hybrid_core::{
    BatchStream, EntityRows, HistoricalRequest, HistoricalView, JoinKey, OutputColumn, SourceTable, timestamp_type,
};
use hybrid_store_postgres::PostgresSource;

pub fn source(table: &str) -> SourceTable<PostgresSource> {
    SourceTable {
        name: table.to_owned(),
        options: PostgresSource::table(table),
        timestamp_field: "ts".to_owned(),
        created_timestamp_column: None,
        date_partition_column: None,
        date_partition_column_format: None,
    }
}

pub fn column(name: &str, data_type: Option<DataType>) -> OutputColumn {
    OutputColumn {
        source: name.to_owned(),
        name: name.to_owned(),
        data_type,
    }
}

/// What is known of driver 7 at the begin of May.
pub fn history(table: &str, ttl: Option<i64>) -> HistoricalRequest<PostgresSource> {
    HistoricalRequest {
        views: vec![HistoricalView {
            name: "view".to_owned(),
            source: source(table),
            join_keys: vec![JoinKey {
                source: "id".to_owned(),
                entity: "driver".to_owned(),
                data_type: DataType::Int64,
            }],
            features: vec![column("v", Some(DataType::Float64))],
            ttl,
        }],
        entities: one_row("driver", 7),
        filter_by_created_timestamp: false,
    }
}

/// Entity rows of these times and drivers.
pub fn frame(rows: impl IntoIterator<Item = (i64, i64)>) -> EntityRows {
    let (times, drivers): (Vec<i64>, Vec<i64>) = rows.into_iter().unzip();
    let range = times.iter().copied().min().zip(times.iter().copied().max());
    let count = times.len() as u64;
    let schema = Arc::new(Schema::new(vec![
        Field::new(ROW_NUMBER, DataType::UInt64, false),
        Field::new(ENTITY_TIME, timestamp_type(), false),
        Field::new("driver", DataType::Int64, true),
    ]));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(UInt64Array::from_iter_values(0..count)),
        Arc::new(TimestampMicrosecondArray::from(times).with_data_type(timestamp_type())),
        Arc::new(Int64Array::from(drivers)),
    ];
    let batch = RecordBatch::try_new(schema.clone(), columns).unwrap();
    EntityRows::new(schema.clone(), count, range, move || {
        Ok(BatchStream::from_batches(schema.clone(), vec![batch.clone()]))
    })
}
