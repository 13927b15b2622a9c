//! The token that tells a registry server who asks, found where Feast's own client finds it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hybrid_core::config::ClientAuth;
use hybrid_core::{Error, ErrorKind, Result, Secret};
use tonic::metadata::{Ascii, MetadataValue};

/// Where Kubernetes puts the token of a pod. It is replaced now and then, so it is read on each request.
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// What the header `authorization` holds.
pub(super) type Bearer = MetadataValue<Ascii>;

/// The header `authorization`, where there is one to send.
///
/// # Errors
/// Unauthenticated, when a token is asked for and there is none.
pub(super) fn header(auth: &ClientAuth) -> Result<Option<Bearer>> {
    let environment = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let account = || Some(std::fs::read_to_string(SERVICE_ACCOUNT).ok()?.trim().to_owned());
    let refused = |message: &str| Error::new(ErrorKind::Unauthenticated, message);
    let Some(token) = token(auth, &environment, &account) else {
        return match auth {
            ClientAuth::None => Ok(None),
            _ => Err(refused(
                "`auth` of feature_store.yaml names no token, and the environment has none",
            )),
        };
    };
    let mut value = MetadataValue::try_from(format!("Bearer {token}"))
        .map_err(|_| refused("the token of `auth` cannot be sent: it holds more than visible ASCII"))?;
    value.set_sensitive(true);
    Ok(Some(value))
}

fn token(
    auth: &ClientAuth,
    environment: &dyn Fn(&str) -> Option<String>,
    account: &dyn Fn() -> Option<String>,
) -> Option<String> {
    let given = |token: &Option<Secret>| token.as_ref().map(|token| token.expose().to_owned());
    let between_servers = environment("INTRA_COMMUNICATION_BASE64");
    match (auth, between_servers) {
        (ClientAuth::None, _) => None,
        (ClientAuth::Oidc(_), Some(name)) => Some(unsigned("preferred_username", &name)),
        (ClientAuth::Kubernetes(_), Some(name)) => Some(unsigned("sub", &format!(":::{name}"))),
        (ClientAuth::Oidc(token), None) => given(token)
            .or_else(|| environment("FEAST_OIDC_TOKEN"))
            .or_else(account),
        (ClientAuth::Kubernetes(token), None) => {
            given(token).or_else(account).or_else(|| environment("LOCAL_K8S_TOKEN"))
        }
    }
}

/// The token by which servers of one deployment know each other: they share the name.
fn unsigned(claim: &str, name: &str) -> String {
    let encoded = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = encoded(serde_json::json!({"alg": "none", "typ": "JWT"}));
    format!("{header}.{}.", encoded(serde_json::json!({claim: name})))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_come_from_where_feast_finds_them() {
        let given = || Some(Secret::from("given"));
        let named = |set: &'static str| move |name: &str| (name == set).then(|| format!("of {name}"));
        let account = || Some("account".to_owned());
        let none = || None;
        for (auth, set, account, expected) in [
            (
                ClientAuth::None,
                "FEAST_OIDC_TOKEN",
                &account as &dyn Fn() -> Option<String>,
                None,
            ),
            (ClientAuth::Oidc(given()), "FEAST_OIDC_TOKEN", &account, Some("given")),
            (
                ClientAuth::Oidc(None),
                "FEAST_OIDC_TOKEN",
                &account,
                Some("of FEAST_OIDC_TOKEN"),
            ),
            (ClientAuth::Oidc(None), "", &account, Some("account")),
            (
                ClientAuth::Kubernetes(given()),
                "LOCAL_K8S_TOKEN",
                &account,
                Some("given"),
            ),
            (
                ClientAuth::Kubernetes(None),
                "LOCAL_K8S_TOKEN",
                &account,
                Some("account"),
            ),
            (
                ClientAuth::Kubernetes(None),
                "LOCAL_K8S_TOKEN",
                &none,
                Some("of LOCAL_K8S_TOKEN"),
            ),
            (ClientAuth::Oidc(None), "", &none, None),
        ] {
            let found = token(&auth, &named(set), account);
            assert_eq!(found.as_deref(), expected, "{auth:?} {set}");
        }
    }

    /// What PyJWT makes of the same.
    #[test]
    fn servers_of_one_deployment_know_each_other() {
        let environment = |name: &str| (name == "INTRA_COMMUNICATION_BASE64").then(|| "abc".to_owned());
        let found = token(&ClientAuth::Kubernetes(None), &environment, &|| None);
        let expected = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiI6OjphYmMifQ.";
        assert_eq!(found.as_deref(), Some(expected));
    }
}
