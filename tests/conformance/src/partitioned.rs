//! A retrieval from a table that is partitioned by another column than its event time, for tests that read its plan.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, TimestampMicrosecondArray, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema};
use hybrid_core::store::{ENTITY_TIME, ROW_NUMBER};
use hybrid_core::{
    BatchStream, EntityRows, Explain, HistoricalRequest, HistoricalView, JoinKey, OfflineStore, OutputColumn,
    SourceTable, timestamp_type,
};

/// 2024-05-01 UTC.
pub const MAY: i64 = 1_714_521_600_000_000;

/// What is known of the key 7 in the day before the begin of May: `v`, by `id` and `ts`. The range of `partition` is from
/// 2024-04-30 to 2024-05-01; it writes dates in `format`.
pub fn retrieval<S>(options: S, partition: Option<&str>, format: Option<&str>) -> HistoricalRequest<S> {
    let source = SourceTable {
        name: "days".to_owned(),
        options,
        timestamp_field: "ts".to_owned(),
        created_timestamp_column: None,
        date_partition_column: partition.map(str::to_owned),
        date_partition_column_format: format.map(str::to_owned),
    };
    let view = HistoricalView {
        name: "days".to_owned(),
        source,
        join_keys: vec![JoinKey {
            source: "id".to_owned(),
            entity: "id".to_owned(),
            data_type: DataType::Int64,
        }],
        features: vec![OutputColumn {
            source: "v".to_owned(),
            name: "v".to_owned(),
            data_type: Some(DataType::Int64),
        }],
        ttl: Some(86_400_000_000),
    };
    HistoricalRequest {
        views: vec![view],
        entities: one_row("id", 7),
        filter_by_created_timestamp: false,
    }
}

/// A `day` of text, 20240430, is compared where the source says in which format it writes dates, and else it is not.
///
/// # Panics
/// When it is otherwise.
pub async fn text_prunes_where_its_format_is_told<T: OfflineStore>(store: &T, source: T::Source)
where
    T::Source: Clone,
{
    for (format, prunes) in [(Some("%Y%m%d"), true), (None, false)] {
        let asked = Explain::Historical(retrieval(source.clone(), Some("day"), format));
        let sql = store.to_sql(asked).await.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(sql.contains(">= '20240430'"), prunes, "{sql}");
    }
}

/// One entity row, of the begin of May.
pub fn one_row(join_key: &str, value: i64) -> EntityRows {
    one_row_of(join_key, Arc::new(Int64Array::from(vec![value])))
}

/// The same with a key of any type.
pub fn one_row_of(join_key: &str, value: ArrayRef) -> EntityRows {
    rows_of(join_key, value)
}

/// Such an entity row for each of these keys.
pub fn rows_of(join_key: &str, values: ArrayRef) -> EntityRows {
    let rows = values.len() as u64;
    let schema = Arc::new(Schema::new(vec![
        Field::new(ROW_NUMBER, DataType::UInt64, false),
        Field::new(ENTITY_TIME, timestamp_type(), false),
        Field::new(join_key, values.data_type().clone(), true),
    ]));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(UInt64Array::from_iter_values(0..rows)),
        Arc::new(TimestampMicrosecondArray::from(vec![MAY; values.len()]).with_timezone("UTC")),
        values,
    ];
    let given = schema.clone();
    EntityRows::new(schema, rows, Some((MAY, MAY)), move || {
        let batch = RecordBatch::try_new(given.clone(), columns.clone())?;
        Ok(BatchStream::from_batches(given.clone(), vec![batch]))
    })
}
