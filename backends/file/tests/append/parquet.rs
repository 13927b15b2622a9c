//! One Parquet file that is written anew: what it keeps.

use std::fs::File;
use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Int32Type};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, Type, ZstdLevel};
use parquet::data_type::{FixedLenByteArray, FixedLenByteArrayType, Int64Type, Int96, Int96Type};
use parquet::file::metadata::{KeyValue, ParquetMetaData};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;

use super::repo::{Repo, numbers, rows, texts, times, with};

fn zstd() -> Compression {
    Compression::ZSTD(ZstdLevel::default())
}

fn footer(repo: &Repo, name: &str) -> Arc<ParquetMetaData> {
    let file = File::open(repo.path(name)).unwrap();
    let options = parquet::arrow::arrow_reader::ArrowReaderOptions::new()
        .with_page_index_policy(parquet::file::metadata::PageIndexPolicy::Optional);
    ParquetRecordBatchReaderBuilder::try_new_with_options(file, options)
        .unwrap()
        .metadata()
        .clone()
}

/// Many rows, in row groups too large to be written anew.
fn large() -> RecordBatch {
    let keys: Vec<i64> = (0..200_000).collect();
    with(
        &keys,
        [(
            "v",
            Arc::new(StringArray::from_iter_values(
                keys.iter().map(|k| format!("v{}", k % 1000)),
            )) as ArrayRef,
        )],
    )
}

#[tokio::test]
async fn row_groups_are_copied_with_all_that_describes_them() {
    let repo = Repo::new().await;
    let properties = WriterProperties::builder()
        .set_compression(zstd())
        .set_max_row_group_row_count(Some(100_000))
        .set_column_bloom_filter_enabled(ColumnPath::from("v"), true)
        .set_key_value_metadata(Some(vec![KeyValue::new("note".to_owned(), "kept".to_owned())]))
        .build();
    repo.parquet_with("x.parquet", &large(), properties);
    let before = footer(&repo, "x.parquet");
    repo.append("x.parquet", &rows(&[200_000], &[Some("new")]))
        .await
        .unwrap();
    let after = footer(&repo, "x.parquet");
    assert_eq!(after.num_row_groups(), 3);
    assert_eq!(after.file_metadata().num_rows(), 200_001);
    assert_eq!(after.file_metadata().schema(), before.file_metadata().schema());
    let notes = after.file_metadata().key_value_metadata().unwrap();
    assert_eq!(notes, before.file_metadata().key_value_metadata().unwrap());
    for group in 0..2 {
        for leaf in 0..3 {
            let (old, new) = (
                before.row_group(group).column(leaf),
                after.row_group(group).column(leaf),
            );
            assert_eq!(
                (old.statistics(), old.compressed_size()),
                (new.statistics(), new.compressed_size())
            );
        }
    }
    for group in after.row_groups() {
        assert!(group.columns().iter().all(|column| column.compression() == zstd()));
        assert!(group.column(2).bloom_filter_offset().is_some());
        assert!(
            group
                .columns()
                .iter()
                .all(|c| c.offset_index_offset().is_some() && c.column_index_offset().is_some())
        );
    }
    assert_eq!(before.column_index().unwrap()[..2], after.column_index().unwrap()[..2]);
    let found = repo.read("x.parquet", &["k", "v"]).await;
    assert_eq!(found.len(), 200_001);
    assert_eq!(found[199_999], "199999 v999");
    assert_eq!(found[200_000], "200000 new");
}

#[tokio::test]
async fn small_appends_share_a_row_group() {
    let repo = Repo::new().await;
    for key in 0..10 {
        repo.create("x.parquet", &rows(&[key], &[Some("a")])).await.unwrap();
    }
    assert_eq!(footer(&repo, "x.parquet").num_row_groups(), 1);
    let keys: Vec<String> = (0..10).map(|key| key.to_string()).collect();
    assert_eq!(repo.read("x.parquet", &["k"]).await, keys);
}

#[tokio::test]
async fn many_rows_are_split_into_row_groups() {
    let repo = Repo::new().await;
    let keys: Vec<i64> = (0..1_100_000).collect();
    assert_eq!(repo.append("x.parquet", &with(&keys, [])).await.unwrap(), 1_100_000);
    let footer = footer(&repo, "x.parquet");
    let counts: Vec<i64> = footer.row_groups().iter().map(|group| group.num_rows()).collect();
    assert_eq!(counts, [1 << 20, 1_100_000 - (1 << 20)]);
    assert_eq!(footer.row_group(0).column(0).compression(), Compression::SNAPPY);
    assert!(footer.row_group(0).column(1).statistics().is_some());
}

#[tokio::test]
async fn types_stay_and_values_that_fit_are_converted() {
    let repo = Repo::new().await;
    let dictionary: DictionaryArray<Int32Type> = vec!["a"].into_iter().collect();
    let small: ArrayRef = Arc::new(arrow::array::Int16Array::from(vec![7]));
    repo.parquet("x.parquet", &with(&[1], [("v", Arc::new(dictionary)), ("n", small)]));
    repo.append("x.parquet", &with(&[2], [("n", numbers(&[-8])), ("v", texts(&["b"]))]))
        .await
        .unwrap();
    let file = File::open(repo.path("x.parquet")).unwrap();
    let schema = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().schema().clone();
    assert!(matches!(
        schema.field_with_name("v").unwrap().data_type(),
        DataType::Dictionary(..)
    ));
    assert_eq!(schema.field_with_name("n").unwrap().data_type(), &DataType::Int16);
    assert_eq!(repo.read("x.parquet", &["k", "v", "n"]).await, ["1 a 7", "2 b -8"]);
    let error = repo
        .append("x.parquet", &with(&[2, 3], [("n", numbers(&[1, 40_000]))]))
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("column `n`") && error.to_string().contains("row 2"),
        "{error}"
    );
    assert_eq!(repo.read("x.parquet", &["k"]).await, ["1", "2"]);
}

