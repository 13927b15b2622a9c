use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hybrid_core::{Error, Result};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Map, Value};

use super::algorithm::Algorithm;
use crate::auth::unauthenticated;

/// A token in its parts; nothing in it can be trusted yet.
#[derive(Debug)]
pub(super) struct Jwt<'a> {
    pub(super) algorithm: Algorithm,
    /// Which key it says that it is signed with.
    pub(super) key_id: Option<String>,
    pub(super) claims: Map<String, Value>,
    /// What is signed, as it came.
    pub(super) signed: &'a [u8],
    pub(super) signature: Vec<u8>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<IgnoredAny>,
}

impl<'a> Jwt<'a> {
    /// Reads a token.
    ///
    /// # Errors
    /// Unauthenticated, for what is no signed JWT, or signed in a way that is not accepted.
    pub(super) fn parse(token: &'a str) -> Result<Self> {
        let (signed, signature) = token.rsplit_once('.').ok_or_else(malformed)?;
        let (header, claims) = signed.split_once('.').ok_or_else(malformed)?;
        let header: Header = json(header).ok_or_else(malformed)?;
        let claims = json(claims).ok_or_else(malformed)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| malformed())?;
        if header.crit.is_some() {
            return Err(unauthenticated("the token needs an extension that is not known here"));
        }
        Ok(Self {
            algorithm: Algorithm::named(&header.alg).ok_or_else(not_accepted)?,
            key_id: header.kid,
            claims,
            signed: signed.as_bytes(),
            signature,
        })
    }
}

/// Whether the token looks like a JWT, good or not.
pub(in crate::auth) fn is_jwt(token: &str) -> bool {
    let parts: Vec<&str> = token.splitn(4, '.').collect();
    matches!(parts.as_slice(), [header, _, _] if json::<Map<String, Value>>(header).is_some())
}

fn json<T: DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

fn malformed() -> Error {
    unauthenticated("the token is malformed").with_help("it must be a signed JWT of the issuer")
}

fn not_accepted() -> Error {
    let names = Algorithm::ALL.map(Algorithm::name).join(", ");
    unauthenticated("the token is not signed in a way that is accepted").with_help(format!("accepted are {names}"))
}
