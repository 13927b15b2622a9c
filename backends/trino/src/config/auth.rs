use std::collections::BTreeMap;
use std::path::PathBuf;

use hybrid_core::Secret;
use serde::{Deserialize, Deserializer, de::Error as _};

/// How the user proves who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Auth {
    /// A user name and a password.
    Basic {
        /// The name.
        username: String,
        /// The password.
        password: Secret,
    },
    /// A JSON web token, or the token that an OAuth 2.0 login gave.
    Token(Secret),
    /// A client certificate.
    Certificate(Certificate),
}

/// A client certificate and its key, as PEM files.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// The certificate, with those that it hangs on.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(rename = "type")]
    kind: Kind,
    #[serde(default)]
    config: Option<BTreeMap<String, Secret>>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Kerberos,
    Basic,
    Jwt,
    Oauth2,
    Certificate,
}

const KERBEROS: &str = "auth type `kerberos` is not supported: it needs the machine's Kerberos libraries; use `basic`, \
                        `jwt`, `oauth2` with a token, or `certificate`";
const BROWSER: &str = "auth type `oauth2` needs `token` in its config: the login in a browser that Feast's client starts \
                       cannot be done by a library; get a token and write, for example, `token: ${TRINO_TOKEN}`";

impl<'de> Deserialize<'de> for Auth {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Written { kind, config } = Written::deserialize(deserializer)?;
        let mut fields = Fields(config.unwrap_or_default());
        let auth = match kind {
            Kind::Kerberos => return Err(D::Error::custom(KERBEROS)),
            Kind::Oauth2 if !fields.0.contains_key("token") => return Err(D::Error::custom(BROWSER)),
            Kind::Basic => fields.basic(),
            Kind::Jwt | Kind::Oauth2 => fields.take("token").map(Self::Token),
            Kind::Certificate => fields.certificate(),
        };
        let auth = auth.and_then(|auth| fields.nothing_more().map(|()| auth));
        auth.map_err(D::Error::custom)
    }
}

/// The fields of `config`, taken one by one.
struct Fields(BTreeMap<String, Secret>);

impl Fields {
    fn take(&mut self, name: &str) -> Result<Secret, String> {
        let taken = self.0.remove(name);
        taken.ok_or_else(|| format!("missing field `{name}` in the config of auth"))
    }

    fn basic(&mut self) -> Result<Auth, String> {
        Ok(Auth::Basic {
            username: self.take("username")?.expose().to_owned(),
            password: self.take("password")?,
        })
    }

    fn certificate(&mut self) -> Result<Auth, String> {
        Ok(Auth::Certificate(Certificate {
            cert: self.file("cert")?,
            key: self.file("key")?,
        }))
    }

    /// Feast calls it `cert-file`, its Trino client `cert`.
    fn file(&mut self, name: &str) -> Result<PathBuf, String> {
        let feasts = format!("{name}-file");
        let given = if self.0.contains_key(&feasts) {
            feasts.as_str()
        } else {
            name
        };
        Ok(self.take(given)?.expose().into())
    }

    fn nothing_more(&self) -> Result<(), String> {
        match self.0.keys().next() {
            Some(name) => Err(format!("unknown field `{name}` in the config of auth")),
            None => Ok(()),
        }
    }
}
