use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use hybrid_core::{BatchStream, Call, ErrorKind, OfflineStore, PersistRequest};
use hybrid_store_bigquery::BigQuerySource;

use crate::common::{config, connect, counted, unique, variable};

/// The rows of the files in a folder that the emulator keeps for a bucket.
fn exported(folder: &str) -> Vec<RecordBatch> {
    let folder = PathBuf::from(variable("HYBRID_BIGQUERY_GCS")).join(folder);
    let files = std::fs::read_dir(folder).unwrap();
    let batches = files.flat_map(|file| {
        let file = std::fs::File::open(file.unwrap().path()).unwrap();
        let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file);
        reader.unwrap().build().unwrap()
    });
    batches.collect::<Result<_, _>>().unwrap()
}

#[tokio::test]
async fn rows_are_persisted_as_parquet_to_a_source_that_exports() {
    let columns: [(&str, ArrayRef); 2] = [
        ("id", Arc::new(Int64Array::from(vec![1, 2]))),
        ("t", Arc::new(StringArray::from(vec!["x", "y"]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let persist = async |config, overwrite| {
        let request = PersistRequest {
            options: BigQuerySource::export("training/may"),
            rows: BatchStream::from_batches(batch.schema(), vec![batch.clone()]),
            overwrite,
        };
        OfflineStore::persist(&connect(config).await, request, &Call::default()).await
    };
    let mut config = config();
    let error = persist(config.clone(), false).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    let place = format!("hybrid-test/{}", unique("exports"));
    config.gcs_staging_location = Some(format!("gs://{place}"));
    assert_eq!(persist(config.clone(), false).await.unwrap(), 2);
    let rows = exported(&format!("{place}/training/may"));
    let rows = arrow::compute::concat_batches(&rows[0].schema(), &rows).unwrap();
    let names: Vec<_> = rows
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect();
    assert_eq!(names, ["id", "t"]);
    assert_eq!(rows.column(0).as_primitive::<Int64Type>().values().to_vec(), [1, 2]);
    let error = persist(config.clone(), true).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    let store = connect(config).await;
    let error = OfflineStore::source_schema(&store, &BigQuerySource::export("training/may"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
}

#[tokio::test]
async fn rows_are_exported_as_parquet() {
    let mut config = config();
    let store = connect(config.clone()).await;
    assert_eq!(
        store.export("SELECT 1 AS a").await.unwrap_err().kind(),
        ErrorKind::Config
    );
    config.gcs_staging_location = Some("gs://hybrid-test/exports/".to_owned());
    let store = connect(config).await;
    let files = store.export("SELECT 7 AS a UNION ALL SELECT 8").await.unwrap();
    let folder = files
        .strip_prefix("gs://")
        .and_then(|files| files.strip_suffix("/*.parquet"))
        .unwrap();
    let rows = exported(folder);
    assert_eq!(counted(&rows), 2);
    assert_eq!(
        store.export("DROP TABLE t").await.unwrap_err().kind(),
        ErrorKind::InvalidInput
    );
}
