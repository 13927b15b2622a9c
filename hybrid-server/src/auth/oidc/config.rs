use std::path::PathBuf;
use std::time::Duration;

use hybrid_core::{Error, ErrorKind, Result};

/// Which OIDC issuer's tokens are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcConfig {
    /// What a token's `iss` must be. Absent: what the issuer calls itself at `discovery_url`.
    pub issuer: Option<String>,
    /// Where the issuer describes itself. Absent: `{issuer}/.well-known/openid-configuration`.
    pub discovery_url: Option<String>,
    /// Where its keys are. Absent: found by discovery.
    pub jwks_uri: Option<String>,
    /// A token's `aud` must hold one of these; at least one.
    pub audience: Vec<String>,
    /// The client whose roles in a token's `resource_access` count, beside those in `roles`.
    pub client_id: Option<String>,
    /// A PEM file of the certificate authorities to trust. Absent: the system's.
    pub ca_file: Option<PathBuf>,
    /// Whether the issuer's certificate is checked.
    pub verify_tls: bool,
    /// How old the keys may be before they are fetched again.
    pub keys_lifetime: Duration,
    /// How long the issuer may take for one answer.
    pub timeout: Duration,
}

impl OidcConfig {
    /// Tokens of `issuer`, found by discovery, that are for `audience`.
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        Self {
            issuer: Some(issuer.into()),
            audience: vec![audience.into()],
            ..Self::default()
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        let wrong = |message: &str, help: &str| Err(Error::new(ErrorKind::Config, message).with_help(help));
        let blank = |text: &String| text.trim().is_empty();
        if self.audience.is_empty() || self.audience.iter().any(blank) {
            let help = "give `audience`: what the issuer writes into the claim `aud` of tokens for this server; \
                        without it a token for any other service would do here";
            return wrong("the audience of OIDC tokens is not configured", help);
        }
        if self.issuer.as_ref().is_some_and(blank) {
            return wrong(
                "the OIDC issuer is empty",
                "give its address, as in the claim `iss` of its tokens",
            );
        }
        match (&self.issuer, &self.discovery_url, &self.jwks_uri) {
            (None, None, None) => wrong(
                "no OIDC issuer is configured",
                "give `issuer`, for example https://host/realms/name",
            ),
            (None, _, Some(_)) => wrong(
                "`jwks_uri` needs `issuer`",
                "give what the claim `iss` of its tokens is",
            ),
            _ => Ok(()),
        }
    }
}

impl Default for OidcConfig {
    fn default() -> Self {
        Self {
            issuer: None,
            discovery_url: None,
            jwks_uri: None,
            audience: Vec::new(),
            client_id: None,
            ca_file: None,
            verify_tls: true,
            keys_lifetime: Duration::from_secs(60 * 60),
            timeout: Duration::from_secs(10),
        }
    }
}
