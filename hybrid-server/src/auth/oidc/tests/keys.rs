//! Where keys come from, and when.

use proptest::prelude::*;

use super::*;
use crate::auth::oidc::keys::KeySet;

#[tokio::test]
async fn a_new_key_is_fetched_once_for_all_who_need_it() {
    let (old, new) = (Signer::p256("old"), Signer::ed25519("new"));
    let server = Server::start(&[&old]).await;
    let oidc = with(oidc_of(&server));
    let claims = claims(&server, json!({}));
    let (of_old, of_new) = (old.token("ES256", &claims), new.token("EdDSA", &claims));
    oidc.identify(&of_old).await.unwrap();
    server.publish(&[&new]);
    server.delay(KEYS, Duration::from_millis(100));
    // Too soon after the last time.
    let error = oidc.identify(&of_new).await.unwrap_err();
    assert_eq!(
        error.message(),
        "the token is signed with a key that its issuer does not publish"
    );
    assert!(error.help()[0].contains(&server.address), "{error}");
    oidc.published.pass().await;
    let all = futures_of(32, async || oidc.identify(&of_new).await).await;
    assert!(all.iter().all(std::result::Result::is_ok));
    assert_eq!(server.asked(KEYS), 2);
    assert!(refusal(oidc.identify(&of_old).await).contains("does not publish"));
    assert_eq!(server.asked(KEYS), 2);
}

#[tokio::test]
async fn unknown_keys_do_not_make_it_ask_again_and_again() {
    let signer = Signer::p256("a");
    let server = Server::start(&[&signer]).await;
    let oidc = with(oidc_of(&server));
    let claims = claims(&server, json!({}));
    let good = signer.token("ES256", &claims);
    oidc.identify(&good).await.unwrap();
    let unknown = Signer::p256("b").token("ES256", &claims);
    oidc.published.pass().await;
    for _ in 0..20 {
        refusal(oidc.identify(&unknown).await);
        oidc.identify(&good).await.unwrap();
    }
    assert_eq!(server.asked(KEYS), 2);
    // Those that are not for here have it ask for nothing.
    oidc.published.pass().await;
    let elsewhere = Signer::p256("b").token("ES256", &self::claims(&server, json!({"aud": "x"})));
    refusal(oidc.identify(&elsewhere).await);
    assert_eq!(server.asked(KEYS), 2);
}

#[tokio::test]
async fn who_hangs_up_does_not_use_up_the_fetch() {
    let (old, new) = (Signer::p256("old"), Signer::p256("new"));
    let server = Server::start(&[&old]).await;
    let oidc = with(oidc_of(&server));
    oidc.prepare().await.unwrap();
    server.publish(&[&new]);
    server.delay(KEYS, Duration::from_millis(150));
    oidc.published.pass().await;
    let made = new.token("ES256", &claims(&server, json!({})));
    let gone = tokio::time::timeout(Duration::from_millis(30), oidc.identify(&made)).await;
    assert!(gone.is_err());
    oidc.identify(&made).await.unwrap();
    assert_eq!(server.asked(KEYS), 2);
}

#[tokio::test]
async fn old_keys_are_renewed_without_waiting_and_stay_good_when_that_fails() {
    let signer = Signer::p256("a");
    let server = Server::start(&[&signer]).await;
    let oidc = with(OidcConfig {
        keys_lifetime: Duration::ZERO,
        ..oidc_of(&server)
    });
    let good = signer.token("ES256", &claims(&server, json!({})));
    oidc.identify(&good).await.unwrap();
    server.answer(KEYS, 500, "");
    oidc.published.pass().await;
    for _ in 0..10 {
        oidc.identify(&good).await.unwrap();
    }
    while server.asked(KEYS) < 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // It is told that this cannot be known, not that the token is bad.
    let unknown = Signer::p256("b").token("ES256", &claims(&server, json!({})));
    assert!(unavailability(oidc.identify(&unknown).await).contains("status 500"));
    oidc.identify(&good).await.unwrap();
    assert_eq!(server.asked(KEYS), 2);
    server.stop();
    oidc.published.pass().await;
    oidc.identify(&good).await.unwrap();
}

