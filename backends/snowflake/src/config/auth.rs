use std::path::{Path, PathBuf};

use hybrid_core::{Error, ErrorKind, Result, Secret};

use super::{KeyPair, SnowflakeConfig};

/// How the user proves who it is.
#[derive(Debug)]
pub(crate) enum Credentials {
    /// A password, or a programmatic access token in its place.
    Password(Secret),
    /// A JSON web token signed with the user's private key.
    KeyPair(KeyPair),
    /// A token that was got elsewhere: of OAuth, or a programmatic access token.
    Token {
        /// As the login names it.
        authenticator: &'static str,
        /// Where the token is.
        token: Token,
    },
    /// A token that this process gets for its client's secret.
    Client(OauthClient),
}

/// Where a token is.
#[derive(Debug)]
pub(crate) enum Token {
    /// Here.
    Given(Secret),
    /// In a file that somebody keeps fresh.
    File(PathBuf),
}

/// A client of OAuth's client credentials flow.
#[derive(Debug)]
pub(crate) struct OauthClient {
    pub(crate) id: String,
    pub(crate) secret: Secret,
    pub(crate) url: String,
    pub(crate) scope: String,
}

impl Token {
    /// The token as it is now.
    pub(crate) async fn read(&self) -> Result<Secret> {
        match self {
            Self::Given(token) => Ok(token.clone()),
            Self::File(path) => {
                let text = tokio::fs::read_to_string(path).await.map_err(|error| {
                    let message = format!("`token_file_path`: `{}` cannot be read: {error}", path.display());
                    Error::new(ErrorKind::Config, message)
                })?;
                Ok(Secret::new(text.trim()))
            }
        }
    }
}

/// Ways to prove who one is that need a person, or what a library has not got.
const REFUSED: [(&str, &str); 5] = [
    ("externalbrowser", "it waits for a login in a browser"),
    ("oauth_authorization_code", "it waits for a login in a browser"),
    ("username_password_mfa", "it waits for a person with a second factor"),
    (
        "workload_identity",
        "it is not there yet: name a token with `authenticator: oauth` and `token_file_path`",
    ),
    ("id_token", "it is what a login in a browser leaves behind"),
];

impl Credentials {
    /// As the configuration says; the private key decides where `authenticator` is absent, as in Snowflake's own
    /// clients.
    pub(crate) fn of(config: &SnowflakeConfig, repo: &Path) -> Result<Self> {
        let asked = config.authenticator.as_deref().unwrap_or_default().to_ascii_lowercase();
        let has_key = config.private_key.is_some() || config.private_key_content.is_some();
        match asked.as_str() {
            "" | "snowflake" if has_key => Ok(Self::KeyPair(key_pair(config, repo)?)),
            "snowflake_jwt" => Ok(Self::KeyPair(key_pair(config, repo)?)),
            "" | "snowflake" => password(config),
            "oauth" => token(config, repo, "OAUTH"),
            "programmatic_access_token" => token(config, repo, "PROGRAMMATIC_ACCESS_TOKEN"),
            "oauth_client_credentials" => client(config),
            other => Err(refused(other)),
        }
    }
}

fn refused(authenticator: &str) -> Error {
    let reason = REFUSED.iter().find(|(name, _)| *name == authenticator);
    let reason = match reason {
        Some((_, reason)) => *reason,
        None if authenticator.starts_with("https://") => "it asks Okta for a person's password in several steps",
        None => "it is unknown",
    };
    Error::new(
        ErrorKind::Config,
        format!("`authenticator: {authenticator}` is not supported: {reason}"),
    )
    .with_help(
        "use `snowflake` with a password, `snowflake_jwt` with a private key, `oauth` or `programmatic_access_token` with a \
         token, or `oauth_client_credentials`",
    )
}

fn missing(field: &str, why: &str) -> Error {
    Error::new(ErrorKind::Config, format!("`{field}` is missing: {why}"))
}

fn password(config: &SnowflakeConfig) -> Result<Credentials> {
    let password = config.password.clone().filter(|password| !password.is_empty());
    password.map(Credentials::Password).ok_or_else(|| {
        missing(
            "password",
            "it, `private_key`, or a token with its `authenticator` proves who asks",
        )
    })
}

fn key_pair(config: &SnowflakeConfig, repo: &Path) -> Result<KeyPair> {
    let passphrase = config.private_key_passphrase.as_ref().filter(|text| !text.is_empty());
    match (&config.private_key, &config.private_key_content) {
        (Some(_), Some(_)) => Err(Error::new(
            ErrorKind::Config,
            "`private_key` and `private_key_content` are both there",
        )
        .with_help("keep one")),
        (Some(path), None) => KeyPair::from_file(&repo.join(path), passphrase),
        (None, Some(content)) => KeyPair::from_text(content, passphrase),
        (None, None) => Err(missing("private_key", "`authenticator: snowflake_jwt` signs with it")),
    }
}

fn token(config: &SnowflakeConfig, repo: &Path, authenticator: &'static str) -> Result<Credentials> {
    let given = config.token.clone().or_else(|| match authenticator {
        // The place where older clients took it from.
        "PROGRAMMATIC_ACCESS_TOKEN" => config.password.clone(),
        _ => None,
    });
    let token = match (given, &config.token_file_path) {
        (Some(token), None) if !token.is_empty() => Token::Given(token),
        (None, Some(path)) => Token::File(repo.join(path)),
        (Some(_), Some(_)) => {
            return Err(
                Error::new(ErrorKind::Config, "`token` and `token_file_path` are both there").with_help("keep one"),
            );
        }
        _ => return Err(missing("token", "this `authenticator` needs it, or `token_file_path`")),
    };
    Ok(Credentials::Token { authenticator, token })
}

/// Whether nobody on the way reads along: it is encrypted, or goes nowhere.
fn is_confidential(url: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(url) else {
        return false;
    };
    let here = ["localhost", "127.0.0.1", "[::1]"];
    url.scheme() == "https" || url.host_str().is_some_and(|host| here.contains(&host))
}

fn client(config: &SnowflakeConfig) -> Result<Credentials> {
    let needs = "`authenticator: oauth_client_credentials` needs it";
    let id = config
        .oauth_client_id
        .clone()
        .ok_or_else(|| missing("oauth_client_id", needs))?;
    let secret = config.oauth_client_secret.clone();
    let secret = secret.ok_or_else(|| missing("oauth_client_secret", needs))?;
    let url = config.oauth_token_request_url.clone();
    let url = url.ok_or_else(|| missing("oauth_token_request_url", needs))?;
    if !is_confidential(&url) {
        let message = format!("`oauth_token_request_url: {url}` would show the client's secret on its way");
        return Err(Error::new(ErrorKind::Config, message).with_help("it begins with https://"));
    }
    let role = config.role.as_deref().map(|role| format!("session:role:{role}"));
    let scope = config.oauth_scope.clone().or(role).unwrap_or_default();
    Ok(Credentials::Client(OauthClient { id, secret, url, scope }))
}
