//! Every way to prove who asks.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hybrid_core::sql::{SqlSession, SqlStore};
use hybrid_core::{ErrorKind, Secret};
use hybrid_store_snowflake::SnowflakeConfig;
use ring::signature::KeyPair as _;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use serde_json::{Value, json};

use crate::common::scripted::{Answer, Scripted};
use crate::common::{config_at, connect};

const LOGIN: &str = "/session/v1/login-request";

/// What a login of that configuration says.
async fn login(change: impl FnOnce(&mut SnowflakeConfig)) -> (Value, String) {
    let server = Scripted::start(|_, _| None).await;
    let mut config = config_at(server.port);
    change(&mut config);
    let store = connect(config).await;
    store.session().await.unwrap().close().await.unwrap();
    let asked = server.seen(LOGIN).remove(0);
    (asked.json()["data"].clone(), asked.target)
}

#[tokio::test]
async fn a_password_and_what_the_session_is() {
    let (data, target) = login(|config| {
        config.schema = Some("My Schema".into());
        config.warehouse = Some("WH".into());
        config.role = Some("ANALYST".into());
        config.query_tag = Some("tests".into());
    })
    .await;
    assert_eq!(
        (&data["LOGIN_NAME"], &data["PASSWORD"]),
        (&json!("tester"), &json!("secret"))
    );
    assert_eq!(data["ACCOUNT_NAME"], "tests");
    assert!(data.get("AUTHENTICATOR").is_none());
    assert_eq!(data["SESSION_PARAMETERS"]["QUERY_TAG"], "tests");
    assert_eq!(data["SESSION_PARAMETERS"]["TIMEZONE"], "UTC");
    assert_eq!(data["SESSION_PARAMETERS"]["QUOTED_IDENTIFIERS_IGNORE_CASE"], false);
    for part in [
        "databaseName=%22TEST%22",
        "schemaName=%22My+Schema%22",
        "warehouse=%22WH%22&",
        "roleName=%22ANALYST%22&",
    ] {
        assert!(target.contains(part), "{target}");
    }
}

#[tokio::test]
async fn a_key_pair_signs_a_token() {
    let (data, _) = login(|config| {
        config.account = Some("org-acc.eu-central-1".into());
        config.private_key = Some(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/encrypted.p8").into());
        config.private_key_passphrase = Some("open sesame".into());
        config.authenticator = Some("snowflake_jwt".into());
    })
    .await;
    assert_eq!(data["AUTHENTICATOR"], "SNOWFLAKE_JWT");
    assert!(data.get("PASSWORD").is_none());
    let token = data["TOKEN"].as_str().unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let plain = include_str!("../keys/plain.p8");
    let der: String = plain.lines().filter(|line| !line.starts_with('-')).collect();
    let der = base64::engine::general_purpose::STANDARD.decode(der).unwrap();
    let pair = RsaKeyPair::from_pkcs8(&der).unwrap();
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref());
    public
        .verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap())
        .unwrap();
    let claims: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(signed.split('.').nth(1).unwrap()).unwrap()).unwrap();
    assert_eq!(claims["sub"], "ORG-ACC.TESTER");
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 60);
}

#[tokio::test]
async fn tokens_of_oauth_are_given_or_read_from_a_file_at_each_login() {
    let (data, _) = login(|config| {
        config.authenticator = Some("OAUTH".into());
        config.token = Some("given".into());
        config.user = None;
    })
    .await;
    assert_eq!(
        (&data["AUTHENTICATOR"], &data["TOKEN"]),
        (&json!("OAUTH"), &json!("given"))
    );
    assert!(data.get("LOGIN_NAME").is_none());

    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "first\n").unwrap();
    let server = Scripted::start(|_, _| None).await;
    let mut config = config_at(server.port);
    config.authenticator = Some("oauth".into());
    config.token_file_path = Some(file.path().to_owned());
    let store = connect(config).await;
    let one = store.session().await.unwrap();
    std::fs::write(file.path(), "second\n").unwrap();
    let two = store.session().await.unwrap();
    one.close().await.unwrap();
    two.close().await.unwrap();
    let tokens: Vec<Value> = server
        .seen(LOGIN)
        .iter()
        .map(|asked| asked.json()["data"]["TOKEN"].clone())
        .collect();
    assert_eq!(tokens, ["first", "second"]);
}

