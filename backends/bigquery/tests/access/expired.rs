use hybrid_core::ErrorKind;
use serde_json::{Value, json};

use super::tokens::{ask, authorizations, token, user, with_file};
use crate::common::proxy::{Act, Proxy};
use crate::common::rest;

#[tokio::test]
async fn a_token_that_ends_on_its_way_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let tokens = Proxy::start(&rest()).await;
    tokens.rule("HTTP/1.1", 1, token("first"));
    tokens.rule("HTTP/1.1", usize::MAX, token("second"));
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
    let error = ask(config).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (ErrorKind::Unauthenticated, false),
        "{error}"
    );
    assert!(error.to_string().contains("gcloud auth"), "{error}");
}
