//! Tables of Hive, also beside a configured catalog of another connector.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Int64Type};
use hybrid_conformance::partitioned;
use hybrid_core::sql::{Formulation, Mode, SqlSession, SqlStore};
use hybrid_core::{Call, OfflineStore, OutputColumn, PullAllRequest, SelectFrame, SourceTable};
use hybrid_store_trino::TrinoSource;

use crate::common::{config, connect, count, create, unique};

/// An event, of so many microseconds.
fn event(micros: i64) -> RecordBatch {
    let columns: [(&str, ArrayRef); 2] = [
        ("id", Arc::new(Int64Array::from(vec![7]))),
        (
            "ts",
            Arc::new(TimestampMicrosecondArray::from(vec![micros]).with_timezone("UTC")),
        ),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

/// The events by `id` and `ts` that have come by then.
fn until(options: TrinoSource, end: i64) -> PullAllRequest<TrinoSource> {
    let source = SourceTable {
        name: "events".to_owned(),
        options,
        timestamp_field: "ts".to_owned(),
        created_timestamp_column: None,
        date_partition_column: None,
        date_partition_column_format: None,
    };
    let id = OutputColumn {
        source: "id".to_owned(),
        name: "id".to_owned(),
        data_type: None,
    };
    PullAllRequest {
        source,
        join_keys: vec![id],
        features: Vec::new(),
        timestamp_name: "ts".to_owned(),
        created_name: None,
        start: None,
        end: Some(end),
    }
}

/// Cut to milliseconds, the event would be known before it came.
#[tokio::test]
async fn another_catalog_of_hive_is_read_to_the_microsecond() {
    let schema = unique("beside");
    let table = format!("hive.{schema}.events");
    let maker = connect(config("iceberg")).await;
    create(&maker, &["hive", &schema, "events"], vec![event(400)], Mode::Create)
        .await
        .unwrap();
    let select = format!("SELECT * FROM {table}");
    for source in [
        TrinoSource::new(&table),
        TrinoSource::new(table.replace("hive", "Hive")),
        TrinoSource::from_query(&select),
    ] {
        let store = connect(config("iceberg")).await;
        for (end, known) in [(399, 0), (400, 1)] {
            let asked = until(source.clone(), end);
            let pulled = OfflineStore::pull_all_from_table_or_query(&store, asked, &Call::default()).await;
            let batches = pulled.unwrap().collect().await.unwrap();
            let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
            assert_eq!(rows, known, "{source:?} until {end}");
        }
    }
    // So is a SELECT that gives the entity rows.
    let session = maker.session().await.unwrap();
    let kept = session.stage(&select).await.unwrap();
    let exact = format!("SELECT id FROM {kept} WHERE ts = TIMESTAMP '1970-01-01 00:00:00.000400'");
    assert_eq!(count(&maker, &exact).await, 1);
    session.close().await.unwrap();
}

/// Iceberg has no such type.
#[tokio::test]
async fn a_key_of_char_finds_its_rows_and_is_pulled_without_its_blanks() {
    for formulation in [Formulation::Ranked, Formulation::RunningTime] {
        let mut asked = config("hive");
        asked.formulation = Some(formulation);
        let table = format!("hive.{}.events", asked.dataset);
        let store = connect(asked).await;
        let session = store.session().await.unwrap();
        for statement in [
            format!("CREATE SCHEMA {}", table.trim_end_matches(".events")),
            format!(
                "CREATE TABLE {table} AS SELECT CAST('ab' AS char(5)) AS id, \
                 TIMESTAMP '2024-04-30 12:00:00.000000' AS ts, BIGINT '3' AS v"
            ),
        ] {
            session.execute(&statement).await.unwrap();
        }
        session.close().await.unwrap();
        let mut retrieval = partitioned::retrieval(TrinoSource::new(&table), None, None);
        retrieval.views[0].join_keys[0].data_type = DataType::Utf8;
        retrieval.entities = partitioned::one_row_of("id", Arc::new(StringArray::from(vec!["ab"])));
        let answer = OfflineStore::get_historical_features(&store, retrieval, &Call::default()).await;
        let batches = answer.unwrap().rows.collect().await.unwrap();
        let values = batches[0].column(1).as_primitive::<Int64Type>();
        assert_eq!(values.iter().collect::<Vec<_>>(), [Some(3)], "{formulation:?}");
        let asked = until(TrinoSource::new(&table), partitioned::MAY);
        let pulled = OfflineStore::pull_all_from_table_or_query(&store, asked, &Call::default()).await;
        let batches = pulled.unwrap().collect().await.unwrap();
        assert_eq!(batches[0].column(0).as_string::<i32>().value(0), "ab");
    }
}

/// The table that they are kept in is one of Iceberg, which would keep the blanks and not tell of them.
#[tokio::test]
async fn entity_rows_of_a_select_have_their_keys_of_char_without_blanks() {
    let schema = unique("chars");
    let maker = connect(config("hive")).await;
    let session = maker.session().await.unwrap();
    for statement in [
        format!("CREATE SCHEMA hive.{schema}"),
        format!(
            "CREATE TABLE hive.{schema}.events AS SELECT CAST('ab' AS char(5)) AS id, \
             TIMESTAMP '2024-04-30 12:00:00.000000' AS ts, CAST('c ' AS varchar) AS v"
        ),
    ] {
        session.execute(&statement).await.unwrap();
    }
    session.close().await.unwrap();
    let store = connect(config("iceberg")).await;
    for order in ["", " ORDER BY id"] {
        let frame = SelectFrame {
            query: format!("SELECT id, ts AS event_timestamp, v FROM hive.{schema}.events{order} -- all"),
            time: "event_timestamp".to_owned(),
            keys: vec![("id".to_owned(), DataType::Utf8)],
        };
        let staged = OfflineStore::stage_select(&store, frame).await.unwrap();
        let batches = staged.rows.collect().await.unwrap();
        let text = |column: usize| batches[0].column(column).as_string::<i32>().value(0);
        assert_eq!((text(0), text(2)), ("ab", "c "), "{order}");
    }
}
