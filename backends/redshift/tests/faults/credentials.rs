//! AWS credentials: the profile's, renewed as they expire, and never shown.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use arrow::array::RecordBatch;
use hybrid_core::ErrorKind;
use hybrid_core::sql::{SqlSession, SqlStore};
use hybrid_store_redshift::RedshiftConfig;

use super::proxy::{Harm, Proxy};
use crate::common::{connection, data_api, numbers, rows, session, staged, store, variable};

const QUERY: &str = "SELECT x FROM generate_series(1, 3000) AS g(x)";

/// How often the keys of a profile were asked for.
fn asked(profile: &str) -> usize {
    let log = std::fs::read_to_string(variable("CREDENTIALS_LOG")).unwrap_or_default();
    log.lines().filter(|line| *line == profile).count()
}

/// Whether a request reads an object; a sweep lists at any time.
fn is_read(what: &str) -> bool {
    what.starts_with("GET") && !what.contains("list-type")
}

/// With the keys of a profile, and S3 behind a proxy.
fn proxied(profile: &str, proxy: &Proxy) -> RedshiftConfig {
    let mut config = data_api();
    config.profile = Some(profile.to_owned());
    config.s3_endpoint = Some(proxy.url.clone());
    config
}

#[tokio::test]
async fn credentials_that_expire_are_renewed_during_a_query() {
    let mut config = data_api();
    config.profile = Some("refreshing".to_owned());
    let before = asked("refreshing");
    rows(config, QUERY).await.unwrap();
    let times = asked("refreshing") - before;
    assert!(times > 3, "the program was asked {times} times");
}

#[tokio::test]
async fn credentials_that_s3_calls_expired_are_renewed_at_once() {
    for code in [
        "ExpiredToken",
        "ExpiredTokenException",
        "RequestExpired",
        "InvalidToken",
    ] {
        let (reads, refused) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
        let counted = Arc::clone(&refused);
        // An upload, its deletion, the manifest of a result, and one of the files while it is read.
        let proxy = Proxy::before(&variable("S3"), move |what, before| {
            let is_refused = match is_read(what) {
                true => [0, 4].contains(&reads.fetch_add(1, Ordering::Relaxed)),
                false => before == 0 && !what.starts_with("GET"),
            };
            is_refused.then(|| {
                counted.fetch_add(1, Ordering::Relaxed);
                Harm::Refused(400, code)
            })
        })
        .await;
        let (config, before) = (proxied("lasting", &proxy), asked("lasting"));
        let session = session(config.clone()).await;
        let table = session.upload(numbers(5000)).await.unwrap();
        let read = session.query(&format!("SELECT * FROM {table}")).await.unwrap();
        let read = read.collect().await.unwrap();
        session.close().await.unwrap();
        assert_eq!(read.iter().map(RecordBatch::num_rows).sum::<usize>(), 5000, "{code}");
        // Once to begin with, and at most once for each refusal: one renewal may do for several.
        let (renewed, refused) = (asked("lasting") - before - 1, refused.load(Ordering::Relaxed));
        assert!((1..=refused).contains(&renewed), "{code}: {renewed} for {refused}");
        assert_eq!(staged(&config).await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn credentials_that_stay_expired_are_told() {
    let reads = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&reads);
    let proxy = Proxy::before(&variable("S3"), move |what, _| {
        is_read(what).then(|| {
            counted.fetch_add(1, Ordering::Relaxed);
            Harm::Refused(400, "ExpiredToken")
        })
    })
    .await;
    let mut config = data_api();
    config.s3_endpoint = Some(proxy.url.clone());
    let error = rows(config, QUERY).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
    assert!(error.is_retryable() && error.to_string().contains("expired"), "{error}");
    assert_eq!(reads.load(Ordering::Relaxed), 2);
}

/// Puts another key into the file of keys.
fn rotate(from: &str, to: &str) {
    let file = std::env::var("AWS_SHARED_CREDENTIALS_FILE").unwrap();
    let keys = std::fs::read_to_string(&file).unwrap().replace(from, to);
    let new = format!("{file}.new");
    std::fs::write(&new, keys).unwrap();
    // Other tests, which read it too, find it whole.
    std::fs::rename(new, &file).unwrap();
}

#[tokio::test]
async fn keys_in_a_file_are_read_again_when_they_have_expired() {
    rotate("AKIDNEW", "AKIDOLD");
    let keys: Arc<Mutex<Vec<String>>> = Arc::default();
    let noted = Arc::clone(&keys);
    let proxy = Proxy::before(&variable("S3"), move |what, _| {
        let (_, key) = what.rsplit_once(' ').filter(|_| is_read(what))?;
        noted.lock().unwrap().push(key.to_owned());
        (key == "AKIDOLD").then(|| {
            rotate("AKIDOLD", "AKIDNEW");
            Harm::Refused(400, "ExpiredToken")
        })
    })
    .await;
    let read = rows(proxied("rotated", &proxy), QUERY).await.unwrap();
    assert_eq!(read.iter().map(RecordBatch::num_rows).sum::<usize>(), 3000);
    let keys = keys.lock().unwrap();
    for key in ["AKIDOLD", "AKIDNEW"] {
        assert!(keys.iter().any(|used| used == key), "{keys:?}");
    }
}

#[tokio::test]
async fn roles_are_taken_with_keys_or_with_a_web_identity() {
    for profile in ["role", "web-identity"] {
        let keys: Arc<Mutex<Vec<String>>> = Arc::default();
        let noted = Arc::clone(&keys);
        let proxy = Proxy::before(&variable("S3"), move |what, _| {
            let (_, key) = what.rsplit_once(' ').filter(|_| is_read(what))?;
            noted.lock().unwrap().push(key.to_owned());
            None
        })
        .await;
        let read = rows(proxied(profile, &proxy), QUERY).await.unwrap();
        assert_eq!(read.iter().map(RecordBatch::num_rows).sum::<usize>(), 3000);
        let keys = keys.lock().unwrap();
        // What STS gives for a while begins so.
        assert!(
            !keys.is_empty() && keys.iter().all(|key| key.starts_with("ASIA")),
            "{profile}: {keys:?}"
        );
    }
}

#[tokio::test]
async fn a_profile_that_is_not_there_is_told() {
    let mut config = data_api();
    config.profile = Some("no-such-profile".to_owned());
    let error = store(config).await.ping().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
    assert!(error.to_string().contains("no-such-profile"), "{error}");
}

#[tokio::test]
async fn secrets_are_not_shown() {
    let mut config = connection();
    config.password = Some("wrong-and-secret".into());
    let error = store(config).await.ping().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
    assert!(!format!("{error} {error:?}").contains("wrong-and-secret"), "{error}");
}
