use std::sync::Arc;
use std::time::Duration;

use arrow::array::{
    ArrayRef, Decimal128Array, Int64Array, ListArray, RecordBatch, StringArray, TimestampMicrosecondArray,
    TimestampNanosecondArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Int64Type, TimestampMicrosecondType};
use arrow::util::display::array_value_to_string;
use futures::stream;
use hybrid_core::sql::{Append, Mode, SqlSession};
use hybrid_core::{BatchStream, Call, Error, ErrorKind, OfflineStore, Result, WriteRequest};

use crate::common::request::source;
use crate::common::{admin, config, fresh, rows, session, store};

async fn append(table: &str, mode: Mode, batches: Vec<Result<RecordBatch>>) -> Result<u64> {
    let schema = batches.iter().flatten().next().unwrap().schema();
    write(table, mode, BatchStream::new(schema, stream::iter(batches))).await
}

/// Appends as a caller does: what the rows are looked at for on their way is a part of it.
async fn offline_write(table: &str, rows: RecordBatch) -> Result<u64> {
    let store = store(config()).await;
    let request = WriteRequest {
        source: source(table),
        required: vec![],
        schema: rows.schema(),
        rows: BatchStream::from_batches(rows.schema(), vec![rows]),
    };
    store.offline_write_batch(request, &Call::default()).await
}

async fn write(table: &str, mode: Mode, rows: BatchStream) -> Result<u64> {
    let session = session(config()).await;
    let append = Append {
        table: vec!["public".to_owned(), table.to_owned()],
        rows,
        mode,
    };
    let outcome = session.append(append).await;
    session.close().await.unwrap();
    outcome
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap()
}

fn ints(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

async fn shown(query: &str) -> Vec<Vec<String>> {
    let found = rows(query).await;
    let row = |batch: &RecordBatch, row| {
        batch
            .columns()
            .iter()
            .map(|c| array_value_to_string(c, row).unwrap())
            .collect()
    };
    found
        .iter()
        .flat_map(|batch| (0..batch.num_rows()).map(|at| row(batch, at)).collect::<Vec<_>>())
        .collect()
}

#[tokio::test]
async fn columns_get_what_their_types_say() {
    let table = fresh("append");
    admin(&format!(
        "CREATE TABLE {table} (i2 int2, i4 int4, n numeric, n2 numeric(10,2), u uuid, iv interval, j jsonb, js json, \
         a int4[], ts timestamp, v varchar(5), d int DEFAULT 7, e text)"
    ))
    .await;
    let list = ListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(1), None]), None]);
    let decimals = |scale| {
        Arc::new(
            Decimal128Array::from(vec![12_500, -50])
                .with_precision_and_scale(20, scale)
                .unwrap(),
        ) as ArrayRef
    };
    let rows = batch(vec![
        (
            "ts",
            Arc::new(TimestampNanosecondArray::from(vec![1_000, -1_000]).with_timezone("+02:00")),
        ),
        ("i4", ints(&[1, 2])),
        ("i2", ints(&[-1, 32_767])),
        ("n", decimals(4)),
        ("n2", decimals(2)),
        (
            "u",
            texts(&[
                "0190B0A0-0000-7000-8000-000000000000",
                "0190b0a0000070008000000000000001",
            ]),
        ),
        ("iv", texts(&["1 day", "2 hours"])),
        ("j", texts(&["{\"a\":  1}", "null"])),
        ("js", texts(&["{\"a\":  1}", "null"])),
        ("a", Arc::new(list)),
        ("v", texts(&["größe", ""])),
    ]);
    assert_eq!(
        append(&table, Mode::Append, vec![Ok(rows.clone()), Ok(rows.slice(1, 1))])
            .await
            .unwrap(),
        3
    );
    let found = shown(&format!("SELECT * FROM {table} ORDER BY i4")).await;
    let first = [
        "-1",
        "1",
        "1.2500",
        "125.00",
        "0190b0a0-0000-7000-8000-000000000000",
        "1 day",
        "{\"a\": 1}",
        "{\"a\":  1}",
        "[1, ]",
        "1970-01-01T00:00:00.000001",
        "größe",
        "7",
        "",
    ];
    assert_eq!(found[0], first);
    assert_eq!(found.len(), 3);
}