#[tokio::test]
async fn a_programmatic_access_token() {
    let (data, _) = login(|config| {
        config.authenticator = Some("programmatic_access_token".into());
        config.token = Some("pat".into());
    })
    .await;
    assert_eq!(
        (&data["AUTHENTICATOR"], &data["TOKEN"]),
        (&json!("PROGRAMMATIC_ACCESS_TOKEN"), &json!("pat"))
    );
}

#[tokio::test]
async fn a_client_gets_its_token_for_its_secret() {
    let server = Scripted::start(|asked, _| {
        (asked.path() == "/token").then(|| Answer::json(&json!({"access_token": "granted", "expires_in": 60})))
    })
    .await;
    let mut config = config_at(server.port);
    config.authenticator = Some("oauth_client_credentials".into());
    config.oauth_client_id = Some("me".into());
    config.oauth_client_secret = Some("shh".into());
    config.oauth_token_request_url = Some(format!("http://127.0.0.1:{}/token", server.port));
    config.role = Some("R".into());
    connect(config).await.session().await.unwrap().close().await.unwrap();
    let asked = server.seen("/token").remove(0);
    assert_eq!(
        String::from_utf8_lossy(&asked.body),
        "grant_type=client_credentials&scope=session%3Arole%3AR"
    );
    assert_eq!(asked.headers["authorization"], "Basic bWU6c2ho");
    assert_eq!(server.seen(LOGIN)[0].json()["data"]["TOKEN"], "granted");
}

#[tokio::test]
async fn what_is_refused_says_why_and_shows_no_secret() {
    for (code, message, kind, says) in [
        (
            "390100",
            "Incorrect username or password was specified.",
            ErrorKind::Unauthenticated,
            "`password`",
        ),
        (
            "390144",
            "JWT token is invalid.",
            ErrorKind::Unauthenticated,
            "RSA_PUBLIC_KEY",
        ),
        (
            "390318",
            "OAuth access token expired.",
            ErrorKind::Unauthenticated,
            "new token",
        ),
        (
            "390422",
            "Incoming request with IP/Token 1.2.3.4 is not allowed to access Snowflake.",
            ErrorKind::PermissionDenied,
            "network policy",
        ),
        (
            "390189",
            "Role 'X' specified in the connect string does not exist or not authorized.",
            ErrorKind::PermissionDenied,
            "`role`",
        ),
    ] {
        let server =
            Scripted::start(move |asked, _| (asked.path() == LOGIN).then(|| Answer::failed(code, message))).await;
        let mut config = config_at(server.port);
        config.password = Some(Secret::new("hunter2"));
        let error = connect(config).await.session().await.err().unwrap();
        assert_eq!(error.kind(), kind, "{error}");
        let shown = format!("{error} {error:?}");
        assert!(shown.contains(says) && shown.contains(message), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
        assert_eq!(server.seen(LOGIN).len(), 1, "a password is not tried again");
    }
}

#[tokio::test]
async fn a_login_that_waits_for_a_person_is_refused() {
    let server = Scripted::start(|asked, _| {
        let data = json!({"nextAction": "EXT_AUTHN_DUO_ALL", "inFlightCtx": "x"});
        (asked.path() == LOGIN).then(|| Answer::data(data))
    })
    .await;
    let error = connect(config_at(server.port)).await.session().await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
    assert!(error.to_string().contains("key pair"), "{error}");
}

#[tokio::test]
async fn a_login_that_gets_no_answer_is_sent_again_with_a_new_token() {
    let server =
        Scripted::start(|asked, before| (asked.path() == LOGIN && before == 0).then(|| Answer::status(502))).await;
    connect(config_at(server.port))
        .await
        .session()
        .await
        .unwrap()
        .close()
        .await
        .unwrap();
    let sent = server.seen(LOGIN);
    assert_eq!(sent.len(), 2);
    assert_ne!(sent[0].parameter("request_id"), sent[1].parameter("request_id"));
}
