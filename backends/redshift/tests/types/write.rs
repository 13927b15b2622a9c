//! Appending and making tables.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, Decimal128Array, Int64Array, ListArray, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Int64Type};
use arrow::util::display::array_value_to_string;
use hybrid_core::sql::{Append, Mode, SqlSession};
use hybrid_core::{BatchStream, Call, ErrorKind, OfflineStore, PersistRequest, Result};
use hybrid_store_redshift::{RedshiftConfig, RedshiftSource};
use object_store::ObjectStoreExt;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::common::{
    admin, connection, connection_and_s3, data_api, every_way, fresh, rows, s3, session, staged, store, value,
};

async fn write(config: RedshiftConfig, table: &str, mode: Mode, columns: Vec<(&str, ArrayRef)>) -> Result<u64> {
    let batch =
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap();
    let session = session(config).await;
    let append = Append {
        table: vec!["public".to_owned(), table.to_owned()],
        rows: BatchStream::from_batches(batch.schema(), vec![batch]),
        mode,
    };
    let written = session.append(append).await;
    session.close().await.unwrap();
    written
}

fn ints(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

#[tokio::test]
async fn columns_become_what_the_table_has() {
    for config in every_way() {
        let table = fresh("cast");
        admin(&format!(
            "CREATE TABLE {table} (n smallint, t timestamptz, s varchar(40), j super, l super, d numeric(8,3), more bigint)"
        ))
        .await;
        let list = ListArray::from_iter_primitive::<Int64Type, _, _>(vec![Some(vec![Some(1), None])]);
        let time: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![1_500_000]).with_timezone("UTC"));
        let decimal = Decimal128Array::from(vec![12_500])
            .with_precision_and_scale(10, 4)
            .unwrap();
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("j", texts(&["{\"a\":\"it's \\\\ \\\"\"}"])),
            ("n", ints(&[7])),
            ("t", time.clone()),
            ("s", time),
            ("l", Arc::new(list)),
            ("d", Arc::new(decimal)),
        ];
        assert_eq!(write(config, &table, Mode::Append, columns).await.unwrap(), 1);
        let query = format!("SELECT n, t, s, JSON_SERIALIZE(j), JSON_SERIALIZE(l), d, more FROM {table}");
        let found = rows(connection(), &query).await.unwrap();
        let row: Vec<String> = found[0]
            .columns()
            .iter()
            .map(|column| array_value_to_string(column, 0).unwrap())
            .collect();
        let wanted = [
            "7",
            "1970-01-01T00:00:01.500Z",
            "1970-01-01T00:00:01.500000Z",
            "{\"a\":\"it's \\\\ \\\"\"}",
            "[1,null]",
            "1.250",
            "",
        ];
        assert_eq!(row, wanted);
        admin(&format!("DROP TABLE {table}")).await;
    }
}

#[tokio::test]
async fn what_a_column_does_not_hold_is_refused_and_nothing_is_written() {
    for config in every_way() {
        let table = fresh("narrow");
        admin(&format!(
            "CREATE TABLE {table} (n smallint, s varchar(3), d numeric(8,1))"
        ))
        .await;
        let finer = Decimal128Array::from(vec![15, 125])
            .with_precision_and_scale(10, 2)
            .unwrap();
        for (columns, said) in [
            (vec![("n", ints(&[1, 40_000]))], "out of range"),
            (vec![("s", texts(&["abc", "abcd"]))], "too long"),
            (vec![("d", Arc::new(finer) as ArrayRef)], "more decimal places"),
            (vec![("nope", ints(&[1]))], "has no column `nope`"),
        ] {
            let error = write(config.clone(), &table, Mode::Append, columns).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
            assert!(error.to_string().contains(said), "{error}");
        }
        assert_eq!(value(&format!("SELECT COUNT(*) FROM {table}")).await, "0");
        admin(&format!("DROP TABLE {table}")).await;
    }
}

#[tokio::test]
async fn a_table_that_a_view_depends_on_is_not_replaced() {
    for config in every_way() {
        let table = fresh("made");
        write(config.clone(), &table, Mode::Create, vec![("s", texts(&["a"]))])
            .await
            .unwrap();
        admin(&format!("CREATE VIEW {table}_view AS SELECT * FROM {table}")).await;
        let error = write(config.clone(), &table, Mode::Replace, vec![("n", ints(&[9]))])
            .await
            .unwrap_err();
        assert_eq!(value(&format!("SELECT s FROM {table}")).await, "a", "{error}");
        if config.s3_staging_location.is_some() {
            assert_eq!(staged(&config).await, Vec::<String>::new());
        }
        admin(&format!("DROP TABLE {table} CASCADE")).await;
    }
}

