use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal128Array, Int64Array, ListArray, RecordBatch, StringArray, StructArray};
use arrow::datatypes::{DataType, Field, Int32Type, Int64Type, Schema};
use hybrid_core::ErrorKind;
use hybrid_core::sql::Mode;
use hybrid_store_bigquery::BigQueryStore;

use crate::common::{config, connect, parts, put, run, shown, tables, unique};

#[tokio::test]
async fn rows_are_appended_as_the_tables_types() {
    let config = config();
    let store = connect(config.clone()).await;
    let batch = RecordBatch::try_from_iter_with_nullable([
        (
            "j",
            Arc::new(StringArray::from(vec![Some("{\"a\": 1}"), None])) as ArrayRef,
            true,
        ),
        ("k", Arc::new(Int64Array::from(vec![1, 2])), false),
    ])
    .unwrap();
    put(&store, "t", batch.schema(), vec![batch.slice(0, 0)], Mode::Create)
        .await
        .unwrap();
    let name = parts(&store, "t").unwrap().join("`.`");
    run(&store, &format!("DROP TABLE `{name}`")).await;
    run(
        &store,
        &format!("CREATE TABLE `{name}` (k INT64 NOT NULL, j JSON, l ARRAY<INT64>, z FLOAT64)"),
    )
    .await;
    assert_eq!(
        put(&store, "t", batch.schema(), vec![batch.clone()], Mode::Append)
            .await
            .unwrap(),
        2
    );
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), Some(2)]), Some(vec![])]);
    let lists = RecordBatch::try_from_iter_with_nullable([
        ("l", Arc::new(list) as ArrayRef, true),
        ("k", Arc::new(Int64Array::from(vec![3, 4])), false),
    ])
    .unwrap();
    assert_eq!(
        put(&store, "t", lists.schema(), vec![lists], Mode::Append)
            .await
            .unwrap(),
        2
    );
    let shown = shown(
        &store,
        &format!("SELECT k, TO_JSON_STRING(j) AS j, l, z FROM `{name}` ORDER BY k"),
    )
    .await;
    for line in ["| 1 | {\"a\":1} | []     |", "| 3 |", "[1, 2]"] {
        assert!(shown.contains(line), "{shown}");
    }
    assert_eq!(tables(&config).await, ["t"]);
}

/// Makes a table `t`; its name.
async fn table(store: &BigQueryStore, columns: &str) -> String {
    let name = parts(store, "t").unwrap();
    run(
        store,
        &format!("CREATE SCHEMA IF NOT EXISTS `{}`.`{}`", name[0], name[1]),
    )
    .await;
    let name = name.join("`.`");
    run(store, &format!("CREATE TABLE `{name}` ({columns})")).await;
    name
}

#[tokio::test]
async fn what_is_inside_of_arrays_and_structs_is_converted_too() {
    let store = connect(config()).await;
    let name = table(
        &store,
        "k INT64, l ARRAY<FLOAT64>, s STRUCT<a FLOAT64, b ARRAY<FLOAT64>>",
    )
    .await;
    let list = |values: [Vec<i64>; 2]| {
        let values = values.map(|row| Some(row.into_iter().map(Some)));
        Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(values)) as ArrayRef
    };
    let numbers = || Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef;
    let field = |name: &str, column: &ArrayRef| Arc::new(Field::new(name, column.data_type().clone(), true));
    let (a, b) = (numbers(), list([vec![7], vec![]]));
    let both = StructArray::new(
        vec![field("a", &a), field("b", &b)].into(),
        vec![a, b],
        Some(vec![true, false].into()),
    );
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("k", numbers(), true),
        ("l", list([vec![3, 1, 2], vec![]]), true),
        ("s", Arc::new(both), true),
    ])
    .unwrap();
    assert_eq!(
        put(&store, "t", batch.schema(), vec![batch], Mode::Append)
            .await
            .unwrap(),
        2
    );
    let shown = shown(&store, &format!("SELECT k, l, s FROM `{name}` ORDER BY k")).await;
    for line in [
        "| 1 | [3.0, 1.0, 2.0] | {a: 1.0, b: [7.0]} |",
        "| 2 | []              |                    |",
    ] {
        assert!(shown.contains(line), "{shown}");
    }
}

#[tokio::test]
async fn decimals_that_a_column_would_round_are_refused() {
    let store = connect(config()).await;
    let name = table(&store, "n NUMERIC(10, 2), b BIGNUMERIC(30, 3)").await;
    let batch = |n: i128, b: i128| {
        let column = |value: i128| {
            let column = Decimal128Array::from(vec![value]).with_precision_and_scale(20, 4);
            Arc::new(column.unwrap()) as ArrayRef
        };
        RecordBatch::try_from_iter_with_nullable([("n", column(n), true), ("b", column(b), true)]).unwrap()
    };
    for (wrong, column) in [(batch(12_301, 0), "`n`"), (batch(0, 12_301), "`b`")] {
        let error = put(&store, "t", wrong.schema(), vec![wrong], Mode::Append)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        assert!(error.to_string().contains(column), "{error}");
    }
    let right = batch(12_300, 12_340);
    put(&store, "t", right.schema(), vec![right], Mode::Append)
        .await
        .unwrap();
    let query =
        format!("SELECT COUNT(*) AS a, COUNTIF(n = NUMERIC '1.23' AND b = BIGNUMERIC '1.234') AS b FROM `{name}`");
    assert!(shown(&store, &query).await.contains("| 1 | 1 |"));
}

#[tokio::test]
async fn a_required_column_takes_no_null() {
    let store = connect(config()).await;
    let schema = Arc::new(Schema::new(vec![Field::new("k", DataType::Int64, true)]));
    let name = table(&store, "k INT64 NOT NULL").await;
    let batch = |value| RecordBatch::try_new(schema.clone(), vec![Arc::new(Int64Array::from(vec![value]))]).unwrap();
    let error = put(&store, "t", schema.clone(), vec![batch(None)], Mode::Append)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("`k` is REQUIRED"), "{error}");
    put(&store, "t", schema.clone(), vec![batch(Some(1))], Mode::Append)
        .await
        .unwrap();
    assert!(
        shown(&store, &format!("SELECT COUNT(*) AS n FROM `{name}`"))
            .await
            .contains("| 1 |")
    );
}

#[tokio::test]
async fn a_view_and_a_missing_table_take_no_rows() {
    let store = connect(config()).await;
    let batch = RecordBatch::try_from_iter([("n", Arc::new(Int64Array::from(vec![1])) as ArrayRef)]).unwrap();
    put(&store, "t", batch.schema(), vec![batch.clone()], Mode::Create)
        .await
        .unwrap();
    let (view, table) = (
        parts(&store, "v").unwrap().join("`.`"),
        parts(&store, "t").unwrap().join("`.`"),
    );
    run(&store, &format!("CREATE VIEW `{view}` AS SELECT n FROM `{table}`")).await;
    let error = put(&store, "v", batch.schema(), vec![batch.clone()], Mode::Append)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    let error = put(&store, &unique("none"), batch.schema(), vec![batch], Mode::Append)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}