#[tokio::test]
async fn an_issuer_that_does_not_answer_as_it_must_is_unavailable_until_it_does() {
    let signer = Signer::p256("a");
    let server = Server::start(&[&signer]).await;
    let made = signer.token("ES256", &claims(&server, json!({})));
    let oidc = with(oidc_of(&server));
    let keys = json!({"keys": [signer.jwk()]}).to_string();
    for (status, body, message) in [
        (500, "", "status 500"),
        (302, keys.as_str(), "status 302"),
        (200, "<html>", "no JSON"),
        (200, "", "no JSON"),
        (200, "[]", "no key that can verify"),
        (200, "{\"keys\": {}}", "no key that can verify"),
        (
            200,
            "{\"keys\": [1, {\"kty\": \"oct\", \"k\": \"AAAA\", \"alg\": \"HS256\"}]}",
            "no key that can verify",
        ),
        (200, &" ".repeat((1 << 20) + 1), "more than 1048576 bytes"),
    ] {
        server.answer(KEYS, status, body);
        let found = unavailability(oidc.identify(&made).await);
        assert!(found.contains(message) && found.contains(KEYS), "{found}");
        oidc.published.pass().await;
    }
    server.publish(&[&signer]);
    oidc.identify(&made).await.unwrap();
}

#[tokio::test]
async fn an_issuer_that_is_slow_or_gone_is_not_waited_for() {
    let signer = Signer::p256("a");
    let server = Server::start(&[&signer]).await;
    let made = signer.token("ES256", &claims(&server, json!({})));
    let oidc = with(OidcConfig {
        timeout: Duration::from_millis(300),
        ..oidc_of(&server)
    });
    server.delay(KEYS, Duration::from_secs(60));
    let began = std::time::Instant::now();
    let message = unavailability(oidc.identify(&made).await);
    assert!(
        began.elapsed() < Duration::from_secs(30) && message.contains("timed out"),
        "{message}"
    );
    server.stop();
    oidc.published.pass().await;
    assert!(unavailability(oidc.identify(&made).await).contains("cannot be fetched"));
}

#[tokio::test]
async fn after_a_failure_all_are_told_so_without_another_fetch() {
    let signer = Signer::p256("a");
    let server = Server::start(&[&signer]).await;
    let made = signer.token("ES256", &claims(&server, json!({})));
    let oidc = with(oidc_of(&server));
    server.answer(KEYS, 503, "");
    server.delay(KEYS, Duration::from_millis(50));
    let all = futures_of(16, async || oidc.identify(&made).await).await;
    assert!(all.into_iter().all(|it| unavailability(it).contains("status 503")));
    assert!(server.asked(KEYS) <= 2);
}

#[tokio::test]
async fn discovery_must_be_about_the_same_issuer_and_lead_to_a_safe_place() {
    let signer = Signer::p256("a");
    let server = Server::start(&[&signer]).await;
    let made = signer.token("ES256", &claims(&server, json!({})));
    for (document, message) in [
        (
            json!({"issuer": "https://evil.example", "jwks_uri": server.address}),
            "calls itself https://evil.example",
        ),
        (json!({"jwks_uri": server.address}), "what it is called"),
        (json!({"issuer": server.address}), "no `jwks_uri`"),
        (
            json!({"issuer": server.address, "jwks_uri": "http://keys.example/"}),
            "neither https nor on this machine",
        ),
        (
            json!({"issuer": server.address, "jwks_uri": "file:///etc/passwd"}),
            "is not https",
        ),
    ] {
        server.answer(DISCOVERY, 200, document.to_string());
        let found = unavailability(with(oidc_of(&server)).identify(&made).await);
        assert!(found.contains(message), "{found}");
    }
    assert_eq!(server.asked(KEYS), 0);
}

#[tokio::test]
async fn keys_can_be_given_without_discovery_and_discovery_without_an_issuer() {
    let signer = Signer::p256("a");
    let server = Server::start(&[&signer]).await;
    server.describe("urn:issuer");
    let good = |name: &str| signer.token("ES256", &claims(&server, json!({ "iss": name })));
    let keys = with(OidcConfig {
        issuer: Some("urn:other".to_owned()),
        jwks_uri: Some(format!("{}{KEYS}", server.address)),
        ..oidc_of(&server)
    });
    keys.identify(&good("urn:other")).await.unwrap();
    assert_eq!(server.asked(DISCOVERY), 0);
    let discovery_url = Some(format!("{}{DISCOVERY}", server.address));
    let found = with(OidcConfig {
        issuer: None,
        discovery_url: discovery_url.clone(),
        ..oidc_of(&server)
    });
    found.identify(&good("urn:issuer")).await.unwrap();
    refusal(found.identify(&good("urn:other")).await);
    let other = with(OidcConfig {
        issuer: Some("urn:other".to_owned()),
        discovery_url,
        ..oidc_of(&server)
    });
    other.identify(&good("urn:other")).await.unwrap();
    refusal(other.identify(&good("urn:issuer")).await);
}

