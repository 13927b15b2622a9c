use hybrid_core::Result;
use hybrid_feast::Identity;
use serde_json::{Map, Value};

use crate::auth::unauthenticated;

/// How far clocks may be apart, in seconds.
const LEEWAY: f64 = 60.0;

/// Where a name is looked for, as Feast does: people first, then what acts for itself.
const NAMES: [&str; 5] = ["preferred_username", "upn", "azp", "appid", "sub"];

type Claims = Map<String, Value>;

/// Whether a token with these claims is `issuer`'s, for one of `audience`, and good at `now`, in
/// seconds since 1970.
///
/// # Errors
/// Unauthenticated, saying which claim is wrong.
pub(super) fn check(claims: &Claims, issuer: &str, audience: &[String], now: f64) -> Result<()> {
    if claims.get("iss").and_then(Value::as_str) != Some(issuer) {
        return Err(
            unauthenticated("the token is of another issuer").with_help(format!("tokens are issued by {issuer}"))
        );
    }
    if !is_for(claims.get("aud"), audience) {
        let help = format!("the claim `aud` must hold one of: {}", audience.join(", "));
        return Err(unauthenticated("the token is for another audience").with_help(help));
    }
    let end = time(claims, "exp")?.ok_or_else(|| unauthenticated("the token does not say when it expires"))?;
    if now >= end + LEEWAY {
        let message = format!("the token expired {:.0} s ago", now - end);
        return Err(unauthenticated(message).with_help("get a new one from the issuer"));
    }
    match time(claims, "nbf")? {
        Some(begin) if now + LEEWAY < begin => Err(unauthenticated(format!(
            "the token is not valid yet, but in {:.0} s",
            begin - now
        ))),
        _ => Ok(()),
    }
}

/// `aud` is a text or a list of them.
fn is_for(claim: Option<&Value>, audience: &[String]) -> bool {
    let is_ours = |it: &Value| it.as_str().is_some_and(|it| audience.iter().any(|ours| ours == it));
    match claim {
        Some(Value::Array(all)) => all.iter().any(is_ours),
        Some(one) => is_ours(one),
        None => false,
    }
}

fn time(claims: &Claims, name: &str) -> Result<Option<f64>> {
    match claims.get(name) {
        None => Ok(None),
        Some(value) => match value.as_f64() {
            Some(seconds) => Ok(Some(seconds)),
            None => Err(unauthenticated(format!("the claim `{name}` of the token is no time"))),
        },
    }
}

/// Who the claims say it is. As in Feast, roles are those of `client_id` in `resource_access` and those in
/// `roles`, groups those in `groups`; roles of the realm do not count, and there are no namespaces.
///
/// # Errors
/// Unauthenticated, when there is no name.
pub(super) fn identity(claims: &Claims, client_id: Option<&str>) -> Result<Identity> {
    let mut names = NAMES.iter().filter_map(|claim| claims.get(*claim)?.as_str());
    let Some(name) = names.find(|name| !name.is_empty()) else {
        let help = format!("one of these claims must be a name: {}", NAMES.join(", "));
        return Err(unauthenticated("the token does not say whose it is").with_help(help));
    };
    let of_client = client_id.and_then(|client| claims.get("resource_access")?.get(client)?.get("roles"));
    let mut identity = Identity::new(name);
    identity.roles = texts([of_client, claims.get("roles")]);
    identity.groups = texts([claims.get("groups")]);
    Ok(identity)
}

/// The texts of several lists, each once, in order.
fn texts<const N: usize>(lists: [Option<&Value>; N]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for text in lists
        .into_iter()
        .flatten()
        .filter_map(Value::as_array)
        .flatten()
        .filter_map(Value::as_str)
    {
        if !all.iter().any(|it| it == text) {
            all.push(text.to_owned());
        }
    }
    all
}
