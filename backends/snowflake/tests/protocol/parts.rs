//! Results whose rows lie on object storage.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use arrow::array::{Array, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::Int64Type;
use arrow::ipc::writer::StreamWriter;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::StreamExt;
use hybrid_core::ErrorKind;
use hybrid_core::sql::{SqlSession, SqlStore};
use serde_json::{Value, json};

use crate::common::scripted::{Answer, Asked, Scripted};
use crate::common::{config_at, connect, rows};

/// Rows from `first` on, as Arrow's stream.
fn stream(first: i64, count: i64) -> Vec<u8> {
    let numbers: Arc<dyn Array> = Arc::new(Int64Array::from_iter_values(first..first + count));
    let batch = RecordBatch::try_from_iter([("N", numbers)]).unwrap();
    let mut bytes = Vec::new();
    let mut writer = StreamWriter::try_new(&mut bytes, &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    drop(writer);
    bytes
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Ten rows in the answer, and ten in each of `parts` at `/part/PLACE` with that suffix.
fn result(port: &str, parts: i64, suffix: &str) -> Value {
    let chunks: Vec<Value> = (0..parts)
        .map(|place| {
            json!({"url": format!("http://{port}/part/{place}{suffix}"), "rowCount": 10, "uncompressedSize": 1 << 20, "compressedSize": 1})
        })
        .collect();
    json!({
        "queryId": "q1", "queryResultFormat": "arrow", "total": 10 + parts * 10, "qrmk": "result key",
        "rowtype": [{"name": "N", "type": "fixed", "precision": 38, "scale": 0}],
        "rowsetBase64": STANDARD.encode(stream(0, 10)), "chunks": chunks
    })
}

fn host(asked: &Asked) -> String {
    asked.headers.get("host").cloned().unwrap_or_default()
}

/// The place of a part that is asked for.
fn part(asked: &Asked) -> Option<i64> {
    asked.path().strip_prefix("/part/")?.parse().ok()
}

fn is_query(asked: &Asked) -> bool {
    asked.path() == "/queries/v1/query-request" && asked.sql().starts_with("SELECT N")
}

/// A server of a result of that many parts; `fault` answers for some requests of parts.
async fn server(parts: i64, fault: impl Fn(&Asked, i64, usize) -> Option<Answer> + Send + Sync + 'static) -> Scripted {
    Scripted::start(move |asked, before| {
        if is_query(asked) {
            return Some(Answer::data(result(&host(asked), parts, "?sign=old")));
        }
        if asked.path() == "/queries/q1/result" {
            return Some(Answer::data(result(&host(asked), parts, "?sign=new")));
        }
        let place = part(asked)?;
        let whole = || {
            let bytes = stream(10 + place * 10, 10);
            // Whatever the storage says of them, parts are packed or not.
            Answer::bytes(if place % 2 == 0 { packed(&bytes) } else { bytes }).after(Duration::from_millis(20))
        };
        Some(fault(asked, place, before).unwrap_or_else(whole))
    })
    .await
}

async fn numbers(server: &Scripted) -> hybrid_core::Result<Vec<i64>> {
    let mut config = config_at(server.port);
    config.retry_timeout = Some(5);
    let batches = rows(&connect(config).await, "SELECT N").await?;
    let values = batches
        .iter()
        .flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec());
    Ok(values.collect())
}

#[tokio::test]
async fn parts_come_in_parallel_and_in_order() {
    let server = server(20, |_, place, _| {
        // The first ones take longest.
        let bytes = stream(10 + place * 10, 10);
        let wait = Duration::from_millis(if place % 4 == 0 { 100 } else { 5 });
        Some(Answer::bytes(bytes).after(wait))
    })
    .await;
    assert_eq!(numbers(&server).await.unwrap(), (0..210).collect::<Vec<_>>());
    let most = server.most.load(Ordering::SeqCst);
    assert!((2..=4).contains(&most), "{most} at the same time");
    let asked = server.seen("/part/7").remove(0);
    assert_eq!(asked.headers["x-amz-server-side-encryption-customer-key"], "result key");
    assert!(
        !asked.headers.contains_key("authorization"),
        "storage is not told who asks"
    );
}

#[tokio::test]
async fn parts_that_fail_are_fetched_again() {
    let server = server(6, |_, place, before| match (place, before) {
        (1, 0) => Some(Answer::status(503)),
        (2, 0) => Some(Answer::bytes(stream(30, 10)).cut(50)),
        (3, 0) => Some(Answer::bytes(packed(&stream(40, 10))[..40].to_vec())),
        (4, 0) => Some(Answer::status(429)),
        (5, 0) => Some(Answer::bytes(stream(60, 9))),
        _ => None,
    })
    .await;
    assert_eq!(numbers(&server).await.unwrap(), (0..70).collect::<Vec<_>>());
    for place in 1..6 {
        assert_eq!(server.seen(&format!("/part/{place}")).len(), 2);
    }
    assert_eq!(server.statements().iter().filter(|sql| *sql == "SELECT N").count(), 1);
}

#[tokio::test]
async fn addresses_that_have_expired_are_asked_for_again() {
    // Several at the same time.
    let server = server(8, |asked, _, _| {
        let expired = Answer::status(403).after(Duration::from_millis(50));
        asked.target.contains("old").then_some(expired)
    })
    .await;
    assert_eq!(numbers(&server).await.unwrap(), (0..90).collect::<Vec<_>>());
    assert_eq!(server.seen("/queries/q1/result").len(), 1);
    assert_eq!(server.statements().iter().filter(|sql| *sql == "SELECT N").count(), 1);
}

#[tokio::test]
async fn a_part_that_stays_short_is_an_error() {
    let server = server(3, |_, place, _| (place == 1).then(|| Answer::bytes(stream(20, 4)))).await;
    let error = numbers(&server).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert!(error.to_string().contains("4 rows instead of 10"), "{error}");
}

#[tokio::test]
async fn rows_that_are_missing_in_the_answer_are_an_error() {
    let server = Scripted::start(|asked, _| {
        let mut result = result(&host(asked), 0, "");
        result["total"] = 12.into();
        is_query(asked).then(|| Answer::data(result))
    })
    .await;
    let error = numbers(&server).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert!(error.to_string().contains("10 rows instead of 12"), "{error}");
}

#[tokio::test]
async fn storage_that_is_away_is_an_error_in_time() {
    let server = server(3, |_, place, _| (place == 2).then(|| Answer::status(500))).await;
    let error = numbers(&server).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (ErrorKind::Unavailable, true),
        "{error}"
    );
    assert!(!error.to_string().contains("sign="), "{error}");
}

