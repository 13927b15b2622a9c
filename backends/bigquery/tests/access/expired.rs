use std::path::Path;

use hybrid_core::{Error, ErrorKind};
use hybrid_store_bigquery::BigQueryConfig;
use serde_json::{Value, json};
use tonic::Code;

use super::tokens::{ask, authorizations, token, user, with_file};
use crate::common::gate::Gate;
use crate::common::proxy::{Act, Proxy};
use crate::common::{connect, integers, rest, rows, storage, thousands};

/// A server of tokens: the first one, and the second one from then on.
async fn two_tokens() -> Proxy {
    let tokens = Proxy::start(&rest()).await;
    tokens.rule("HTTP/1.1", 1, token("first"));
    tokens.rule("HTTP/1.1", usize::MAX, token("second"));
    tokens
}

/// The Storage API behind a gate, asked with these tokens.
async fn gated(folder: &Path, tokens: &Proxy) -> (Gate, BigQueryConfig) {
    let gate = Gate::start(&storage()).await;
    let (_, mut config) = with_file(folder, &user(tokens)).await;
    config.storage_endpoint = Some(gate.url());
    (gate, config)
}

/// What the calls of a method said of who asks.
fn bearers(gate: &Gate, method: &str) -> Vec<String> {
    let calls = gate.seen(method).into_iter();
    calls.map(|call| call.authorization).collect()
}

fn assert_refused(error: &Error) {
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (ErrorKind::Unauthenticated, false),
        "{error}"
    );
    assert!(error.to_string().contains("gcloud auth"), "{error}");
}

#[tokio::test]
async fn a_token_that_ends_on_its_way_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let tokens = two_tokens().await;
    let (proxy, config) = with_file(folder.path(), &user(&tokens)).await;
    let expired = json!({"error": {"code": 401, "message": "Request had invalid authentication credentials.", "errors": [{"reason": "authError"}], "status": "UNAUTHENTICATED"}});
    // While the job runs.
    let running = |job: &mut Value| job["status"] = json!({"state": "RUNNING"});
    proxy.rule("POST /bigquery/v2/projects/hybrid/jobs HTTP", 1, Act::Change(running));
    let look = "GET /bigquery/v2/projects/hybrid/jobs/";
    proxy.rule(look, 1, Act::Answer(401, expired.to_string()));
    assert_eq!(ask(config.clone()).await.unwrap(), 1);
    let seen = authorizations(&proxy);
    assert_eq!(seen.first().unwrap(), "Bearer first");
    assert_eq!(seen.last().unwrap(), "Bearer second", "{seen:?}");
    assert_eq!(proxy.seen("SELECT 1 AS a").len(), 1);
    proxy.rule("/jobs", usize::MAX, Act::Answer(401, expired.to_string()));
    assert_refused(&ask(config).await.unwrap_err());
}

#[tokio::test]
async fn a_token_that_has_ended_when_a_result_is_asked_for_is_renewed() {
    let (folder, tokens) = (tempfile::tempdir().unwrap(), two_tokens().await);
    let (gate, config) = gated(folder.path(), &tokens).await;
    gate.refuse("CreateReadSession", 1, 0, Code::Unauthenticated);
    assert_eq!(ask(config).await.unwrap(), 1);
    assert_eq!(bearers(&gate, "CreateReadSession"), ["Bearer first", "Bearer second"]);
    assert_eq!(bearers(&gate, "ReadRows"), ["Bearer second"]);
    assert_eq!(tokens.seen("HTTP/1.1").len(), 2);
}

#[tokio::test]
async fn a_token_that_ends_in_the_middle_of_a_stream_is_renewed_and_the_stream_goes_on() {
    let (folder, tokens) = (tempfile::tempdir().unwrap(), two_tokens().await);
    let (gate, config) = gated(folder.path(), &tokens).await;
    let store = connect(config).await;
    gate.refuse("ReadRows", 1, 2, Code::Unauthenticated);
    let query = format!("{} ORDER BY n", thousands(100));
    let batches = rows(&store, &query).await.unwrap();
    assert!(integers(&batches) == (0..100_000).collect::<Vec<_>>());
    assert_eq!(bearers(&gate, "ReadRows"), ["Bearer first", "Bearer second"]);
    let came: i64 = batches[..2].iter().map(|batch| batch.num_rows() as i64).sum();
    let offsets: Vec<i64> = gate.seen("ReadRows").iter().map(|call| call.offset).collect();
    assert_eq!(offsets, [0, came]);
    assert!(came < 100_000, "one message held all rows");
    assert_eq!(tokens.seen("HTTP/1.1").len(), 2);
}

#[tokio::test]
async fn streams_whose_token_ends_together_ask_for_one_new_token() {
    let (folder, tokens) = (tempfile::tempdir().unwrap(), two_tokens().await);
    let (gate, config) = gated(folder.path(), &tokens).await;
    let store = connect(config).await;
    gate.refuse_of("ReadRows", "Bearer first", 1, Code::Unauthenticated);
    let mut found = integers(&rows(&store, &thousands(400)).await.unwrap());
    found.sort_unstable();
    assert!(found == (0..400_000).collect::<Vec<_>>(), "{} rows", found.len());
    let bearers = bearers(&gate, "ReadRows");
    let (ended, new): (Vec<_>, Vec<_>) = bearers.iter().partition(|bearer| *bearer == "Bearer first");
    // One that is opened late has the new token from the beginning.
    assert!((1..=4).contains(&ended.len()), "{bearers:?}");
    assert_eq!(new, ["Bearer second"; 4]);
    assert_eq!(tokens.seen("HTTP/1.1").len(), 2);
}

#[tokio::test]
async fn a_result_whose_new_token_is_refused_too_is_an_error() {
    for (method, after) in [("CreateReadSession", 0), ("ReadRows", 0), ("ReadRows", 2)] {
        let (folder, tokens) = (tempfile::tempdir().unwrap(), two_tokens().await);
        let (gate, config) = gated(folder.path(), &tokens).await;
        let store = connect(config).await;
        gate.refuse(method, 1, after, Code::Unauthenticated);
        gate.refuse(method, usize::MAX, 0, Code::Unauthenticated);
        let query = format!("{} ORDER BY n", thousands(100));
        assert_refused(&rows(&store, &query).await.unwrap_err());
        assert_eq!(bearers(&gate, method), ["Bearer first", "Bearer second"]);
        assert_eq!(tokens.seen("HTTP/1.1").len(), 2);
    }
}

#[tokio::test]
async fn an_account_that_may_not_read_results_is_told_which_role_it_needs() {
    for (method, after) in [("CreateReadSession", 0), ("ReadRows", 2)] {
        let (folder, tokens) = (tempfile::tempdir().unwrap(), two_tokens().await);
        let (gate, config) = gated(folder.path(), &tokens).await;
        let store = connect(config).await;
        gate.refuse(method, usize::MAX, after, Code::PermissionDenied);
        let query = format!("{} ORDER BY n", thousands(100));
        let error = rows(&store, &query).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.is_retryable()),
            (ErrorKind::PermissionDenied, false),
            "{error}"
        );
        assert!(error.to_string().contains("BigQuery Read Session User"), "{error}");
        assert_eq!(bearers(&gate, method), ["Bearer first"]);
    }
}