#[tokio::test]
async fn keys_are_for_what_they_say() {
    let (signer, other) = (Signer::rsa("a"), Signer::p256("b"));
    let server = Server::start(&[]).await;
    let claims = claims(&server, json!({}));
    let of = |algorithm: &str| signer.token(algorithm, &claims);
    let changed = |name: &str, value: Value| {
        let mut jwk = signer.jwk();
        jwk[name] = value;
        server.answer(KEYS, 200, json!({"keys": [jwk, other.jwk(), "garbage"]}).to_string());
        with(oidc_of(&server))
    };
    let only = changed("alg", "PS256".into());
    only.identify(&of("PS256")).await.unwrap();
    assert!(refusal(only.identify(&of("RS256")).await).contains("in another way"));
    for (name, value) in [
        ("use", json!("enc")),
        ("key_ops", json!(["encrypt"])),
        ("alg", json!("RSA-OAEP")),
        ("alg", json!("ES256")),
        ("kty", json!("EC")),
        ("e", Value::Null),
        ("n", json!("!")),
        ("n", json!(encoded([0xff; 128]))),
    ] {
        let oidc = changed(name, value.clone());
        assert!(
            refusal(oidc.identify(&of("RS256")).await).contains("does not publish"),
            "{name}: {value}"
        );
    }
    let plain = changed("key_ops", json!(["verify"]));
    plain.identify(&of("RS256")).await.unwrap();
    // Leading zeros are no part of a number.
    let jwk = signer.jwk();
    let padded = format!("AAAA{}", jwk["n"].as_str().unwrap());
    changed("n", padded.into()).identify(&of("RS256")).await.unwrap();
}

#[tokio::test]
async fn a_token_without_a_key_id_needs_a_single_key_that_fits() {
    let (one, two, other) = (Signer::p256("one"), Signer::p256("two"), Signer::ed25519("other"));
    let server = Server::start(&[&one, &other]).await;
    let claims = claims(&server, json!({}));
    let made = token(&json!({"alg": "ES256"}), &claims, |it| one.sign("ES256", it));
    with(oidc_of(&server)).identify(&made).await.unwrap();
    server.publish(&[&one, &two]);
    let message = refusal(with(oidc_of(&server)).identify(&made).await);
    assert_eq!(message, "the token does not say with which key it is signed");
    server.publish(&[&other]);
    assert!(refusal(with(oidc_of(&server)).identify(&made).await).contains("does not publish"));
}

/// The results of so many calls at once.
async fn futures_of<T>(count: usize, call: impl AsyncFn() -> T) -> Vec<T> {
    let mut calls: Vec<_> = (0..count).map(|_| Box::pin(call())).collect();
    let mut results = Vec::new();
    std::future::poll_fn(|context| {
        calls.retain_mut(|call| match call.as_mut().poll(context) {
            std::task::Poll::Ready(result) => {
                results.push(result);
                false
            }
            std::task::Poll::Pending => true,
        });
        match calls.is_empty() {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    })
    .await;
    results
}

proptest! {
    #[test]
    fn any_key_set_is_read_without_a_panic(text in "[{\\[\"a-z0-9:,\\]} ]{0,60}", n in "[A-Za-z0-9_=-]{0,400}", crv in "(P-256|P-384|Ed25519|x)") {
        if let Ok(value) = serde_json::from_str::<Value>(&text) {
            KeySet::read(&value);
            KeySet::read(&json!({ "keys": [value] }));
        }
        for kty in ["RSA", "EC", "OKP"] {
            KeySet::read(&json!({"keys": [{"kty": kty, "crv": crv, "n": n, "e": n, "x": n, "y": n}]}));
        }
    }
}