#[tokio::test]
async fn results_as_json_are_read_too() {
    let server = Scripted::start(|asked, _| {
        if let Some(place) = part(asked) {
            return Some(Answer::bytes(packed(format!("[\"{}\"],[null]", place + 2).as_bytes())));
        }
        let chunk = json!({"url": format!("http://{}/part/0", host(asked)), "rowCount": 2, "uncompressedSize": 9});
        is_query(asked).then(|| {
            Answer::data(json!({
                "queryResultFormat": "json", "total": 3, "rowset": [["1"]], "chunks": [chunk],
                "rowtype": [{"name": "N", "type": "fixed", "precision": 38, "scale": 0}]
            }))
        })
    })
    .await;
    let batches = rows(&connect(config_at(server.port)).await, "SELECT N").await.unwrap();
    let values: Vec<Option<i64>> = batches
        .iter()
        .flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().iter().collect::<Vec<_>>())
        .collect();
    assert_eq!(values, [Some(1), Some(2), None]);
}

#[tokio::test]
async fn a_stream_that_is_dropped_fetches_no_more() {
    let server = server(200, |_, _, _| None).await;
    let store = connect(config_at(server.port)).await;
    let session = store.session().await.unwrap();
    let mut rows = session.query("SELECT N").await.unwrap();
    rows.next().await.unwrap().unwrap();
    rows.next().await.unwrap().unwrap();
    drop(rows);
    session.close().await.unwrap();
    let fetched = (0..200)
        .filter(|place| !server.seen(&format!("/part/{place}")).is_empty())
        .count();
    assert!(fetched < 20, "{fetched}");
}
