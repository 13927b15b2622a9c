use super::super::fields::Fields;
use super::super::node::Node;
use super::super::problems::Problems;
use super::{Around, unsupported};
use crate::Secret;

/// How a client of Feast's servers says who it is: `auth` of feature_store.yaml.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ClientAuth {
    /// Not at all.
    #[default]
    None,
    /// With a token of an OIDC issuer; absent: the environment's FEAST_OIDC_TOKEN, then the service account's.
    Oidc(Option<Secret>),
    /// With a token of Kubernetes; absent: the service account's, then the environment's LOCAL_K8S_TOKEN.
    Kubernetes(Option<Secret>),
}

/// Reads `auth`, of which most is for servers.
pub(super) fn read(around: &Around<'_>, problems: &mut Problems) -> ClientAuth {
    let node = (around.auth)(problems);
    let Some(node) = node.as_ref().filter(|node| !node.is_null()) else {
        return ClientAuth::None;
    };
    let Some(mut fields) = Fields::of(node, "`auth`", problems) else {
        return ClientAuth::None;
    };
    let written = fields.optional_text("type", problems);
    match written.as_deref() {
        None | Some("no_auth") => ClientAuth::None,
        Some("oidc") => ClientAuth::Oidc(oidc(&mut fields, around, problems)),
        Some("kubernetes") => ClientAuth::Kubernetes(token("user_token", &mut fields, problems)),
        Some(_) => {
            let at = fields.get("type").unwrap_or(node);
            let error = at.error(format!("{} is no type of `auth`", at.shown_or("this")));
            problems.push(error.with_help("it is `no_auth`, `oidc` or `kubernetes`"));
            ClientAuth::None
        }
    }
}

fn oidc(fields: &mut Fields<'_>, around: &Around<'_>, problems: &mut Problems) -> Option<Secret> {
    let given = token("token", fields, problems);
    let variable = fields.optional_text("token_env_var", problems);
    if let Some(at) = fields.get("client_secret") {
        problems.push(
            unsupported(at, "a token cannot be fetched from the OIDC issuer here")
                .with_help("give `token`, `token_env_var`, or the environment variable FEAST_OIDC_TOKEN"),
        );
    }
    let named = variable.and_then(|name| named(&name, fields, around, problems));
    given.or(named)
}

fn token(key: &'static str, fields: &mut Fields<'_>, problems: &mut Problems) -> Option<Secret> {
    fields.read(key, problems).filter(|token: &Secret| !token.is_empty())
}

fn named(name: &str, fields: &mut Fields<'_>, around: &Around<'_>, problems: &mut Problems) -> Option<Secret> {
    let value = (around.variable)(name).filter(|value| !value.is_empty());
    if value.is_none() {
        let at: &Node = fields.get("token_env_var").unwrap_or(fields.node);
        problems.push(at.error(format!(
            "the variable {} is not set",
            at.shown_or("that `token_env_var` names")
        )));
    }
    value.map(Secret::from)
}
