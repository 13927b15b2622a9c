//! Which tokens are accepted.

use proptest::prelude::*;
use ring::hmac;

use super::*;

#[tokio::test]
async fn every_algorithm_with_its_own_key_and_no_other() {
    let signers = [
        Signer::rsa("r"),
        Signer::p256("p"),
        Signer::p384("q"),
        Signer::ed25519("e"),
    ];
    let server = Server::start(&signers.each_ref()).await;
    let oidc = with(oidc_of(&server));
    let claims = claims(&server, json!({}));
    for (signer, algorithms) in signers.iter().zip([
        &["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"][..],
        &["ES256"],
        &["ES384"],
        &["EdDSA"],
    ]) {
        for algorithm in algorithms {
            let who = oidc.identify(&signer.token(algorithm, &claims)).await.unwrap();
            assert_eq!(who, Identity::new("ada"), "{algorithm}");
        }
        for algorithm in ["RS256", "ES256", "ES384", "EdDSA"]
            .iter()
            .filter(|it| !algorithms.contains(it))
        {
            let message = refusal(oidc.identify(&signer.token(algorithm, &claims)).await);
            assert!(
                message.contains("in another way than its key is for"),
                "{algorithm}: {message}"
            );
        }
    }
    assert_eq!((server.asked(DISCOVERY), server.asked(KEYS)), (1, 1));
}

#[tokio::test]
async fn unsigned_tokens_and_those_signed_with_the_public_key_are_refused() {
    let signer = Signer::rsa("r");
    let server = Server::start(&[&signer]).await;
    let oidc = with(oidc_of(&server));
    let claims = claims(&server, json!({}));
    let public = serde_json::to_vec(&signer.jwk()).unwrap();
    let shared = |message: &[u8]| {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &public), message)
            .as_ref()
            .to_vec()
    };
    for algorithm in ["none", "None", "", "HS256", "HS384", "HS512", "rs256", "ES256K", "RS1"] {
        let header = json!({"alg": algorithm, "kid": "r"});
        for made in [token(&header, &claims, |_| Vec::new()), token(&header, &claims, shared)] {
            let message = refusal(oidc.identify(&made).await);
            assert_eq!(
                message, "the token is not signed in a way that is accepted",
                "{algorithm}"
            );
        }
    }
    let message = refusal(
        oidc.identify(&token(&json!({"alg": "RS256", "kid": "r"}), &claims, |_| Vec::new()))
            .await,
    );
    assert_eq!(message, "the signature of the token is wrong");
    let extended = json!({"alg": "RS256", "kid": "r", "crit": ["b64"], "b64": false});
    let message = refusal(
        oidc.identify(&token(&extended, &claims, |it| signer.sign("RS256", it)))
            .await,
    );
    assert_eq!(message, "the token needs an extension that is not known here");
}

#[tokio::test]
async fn a_key_that_the_token_brings_along_does_not_count() {
    let (ours, theirs) = (Signer::p256("a"), Signer::p256("a"));
    let server = Server::start(&[&ours]).await;
    let oidc = with(oidc_of(&server));
    let header = json!({"alg": "ES256", "kid": "a", "jwk": theirs.jwk(), "jku": "http://127.0.0.1:1/"});
    let made = token(&header, &claims(&server, json!({})), |it| theirs.sign("ES256", it));
    assert_eq!(
        refusal(oidc.identify(&made).await),
        "the signature of the token is wrong"
    );
}

#[tokio::test]
async fn claims_are_checked() {
    let signer = Signer::p256("a");
    let server = Server::start(&[&signer]).await;
    let oidc = with(oidc_of(&server));
    let time = now() as i64;
    for (changes, message) in [
        (json!({"exp": time - 30}), None),
        (json!({"exp": time as f64 + 10.5}), None),
        (json!({"nbf": time + 30}), None),
        (json!({"nbf": time - 30, "iat": time + 1000}), None),
        (json!({"aud": ["other", AUDIENCE]}), None),
        (json!({"exp": time - 120}), Some("the token expired 12")),
        (json!({"exp": 0}), Some("the token expired")),
        (json!({"exp": -1e300}), Some("the token expired")),
        (json!({"exp": null}), Some("does not say when it expires")),
        (json!({"exp": "2100-01-01"}), Some("`exp` of the token is no time")),
        (json!({"exp": [time + 100]}), Some("`exp` of the token is no time")),
        (json!({"nbf": time + 120}), Some("not valid yet")),
        (json!({"nbf": "now"}), Some("`nbf` of the token is no time")),
        (json!({"aud": "Feast"}), Some("another audience")),
        (json!({"aud": ["other"]}), Some("another audience")),
        (json!({"aud": []}), Some("another audience")),
        (json!({"aud": {"feast": "feast"}}), Some("another audience")),
        (json!({"aud": null}), Some("another audience")),
        (json!({"iss": "https://evil.example"}), Some("another issuer")),
        (json!({"iss": format!("{}/", server.address)}), Some("another issuer")),
        (json!({"iss": [server.address]}), Some("another issuer")),
        (json!({"iss": null}), Some("another issuer")),
        (
            json!({"preferred_username": null, "sub": null}),
            Some("does not say whose it is"),
        ),
        (
            json!({"preferred_username": "", "sub": 5}),
            Some("does not say whose it is"),
        ),
    ] {
        let made = signer.token("ES256", &claims(&server, changes.clone()));
        match message {
            None => assert_eq!(oidc.identify(&made).await.unwrap().name, "ada", "{changes}"),
            Some(message) => {
                let error = oidc.identify(&made).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Unauthenticated);
                assert!(error.message().contains(message), "{changes}: {error}");
                assert!(!error.to_string().contains(&made), "{error}");
            }
        }
    }
}

