use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use futures::{StreamExt, TryStreamExt};
use hybrid_conformance::until;
use hybrid_core::sql::{Append, Mode, SqlSession, SqlStore};
use hybrid_core::{BatchStream, ErrorKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::common::{config, fragile, fresh, pg_ctl, rows, session, store, variable};

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_in_the_middle_is_an_error_and_the_next_session_works() {
    let store = store(fragile()).await;
    let session = store.session().await.unwrap();
    let mut stream = session.query("SELECT generate_series(1, 2000000000)").await.unwrap();
    stream.try_next().await.unwrap().unwrap();
    let cluster = format!("{}/data", variable("HYBRID_POSTGRES_FRAGILE_DIR"));
    let restarted = tokio::task::spawn_blocking(move || pg_ctl(&cluster, &["restart", "-m", "immediate"]));
    assert!(restarted.await.unwrap());
    let error = loop {
        match stream.try_next().await {
            Ok(batch) => assert!(batch.is_some(), "a cut stream looks like a whole one"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    drop(stream);
    session.close().await.unwrap();
    let next = store.session().await.unwrap();
    next.query("SELECT 1").await.unwrap().collect().await.unwrap();
    next.close().await.unwrap();
}

/// A way to the server that can be cut.
async fn proxy() -> (u16, watch::Sender<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (cut, told) = watch::channel(false);
    let target = config().port;
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut told = told.clone();
            tokio::spawn(async move {
                let mut server = TcpStream::connect(("127.0.0.1", target)).await.unwrap();
                tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
                    _ = told.wait_for(|cut| *cut) => {}
                }
            });
        }
    });
    (port, cut)
}

#[tokio::test]
async fn a_cut_connection_is_an_error() {
    let (port, cut) = proxy().await;
    let mut config = config();
    config.port = port;
    let session = session(config).await;
    let mut stream = session.query("SELECT generate_series(1, 2000000000)").await.unwrap();
    stream.try_next().await.unwrap().unwrap();
    cut.send(true).unwrap();
    let error = loop {
        match stream.try_next().await {
            Ok(batch) => assert!(batch.is_some(), "a cut stream looks like a whole one"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    session.close().await.unwrap();
}

#[tokio::test]
async fn an_append_whose_connection_is_cut_leaves_nothing() {
    let table = fresh("cut");
    crate::common::admin(&format!("CREATE TABLE {table} (a int8)")).await;
    let (port, cut) = proxy().await;
    let mut config = config();
    config.port = port;
    let session = session(config).await;
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..100_000));
    let batch = RecordBatch::try_from_iter_with_nullable([("a", numbers, true)]).unwrap();
    let schema = batch.schema();
    let endless = futures::stream::unfold((0, cut), move |(count, cut)| {
        let batch = batch.clone();
        async move {
            if count == 5 {
                cut.send(true).unwrap();
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Some((Ok(batch), (count + 1, cut)))
        }
    });
    let append = Append {
        table: vec!["public".to_owned(), table.clone()],
        rows: BatchStream::new(schema, endless),
        mode: Mode::Append,
    };
    let error = session.append(append).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    session.close().await.unwrap();
    assert!(rows(&format!("SELECT * FROM {table} LIMIT 1")).await.is_empty());
}

/// A way to the server on which a COMMIT arrives, and its answer is lost.
async fn losing_proxy() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let target = config().port;
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(("127.0.0.1", target)).await.unwrap();
            let (mut from_client, mut to_client) = client.into_split();
            let (mut from_server, mut to_server) = server.into_split();
            let answers = tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
            tokio::spawn(async move {
                let mut bytes = vec![0; 1 << 16];
                while let Ok(read @ 1..) = from_client.read(&mut bytes).await {
                    if bytes[..read].windows(6).any(|word| word == b"COMMIT") {
                        answers.abort();
                    }
                    if to_server.write_all(&bytes[..read]).await.is_err() {
                        break;
                    }
                }
                // Time for the server to do what it was told last.
                tokio::time::sleep(Duration::from_millis(500)).await;
            });
        }
    });
    port
}

#[tokio::test]
async fn an_append_whose_commit_is_not_answered_is_not_to_be_tried_again() {
    let table = fresh("committed");
    crate::common::admin(&format!("CREATE TABLE {table} (a int8)")).await;
    let mut config = config();
    config.port = losing_proxy().await;
    let session = session(config).await;
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let batch = RecordBatch::try_from_iter_with_nullable([("a", numbers, true)]).unwrap();
    let append = Append {
        table: vec!["public".to_owned(), table.clone()],
        rows: BatchStream::from_batches(batch.schema(), vec![batch]),
        mode: Mode::Append,
    };
    let error = session.append(append).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (ErrorKind::Unavailable, false),
        "{error}"
    );
    assert!(error.message().contains("not known whether"), "{error}");
    session.close().await.unwrap();
    let query = format!("SELECT * FROM {table}");
    until("the row", async || !rows(&query).await.is_empty()).await;
}

#[tokio::test]
async fn a_dropped_append_leaves_nothing() {
    let table = fresh("dropped");
    crate::common::admin(&format!("CREATE TABLE {table} (a int8)")).await;
    let store = store(config()).await;
    let session = store.session().await.unwrap();
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..100_000));
    let batch = RecordBatch::try_from_iter_with_nullable([("a", numbers, true)]).unwrap();
    let schema = batch.schema();
    let rows_then_nothing = futures::stream::iter([Ok(batch)]).chain(futures::stream::pending());
    let append = Append {
        table: vec!["public".to_owned(), table.clone()],
        rows: BatchStream::new(schema, rows_then_nothing),
        mode: Mode::Append,
    };
    let outcome = tokio::time::timeout(Duration::from_millis(500), session.append(append)).await;
    assert!(outcome.is_err());
    session.close().await.unwrap();
    assert!(rows(&format!("SELECT * FROM {table} LIMIT 1")).await.is_empty());
    // No lock is left either.
    crate::common::admin(&format!("DROP TABLE {table}")).await;
}
