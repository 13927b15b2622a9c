//! The clients against a server that gives the answers that a test wants.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use hybrid_core::{Error, ErrorKind, Result};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use super::address::Address;
use super::{Bucket, Listed, runtime};
use crate::storage::Handle;

fn bucket(store: Arc<dyn ObjectStore>, url: &str) -> Bucket {
    Bucket {
        store,
        address: Address::parse(url).unwrap(),
    }
}

fn put(store: &Arc<InMemory>, key: &str, bytes: &'static [u8]) {
    let (store, key) = (Arc::clone(store), Path::parse(key).unwrap());
    runtime::block(async move {
        store.put(&key, bytes.into()).await.unwrap();
        Ok(())
    })
    .unwrap();
}

fn names(listed: &[Listed]) -> Vec<&str> {
    listed.iter().map(|file| file.name.as_str()).collect()
}

#[test]
fn one_object_a_folder_and_a_glob_are_listed() {
    let store = Arc::new(InMemory::new());
    for key in ["x/b.csv", "x/a=1/c.csv", "x/_success", "x", "y/b.csv"] {
        put(&store, key, b"k,v\n");
    }
    let list = |url: &str| bucket(Arc::clone(&store) as Arc<dyn ObjectStore>, url).list();
    let (files, single) = list("s3://b/y/b.csv").unwrap();
    assert!(single && names(&files) == ["s3://b/y/b.csv"]);
    assert!(list("s3://b/x").unwrap().1, "an object comes before a folder of its name");
    let (files, single) = list("s3://b/x/").unwrap();
    assert!(!single);
    assert_eq!(names(&files), ["s3://b/x/a=1/c.csv", "s3://b/x/b.csv"]);
    assert_eq!(files[0].partitions[0].column, "a");
    assert_eq!(names(&list("s3://b/*/b.csv").unwrap().0), ["s3://b/x/b.csv", "s3://b/y/b.csv"]);
    for nothing in ["s3://b/z", "s3://b/z/", "s3://b/x/*.parquet"] {
        assert_eq!(list(nothing).unwrap_err().kind(), ErrorKind::NotFound, "{nothing}");
    }
}

#[test]
fn an_object_that_was_replaced_is_not_mixed_with_the_old_one() {
    let store = Arc::new(InMemory::new());
    put(&store, "x.csv", b"0123456789");
    let (files, _) = bucket(Arc::clone(&store) as Arc<dyn ObjectStore>, "s3://b/x.csv").list().unwrap();
    let Handle::Remote(object) = &files[0].handle else { panic!("a local file") };
    assert_eq!(object.fetch(&[2..4, 8..10, 3..3]).unwrap(), ["23", "89", ""]);
    put(&store, "x.csv", b"abcdefghij");
    let error = object.fetch(&[2..4]).unwrap_err().downcast::<Error>().unwrap();
    assert!(error.kind() == ErrorKind::Unavailable && error.is_retryable());
    assert!(error.to_string().contains("`s3://b/x.csv` was replaced"), "{error}");
}

/// A server that gives each request the same answer and counts them.
#[cfg(feature = "s3")]
struct Server {
    endpoint: String,
    count: Arc<AtomicUsize>,
}

#[cfg(feature = "s3")]
impl Server {
    /// The answers in turn, the last one for ever; an empty one closes the connection.
    fn start(answers: &'static [(&'static str, &'static str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let count = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&count);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let _: Vec<String> = lines.map_while(|line| line.ok().filter(|line| !line.is_empty())).collect();
                let at = counter.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
                let (status, body) = answers[at];
                if !status.is_empty() {
                    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
                    let _ = stream.write_all(format!("{head}{body}").as_bytes());
                }
            }
        });
        Self { endpoint, count }
    }

    fn list(&self) -> Result<(Vec<Listed>, bool)> {
        let address = Address::parse("s3://bucket/folder/").unwrap();
        let builder = object_store::aws::AmazonS3Builder::new()
            .with_access_key_id("AKIDTEST")
            .with_secret_access_key("very-secret");
        let made = super::client::s3(builder, &address, Some(&self.endpoint)).unwrap();
        bucket(made.store, &address.url).list()
    }
}

#[cfg(feature = "s3")]
const EMPTY: &str = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";

#[cfg(feature = "s3")]
#[test]
fn what_a_server_says_becomes_a_kind() {
    let secrets = Mutex::new(Vec::new());
    for (answer, kind, says) in [
        (("403 Forbidden", "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"), ErrorKind::PermissionDenied, "AccessDenied"),
        (("403 Forbidden", "<Error><Code>SignatureDoesNotMatch</Code><Message>no</Message><AWSAccessKeyId>AKIDTEST</AWSAccessKeyId></Error>"), ErrorKind::Unauthenticated, "SignatureDoesNotMatch"),
        (("401 Unauthorized", ""), ErrorKind::Unauthenticated, "401"),
        (("404 Not Found", "<Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message></Error>"), ErrorKind::NotFound, "bucket does not exist"),
        (("400 Bad Request", "<Error><Code>ExpiredToken</Code></Error>"), ErrorKind::Unauthenticated, "ExpiredToken"),
        (("200 OK", EMPTY), ErrorKind::NotFound, "no object"),
    ] {
        let answers: &'static [_] = Box::leak(Box::new([answer]));
        let error = Server::start(answers).list().unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        let text = error.to_string();
        assert!(text.contains(says) && text.contains("`s3://bucket/folder/`"), "{text}");
        secrets.lock().unwrap().push(format!("{text} {error:?}"));
    }
    for text in secrets.into_inner().unwrap() {
        assert!(!text.contains("very-secret") && !text.contains("AKIDTEST"), "{text}");
    }
}

