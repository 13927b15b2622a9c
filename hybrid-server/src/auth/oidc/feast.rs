use std::path::PathBuf;
use std::time::Duration;

use hybrid_core::config::Node;
use hybrid_core::{Error, ErrorKind, Result};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::OidcConfig;

/// What `auth` of Feast's feature_store.yaml asks a server for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeastAuth {
    /// Nobody is asked.
    NoAuth,
    /// Tokens of an OIDC issuer. Its audience is empty where Feast's would be: then Feast accepts
    /// tokens for any service, and here it has to be given.
    Oidc(OidcConfig),
}

/// Feast's OidcAuthConfig, and what only its clients read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    #[serde(rename = "type")]
    _type: IgnoredAny,
    auth_discovery_url: Option<String>,
    client_id: Option<String>,
    #[serde(default = "yes")]
    verify_ssl: bool,
    #[serde(default)]
    ca_cert_path: String,
    audience: Option<String>,
    issuer: Option<String>,
    jwks_cache_lifespan_seconds: Option<u32>,
    jwks_request_timeout_seconds: Option<f64>,
    #[serde(rename = "ui_client_id")]
    _ui_client_id: Option<IgnoredAny>,
    #[serde(rename = "username")]
    _username: Option<IgnoredAny>,
    #[serde(rename = "password")]
    _password: Option<IgnoredAny>,
    #[serde(rename = "client_secret")]
    _client_secret: Option<IgnoredAny>,
    #[serde(rename = "token")]
    _token: Option<IgnoredAny>,
    #[serde(rename = "token_env_var")]
    _token_env_var: Option<IgnoredAny>,
    #[serde(rename = "token_refresh_margin_seconds")]
    _token_refresh_margin_seconds: Option<IgnoredAny>,
}

fn yes() -> bool {
    true
}

impl FeastAuth {
    /// Reads the value of `auth`, a mapping or the type alone.
    ///
    /// # Errors
    /// Config, with positions; Unsupported, for Kubernetes.
    pub fn read(auth: &Node) -> Result<Self> {
        if auth.is_null() {
            return Ok(Self::NoAuth);
        }
        let kind = auth.get("type").unwrap_or(auth);
        match kind.as_str() {
            Some("no_auth") => Ok(Self::NoAuth),
            Some("oidc") if auth.is_mapping() => Ok(Self::Oidc(auth.deserialize::<Fields>()?.config(auth)?)),
            Some("oidc") => Err(auth.error("`auth: oidc` lacks its other fields")),
            Some("kubernetes") => Err(kubernetes(kind)),
            _ => Err(kind
                .error("`auth` has no `type` that is known")
                .with_help("it must be no_auth or oidc")),
        }
    }
}

/// Feast asks the cluster with its own rights about each token and reads all its role bindings.
fn kubernetes(kind: &Node) -> Error {
    let message =
        "`auth: kubernetes` is not supported: who a caller is would have to be asked of the cluster on each call";
    Error::new(ErrorKind::Unsupported, message)
        .at(kind.position())
        .with_help("use `type: oidc` with the cluster's own issuer, which signs the tokens of service accounts, or a token file")
}

impl Fields {
    fn config(self, auth: &Node) -> Result<OidcConfig> {
        let Some(url) = self.auth_discovery_url.filter(|url| !url.is_empty()) else {
            let error = auth.key_error("type", "`auth` has no `auth_discovery_url`");
            return Err(error.with_help("a server needs it; without it this is what a client is configured with"));
        };
        let mut config = OidcConfig {
            discovery_url: Some(url),
            issuer: self.issuer,
            audience: self.audience.into_iter().collect(),
            client_id: self.client_id,
            ca_file: Some(PathBuf::from(self.ca_cert_path)).filter(|path| !path.as_os_str().is_empty()),
            verify_tls: self.verify_ssl,
            ..OidcConfig::default()
        };
        if let Some(seconds) = self.jwks_cache_lifespan_seconds {
            config.keys_lifetime = Duration::from_secs(seconds.max(1).into());
        }
        if let Some(seconds) = self.jwks_request_timeout_seconds {
            config.timeout = Duration::try_from_secs_f64(seconds)
                .ok()
                .filter(|timeout| !timeout.is_zero())
                .ok_or_else(|| auth.key_error("jwks_request_timeout_seconds", "this must be a time in seconds"))?;
        }
        Ok(config)
    }
}
