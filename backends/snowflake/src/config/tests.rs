#![allow(clippy::unwrap_used)]

use std::path::Path;

use base64::Engine;
use hybrid_core::{Error, ErrorKind};

use super::*;

fn parsed(yaml: serde_json::Value) -> Result<SnowflakeConfig, serde_json::Error> {
    serde_json::from_value(yaml)
}

fn settings(config: SnowflakeConfig) -> Result<Settings, Error> {
    let mut config = config;
    // Not that of whoever runs the tests.
    let empty = tempfile::NamedTempFile::new().unwrap();
    config.config_path.get_or_insert(empty.path().to_owned());
    Settings::of(config, Path::new("/nowhere"))
}

fn plain() -> SnowflakeConfig {
    SnowflakeConfig::new("my_org-acc", "ann", "FEAST").with_password("secret")
}

#[test]
fn feasts_fields_are_known_and_others_are_not() {
    let config = parsed(serde_json::json!({
        "account": "a", "user": "u", "password": "p", "role": "r", "warehouse": "w", "authenticator": "snowflake",
        "database": "D", "schema_": "S", "storage_integration_name": "i", "blob_export_location": "s3://b/x",
        "convert_timestamp_columns": true, "max_file_size": 1000, "config_path": "/x", "connection_name": "c",
        "private_key": "/k", "private_key_content": "x", "private_key_passphrase": "y"
    }));
    let config = config.unwrap();
    assert_eq!(config.schema.as_deref(), Some("S"));
    assert!(!format!("{config:?}").contains("\"p\""));
    let error = parsed(serde_json::json!({"acount": "a"})).unwrap_err();
    assert!(error.to_string().contains("acount"), "{error}");
}

#[test]
fn an_account_gives_its_host() {
    for (account, expected) in [
        ("my_org-acc", "https://my-org-acc.snowflakecomputing.com/"),
        (
            "XY12345.eu-central-1",
            "https://xy12345.eu-central-1.snowflakecomputing.com/",
        ),
        (
            "xy.cn-northwest-1.aws",
            "https://xy.cn-northwest-1.aws.snowflakecomputing.cn/",
        ),
        ("xy.snowflakecomputing.com", "https://xy.snowflakecomputing.com/"),
    ] {
        let mut config = plain();
        config.account = Some(account.to_owned());
        assert_eq!(settings(config).unwrap().base.as_str(), expected);
    }
    let mut config = plain();
    config.account = Some("https://x.snowflakecomputing.com".to_owned());
    assert_eq!(settings(config).unwrap_err().kind(), ErrorKind::Config);
    assert_eq!(
        settings(plain().at("example.com", 80)).unwrap_err().kind(),
        ErrorKind::Config
    );
    assert_eq!(settings(plain().at("127.0.0.1", 9)).unwrap().address(), "127.0.0.1:9");
}

#[test]
fn what_is_missing_is_named() {
    for (change, field) in [
        (
            Box::new(|c: &mut SnowflakeConfig| c.account = None) as Box<dyn Fn(&mut SnowflakeConfig)>,
            "account",
        ),
        (Box::new(|c: &mut SnowflakeConfig| c.user = None), "user"),
        (Box::new(|c: &mut SnowflakeConfig| c.password = None), "password"),
        (Box::new(|c: &mut SnowflakeConfig| c.database = None), "database"),
        (
            Box::new(|c: &mut SnowflakeConfig| c.authenticator = Some("oauth".into())),
            "token",
        ),
        (
            Box::new(|c: &mut SnowflakeConfig| c.authenticator = Some("SNOWFLAKE_JWT".into())),
            "private_key",
        ),
        (
            Box::new(|c: &mut SnowflakeConfig| c.authenticator = Some("externalbrowser".into())),
            "browser",
        ),
        (
            Box::new(|c: &mut SnowflakeConfig| c.authenticator = Some("https://company.okta.com".into())),
            "Okta",
        ),
        (
            Box::new(|c: &mut SnowflakeConfig| c.authenticator = Some("username_password_mfa".into())),
            "second factor",
        ),
        (
            Box::new(|c: &mut SnowflakeConfig| c.authenticator = Some("workload_identity".into())),
            "workload_identity",
        ),
        (
            Box::new(|c: &mut SnowflakeConfig| c.blob_export_location = Some("/tmp".into())),
            "blob_export_location",
        ),
    ] {
        let mut config = plain();
        change(&mut config);
        let error = settings(config).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        assert!(error.to_string().contains(field), "{error}");
    }
}

#[test]
fn parameters_that_statements_rely_on_stay() {
    let mut config = plain();
    config
        .session_parameters
        .insert("timezone".into(), "Europe/Berlin".into());
    assert!(settings(config).unwrap_err().to_string().contains("TIMEZONE"));
    let mut config = plain();
    config
        .session_parameters
        .insert("statement_timeout_in_seconds".into(), 5.into());
    config.query_tag = Some("mine".into());
    let parameters = settings(config).unwrap().session_parameters;
    assert_eq!(parameters["STATEMENT_TIMEOUT_IN_SECONDS"], 5);
    assert_eq!(parameters["QUERY_TAG"], "mine");
}

#[test]
fn snowsqls_configuration_completes_what_is_absent() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let text = "[connections.other]\nuser = no\n[connections.feast_offline_store]\naccount = acc\nuser = \"bob\"\n\
                password = p#;w\nwarehousename = wh\n";
    std::fs::write(file.path(), text).unwrap();
    let config = SnowflakeConfig {
        database: Some("D".into()),
        config_path: Some(file.path().to_owned()),
        ..SnowflakeConfig::default()
    };
    let made = settings(config.clone()).unwrap();
    assert_eq!((made.account.as_str(), made.user.as_deref()), ("acc", Some("bob")));
    assert_eq!(made.warehouse.as_deref(), Some("wh"));
    assert!(matches!(&made.credentials, Credentials::Password(password) if password.expose() == "p#;w"));
    let mut absent = config;
    absent.config_path = Some("/nowhere/config".into());
    assert!(settings(absent).unwrap_err().to_string().contains("/nowhere/config"));
}

