//! Who calls: bearer tokens, known from a file or from an OIDC issuer.
//!
//! What an [`Identity`] may do is for [`hybrid_feast::Permissions`] to say.

mod bearer;
mod oidc;
mod tokens;

pub use hybrid_feast::Identity;
pub use oidc::{FeastAuth, OidcConfig};

use std::path::PathBuf;
use std::sync::Arc;

use hybrid_core::{Error, ErrorKind, Result};
use tonic::metadata::MetadataMap;

use oidc::Oidc;
use tokens::TokenFile;

/// Tells who calls by the `authorization` header. Cheap to clone.
///
/// Without anything to know tokens from, it asks nobody: whoever calls is [anonymous](Identity::anonymous).
#[derive(Clone, Debug, Default)]
pub struct Authenticator {
    tokens: Option<Arc<TokenFile>>,
    oidc: Option<Arc<Oidc>>,
}

impl Authenticator {
    /// Asks nobody.
    pub fn anyone() -> Self {
        Self::default()
    }

    /// Knows the tokens of a file too, which is a YAML list:
    ///
    /// ```yaml
    /// - name: training
    ///   token: 6f1ed002ab5595859014ebf0951522d9    # or sha256: the digest of the token, in hexadecimal
    ///   roles: [reader]                            # groups and namespaces likewise
    ///   expires: 2030-01-01T00:00:00Z              # optional
    /// ```
    ///
    /// It is read again when it changed.
    ///
    /// # Errors
    /// Config, with positions, when the file is wrong; NotFound and others when it cannot be read.
    pub fn with_token_file(mut self, path: impl Into<PathBuf>) -> Result<Self> {
        self.tokens = Some(Arc::new(TokenFile::open(path.into())?));
        Ok(self)
    }

    /// Accepts the tokens of an OIDC issuer too. Nothing is fetched yet.
    ///
    /// # Errors
    /// Config, when addresses, audience or certificates are missing or wrong.
    pub fn with_oidc(mut self, config: OidcConfig) -> Result<Self> {
        self.oidc = Some(Arc::new(Oidc::new(config)?));
        Ok(self)
    }

    /// Whether callers are asked who they are. Where they are not, Feast enforces no permissions.
    pub fn asks(&self) -> bool {
        self.tokens.is_some() || self.oidc.is_some()
    }

    /// Fetches the issuer's keys, so that the first call need not wait for them.
    ///
    /// # Errors
    /// Unavailable, when they cannot be fetched; a later call tries again.
    pub async fn prepare(&self) -> Result<()> {
        match &self.oidc {
            Some(oidc) => oidc.prepare().await,
            None => Ok(()),
        }
    }

    /// Who calls. Where tokens of both kinds are known, a JWT is the issuer's and anything else is
    /// looked for in the file.
    ///
    /// # Errors
    /// Unauthenticated, saying what is wrong and never the token; Unavailable, when the issuer's
    /// keys are needed and cannot be fetched.
    pub async fn identify(&self, metadata: &MetadataMap) -> Result<Identity> {
        if !self.asks() {
            return Ok(Identity::anonymous());
        }
        let token = bearer::token(metadata)?;
        match (&self.oidc, &self.tokens) {
            (Some(oidc), tokens) if tokens.is_none() || oidc::is_jwt(token) => oidc.identify(token).await,
            (_, Some(tokens)) => tokens.identify(token).await,
            _ => Err(unauthenticated("no token is accepted")),
        }
    }
}

fn unauthenticated(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Unauthenticated, message)
}

#[cfg(test)]
mod tests;
