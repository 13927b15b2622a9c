#![allow(clippy::unwrap_used)]

use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use futures::TryStreamExt;
use object_store::PutPayload;
use object_store::aws::AmazonS3Builder;
use object_store::memory::InMemory;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// More than fits into one part, in pieces of which none is one.
const PIECES: usize = 3;
const PIECE: usize = 11 << 20;

/// A folder of a bucket in memory.
pub(super) fn in_memory() -> (Arc<InMemory>, Arc<Objects>) {
    let store = Arc::new(InMemory::new());
    let client = Client::without_credentials(Arc::clone(&store) as Arc<dyn ObjectStore>);
    let address = Address::parse("s3://bucket/stage").unwrap().unwrap();
    (store, Arc::new(Objects { client, address }))
}

async fn keys(store: &InMemory) -> Vec<String> {
    let found: Vec<_> = store.list(None).try_collect().await.unwrap();
    let mut keys: Vec<String> = found.into_iter().map(|object| object.location.to_string()).collect();
    keys.sort();
    keys
}

#[tokio::test]
async fn an_object_is_there_whole_when_it_is_done() {
    let (store, objects) = in_memory();
    for (pieces, size) in [(1, 10), (PIECES, PIECE), (2, 16 << 20)] {
        let (upload, mut feed) = objects.begin("x");
        for piece in 0..pieces {
            feed.put(vec![u8::try_from(piece).unwrap(); size]).await.unwrap();
            assert!(keys(&store).await.is_empty());
        }
        feed.end().await.unwrap();
        assert_eq!(keys(&store).await, ["stage/x/rows.parquet"]);
        assert_eq!(upload.url(), "s3://bucket/stage/x");
        let found = store.get(&objects.object("x")).await.unwrap().bytes().await.unwrap();
        assert_eq!(found.len(), pieces * size);
        for (piece, bytes) in found.chunks(size).enumerate() {
            assert!(bytes.iter().all(|byte| usize::from(*byte) == piece), "{piece}");
        }
        upload.remove().await.unwrap();
        assert!(keys(&store).await.is_empty());
    }
}

#[tokio::test]
async fn what_is_given_up_is_not_there() {
    let (store, objects) = in_memory();
    for pieces in [0, 1, PIECES] {
        let (upload, mut feed) = objects.begin("x");
        for _ in 0..pieces {
            feed.put(vec![7; PIECE]).await.unwrap();
        }
        // Also while somebody still writes.
        upload.remove().await.unwrap();
        assert_eq!(feed.end().await.unwrap_err().kind(), ErrorKind::Cancelled);
        assert!(keys(&store).await.is_empty());
    }
}

#[tokio::test]
async fn only_our_old_folders_are_swept() {
    let (store, objects) = in_memory();
    let id = "0f8fad5bd9cb469fa16570867728950e";
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let (old, young) = (format!("hybrid_tmp_1000_{id}"), format!("hybrid_tmp_{now}_{id}"));
    let mut stay = Vec::new();
    for key in [
        format!("stage/{young}/rows.parquet"),
        format!("stage/{old}/rows.parquet"),
        format!("stage/mine/{old}/rows.parquet"),
        format!("{old}/rows.parquet"),
        "stage/hybrid_tmp_1_mine/rows.parquet".to_owned(),
        "stage/drivers.parquet".to_owned(),
    ] {
        store
            .put(&key.as_str().into(), PutPayload::from_static(b"x"))
            .await
            .unwrap();
        if !key.starts_with(&format!("stage/{old}")) {
            stay.push(key);
        }
    }
    stay.sort();
    objects.sweep(86_400).await;
    assert_eq!(keys(&store).await, stay);
}

/// A status and a body, by what is asked and how often it was asked before; of a HEAD the body is how long the object is. No
/// status is no answer at all.
type Answer = fn(&str, usize) -> (&'static str, &'static str);

/// A server that takes everything.
const ACCEPTED: Answer = |request, _| match request.split_once(' ') {
    Some(("POST", path)) if path.contains("?uploads") => (
        "200 OK",
        "<InitiateMultipartUploadResult><UploadId>7</UploadId></InitiateMultipartUploadResult>",
    ),
    Some(("POST", path)) if path.ends_with("?delete") => (
        "200 OK",
        "<DeleteResult><Deleted><Key>stage/x/rows.parquet</Key></Deleted></DeleteResult>",
    ),
    Some(("DELETE", _)) => ("204 No Content", ""),
    Some(("HEAD", _)) => ("404 Not Found", ""),
    _ => ("200 OK", ""),
};

