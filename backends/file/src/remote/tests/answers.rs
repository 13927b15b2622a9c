//! The client against a server that gives the answers that a test wants.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use hybrid_core::{ErrorKind, Result};
use hybrid_objects::{Client, Purpose};
use object_store::aws::AmazonS3Builder;

use super::super::Bucket;
use super::super::address::parse;
use super::{bucket, names};
use crate::listing::Listed;

/// A server that gives each request the same answer and counts them.
struct Server {
    endpoint: String,
    count: Arc<AtomicUsize>,
}

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
                let _: Vec<String> = lines
                    .map_while(|line| line.ok().filter(|line| !line.is_empty()))
                    .collect();
                let at = counter.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
                let (status, body) = answers[at];
                if !status.is_empty() {
                    let head = format!(
                        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                        body.len()
                    );
                    let _ = stream.write_all(format!("{head}{body}").as_bytes());
                }
            }
        });
        Self { endpoint, count }
    }

    fn list(&self) -> Result<(Vec<Listed>, bool)> {
        let address = parse("s3://bucket/folder/").unwrap();
        let builder = AmazonS3Builder::new()
            .with_access_key_id("AKIDTEST")
            .with_secret_access_key("very-secret");
        let made = Client::s3(builder, &address, Some(&self.endpoint), Purpose::Requests).unwrap();
        bucket(made.store, &address.url).list()
    }
}

const EMPTY: &str = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";

#[test]
fn what_a_server_says_becomes_a_kind() {
    for (answer, kind, says) in [
        (
            (
                "403 Forbidden",
                "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>",
            ),
            ErrorKind::PermissionDenied,
            "AccessDenied",
        ),
        (
            (
                "403 Forbidden",
                "<Error><Code>SignatureDoesNotMatch</Code><Message>no</Message><AWSAccessKeyId>AKIDTEST</AWSAccessKeyId></Error>",
            ),
            ErrorKind::Unauthenticated,
            "SignatureDoesNotMatch",
        ),
        (("401 Unauthorized", ""), ErrorKind::Unauthenticated, "401"),
        (
            (
                "404 Not Found",
                "<Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message></Error>",
            ),
            ErrorKind::NotFound,
            "bucket does not exist",
        ),
        (
            ("400 Bad Request", "<Error><Code>ExpiredToken</Code></Error>"),
            ErrorKind::Unauthenticated,
            "ExpiredToken",
        ),
        (("200 OK", EMPTY), ErrorKind::NotFound, "no object"),
    ] {
        let answers: &'static [_] = Box::leak(Box::new([answer]));
        let error = Server::start(answers).list().unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        let text = error.to_string();
        assert!(text.contains(says) && text.contains("`s3://bucket/folder/`"), "{text}");
        let text = format!("{text} {error:?}");
        assert!(!text.contains("very-secret") && !text.contains("AKIDTEST"), "{text}");
    }
}

#[test]
fn a_server_that_stumbles_is_asked_again_and_one_that_is_gone_is_given_up() {
    const PAGE: &str = "<ListBucketResult><Contents><Key>folder/a.csv</Key><Size>3</Size>\
        <LastModified>2024-01-01T00:00:00.000Z</LastModified><ETag>\"x\"</ETag></Contents></ListBucketResult>";
    let server = Server::start(&[("503 Slow Down", ""), ("", ""), ("200 OK", PAGE)]);
    assert_eq!(names(&server.list().unwrap().0), ["s3://bucket/folder/a.csv"]);
    assert_eq!(server.count.load(Ordering::SeqCst), 3);

    let error = Server::start(&[("503 Slow Down", "")]).list().unwrap_err();
    assert!(
        error.kind() == ErrorKind::Unavailable && error.is_retryable(),
        "{error}"
    );
    let error = Server::start(&[("", "")]).list().unwrap_err();
    assert!(
        error.kind() == ErrorKind::Unavailable && error.is_retryable(),
        "{error}"
    );
}

#[test]
fn endpoints_are_checked_and_not_shown_with_a_password() {
    for (endpoint, says) in [
        ("localhost:9000", "does not start with"),
        ("http://me:hunter2@host", "credentials"),
    ] {
        let error = Bucket::open("s3://b/x", Some(endpoint)).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Definition);
        assert!(
            error.to_string().contains(says) && !error.to_string().contains("hunter2"),
            "{error}"
        );
    }
}
