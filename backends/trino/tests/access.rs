//! Who may come in: https, authorities, passwords, tokens, certificates; and what the configuration refuses.

#![allow(clippy::unwrap_used)]

mod common;

use common::relay::Relay;
use common::{config, connect, count, https_port, rows, secrets, shown};
use hybrid_core::sql::SqlStore;
use hybrid_core::{Context, ErrorKind};
use hybrid_store_trino::{TrinoConfig, TrinoStore};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

fn read(name: &str) -> String {
    std::fs::read_to_string(secrets().join(name)).unwrap()
}

/// A configuration as it stands in YAML.
fn https(auth: Value) -> Value {
    json!({
        "host": "127.0.0.1", "port": https_port(), "catalog": "memory", "user": "alice", "connector": {"type": "memory"},
        "http-scheme": "https", "ssl-verify": secrets().join("ca.pem"), "auth": auth,
    })
}

async fn whoami(config: Value) -> hybrid_core::Result<String> {
    let store = connect(serde_json::from_value(config).unwrap()).await;
    rows(&store, "SELECT current_user AS u").await?;
    Ok(shown(&store, "SELECT current_user AS u").await)
}

fn basic(password: &str) -> Value {
    json!({"type": "basic", "config": {"username": "alice", "password": password}})
}

fn jwt(token: &str) -> Value {
    json!({"type": "jwt", "config": {"token": token}})
}

fn certificate() -> Value {
    json!({"type": "certificate", "config": {"cert-file": secrets().join("client.crt"), "key-file": secrets().join("client.key")}})
}

fn with(mut config: Value, name: &str, value: impl Into<Value>) -> Value {
    config[name] = value.into();
    config
}

#[tokio::test]
async fn each_proof_of_identity_is_accepted() {
    assert!(whoami(https(basic(&read("password")))).await.unwrap().contains("alice"));
    assert!(
        whoami(with(https(jwt(&read("jwt"))), "user", "bob"))
            .await
            .unwrap()
            .contains("bob")
    );
    let oauth2 = json!({"type": "oauth2", "config": {"token": read("jwt")}});
    assert!(
        whoami(with(https(oauth2), "user", "bob"))
            .await
            .unwrap()
            .contains("bob")
    );
    assert!(
        whoami(with(https(certificate()), "user", "CN=carol"))
            .await
            .unwrap()
            .contains("carol")
    );
}

#[tokio::test]
async fn wrong_proofs_are_told_apart_and_never_shown() {
    for auth in [
        basic("wrong-secret"),
        jwt("wrong-secret"),
        jwt(&read("jwt.expired")),
        Value::Null,
    ] {
        let error = whoami(https(auth.clone())).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.is_retryable()),
            (ErrorKind::Unauthenticated, false),
            "{error}"
        );
        assert!(!format!("{error:?}").contains("wrong-secret"), "{error:?}");
    }
    let error = whoami(with(https(jwt(&read("jwt"))), "user", "mallory"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
}

#[tokio::test]
async fn the_servers_certificate_is_checked_as_configured() {
    let config = || https(basic(&read("password")));
    assert!(whoami(with(config(), "ssl-verify", false)).await.is_ok());
    assert!(whoami(with(config(), "ssl-verify", "false")).await.is_ok());
    let error = whoami(with(config(), "ssl-verify", true)).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (ErrorKind::Unavailable, false),
        "{error}"
    );
    assert!(error.to_string().contains("ssl-verify"), "{error}");
    let none = with(config(), "ssl-verify", secrets().join("password").to_str().unwrap());
    let config: TrinoConfig = serde_json::from_value(none).unwrap();
    let error = <TrinoStore as SqlStore>::connect(config, &Context::default())
        .await
        .err()
        .unwrap();
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
}

#[tokio::test]
async fn source_and_properties_arrive() {
    let mut asked = config("memory");
    asked.source = "a test's source".to_owned();
    asked.session_properties = [("join_distribution_type".to_owned(), "BROADCAST".to_owned())].into();
    let store = connect(asked).await;
    let found = shown(
        &store,
        "SELECT source FROM system.runtime.queries WHERE source = 'a test''s source'",
    )
    .await;
    assert!(found.contains("a test's source"), "{found}");
    let found = shown(&store, "SHOW SESSION LIKE 'join_distribution_type'").await;
    assert!(found.contains("| BROADCAST"), "{found}");
    let ping = SqlStore::ping(&store).await.unwrap();
    assert!(ping.starts_with("Trino 476 at 127.0.0.1:"), "{ping}");
}

/// A server that refuses every request, and what these were.
async fn refusing() -> (u16, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut request = vec![0; 16 << 10];
            let read = client.read(&mut request).await.unwrap();
            let _ = tell.send(String::from_utf8_lossy(&request[..read]).into_owned());
            let answer = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            let _ = client.write_all(answer).await;
        }
    });
    (port, told)
}

/// What no query of the engine shows.
#[tokio::test]
async fn credentials_of_connectors_and_tags_are_sent_and_not_shown() {
    let (port, mut requests) = refusing().await;
    let mut asked = TrinoConfig::new("127.0.0.1", port, "memory", "memory");
    asked.client_tags = vec!["nightly".to_owned(), "training".to_owned()];
    asked.extra_credential = Some("name=secret-value".into());
    let error = rows(&connect(asked).await, "SELECT 1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    assert!(!format!("{error:?}").contains("secret-value"), "{error:?}");
    let request = requests.recv().await.unwrap();
    for header in [
        "x-trino-client-tags: nightly,training\r\n",
        "x-trino-extra-credential: name=secret-value\r\n",
    ] {
        assert!(request.contains(header), "{request}");
    }
}

#[tokio::test]
async fn the_engine_takes_credentials_of_connectors() {
    let relay = Relay::start().await;
    let mut asked = relay.config();
    asked.extra_credential = Some("name=secret-value".into());
    assert_eq!(count(&connect(asked.clone()).await, "SELECT 1 AS x").await, 1);
    assert!(relay.has_passed("x-trino-extra-credential: name=secret-value\r\n"));
    // It reads them, too.
    asked.extra_credential = Some("no value".into());
    let error = rows(&connect(asked).await, "SELECT 1 AS x").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
}