#[test]
fn a_named_connection_completes_what_is_absent() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("snowsql");
    std::fs::write(
        &empty,
        "[connections.feast_offline_store]\nuser = last\nwarehouse = last\n",
    )
    .unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write(
        "connections.toml",
        "[dev]\naccount = \"acc\"\nuser = \"bob\"\npassword = \"p#w\"\ndatabase = \"feast\"\nschema = '\"My Schema\"'\nrole = \"analyst\"\n\
         port = 8443\nclient_store_temporary_credential = true\n",
    );
    write(
        "config.toml",
        "[connections.prod]\naccount = \"prod\"\nauthenticator = \"SNOWFLAKE_JWT\"\nprivate_key_file = \"/keys/rsa.p8\"\n\
         private_key_file_pwd = \"open sesame\"\n",
    );
    let completed = |name: &str| {
        let config = SnowflakeConfig {
            connection_name: Some(name.to_owned()),
            config_path: Some(empty.clone()),
            role: Some("given".to_owned()),
            ..SnowflakeConfig::default()
        };
        config.completed_from(Some(folder.path().to_owned()), Path::new("/nowhere"))
    };
    let dev = completed("dev").unwrap();
    assert_eq!((dev.account.as_deref(), dev.port), (Some("acc"), Some(8443)));
    assert_eq!(dev.password.as_ref().map(Secret::expose), Some("p#w"));
    // Names are those that SQL means, and what feature_store.yaml has goes first, snowsql's section last.
    assert_eq!(
        (dev.database.as_deref(), dev.schema.as_deref()),
        (Some("FEAST"), Some("My Schema"))
    );
    assert_eq!((dev.role.as_deref(), dev.user.as_deref()), (Some("given"), Some("bob")));
    assert_eq!(dev.warehouse.as_deref(), Some("last"));
    let prod = completed("prod").unwrap();
    assert_eq!(prod.private_key.as_deref(), Some(Path::new("/keys/rsa.p8")));
    assert_eq!(
        prod.private_key_passphrase.as_ref().map(Secret::expose),
        Some("open sesame")
    );
    let error = completed("nope").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("there are: dev, prod"), "{error}");
    write("connections.toml", "[dev]\npassword = \"hunter2\n");
    let error = completed("dev").unwrap_err();
    assert!(
        error.to_string().contains("is no TOML") && !format!("{error:?}").contains("hunter2"),
        "{error:?}"
    );
}

const ENCRYPTED: &str = include_str!("../../tests/keys/encrypted.p8");
const PLAIN: &str = include_str!("../../tests/keys/plain.p8");

fn fingerprint(pair: &KeyPair) -> String {
    format!("{pair:?}")
}

#[test]
fn keys_are_read_in_every_form() {
    let known = include_str!("../../tests/keys/fingerprint.txt").trim();
    let (plain, passphrase) = (Secret::new(PLAIN), Secret::new("open sesame"));
    let pair = KeyPair::from_text(&plain, None).unwrap();
    assert!(fingerprint(&pair).contains(known), "{pair:?}");
    for encrypted in [
        ENCRYPTED,
        include_str!("../../tests/keys/encrypted-des3.p8"),
        include_str!("../../tests/keys/encrypted-sha1.p8"),
    ] {
        let pair = KeyPair::from_text(&Secret::new(encrypted), Some(&passphrase)).unwrap();
        assert!(fingerprint(&pair).contains(known));
    }
    let pkcs1 = Secret::new(include_str!("../../tests/keys/plain.pem"));
    assert!(fingerprint(&KeyPair::from_text(&pkcs1, None).unwrap()).contains(known));
    let (_, der) = pkcs8::SecretDocument::from_pem(PLAIN).unwrap();
    let base64 = base64::engine::general_purpose::STANDARD.encode(der.as_bytes());
    assert!(fingerprint(&KeyPair::from_text(&Secret::new(base64), None).unwrap()).contains(known));
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), der.as_bytes()).unwrap();
    assert!(fingerprint(&KeyPair::from_file(file.path(), None).unwrap()).contains(known));
}

#[test]
fn keys_that_cannot_be_used_say_why() {
    let wrong = Secret::new("close sesame");
    for (text, passphrase, says) in [
        (ENCRYPTED, None, "private_key_passphrase"),
        (ENCRYPTED, Some(&wrong), "private_key_passphrase"),
        ("no key", None, "holds no private key"),
        (
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
            None,
            "private key",
        ),
    ] {
        let error = KeyPair::from_text(&Secret::new(text), passphrase).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        assert!(error.to_string().contains(says), "{error}");
        assert!(!error.to_string().contains("sesame"), "{error}");
    }
}

#[test]
fn a_token_names_account_user_and_key() {
    let pair = KeyPair::from_text(&Secret::new(PLAIN), None).unwrap();
    let token = pair.token("xy12345.eu-central-1", "ann").unwrap();
    let parts: Vec<&str> = token.expose().split('.').collect();
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(parts[1])
        .unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(claims["sub"], "XY12345.ANN");
    let known = include_str!("../../tests/keys/fingerprint.txt").trim();
    assert_eq!(claims["iss"], format!("XY12345.ANN.{known}"));
}
