#![allow(clippy::unwrap_used)]

mod config;
mod issuer;
mod keys;
mod signer;
mod tokens;

use std::time::Duration;

use hybrid_core::ErrorKind;
use serde_json::{Value, json};

use super::*;
use issuer::{DISCOVERY, Issuer as Server, KEYS};
use signer::{Signer, encoded, token};

const AUDIENCE: &str = "feast";

fn oidc_of(server: &Server) -> OidcConfig {
    OidcConfig {
        client_id: Some("client".to_owned()),
        ..OidcConfig::new(&server.address, AUDIENCE)
    }
}

fn with(config: OidcConfig) -> Oidc {
    Oidc::new(config).unwrap()
}

/// What every good token says; `changes` replace or, by null, remove.
fn claims(server: &Server, changes: Value) -> Value {
    let end = now() as u64 + 300;
    let mut claims =
        json!({"iss": server.address, "aud": AUDIENCE, "exp": end, "sub": "1", "preferred_username": "ada"});
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => claims.as_object_mut().unwrap().remove(name),
            value => claims.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    claims
}

fn refusal(result: Result<Identity>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
    error.message().to_owned()
}

fn unavailability(result: Result<Identity>) -> String {
    let error = result.unwrap_err();
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (ErrorKind::Unavailable, true),
        "{error}"
    );
    error.message().to_owned()
}
