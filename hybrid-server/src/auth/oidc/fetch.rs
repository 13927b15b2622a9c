use std::path::Path;
use std::time::Duration;

use hybrid_core::config::without_secrets;
use hybrid_core::error::with_causes;
use hybrid_core::{Error, ErrorKind, Result};
use reqwest::{Certificate, Client, ClientBuilder, Url};
use serde_json::Value;

use super::{OidcConfig, address};

/// Key sets have a few kilobytes.
const MAX_BYTES: usize = 1 << 20;
/// How long making a connection may take.
const CONNECT: Duration = Duration::from_secs(5);

/// Asks the issuer.
pub(super) struct Fetcher {
    client: Client,
    /// For addresses on this machine: no proxy reaches those.
    local: Client,
}

impl Fetcher {
    pub(super) fn new(config: &OidcConfig) -> Result<Self> {
        // Fails when the program has chosen one before: that one is used then.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let built = |builder: ClientBuilder| {
            let broken = |error| Error::new(ErrorKind::Config, "no TLS connections can be made").with_cause(error);
            builder.build().map_err(broken)
        };
        Ok(Self {
            client: built(builder(config)?)?,
            local: built(builder(config)?.no_proxy())?,
        })
    }

    /// The JSON at `url`.
    ///
    /// # Errors
    /// Unavailable, saying why: no answer, another status than 200, too large, no JSON.
    pub(super) async fn json(&self, url: &Url) -> Result<Value> {
        let client = if address::is_loopback(url) {
            &self.local
        } else {
            &self.client
        };
        let failed = |reason: String| unavailable(format!("{}: {reason}", without_secrets(url.as_str())));
        let lost = |error: reqwest::Error| failed(with_causes(&error.without_url()));
        let mut answer = client.get(url.clone()).send().await.map_err(lost)?;
        if answer.status() != reqwest::StatusCode::OK {
            return Err(failed(format!("status {}", answer.status())));
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(lost)? {
            if body.len() + chunk.len() > MAX_BYTES {
                return Err(failed(format!("more than {MAX_BYTES} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        serde_json::from_slice(&body).map_err(|_| failed("the answer is no JSON".to_owned()))
    }
}

/// The issuer does not give what is needed; it may do so later.
pub(super) fn unavailable(reason: impl Into<String>) -> Error {
    Error::new(ErrorKind::Unavailable, reason).retryable()
}

fn builder(config: &OidcConfig) -> Result<ClientBuilder> {
    let builder = Client::builder()
        .connect_timeout(CONNECT.min(config.timeout))
        .timeout(config.timeout)
        // Keys come from where they were looked for.
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("hybrid-offline-store/", env!("CARGO_PKG_VERSION")));
    match &config.ca_file {
        _ if !config.verify_tls => {
            tracing::warn!(
                "the certificate of the OIDC issuer is not checked: whoever is between can replace the keys"
            );
            Ok(builder.danger_accept_invalid_certs(true))
        }
        Some(path) => Ok(authorities(path)?.into_iter().fold(
            builder.tls_built_in_root_certs(false),
            ClientBuilder::add_root_certificate,
        )),
        None => Ok(builder),
    }
}

fn authorities(path: &Path) -> Result<Vec<Certificate>> {
    let wrong = |reason: &str| {
        let message = format!(
            "the certificate authorities of the OIDC issuer: `{}` {reason}",
            path.display()
        );
        Error::new(ErrorKind::Config, message).with_help("it must be a PEM file of certificate authorities")
    };
    let bytes = std::fs::read(path).map_err(|error| wrong("cannot be read").with_cause(error))?;
    match Certificate::from_pem_bundle(&bytes) {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(wrong("holds no certificate")),
    }
}
