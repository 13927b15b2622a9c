//! Tokens of an OIDC issuer: JWTs, checked against the keys that it publishes.
//!
//! Signatures are verified with ring, which is in the program anyway. The usual library for JWTs
//! brings a second cryptography library, or one for the whole process that panics when it is not set.

mod address;
mod algorithm;
mod claims;
mod config;
mod feast;
mod fetch;
mod jwt;
mod keys;
mod published;
mod source;
#[cfg(test)]
mod tests;

pub use config::OidcConfig;
pub use feast::FeastAuth;
pub(super) use jwt::is_jwt;

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use hybrid_core::{Error, Result};
use hybrid_feast::Identity;

use super::unauthenticated;
use jwt::Jwt;
use keys::Lookup;
use published::Published;
use source::{Issuer, Source};

/// Whose tokens are accepted, and its keys.
pub(super) struct Oidc {
    config: OidcConfig,
    published: Arc<Published>,
}

impl Oidc {
    /// Connects to nothing yet.
    ///
    /// # Errors
    /// Config, when addresses, audience or certificates are missing or wrong.
    pub(super) fn new(config: OidcConfig) -> Result<Self> {
        config.check()?;
        let published = Arc::new(Published::new(Source::new(&config)?, config.keys_lifetime));
        Ok(Self { config, published })
    }

    /// Fetches the keys.
    ///
    /// # Errors
    /// Unavailable, when they cannot be fetched.
    pub(super) async fn prepare(&self) -> Result<()> {
        self.published.current().await.map(drop)
    }

    /// Whose token it is.
    ///
    /// # Errors
    /// Unauthenticated, when it cannot be trusted; Unavailable, when the keys cannot be fetched.
    pub(super) async fn identify(&self, token: &str) -> Result<Identity> {
        let jwt = Jwt::parse(token)?;
        let issuer = self.published.current().await?;
        // Before the signature: a token that is not for here is no reason to fetch keys.
        claims::check(&jwt.claims, &issuer.name, &self.config.audience, now())?;
        self.verify(&jwt, issuer).await?;
        claims::identity(&jwt.claims, self.config.client_id.as_deref())
    }

    async fn verify(&self, jwt: &Jwt<'_>, mut issuer: Arc<Issuer>) -> Result<()> {
        if let Lookup::Unknown = issuer.keys.find(jwt) {
            issuer = self.published.after(issuer).await?;
        }
        match issuer.keys.find(jwt) {
            Lookup::Found(key) if key.verifies(jwt) => Ok(()),
            Lookup::Found(_) => Err(unauthenticated("the signature of the token is wrong")),
            Lookup::Unfit => Err(unauthenticated(
                "the token is signed in another way than its key is for",
            )),
            Lookup::Ambiguous => Err(unauthenticated("the token does not say with which key it is signed")),
            Lookup::Unknown => Err(unknown_key(&issuer.name)),
        }
    }
}

fn unknown_key(issuer: &str) -> Error {
    unauthenticated("the token is signed with a key that its issuer does not publish").with_help(format!(
        "get a new token from {issuer}; a new key is known here after half a minute at most"
    ))
}

/// Seconds since 1970.
fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs_f64()
}

impl fmt::Debug for Oidc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Oidc").field(&self.config).finish()
    }
}