/// How often a request that begins like this was made.
fn count(asked: &Mutex<Vec<String>>, start: &str) -> usize {
    let asked = asked.lock().unwrap();
    asked.iter().filter(|request| request.starts_with(start)).count()
}

/// Sends a few pieces, until one is refused.
async fn sent(mut feed: Feed) -> Result<()> {
    for _ in 0..PIECES {
        feed.put(vec![7; PIECE]).await?;
    }
    feed.end().await
}

/// S3 as a server plays it that writes down what it is asked.
async fn server(answer: Answer) -> (Arc<Objects>, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answered(stream, answer, Arc::clone(&noted)));
        }
    });
    let builder = AmazonS3Builder::new()
        .with_region("us-east-1")
        .with_access_key_id("AKIDWRONG")
        .with_secret_access_key("hunter2");
    let address = Address::parse("s3://bucket/stage").unwrap().unwrap();
    let client = Client::s3(builder, &address.at, Some(&endpoint), Purpose::Uploads).unwrap();
    (Arc::new(Objects { client, address }), asked)
}

/// Reads one request and answers it.
async fn answered(stream: TcpStream, answer: Answer, asked: Arc<Mutex<Vec<String>>>) {
    let (mut stream, mut line) = (BufReader::new(stream), String::new());
    stream.read_line(&mut line).await.unwrap();
    let request: Vec<&str> = line.split(' ').take(2).collect();
    let request = request.join(" ");
    let mut length = 0;
    loop {
        let mut header = String::new();
        stream.read_line(&mut header).await.unwrap();
        let Some((name, value)) = header.split_once(':') else {
            break;
        };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().unwrap();
        }
    }
    stream.read_exact(&mut vec![0; length]).await.unwrap();
    let before = asked.lock().unwrap().iter().filter(|known| **known == request).count();
    let (status, body) = answer(&request, before);
    asked.lock().unwrap().push(request.clone());
    if status.is_empty() {
        std::future::pending::<()>().await;
    }
    let (length, body) = match request.starts_with("HEAD") {
        true => (body.parse().unwrap_or_default(), ""),
        false => (body.len(), body),
    };
    // The client wants one of each part.
    let head = format!("HTTP/1.1 {status}\r\netag: \"x\"\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    stream.write_all((head + body).as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
}

#[tokio::test]
async fn a_part_that_is_refused_takes_the_others_back() {
    let answer: Answer = |request, before| match request.starts_with("PUT") {
        true => ("403 Forbidden", "<Error><Code>AccessDenied</Code></Error>"),
        false => ACCEPTED(request, before),
    };
    let (objects, asked) = server(answer).await;
    let (upload, feed) = objects.begin("x");
    let error = sent(feed).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    assert!(error.to_string().contains("s3:AbortMultipartUpload"), "{error}");
    upload.remove().await.unwrap();
    assert_eq!(
        count(&asked, "POST /bucket/stage/x/rows.parquet?uploads"),
        1,
        "{asked:?}"
    );
    assert_eq!(
        count(&asked, "DELETE /bucket/stage/x/rows.parquet?uploadId=7"),
        1,
        "{asked:?}"
    );
}

#[tokio::test]
async fn what_is_given_up_in_the_middle_sends_no_more_and_takes_its_parts_back() {
    // The parts are on their way until they are given up.
    let answer: Answer = |request, before| match request.starts_with("PUT") {
        true => ("", ""),
        false => ACCEPTED(request, before),
    };
    let (objects, asked) = server(answer).await;
    let (upload, mut feed) = objects.begin("x");
    feed.put(vec![7; 8 * (16 << 20)]).await.unwrap();
    let begun = async {
        while count(&asked, "PUT") == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), begun).await.unwrap();
    let removed = tokio::time::timeout(Duration::from_secs(10), upload.remove()).await;
    removed.unwrap().unwrap();
    assert_eq!(feed.end().await.unwrap_err().kind(), ErrorKind::Cancelled);
    assert!(count(&asked, "PUT") <= 4, "{asked:?}");
    assert_eq!(
        count(&asked, "DELETE /bucket/stage/x/rows.parquet?uploadId=7"),
        1,
        "{asked:?}"
    );
}

/// A server that does not remember what it has completed.
fn forgetful(request: &str, before: usize) -> (&'static str, &'static str) {
    match (request.ends_with("?uploadId=7") && request.starts_with("POST"), before) {
        (true, 0) => ("504 Gateway Timeout", ""),
        (true, _) => ("404 Not Found", "<Error><Code>NoSuchUpload</Code></Error>"),
        _ => ACCEPTED(request, before),
    }
}