#[tokio::test]
async fn what_a_column_cannot_hold_is_refused_and_nothing_is_there() {
    let table = fresh("refused");
    admin(&format!(
        "CREATE TABLE {table} (i2 int2, ts timestamptz, iv interval, k int NOT NULL DEFAULT 1, CHECK (k > 0))"
    ))
    .await;
    let nanos: ArrayRef = Arc::new(TimestampNanosecondArray::from(vec![1]).with_timezone("UTC"));
    for (column, array, words) in [
        ("i2", ints(&[70_000]), "70000"),
        ("ts", nanos, "finer than microseconds"),
        ("iv", texts(&["soon"]), "soon"),
        ("k", ints(&[0]), "check constraint"),
        ("nowhere", ints(&[0]), "nowhere"),
    ] {
        let error = append(&table, Mode::Append, vec![Ok(batch(vec![(column, array)]))])
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
    let good = batch(vec![("i2", ints(&[1]))]);
    let broken = Err(Error::new(ErrorKind::Unavailable, "the rows broke off"));
    let error = append(&table, Mode::Append, vec![Ok(good), broken]).await.unwrap_err();
    assert_eq!(error.message(), "the rows broke off");
    assert!(shown(&format!("SELECT * FROM {table}")).await.is_empty());
}

fn instants(micros: [i64; 2]) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from(micros.to_vec()).with_timezone("UTC"))
}

/// The first row of each is kept whole, and the second would be rounded.
#[tokio::test]
async fn what_a_column_would_round_is_refused_with_its_row() {
    let table = fresh("rounded");
    admin(&format!(
        "CREATE TABLE {table} (seconds timestamp(0), millis timestamptz(3), list timestamptz(0)[], \
         n numeric(50,2), n2 numeric(10,2))"
    ))
    .await;
    let list = ListArray::from_iter_primitive::<TimestampMicrosecondType, _, _>([
        Some(vec![Some(0), None]),
        Some(vec![Some(0), Some(1_000_000), Some(1)]),
    ]);
    let decimals = Decimal128Array::from(vec![12_300, 12_345]).with_precision_and_scale(10, 4);
    let decimals: ArrayRef = Arc::new(decimals.unwrap());
    refused_in_row_2(
        &table,
        vec![
            ("seconds", instants([43_200_000_000, 43_200_600_000])),
            ("millis", instants([1_000, 1_001])),
            ("list", Arc::new(list)),
            ("n", decimals.clone()),
            ("n2", decimals),
        ],
    )
    .await;
    admin(&format!("DROP TABLE {table}")).await;
}

/// A cast would cut what is longer, and round what is finer.
#[tokio::test]
async fn what_a_cast_would_change_is_refused_with_its_row() {
    let (table, domain, upper) = (fresh("cast"), fresh("short"), fresh("upper"));
    admin(&format!(
        "CREATE DOMAIN {domain} AS varchar(3); CREATE DOMAIN {upper} AS {domain}; \
         CREATE TABLE {table} (v varchar(22), b bit(3), bs bit(3)[], t time(0), \
         tz timetz(1), iv interval(0), n numeric(50,2), d {domain}, u {upper}, us {upper}[])"
    ))
    .await;
    let lists = |items: [&str; 3]| {
        let item = Arc::new(Field::new_list_field(DataType::Utf8, true));
        let lists = ListArray::new(item, OffsetBuffer::from_lengths([1, 2]), texts(&items), None);
        Arc::new(lists) as ArrayRef
    };
    refused_in_row_2(
        &table,
        vec![
            ("v", instants([0, 600_000])),
            ("b", texts(&["101", "10101"])),
            ("bs", lists(["101", "111", "1"])),
            ("t", texts(&["12:00:00", "12:00:00.6"])),
            ("tz", texts(&["12:00:00.1+02", "12:00:00.12+02"])),
            ("iv", texts(&["1 second", "1.5 seconds"])),
            ("n", texts(&["1.2000", "1.2345"])),
            ("d", texts(&["abc", "abcd"])),
            ("u", texts(&["abc", "abcd"])),
            ("us", lists(["abc", "abc", "abcd"])),
        ],
    )
    .await;
    admin(&format!(
        "DROP TABLE {table}; DROP DOMAIN {upper}; DROP DOMAIN {domain}"
    ))
    .await;
}

/// What a type is called says nothing: a domain may be called like another type.
#[tokio::test]
async fn an_instant_is_no_time_of_day() {
    let (table, point, day, upper) = (fresh("days"), fresh("timepoint"), fresh("tod"), fresh("timestamp"));
    admin(&format!(
        "CREATE DOMAIN {point} AS timestamptz; CREATE DOMAIN {day} AS time; CREATE DOMAIN {upper} AS {day}; \
         CREATE TABLE {table} (p {point}, t time(0), tz timetz, d {day}, u {upper})"
    ))
    .await;
    let instants_into = async |column| {
        let rows = batch(vec![(column, instants([0, 1]))]);
        append(&table, Mode::Append, vec![Ok(rows)]).await
    };
    for column in ["t", "tz", "d", "u"] {
        let error = instants_into(column).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        assert!(error.to_string().contains("keeps no day"), "{error}");
    }
    assert_eq!(instants_into("p").await.unwrap(), 2);
    admin(&format!(
        "DROP TABLE {table}; DROP DOMAIN {point}; DROP DOMAIN {upper}; DROP DOMAIN {day}"
    ))
    .await;
}

