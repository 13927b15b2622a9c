#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

use proptest::prelude::*;
use tonic::metadata::{MetadataMap, MetadataValue};

use super::*;

const TOKEN: &str = "0123456789abcdef";

fn metadata(headers: &[&str]) -> MetadataMap {
    let mut map = MetadataMap::new();
    for header in headers {
        map.append("authorization", header.parse().unwrap());
    }
    map
}

fn file(folder: &tempfile::TempDir) -> PathBuf {
    let path = folder.path().join("tokens.yaml");
    std::fs::write(&path, format!("- {{name: ada, token: {TOKEN}, roles: [reader]}}\n")).unwrap();
    path
}

/// A JWT of an issuer whose keys are nowhere.
fn jwt() -> String {
    use base64::Engine;
    let part = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
    format!(
        "{}.{}.{}",
        part(r#"{"alg":"ES256","kid":"a"}"#),
        part("{}"),
        part("signature")
    )
}

fn oidc() -> OidcConfig {
    OidcConfig::new("http://127.0.0.1:1/", "here")
}

async fn identify(authenticator: &Authenticator, header: &str) -> Result<Identity> {
    authenticator.identify(&metadata(&[header])).await
}

#[tokio::test]
async fn anyone_is_not_asked() {
    let open = Authenticator::anyone();
    assert!(!open.asks());
    open.prepare().await.unwrap();
    for headers in [&[][..], &["Bearer x"], &["nonsense", "more"]] {
        assert!(open.identify(&metadata(headers)).await.unwrap().is_anonymous());
    }
}

#[tokio::test]
async fn the_header_is_read_leniently_and_complained_about_clearly() {
    let folder = tempfile::tempdir().unwrap();
    let authenticator = Authenticator::anyone().with_token_file(file(&folder)).unwrap();
    assert!(authenticator.asks());
    for scheme in ["Bearer", "bearer", "BEARER", "Bearer "] {
        let who = identify(&authenticator, &format!("{scheme} {TOKEN}")).await.unwrap();
        assert_eq!((who.name.as_str(), who.roles), ("ada", vec!["reader".to_owned()]));
    }
    let long = format!("Bearer {}", "x".repeat(1 << 20));
    for (headers, message) in [
        (&[][..], "the call has no `authorization` header"),
        (&["Bearer a", "Bearer b"], "several `authorization` headers"),
        (&["Basic YTpi"], "not of the scheme Bearer"),
        (&[TOKEN], "not of the scheme Bearer"),
        (&[""], "not of the scheme Bearer"),
        (&["Bearer"], "holds no token"),
        (&["Bearer  "], "holds no token"),
        (&["Bearer a b"], "malformed"),
        (&["Bearer 0123456789abcdeX"], "not known"),
        (&["Bearer a.b.c"], "not known"),
        (&[long.as_str()], "longer than any"),
    ] {
        let error = authenticator.identify(&metadata(headers)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated);
        assert!(error.message().contains(message), "{headers:?}: {error}");
        assert!(!error.help().is_empty() || message == "malformed", "{error}");
        assert!(!error.to_string().contains("0123"), "{error}");
    }
    let mut bytes = MetadataMap::new();
    bytes.insert(
        "authorization",
        MetadataValue::try_from(&b"Bearer \xff\xfe"[..]).unwrap(),
    );
    assert_eq!(
        authenticator.identify(&bytes).await.unwrap_err().kind(),
        ErrorKind::Unauthenticated
    );
}

#[tokio::test]
async fn jwts_are_the_issuers_and_the_rest_is_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let both = Authenticator::anyone()
        .with_token_file(file(&folder))
        .unwrap()
        .with_oidc(oidc())
        .unwrap();
    assert_eq!(identify(&both, &format!("Bearer {TOKEN}")).await.unwrap().name, "ada");
    let of_issuer = identify(&both, &format!("Bearer {}", jwt())).await.unwrap_err();
    assert_eq!(of_issuer.kind(), ErrorKind::Unavailable, "{of_issuer}");
    let in_file = identify(&both, "Bearer a.b.c").await.unwrap_err();
    assert!(in_file.message().contains("not known"), "{in_file}");
    let alone = Authenticator::anyone().with_oidc(oidc()).unwrap();
    let malformed = identify(&alone, &format!("Bearer {TOKEN}")).await.unwrap_err();
    assert!(malformed.message().contains("malformed"), "{malformed}");
    assert_eq!(alone.prepare().await.unwrap_err().kind(), ErrorKind::Unavailable);
}

#[test]
fn nothing_secret_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let both = Authenticator::anyone()
        .with_token_file(file(&folder))
        .unwrap()
        .with_oidc(oidc())
        .unwrap();
    assert!(!format!("{both:?}").contains(TOKEN));
}

#[test]
fn any_header_is_refused_without_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let both = Authenticator::anyone()
        .with_token_file(file(&folder))
        .unwrap()
        .with_oidc(oidc())
        .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    proptest!(|(header in "([Bb]earer )?[ -~]{0,40}")| {
        let error = runtime.block_on(identify(&both, &header)).unwrap_err();
        prop_assert!(matches!(error.kind(), ErrorKind::Unauthenticated | ErrorKind::Unavailable));
    });
}