#[cfg(feature = "s3")]
#[test]
fn a_server_that_stumbles_is_asked_again_and_one_that_is_gone_is_given_up() {
    const PAGE: &str = "<ListBucketResult><Contents><Key>folder/a.csv</Key><Size>3</Size>\
        <LastModified>2024-01-01T00:00:00.000Z</LastModified><ETag>\"x\"</ETag></Contents></ListBucketResult>";
    let server = Server::start(&[("503 Slow Down", ""), ("", ""), ("200 OK", PAGE)]);
    assert_eq!(names(&server.list().unwrap().0), ["s3://bucket/folder/a.csv"]);
    assert_eq!(server.count.load(Ordering::SeqCst), 3);

    let error = Server::start(&[("503 Slow Down", "")]).list().unwrap_err();
    assert!(error.kind() == ErrorKind::Unavailable && error.is_retryable(), "{error}");
    let error = Server::start(&[("", "")]).list().unwrap_err();
    assert!(error.kind() == ErrorKind::Unavailable && error.is_retryable(), "{error}");
}

#[cfg(feature = "s3")]
#[test]
fn endpoints_are_checked_and_not_shown_with_a_password() {
    use crate::location::Scheme;
    for (endpoint, says) in [("localhost:9000", "does not start with"), ("http://me:hunter2@host", "credentials")] {
        let error = Bucket::open(Scheme::S3, "s3://b/x", Some(endpoint)).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Definition);
        assert!(error.to_string().contains(says) && !error.to_string().contains("hunter2"), "{error}");
    }
}

/// A finished local file of `size` bytes.
fn finished(size: u64) -> std::fs::File {
    let mut file = tempfile::tempfile().unwrap();
    let bytes: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
    file.write_all(&bytes).unwrap();
    file
}

/// Uploads to a server that `scripts/test s3` starts.
#[cfg(feature = "s3")]
#[tokio::test]
#[ignore = "needs an S3 server: scripts/test s3"]
async fn files_are_uploaded_whole_and_never_over_another() {
    use crate::location::Scheme;
    let variable = |name: &str| std::env::var(name).unwrap();
    let endpoint = variable("HYBRID_S3_ENDPOINT");
    let unique = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos();
    let url = format!("s3://{}/upload-{unique}/", variable("HYBRID_S3_BUCKET"));
    let put = |name: &'static str, size| super::put_file(Scheme::S3, &url, Some(&endpoint), name, finished(size));
    let large = 40 << 20;
    put("a=1/small.csv", 1000).await.unwrap();
    put("large.csv", large).await.unwrap();
    put("empty.csv", 0).await.unwrap();
    // The same bytes again: the answer to the first request may have been lost.
    put("a=1/small.csv", 1000).await.unwrap();
    let error = put("a=1/small.csv", 1001).await.unwrap_err();
    assert!(error.kind() == ErrorKind::InvalidInput && error.to_string().contains("small.csv"), "{error}");

    let (files, _) = Bucket::open(Scheme::S3, &url, Some(&endpoint)).unwrap().list().unwrap();
    let sizes: Vec<u64> = files.iter().map(|file| file.handle.open(&file.name).unwrap().size()).collect();
    assert_eq!(sizes, [1000, 0, large]);
    let Handle::Remote(object) = &files[2].handle else { panic!("a local file") };
    let whole = object.fetch(&[0..large]).unwrap().remove(0);
    assert!(whole.iter().enumerate().all(|(at, byte)| *byte == (at % 251) as u8));
}

#[cfg(feature = "s3")]
#[tokio::test]
#[ignore = "needs an S3 server: scripts/test s3"]
async fn an_upload_whose_caller_goes_away_leaves_nothing() {
    use crate::location::Scheme;
    use object_store::aws::AmazonS3Builder;
    let bucket = std::env::var("HYBRID_S3_BUCKET").unwrap();
    let endpoint = std::env::var("HYBRID_S3_ENDPOINT").unwrap();
    let url = format!("s3://{bucket}/dropped");
    let upload = super::put_file(Scheme::S3, &url, Some(&endpoint), "x.csv", finished(64 << 20));
    let _ = tokio::time::timeout(std::time::Duration::from_millis(20), upload).await;
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    let store = AmazonS3Builder::from_env().with_bucket_name(&bucket).build().unwrap();
    assert!(store.head(&Path::from("dropped/x.csv")).await.is_err());
}