#[tokio::test]
async fn an_object_is_done_when_only_the_answer_was_lost() {
    let there: Answer = |request, before| match request.starts_with("HEAD") {
        true => ("200 OK", "34603008"),
        false => forgetful(request, before),
    };
    let (objects, asked) = server(there).await;
    let (upload, feed) = objects.begin("x");
    sent(feed).await.unwrap();
    assert_eq!(
        count(&asked, "POST /bucket/stage/x/rows.parquet?uploadId=7"),
        2,
        "{asked:?}"
    );
    assert_eq!(count(&asked, "DELETE"), 0, "{asked:?}");
    upload.remove().await.unwrap();
    assert_eq!(count(&asked, "POST /bucket?delete"), 1, "{asked:?}");

    let other: Answer = |request, before| match request.starts_with("HEAD") {
        true => ("200 OK", "7"),
        false => forgetful(request, before),
    };
    for answer in [forgetful as Answer, other] {
        let (objects, asked) = server(answer).await;
        let (upload, feed) = objects.begin("x");
        let error = sent(feed).await.unwrap_err();
        assert!(
            error.kind() == ErrorKind::Unavailable && error.is_retryable(),
            "{error}"
        );
        assert!(error.to_string().contains("NoSuchUpload"), "{error}");
        upload.remove().await.unwrap();
        assert_eq!(count(&asked, "POST /bucket?delete"), 1, "{asked:?}");
    }
}

#[tokio::test]
async fn what_is_there_and_cannot_be_removed_is_told() {
    let answer: Answer = |request, before| match request.ends_with("?delete") {
        true => ("403 Forbidden", "<Error><Code>AccessDenied</Code></Error>"),
        false => ACCEPTED(request, before),
    };
    let (objects, _) = server(answer).await;
    let (upload, mut feed) = objects.begin("x");
    feed.put(vec![7; 10]).await.unwrap();
    feed.end().await.unwrap();
    let error = upload.remove().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    assert!(error.to_string().contains("`s3://bucket/stage/x` stay"), "{error}");
}

#[tokio::test]
async fn what_a_store_refuses_is_told_with_the_location_and_without_secrets() {
    let wrong_key: Answer = |_, _| {
        let body = "<Error><Code>InvalidAccessKeyId</Code><Message>No such key.</Message></Error>";
        ("403 Forbidden", body)
    };
    let no_bucket: Answer = |_, _| ("404 Not Found", "<Error><Code>NoSuchBucket</Code></Error>");
    let denied: Answer = |_, _| ("403 Forbidden", "<Error><Code>AccessDenied</Code></Error>");
    for (answer, kind, says) in [
        (wrong_key, ErrorKind::Unauthenticated, "AWS_ACCESS_KEY_ID"),
        (no_bucket, ErrorKind::NotFound, "check the bucket"),
        (denied, ErrorKind::PermissionDenied, "must be allowed to write"),
    ] {
        let (objects, _) = server(answer).await;
        objects.check().await.unwrap();
        let (upload, mut feed) = objects.begin("x");
        feed.put(vec![7; 10]).await.unwrap();
        let error = feed.end().await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        let text = format!("{error} {error:?}");
        assert!(
            text.contains("`staging`") && text.contains("`s3://bucket/stage`"),
            "{text}"
        );
        assert!(text.contains(says) && !text.contains("hunter2"), "{text}");
        upload.remove().await.unwrap();
    }
}

#[test]
fn urls_are_of_folders() {
    for (url, root, folder) in [
        ("s3://b/a/b/", "s3://b", "a/b"),
        ("S3A://b", "s3a://b", ""),
        ("gs://b/x", "gs://b", "x"),
        ("az://c/x y", "az://c", "x y"),
    ] {
        let address = Address::parse(url).unwrap().unwrap();
        assert_eq!(
            (address.at.root.as_str(), address.folder.as_ref()),
            (root, folder),
            "{url}"
        );
    }
    for url in [
        "s3://",
        "s3:///x",
        "s3://me@b/x",
        "s3://b//x",
        "s3://b/../x",
        "az://c/x?sig=1",
    ] {
        assert_eq!(Address::parse(url).unwrap_err().kind(), ErrorKind::Config, "{url}");
    }
    for url in ["/mnt/stage", "local:///stage", "hdfs://h/x"] {
        assert_eq!(Address::parse(url).unwrap(), None, "{url}");
    }
}