#[tokio::test]
async fn a_result_is_exported_as_parquet() {
    let config = data_api();
    let store = store(config.clone()).await;
    let url = store
        .export("SELECT x AS \"Id\", 'a' AS t FROM generate_series(1, 1500) AS g(x);")
        .await
        .unwrap();
    assert!(url.starts_with(config.s3_staging_location.as_deref().unwrap()), "{url}");
    let mut files = staged(&config).await;
    files.sort();
    assert_eq!(files.len(), 3, "{files:?}");
    assert!(
        files[0].ends_with("0000_part_00.parquet") && files[2].ends_with("manifest"),
        "{files:?}"
    );
    let error = store.export("DROP TABLE x").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
}

async fn export(config: RedshiftConfig, folder: &str, overwrite: bool) -> Result<u64> {
    let instants = TimestampMicrosecondArray::from(vec![1_700_000_000_000_001, 0]).with_timezone("UTC");
    let columns: [(&str, ArrayRef); 3] = [
        ("Id", ints(&[1, 2])),
        ("t", texts(&["a", "b"])),
        ("at", Arc::new(instants)),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let request = PersistRequest {
        options: RedshiftSource::export(folder),
        rows: BatchStream::from_batches(batch.schema(), vec![batch]),
        overwrite,
    };
    OfflineStore::persist(&store(config).await, request, &Call::default()).await
}

#[tokio::test]
async fn rows_are_persisted_as_parquet_to_a_source_that_exports() {
    for config in [data_api(), connection_and_s3()] {
        assert_eq!(export(config.clone(), "training/may", false).await.unwrap(), 2);
        // Nothing else stays.
        let files = staged(&config).await;
        assert!(files.iter().all(|file| file.contains("/training/may/")), "{files:?}");
        let mut ids = Vec::new();
        for file in files.iter().filter(|file| file.ends_with(".parquet")) {
            let bytes = s3().get(&file.as_str().into()).await.unwrap().bytes().await.unwrap();
            for batch in ParquetRecordBatchReaderBuilder::try_new(bytes)
                .unwrap()
                .build()
                .unwrap()
            {
                let batch = batch.unwrap();
                let names: Vec<_> = batch
                    .schema()
                    .fields()
                    .iter()
                    .map(|field| field.name().clone())
                    .collect();
                assert_eq!(names, ["Id", "t", "at"]);
                let zoneless = matches!(batch.column(2).data_type(), DataType::Timestamp(_, None));
                assert!(zoneless, "{}", batch.column(2).data_type());
                ids.extend(batch.column(0).as_primitive::<Int64Type>().values().iter().copied());
            }
        }
        assert_eq!(ids, [1, 2]);
        // What is there stays as it is.
        for (overwrite, kind) in [(false, ErrorKind::InvalidInput), (true, ErrorKind::Unsupported)] {
            let error = export(config.clone(), "training/may", overwrite).await.unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
        }
        assert_eq!(staged(&config).await, files);
    }
}

#[tokio::test]
async fn an_export_needs_a_place_and_is_not_read() {
    let error = export(connection(), "may", false).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    assert!(error.to_string().contains("`s3_staging_location`"), "{error}");
    let store = store(data_api()).await;
    let error = OfflineStore::source_schema(&store, &RedshiftSource::export("may"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
}

#[tokio::test]
async fn what_is_wrong_with_a_destination_is_known_before_the_rows() {
    let store = store(data_api()).await;
    for (destination, overwrite, wrong) in [
        (RedshiftSource::table("t"), false, None),
        (RedshiftSource::table("t"), true, None),
        (
            RedshiftSource::query("SELECT 1 AS n"),
            true,
            Some(ErrorKind::Unsupported),
        ),
        (RedshiftSource::export("may"), false, None),
        (RedshiftSource::export("may"), true, Some(ErrorKind::Unsupported)),
        (RedshiftSource::export("../may"), false, Some(ErrorKind::Definition)),
    ] {
        let checked = OfflineStore::check_destination(&store, &destination, overwrite);
        assert_eq!(checked.err().map(|error| error.kind()), wrong, "{destination:?}");
    }
}

#[tokio::test]
async fn nothing_is_appended_without_rows() {
    for config in every_way() {
        let table = fresh("empty");
        admin(&format!("CREATE TABLE {table} (n bigint)")).await;
        assert_eq!(
            write(config, &table, Mode::Append, vec![("n", ints(&[]))])
                .await
                .unwrap(),
            0
        );
        admin(&format!("DROP TABLE {table}")).await;
    }
}
