use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hybrid_core::ErrorKind;
use serde_json::{Value, json};

use super::tokens::{ask, authorizations, token, token_server, user, with_file};
use crate::common::proxy::{Act, Proxy};
use crate::common::{config, rest, variable};

#[tokio::test]
async fn an_authorized_user_asks_with_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let tokens = token_server(token("token-1")).await;
    let (proxy, config) = with_file(folder.path(), &user(&tokens)).await;
    assert_eq!(ask(config).await.unwrap(), 1);
    let seen = authorizations(&proxy);
    assert!(
        !seen.is_empty() && seen.iter().all(|value| value == "Bearer token-1"),
        "{seen:?}"
    );
    assert_eq!(tokens.seen("refresh-secret").len(), 1);
}

fn private_key() -> PathBuf {
    variable("HYBRID_BIGQUERY_KEY").into()
}

#[tokio::test]
async fn a_service_account_signs_for_itself() {
    let folder = tempfile::tempdir().unwrap();
    let account = json!({
        "type": "service_account", "project_id": "of-the-file", "private_key_id": "key-1",
        "private_key": std::fs::read_to_string(private_key()).unwrap(), "client_email": "me@of-the-file.iam.gserviceaccount.com",
        "client_id": "1", "token_uri": "https://oauth2.googleapis.com/token",
    });
    let (proxy, mut config) = with_file(folder.path(), &account).await;
    config.project_id = None;
    assert_eq!(ask(config).await.unwrap(), 1);
    let authorization = authorizations(&proxy).remove(0);
    let claims = authorization
        .strip_prefix("Bearer ")
        .unwrap()
        .split('.')
        .nth(1)
        .unwrap()
        .to_owned();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    assert_eq!(claims["iss"], "me@of-the-file.iam.gserviceaccount.com");
    assert!(claims["scope"].as_str().unwrap().contains("cloud-platform"));
    // The file also names the project.
    assert!(!proxy.seen("/projects/of-the-file/jobs").is_empty());
}

#[tokio::test]
#[ignore = "a process of its own, which the next test starts in another environment"]
async fn asks_with_the_default_credentials() {
    let mut config = config();
    (config.anonymous, config.project_id, config.retry_timeout) = (false, None, 10);
    config.api_endpoint = Some(variable("HYBRID_BIGQUERY_PROXY"));
    assert_eq!(ask(config).await.unwrap(), 1);
}

#[tokio::test]
async fn the_default_credentials_lie_where_googles_clients_look() {
    const NAMED: &str = "GOOGLE_APPLICATION_CREDENTIALS";
    let home = tempfile::tempdir().unwrap();
    let gcloud = home.path().join(".config/gcloud");
    std::fs::create_dir_all(&gcloud).unwrap();
    let known = gcloud.join("application_default_credentials.json");
    for (name, file) in [("known", known), ("named", home.path().join("named.json"))] {
        let (tokens, proxy) = (token_server(token(name)).await, Proxy::start(&rest()).await);
        let mut account = user(&tokens);
        account["quota_project_id"] = "of-the-file".into();
        std::fs::write(&file, account.to_string()).unwrap();
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "credentials::asks_with_the_default_credentials", "--ignored"]);
        for variable in [NAMED, "GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT", "CLOUDSDK_CONFIG"] {
            child.env_remove(variable);
        }
        child.env("HOME", home.path()).env("HYBRID_BIGQUERY_PROXY", proxy.url());
        if name == "named" {
            child.env(NAMED, &file);
        }
        let told = tokio::task::spawn_blocking(move || child.output()).await.unwrap();
        let told = told.unwrap();
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stdout));
        let (seen, expected) = (authorizations(&proxy), format!("Bearer {name}"));
        assert!(
            !seen.is_empty() && seen.iter().all(|said| *said == expected),
            "{seen:?}"
        );
        // The file also names the project.
        assert!(!proxy.seen("/projects/of-the-file/jobs").is_empty());
    }
}

#[tokio::test]
async fn an_external_account_trades_its_token() {
    let folder = tempfile::tempdir().unwrap();
    let subject = folder.path().join("subject");
    std::fs::write(&subject, "subject-secret").unwrap();
    let tokens = token_server(token("token-2")).await;
    let account = json!({
        "type": "external_account", "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "token_url": tokens.url(),
        "credential_source": {"file": subject},
    });
    let (proxy, config) = with_file(folder.path(), &account).await;
    assert_eq!(ask(config).await.unwrap(), 1);
    assert_eq!(authorizations(&proxy)[0], "Bearer token-2");
    assert_eq!(tokens.seen("subject-secret").len(), 1);
}

#[tokio::test]
async fn an_impersonated_account_asks_as_another() {
    let folder = tempfile::tempdir().unwrap();
    let tokens = token_server(token("token-3")).await;
    let account = json!({
        "type": "impersonated_service_account", "source_credentials": user(&tokens),
        "service_account_impersonation_url": format!("{}/v1/projects/-/serviceAccounts/other@p.iam.gserviceaccount.com:generateAccessToken", tokens.url()),
    });
    let (proxy, config) = with_file(folder.path(), &account).await;
    assert_eq!(ask(config).await.unwrap(), 1);
    assert_eq!(authorizations(&proxy)[0], "Bearer token-3");
    assert_eq!(tokens.seen("other@p").len(), 1);
}

#[tokio::test]
async fn no_token_is_an_error_that_shows_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let tokens = token_server(Act::Answer(400, r#"{"error": "invalid_grant"}"#.to_owned())).await;
    let (proxy, config) = with_file(folder.path(), &user(&tokens)).await;
    let error = ask(config).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (ErrorKind::Unauthenticated, false),
        "{error}"
    );
    assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    assert!(proxy.seen("HTTP/1.1").is_empty());
}

#[tokio::test]
async fn files_that_hold_no_credentials_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (credentials, says) in [
        (json!({"type": "gdch_service_account"}), "gdch_service_account"),
        (
            json!({"type": "service_account", "private_key": "top-secret"}),
            "credentials_file",
        ),
    ] {
        let (_, config) = with_file(folder.path(), &credentials).await;
        let error = ask(config).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        assert!(
            error.to_string().contains(says) && !format!("{error:?}").contains("top-secret"),
            "{error:?}"
        );
    }
    let mut config = config();
    (config.anonymous, config.credentials_file) = (false, Some("nowhere.json".into()));
    let error = ask(config).await.unwrap_err();
    assert!(error.to_string().contains("nowhere.json"), "{error}");
}
