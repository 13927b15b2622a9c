//! What a store is asked about a table of `id`, `ts` and `v`.

use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch, TimestampMicrosecondArray, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema};
use hybrid_core::store::{ENTITY_TIME, ROW_NUMBER};
use hybrid_core::{
    BatchStream, EntityRows, HistoricalRequest, HistoricalView, JoinKey, OutputColumn, SourceTable, timestamp_type,
};
use hybrid_store_postgres::PostgresSource;

/// 2024-05-01 UTC.
pub const MAY: i64 = 1_714_521_600_000_000;

pub fn source(table: &str) -> SourceTable<PostgresSource> {
    SourceTable {
        name: table.to_owned(),
        options: PostgresSource::table(table),
        timestamp_field: "ts".to_owned(),
        created_timestamp_column: None,
        date_partition_column: None,
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
        entities: one_row(),
        filter_by_created_timestamp: false,
    }
}

fn one_row() -> EntityRows {
    let schema = Arc::new(Schema::new(vec![
        Field::new(ROW_NUMBER, DataType::UInt64, false),
        Field::new(ENTITY_TIME, timestamp_type(), false),
        Field::new("driver", DataType::Int64, true),
    ]));
    let batch = RecordBatch::try_new(
        schema.clone(),
        vec![
            Arc::new(UInt64Array::from(vec![0])),
            Arc::new(TimestampMicrosecondArray::from(vec![MAY]).with_timezone("UTC")),
            Arc::new(Int64Array::from(vec![7])),
        ],
    )
    .unwrap();
    let given = schema.clone();
    EntityRows::new(schema, 1, Some((MAY, MAY)), move || {
        Ok(BatchStream::from_batches(given.clone(), vec![batch.clone()]))
    })
}