#[tokio::test]
async fn times_are_never_cut() {
    let repo = Repo::new().await;
    let seconds: ArrayRef = Arc::new(arrow::array::TimestampMillisecondArray::from(vec![1500]));
    let keys: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    repo.parquet(
        "x.parquet",
        &RecordBatch::try_from_iter([("k", keys.clone()), ("ts", seconds)]).unwrap(),
    );
    repo.append(
        "x.parquet",
        &RecordBatch::try_from_iter([("k", keys.clone()), ("ts", times(&[2]))]).unwrap(),
    )
    .await
    .unwrap();
    let fine: ArrayRef = Arc::new(arrow::array::TimestampMicrosecondArray::from(vec![2_000_001]).with_timezone("UTC"));
    let fine = RecordBatch::try_from_iter([("k", keys), ("ts", fine)]).unwrap();
    let error = repo.append("x.parquet", &fine).await.unwrap_err();
    assert!(error.to_string().contains("`ts`"), "{error}");
}

#[tokio::test]
async fn nested_columns_are_carried_over() {
    let repo = Repo::new().await;
    let lists = |values: Vec<Option<Vec<Option<i64>>>>| -> ArrayRef {
        Arc::new(arrow::array::ListArray::from_iter_primitive::<
            arrow::datatypes::Int64Type,
            _,
            _,
        >(values))
    };
    repo.parquet(
        "x.parquet",
        &with(&[1, 2], [("v", lists(vec![Some(vec![Some(1), None]), None]))]),
    );
    repo.append(
        "x.parquet",
        &with(&[3, 4], [("v", lists(vec![Some(vec![]), Some(vec![Some(5)])]))]),
    )
    .await
    .unwrap();
    assert_eq!(
        repo.read("x.parquet", &["k", "v"]).await,
        ["1 [1, ]", "2 ", "3 []", "4 [5]"]
    );
}

#[tokio::test]
async fn an_instant_stays_the_same_in_another_zone() {
    let repo = Repo::new().await;
    let at = |zone: Option<&str>| -> ArrayRef {
        let times = arrow::array::TimestampMicrosecondArray::from(vec![7_200_000_000]);
        Arc::new(times.with_timezone_opt(zone))
    };
    let rows = |zone| RecordBatch::try_from_iter([("k", numbers(&[1])), ("ts", at(zone))]).unwrap();
    for (stored, text) in [
        (None, "1970-01-01T02:00:00"),
        (Some("+05:00"), "1970-01-01T07:00:00+05:00"),
    ] {
        repo.parquet("x.parquet", &rows(stored));
        for given in [None, Some("UTC"), Some("+02:00")] {
            repo.append("x.parquet", &rows(given)).await.unwrap();
        }
        assert_eq!(repo.read("x.parquet", &["ts"]).await, [text; 4]);
    }
}

/// A file as other writers made them: times of 96 bits, decimals of 5 bytes.
fn write_old_form(repo: &Repo) {
    let schema =
        "message m { required int64 k; optional int96 ts; optional fixed_len_byte_array(5) d (DECIMAL(10,2)); }";
    let schema = Arc::new(parquet::schema::parser::parse_message_type(schema).unwrap());
    let file = File::create(repo.path("x.parquet")).unwrap();
    let mut writer = SerializedFileWriter::new(file, schema, Arc::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut time = Int96::new();
    // Noon, and the first day of 1970 as a Julian day.
    let noon = 43_200_000_000_000_u64;
    time.set_data(noon as u32, (noon >> 32) as u32, 2_440_588);
    let decimal = FixedLenByteArray::from(vec![0, 0, 0, 0, 150]);
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<Int64Type>().write_batch(&[1], None, None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column
        .typed::<Int96Type>()
        .write_batch(&[time], Some(&[1]), None)
        .unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column
        .typed::<FixedLenByteArrayType>()
        .write_batch(&[decimal], Some(&[1]), None)
        .unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
}

#[tokio::test]
async fn old_forms_become_new_ones_once() {
    let repo = Repo::new().await;
    write_old_form(&repo);
    let right = |rows: &[&str]| rows.iter().map(|row| (*row).to_owned()).collect::<Vec<_>>();
    let old = "1 1970-01-01T12:00:00 1.50";
    assert_eq!(repo.read("x.parquet", &["k", "ts", "d"]).await, right(&[old]));
    let decimals: ArrayRef = Arc::new(
        arrow::array::Decimal128Array::from(vec![-275])
            .with_precision_and_scale(10, 2)
            .unwrap(),
    );
    for key in [2, 3] {
        repo.append("x.parquet", &with(&[key], [("d", decimals.clone())]))
            .await
            .unwrap();
    }
    let new = ["2 1970-01-01T00:00:02 -2.75", "3 1970-01-01T00:00:03 -2.75"];
    assert_eq!(
        repo.read("x.parquet", &["k", "ts", "d"]).await,
        right(&[old, new[0], new[1]])
    );
    let types: Vec<Type> = footer(&repo, "x.parquet")
        .row_group(0)
        .columns()
        .iter()
        .map(|c| c.column_type())
        .collect();
    assert_eq!(types[1], Type::INT64);
}
