use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use google_cloud_auth::credentials::{self, CacheableResource, Credentials, impersonated};
use google_cloud_auth::errors::CredentialsError;
use hybrid_core::{Error, ErrorKind, Result};
use reqwest::header::HeaderMap;
use serde_json::Value;

use super::project::Described;
use crate::BigQueryConfig;

/// Reading, writing and jobs; what an account may do is decided by its roles.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// Who asks: tokens are made and renewed behind this, also during long work.
#[derive(Clone)]
pub(crate) struct Access {
    config: Arc<BigQueryConfig>,
    made: Arc<Mutex<Made>>,
}

/// Credentials, which keep their token until shortly before it ends.
struct Made {
    credentials: Credentials,
    since: Instant,
}

impl Access {
    /// By the configuration: none, a file, or the application default credentials; impersonating, if it says so.
    /// Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// Config, when a file cannot be read or is none of Google's.
    pub(crate) fn new(config: &BigQueryConfig) -> Result<Self> {
        // Fails when the program has chosen one before: that one is used then.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let made = Made::of(config)?;
        Ok(Self {
            config: Arc::new(config.clone()),
            made: Arc::new(Mutex::new(made)),
        })
    }

    fn made(&self) -> MutexGuard<'_, Made> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next request asks for a token anew: a server does not take that of a request which was begun at `asked`.
    /// One that has come since is another, and stays.
    pub(crate) fn renew(&self, asked: Instant) {
        let mut made = self.made();
        if made.since <= asked
            && let Ok(others) = Made::of(&self.config)
        {
            *made = others;
        }
    }

    /// What a request says of who asks, as of now.
    ///
    /// # Errors
    /// Unauthenticated, or Unavailable where the token's server is.
    pub(crate) async fn headers(&self) -> Result<HeaderMap> {
        let (asked, credentials) = (Instant::now(), self.made().credentials.clone());
        match credentials.headers(Default::default()).await {
            Ok(CacheableResource::New { data, .. }) => Ok(data),
            Ok(CacheableResource::NotModified) => Err(Error::new(
                ErrorKind::Unexpected,
                "the credentials gave no header, as if an older one were kept",
            )),
            Err(error) => {
                if !error.is_transient() {
                    // They ask no more by themselves; the file may have changed by the next request.
                    self.renew(asked);
                }
                Err(no_token(error))
            }
        }
    }
}

impl Made {
    fn of(config: &BigQueryConfig) -> Result<Self> {
        Ok(Self {
            credentials: configured(config)?,
            since: Instant::now(),
        })
    }
}

fn configured(config: &BigQueryConfig) -> Result<Credentials> {
    if config.anonymous {
        return Ok(credentials::anonymous::Builder::new().build());
    }
    let credentials = match &config.credentials_file {
        Some(path) => of_file(path)?,
        None => built(
            credentials::Builder::default().with_scopes([SCOPE]).build(),
            "the default credentials",
        )?,
    };
    match &config.impersonate_service_account {
        Some(account) => {
            let builder = impersonated::Builder::from_source_credentials(credentials);
            let made = builder.with_target_principal(account).with_scopes([SCOPE]).build();
            built(made, "`impersonate_service_account`")
        }
        None => Ok(credentials),
    }
}

/// The credentials of a file, by the type that it says.
fn of_file(path: &Path) -> Result<Credentials> {
    use credentials::{external_account, service_account, user_account};
    let json = Described::read(path)?.json;
    let kind = json.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let made = match kind.as_str() {
        "service_account" => service_account::Builder::new(json)
            .with_access_specifier(service_account::AccessSpecifier::from_scopes([SCOPE]))
            .build(),
        "authorized_user" => user_account::Builder::new(json).build(),
        "impersonated_service_account" => impersonated::Builder::new(json).with_scopes([SCOPE]).build(),
        "external_account" => external_account::Builder::new(json).with_scopes([SCOPE]).build(),
        other => {
            let message = format!(
                "`credentials_file`: `{}` holds credentials of type `{other}`",
                path.display()
            );
            return Err(Error::new(ErrorKind::Config, message).with_help(
                "service_account, authorized_user, impersonated_service_account and external_account are known",
            ));
        }
    };
    built(made, &format!("`credentials_file: {}`", path.display()))
}

fn built<E: std::error::Error>(made: Result<Credentials, E>, what: &str) -> Result<Credentials> {
    // The error's text names fields that are missing and files, and no values.
    made.map_err(|error| Error::new(ErrorKind::Config, format!("{what} cannot be used: {error}")))
}

fn no_token(error: CredentialsError) -> Error {
    if error.is_transient() {
        let message = "the server that gives access tokens cannot be reached";
        return Error::new(ErrorKind::Unavailable, message)
            .retryable()
            .with_cause(error);
    }
    Error::new(
        ErrorKind::Unauthenticated,
        "no access token is given for the credentials",
    )
    .with_cause(error)
    .with_help("`gcloud auth application-default login`, `credentials_file`, or GOOGLE_APPLICATION_CREDENTIALS")
}
