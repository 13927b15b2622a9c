//! What a store is asked about a table of `id`, `ts` and `v`.

use arrow::datatypes::DataType;
use hybrid_conformance::partitioned::one_row;
use hybrid_core::{HistoricalRequest, HistoricalView, JoinKey, OutputColumn, SourceTable};
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