/// Appends each column alone: both rows are refused for the second, the first is taken.
async fn refused_in_row_2(table: &str, columns: Vec<(&str, ArrayRef)>) {
    let total = columns.len();
    for (column, array) in columns {
        let rows = batch(vec![(column, array)]);
        let error = offline_write(table, rows.clone()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        let told = error.to_string();
        assert!(
            told.contains(&format!("column `{column}`")) && told.contains("row 2"),
            "{told}"
        );
        let first = offline_write(table, rows.slice(0, 1)).await;
        assert_eq!(first.unwrap(), 1, "{column}");
    }
    assert_eq!(shown(&format!("SELECT 1 FROM {table}")).await.len(), total);
}

/// Waits until a connection is at such a statement.
async fn some_is_at(what: &str) {
    let query = format!("SELECT 1 FROM pg_stat_activity WHERE {what}");
    for _ in 0..600 {
        if !shown(&query).await.is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("nobody is at {what}");
}

#[tokio::test]
async fn of_two_that_make_one_table_at_once_one_is_refused() {
    let table = fresh("twice");
    let (first, second) = (batch(vec![("a", ints(&[1, 2]))]), batch(vec![("b", texts(&["x"]))]));
    let copying = format!("state = 'active' AND query LIKE 'COPY \"public\".\"{table}\"%'");
    let waiting = format!("wait_event_type = 'Lock' AND query LIKE 'CREATE TABLE \"public\".\"{table}\"%'");
    let schema = first.schema();
    let slow = stream::once(async move {
        some_is_at(&waiting).await;
        Ok(first)
    });
    let later = async {
        some_is_at(&copying).await;
        append(&table, Mode::Create, vec![Ok(second)]).await
    };
    let (made, refused) = tokio::join!(write(&table, Mode::Create, BatchStream::new(schema, slow)), later);
    assert_eq!(made.unwrap(), 2);
    let refused = refused.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidInput, "{refused}");
    assert!(refused.to_string().contains("meanwhile"), "{refused}");
    assert_eq!(
        shown(&format!("SELECT a FROM {table} ORDER BY a")).await,
        [["1"], ["2"]]
    );
}

#[tokio::test]
async fn a_table_that_is_not_there_takes_no_rows() {
    let missing = batch(vec![("a", ints(&[1]))]);
    let error = append(&fresh("missing"), Mode::Append, vec![Ok(missing)])
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}

#[tokio::test]
async fn partitions_take_rows_and_statistics_count_them() {
    let table = fresh("parted");
    admin(&format!(
        "CREATE TABLE {table} (a int8, b text) PARTITION BY RANGE (a); \
         CREATE TABLE {table}_1 PARTITION OF {table} FOR VALUES FROM (0) TO (10); \
         CREATE TABLE {table}_2 PARTITION OF {table} FOR VALUES FROM (10) TO (20); CREATE INDEX ON {table} (a, b)"
    ))
    .await;
    assert_eq!(
        append(&table, Mode::Append, vec![Ok(batch(vec![("a", ints(&[1, 11, 12]))]))])
            .await
            .unwrap(),
        3
    );
    let session = session(config()).await;
    let parts = ["public".to_owned(), table.clone()];
    assert_eq!(session.row_estimate(&parts).await.unwrap(), None);
    session.execute(&format!("ANALYZE {table}")).await.unwrap();
    assert_eq!(session.row_estimate(&parts).await.unwrap(), Some(3));
    assert!(session.has_index(&parts, &["a"]).await.unwrap());
    assert!(session.has_index(&parts, &["a", "b"]).await.unwrap());
    assert!(!session.has_index(&parts, &["b"]).await.unwrap());
    assert!(!session.has_index(&parts, &["a", "b", "c"]).await.unwrap());
    assert_eq!(
        session
            .row_estimate(&["public".to_owned(), "no".to_owned()])
            .await
            .unwrap(),
        None
    );
    assert!(
        session
            .explain(&format!("SELECT * FROM {table} WHERE a = 1"))
            .await
            .unwrap()
            .contains(&format!("{table}_1"))
    );
    session.close().await.unwrap();
}
