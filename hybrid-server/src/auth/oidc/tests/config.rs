//! Our own configuration, and Feast's.

use std::path::{Path, PathBuf};

use hybrid_core::config::Node;

use super::*;

fn complaint(config: OidcConfig) -> String {
    let error = Oidc::new(config).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    error.to_string()
}

#[test]
fn what_is_missing_or_unsafe_is_refused() {
    let good = || OidcConfig::new("https://id.example", "here");
    Oidc::new(good()).unwrap();
    for (config, message) in [
        (
            OidcConfig {
                audience: Vec::new(),
                ..good()
            },
            "audience of OIDC tokens is not configured",
        ),
        (
            OidcConfig {
                audience: vec![" ".to_owned()],
                ..good()
            },
            "audience of OIDC tokens is not configured",
        ),
        (
            OidcConfig {
                issuer: Some(String::new()),
                ..good()
            },
            "issuer is empty",
        ),
        (OidcConfig { issuer: None, ..good() }, "no OIDC issuer"),
        (
            OidcConfig {
                issuer: None,
                jwks_uri: Some("https://a/".to_owned()),
                ..good()
            },
            "`jwks_uri` needs `issuer`",
        ),
        (
            OidcConfig::new("http://id.example", "here"),
            "`issuer: http://id.example` is neither https nor",
        ),
        (OidcConfig::new("id", "here"), "`issuer: id` is no address"),
        (
            OidcConfig {
                jwks_uri: Some("http://a/".to_owned()),
                ..good()
            },
            "`jwks_uri: http://a/`",
        ),
        (
            OidcConfig {
                discovery_url: Some("http://a/".to_owned()),
                ..good()
            },
            "`discovery_url: http://a/`",
        ),
        (
            OidcConfig {
                ca_file: Some(PathBuf::from("nowhere.pem")),
                ..good()
            },
            "`nowhere.pem` cannot be read",
        ),
        (
            OidcConfig {
                ca_file: Some(PathBuf::from("Cargo.toml")),
                ..good()
            },
            "`Cargo.toml` holds no certificate",
        ),
    ] {
        let found = complaint(config);
        assert!(found.contains(message), "{found}");
    }
}

fn feast(text: &str) -> Result<FeastAuth> {
    let root = Node::parse(text, Path::new("feature_store.yaml")).unwrap();
    FeastAuth::read(root.get("auth").unwrap())
}

#[test]
fn the_types_of_feast() {
    for text in ["auth:", "auth: no_auth", "auth: {type: no_auth}"] {
        assert_eq!(feast(text).unwrap(), FeastAuth::NoAuth);
    }
    for (text, kind, message) in [
        (
            "auth: {type: kubernetes}",
            ErrorKind::Unsupported,
            "1:14: `auth: kubernetes` is not supported",
        ),
        ("auth: kubernetes", ErrorKind::Unsupported, "1:7: `auth: kubernetes`"),
        (
            "auth: {type: basic}",
            ErrorKind::Config,
            "1:14: `auth` has no `type` that is known",
        ),
        ("auth: {}", ErrorKind::Config, "1:7: `auth` has no `type` that is known"),
        ("auth: []", ErrorKind::Config, "`auth` has no `type` that is known"),
        ("auth: oidc", ErrorKind::Config, "lacks its other fields"),
        (
            "auth: {type: oidc, client_secret: x}",
            ErrorKind::Config,
            "no `auth_discovery_url`",
        ),
        (
            "auth: {type: oidc, auth_discovery_url: 'https://a', audiance: x}",
            ErrorKind::Config,
            "audiance",
        ),
        (
            "auth: {type: oidc, auth_discovery_url: 'https://a', jwks_request_timeout_seconds: -1}",
            ErrorKind::Config,
            "a time in seconds",
        ),
    ] {
        let error = feast(text).unwrap_err();
        assert_eq!(error.kind(), kind);
        assert!(error.to_string().contains(message), "{error}");
    }
}

#[test]
fn the_oidc_fields_of_feast() {
    let FeastAuth::Oidc(least) = feast("auth: {type: oidc, auth_discovery_url: 'https://id/x'}").unwrap() else {
        panic!("not OIDC");
    };
    assert_eq!(
        (least.discovery_url.as_deref(), least.verify_tls, &least.ca_file),
        (Some("https://id/x"), true, &None)
    );
    assert!(complaint(least).contains("give `audience`"));
    let text = "auth:
  type: oidc
  auth_discovery_url: https://id/x
  client_id: c
  audience: a
  issuer: i
  verify_ssl: false
  ca_cert_path: ca.pem
  jwks_cache_lifespan_seconds: 5
  jwks_request_timeout_seconds: 2.5
  username: ${USER}
  password: p
  client_secret: s
";
    let FeastAuth::Oidc(all) = feast(text).unwrap() else {
        panic!("not OIDC");
    };
    let wanted = OidcConfig {
        issuer: Some("i".to_owned()),
        discovery_url: Some("https://id/x".to_owned()),
        jwks_uri: None,
        audience: vec!["a".to_owned()],
        client_id: Some("c".to_owned()),
        ca_file: Some("ca.pem".into()),
        verify_tls: false,
        keys_lifetime: Duration::from_secs(5),
        timeout: Duration::from_millis(2500),
    };
    assert_eq!(all, wanted);
}
