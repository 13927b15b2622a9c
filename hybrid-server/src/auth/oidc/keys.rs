use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;

use super::algorithm::{Algorithm, PublicKey};
use super::jwt::Jwt;

/// ring verifies with no smaller RSA keys, and nobody should.
const SMALLEST_MODULUS: usize = 2048 / 8;

/// The keys that an issuer signs with.
#[derive(Debug)]
pub(super) struct KeySet(Vec<Key>);

#[derive(Debug)]
pub(super) struct Key {
    id: Option<String>,
    /// The only one that it is for; absent: any that fits.
    algorithm: Option<Algorithm>,
    public: PublicKey,
}

/// Which key a token is signed with.
pub(super) enum Lookup<'a> {
    Found(&'a Key),
    /// None that is known.
    Unknown,
    /// One that is for other signatures.
    Unfit,
    /// It does not say, and several could be it.
    Ambiguous,
}

/// A key as it is published; see RFC 7517 and 7518.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl KeySet {
    /// The keys of a JWK set that can verify signatures. Others are passed over, as a set may hold
    /// keys for encryption, or of kinds that came later.
    pub(super) fn read(set: &Value) -> Self {
        let keys = set.get("keys").and_then(Value::as_array);
        Self(keys.into_iter().flatten().filter_map(Key::read).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn find(&self, jwt: &Jwt<'_>) -> Lookup<'_> {
        let mut named = self
            .0
            .iter()
            .filter(|key| jwt.key_id.is_none() || key.id == jwt.key_id)
            .peekable();
        let exists = named.peek().is_some();
        let mut fitting = named.filter(|key| key.is_for(jwt.algorithm));
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Lookup::Found(key),
            (Some(_), Some(_)) => Lookup::Ambiguous,
            (None, _) if exists && jwt.key_id.is_some() => Lookup::Unfit,
            (None, _) => Lookup::Unknown,
        }
    }
}

impl Key {
    fn read(value: &Value) -> Option<Self> {
        let jwk = Jwk::deserialize(value).ok()?;
        let signs = jwk.usage.as_ref().is_none_or(|usage| usage == "sig");
        let verifies = jwk
            .key_ops
            .as_ref()
            .is_none_or(|all| all.iter().any(|it| it == "verify"));
        if !signs || !verifies {
            return None;
        }
        let public = jwk.public()?;
        let algorithm = match &jwk.alg {
            Some(name) => Some(Algorithm::named(name).filter(|it| public.fits(*it))?),
            None => None,
        };
        Some(Self {
            id: jwk.kid,
            algorithm,
            public,
        })
    }

    fn is_for(&self, algorithm: Algorithm) -> bool {
        self.public.fits(algorithm) && self.algorithm.is_none_or(|only| only == algorithm)
    }

    /// Whether the token was signed with it.
    pub(super) fn verifies(&self, jwt: &Jwt<'_>) -> bool {
        self.is_for(jwt.algorithm) && self.public.verifies(jwt.algorithm, jwt.signed, &jwt.signature)
    }
}

impl Jwk {
    fn public(&self) -> Option<PublicKey> {
        match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => {
                let (modulus, exponent) = (number(&self.n)?, number(&self.e)?);
                (modulus.len() >= SMALLEST_MODULUS).then_some(PublicKey::Rsa { modulus, exponent })
            }
            ("EC", Some("P-256")) => Some(PublicKey::P256(self.point(32)?)),
            ("EC", Some("P-384")) => Some(PublicKey::P384(self.point(48)?)),
            ("OKP", Some("Ed25519")) => {
                let point = bytes(&self.x)?;
                (point.len() == 32).then_some(PublicKey::Ed25519(point))
            }
            _ => None,
        }
    }

    /// The uncompressed point that x and y are.
    fn point(&self, length: usize) -> Option<Vec<u8>> {
        let (x, y) = (bytes(&self.x)?, bytes(&self.y)?);
        (x.len() == length && y.len() == length).then(|| [&[4], x.as_slice(), &y].concat())
    }
}

fn bytes(text: &Option<String>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text.as_ref()?.trim_end_matches('=')).ok()
}

/// Without the leading zeros that some issuers write and that ring refuses.
fn number(text: &Option<String>) -> Option<Vec<u8>> {
    let bytes = bytes(text)?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(zeros..).map(<[u8]>::to_vec)
}
