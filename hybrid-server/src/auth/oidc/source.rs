use hybrid_core::Result;
use reqwest::Url;
use serde_json::Value;

use super::fetch::{Fetcher, unavailable};
use super::keys::KeySet;
use super::{OidcConfig, address};

/// What an issuer publishes of itself.
pub(super) struct Issuer {
    /// What `iss` is in its tokens.
    pub(super) name: String,
    pub(super) keys: KeySet,
}

/// Where that is found.
pub(super) struct Source {
    fetcher: Fetcher,
    place: Place,
}

enum Place {
    Keys { issuer: String, url: Url },
    Discovery { issuer: Name, url: Url },
}

/// What the issuer is called.
enum Name {
    /// What is configured, and the issuer must say the same.
    Same(String),
    /// What is configured; the issuer may say something else.
    Configured(String),
    /// What the issuer says.
    Published,
}

impl Source {
    pub(super) fn new(config: &OidcConfig) -> Result<Self> {
        let fetcher = Fetcher::new(config)?;
        let discovery = config.discovery_url.as_ref();
        let place = match (&config.jwks_uri, discovery, &config.issuer) {
            (Some(uri), _, issuer) => Place::Keys {
                issuer: issuer.clone().unwrap_or_default(),
                url: address::checked(uri, "jwks_uri")?,
            },
            (None, Some(url), issuer) => Place::Discovery {
                issuer: issuer.clone().map_or(Name::Published, Name::Configured),
                url: address::checked(url, "discovery_url")?,
            },
            (None, None, issuer) => {
                let issuer = issuer.clone().unwrap_or_default();
                let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
                address::checked(&issuer, "issuer")?;
                Place::Discovery {
                    issuer: Name::Same(issuer),
                    url: address::checked(&url, "issuer")?,
                }
            }
        };
        Ok(Self { fetcher, place })
    }

    /// Asks the issuer.
    ///
    /// # Errors
    /// Unavailable, when it does not answer as it must.
    pub(super) async fn load(&self) -> Result<Issuer> {
        let (name, url) = match &self.place {
            Place::Keys { issuer, url } => (issuer.clone(), url.clone()),
            Place::Discovery { issuer, url } => {
                let document = self.fetcher.json(url).await?;
                (name(issuer, &document)?, keys_url(&document)?)
            }
        };
        let keys = KeySet::read(&self.fetcher.json(&url).await?);
        match keys.is_empty() {
            true => Err(unavailable(format!("{url}: no key that can verify a signature"))),
            false => Ok(Issuer { name, keys }),
        }
    }
}

fn name(wanted: &Name, document: &Value) -> Result<String> {
    let published = document.get("issuer").and_then(Value::as_str);
    match (wanted, published) {
        (Name::Configured(name), _) => Ok(name.clone()),
        (Name::Published, Some(published)) if !published.is_empty() => Ok(published.to_owned()),
        (Name::Same(name), Some(published)) if name == published => Ok(name.clone()),
        (Name::Same(name), Some(published)) => Err(unavailable(format!(
            "the issuer that is configured as {name} calls itself {published}"
        ))),
        (_, _) => Err(unavailable(
            "the issuer does not say in its discovery document what it is called",
        )),
    }
}

/// Where the document says that the keys are; it has no more rights than the configuration.
fn keys_url(document: &Value) -> Result<Url> {
    let Some(text) = document.get("jwks_uri").and_then(Value::as_str) else {
        return Err(unavailable("the issuer's discovery document has no `jwks_uri`"));
    };
    address::checked(text, "jwks_uri").map_err(|error| unavailable(error.message()))
}