#[tokio::test]
async fn who_it_is_as_feast_reads_it() {
    let signer = Signer::p256("a");
    let server = Server::start(&[&signer]).await;
    let oidc = with(oidc_of(&server));
    let who = async |changes: Value| {
        oidc.identify(&signer.token("ES256", &claims(&server, changes)))
            .await
            .unwrap()
    };
    let ada = who(json!({
        "resource_access": {"client": {"roles": ["b", "a", 5]}, "other": {"roles": ["x"]}},
        "realm_access": {"roles": ["y"]},
        "roles": ["a", "c"],
        "groups": ["g", null],
        "namespaces": ["n"],
    }))
    .await;
    assert_eq!(
        (ada.roles.join(","), ada.groups.join(",")),
        ("b,a,c".to_owned(), "g".to_owned())
    );
    assert!(ada.namespaces.is_empty());
    let odd = who(json!({"resource_access": {"client": ["roles"]}, "roles": "a", "groups": {"g": 1}})).await;
    assert_eq!(odd, Identity::new("ada"));
    for (changes, name) in [
        (json!({"preferred_username": null}), "1"),
        (json!({"preferred_username": 7, "appid": "app"}), "app"),
        (
            json!({"preferred_username": null, "azp": "client", "appid": "app"}),
            "client",
        ),
        (
            json!({"preferred_username": null, "upn": "ada@x", "azp": "client"}),
            "ada@x",
        ),
    ] {
        assert_eq!(who(changes).await.name, name);
    }
}

#[tokio::test]
async fn garbage_is_malformed() {
    let signer = Signer::p256("a");
    let server = Server::start(&[&signer]).await;
    let oidc = with(oidc_of(&server));
    let good = signer.token("ES256", &claims(&server, json!({})));
    let part = |text: &str| encoded(text);
    let header = part(r#"{"alg":"ES256","kid":"a"}"#);
    let nested = part(&("[".repeat(100_000)));
    for made in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        "a.b".to_owned(),
        "a.b.c".to_owned(),
        format!("{good}.x"),
        format!("{good}="),
        format!(" {good}"),
        good.replace('.', ".."),
        format!("{header}.{}.", part("[]")),
        format!("{header}.{}.", part("{")),
        format!("{header}.{nested}."),
        format!("{nested}.{nested}.{nested}"),
        format!("{}.{}.", part("{}"), part("{}")),
        format!("{}.{}.", part(r#"{"alg":"ES256","alg":"none"}"#), part("{}")),
        format!("{}.{}.", part(r#"{"alg":"ES256","kid":["a"]}"#), part("{}")),
        "x".repeat(1 << 22),
    ] {
        assert_eq!(
            refusal(oidc.identify(&made).await),
            "the token is malformed",
            "{}",
            &made[..made.len().min(80)]
        );
    }
    assert_eq!(server.asked(DISCOVERY), 0);
    oidc.identify(&good).await.unwrap();
}

#[test]
fn whatever_is_changed_in_a_token_it_is_refused() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let signer = Signer::p256("a");
    let server = runtime.block_on(Server::start(&[&signer]));
    let oidc = with(oidc_of(&server));
    let good = signer.token("ES256", &claims(&server, json!({})));
    runtime.block_on(oidc.identify(&good)).unwrap();
    proptest!(|(at in 0..good.len(), byte in "[A-Za-z0-9._=-]")| {
        let mut bad = good.clone();
        bad.replace_range(at..=at, &byte);
        if bad != good {
            let error = runtime.block_on(oidc.identify(&bad)).unwrap_err();
            prop_assert!(!error.to_string().contains(&bad));
        }
    });
    proptest!(|(header in any_json(), claims in any_json())| {
        let bad = token(&header, &claims, |it| signer.sign("ES256", it));
        prop_assert!(runtime.block_on(oidc.identify(&bad)).is_err());
    });
}

/// Objects that look like headers and claims in parts.
fn any_json() -> impl Strategy<Value = Value> {
    let value = prop_oneof![
        Just(json!("ES256")),
        Just(json!("a")),
        Just(json!(AUDIENCE)),
        Just(Value::Null),
        any::<f64>().prop_map(|it| json!(it)),
        any::<String>().prop_map(|it| json!(it)),
        Just(json!({"roles": [1]})),
    ];
    let name = prop::sample::select(&["alg", "kid", "crit", "iss", "aud", "exp", "nbf", "sub", "roles"][..]);
    prop::collection::btree_map(name, value, 0..6).prop_map(|map| json!(map))
}
