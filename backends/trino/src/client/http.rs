use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hybrid_core::error::is_caused_by;
use hybrid_core::sql::jittered;
use hybrid_core::{Error, ErrorKind, Result};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, StatusCode, Url};

use super::tls;
use crate::config::{Auth, Scheme, TrinoConfig};
use crate::error::{Whom, status_error, transport_error};

/// The first pause before a request is tried again, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(3));

/// What the server is asked for results in, best first.
const ENCODINGS: &str = "json+zstd,json+lz4,json";

/// The connections to a coordinator.
pub(crate) struct Client {
    own: reqwest::Client,
    segments: reqwest::Client,
    address: String,
    statements: Url,
    headers: HeaderMap,
    retry: Duration,
}

/// An answer of status 200.
pub(super) struct Answer {
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Client {
    /// Connects to nothing yet.
    pub(crate) fn new(config: &TrinoConfig) -> Result<Self> {
        let (own, segments) = tls::connections(config)?;
        let scheme = if config.http_scheme == Scheme::Https {
            "https"
        } else {
            "http"
        };
        let address = format!("{}:{}", config.host, config.port);
        let statements = Url::parse(&format!("{scheme}://{address}/v1/statement")).map_err(|error| {
            Error::new(ErrorKind::Config, format!("`host` is no host name: `{}`", config.host)).with_cause(error)
        })?;
        Ok(Self {
            own,
            segments,
            address,
            statements,
            headers: headers(config)?,
            retry: Duration::from_secs(config.retry_timeout),
        })
    }

    /// Where it goes, for people.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Hands a statement in. Tried again only when the server has not accepted anything.
    pub(super) async fn post(&self, statement: &str, session: HeaderMap) -> Result<Answer> {
        let request = || {
            let request = self
                .own
                .request(Method::POST, self.statements.clone())
                .headers(self.headers.clone());
            request.headers(session.clone()).body(statement.to_owned())
        };
        let again = |trouble: &Trouble| match trouble {
            Trouble::Status(status, ..) => matches!(status.as_u16(), 429 | 503),
            Trouble::Transport(error) => error.is_connect() && !is_caused_by::<rustls::Error>(error),
        };
        self.asked(Whom::Trino(&self.statements), request, again).await
    }

    /// Asks for a page: the same page may be asked for again.
    pub(super) async fn page(&self, url: &Url) -> Result<Answer> {
        let request = || self.own.get(url.clone()).headers(self.headers.clone());
        self.asked(Whom::Trino(url), request, Trouble::passes).await
    }

    /// Fetches a segment, or tells that it is no longer needed, without telling who asks.
    pub(super) async fn segment(&self, url: &Url, headers: &HeaderMap) -> Result<Bytes> {
        // The coordinator may keep results itself: it is trusted no more than elsewhere.
        let (client, whom) = match url.origin() == self.statements.origin() {
            true => (&self.own, Whom::Trino(url)),
            false => (&self.segments, Whom::Storage(url)),
        };
        let request = || client.get(url.clone()).headers(headers.clone());
        Ok(self.asked(whom, request, Trouble::passes).await?.body)
    }

    /// Ends a query; the server need not know it any more.
    pub(super) async fn cancel(&self, url: &Url) {
        for _ in 0..3 {
            let request = self.own.delete(url.clone()).headers(self.headers.clone());
            match request.timeout(Duration::from_secs(10)).send().await {
                Ok(answer) if !answer.status().is_server_error() => return,
                _ => tokio::time::sleep(PAUSES.0).await,
            }
        }
    }

    /// Asks until there is an answer or trying again makes no sense.
    async fn asked(
        &self,
        whom: Whom<'_>,
        request: impl Fn() -> RequestBuilder,
        again: impl Fn(&Trouble) -> bool,
    ) -> Result<Answer> {
        let until = Instant::now() + self.retry;
        let mut pause = PAUSES.0;
        loop {
            let trouble = match attempt(request()).await {
                Ok(answer) => return Ok(answer),
                Err(trouble) => trouble,
            };
            let wait = jittered(trouble.wait().unwrap_or(pause));
            if !again(&trouble) || Instant::now() + wait > until {
                return Err(trouble.into_error(whom));
            }
            tokio::time::sleep(wait).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }
}

/// Why there is no answer.
enum Trouble {
    Status(StatusCode, Option<Duration>, String),
    Transport(reqwest::Error),
}

impl Trouble {
    /// Whether a request that changes nothing may succeed when it is sent again.
    fn passes(&self) -> bool {
        match self {
            Self::Status(status, ..) => matches!(status.as_u16(), 429 | 502..=504),
            // A certificate that is not accepted stays so.
            Self::Transport(error) => !error.is_builder() && !is_caused_by::<rustls::Error>(error),
        }
    }

    /// How long the server asks to wait.
    fn wait(&self) -> Option<Duration> {
        match self {
            Self::Status(_, wait, _) => *wait,
            Self::Transport(_) => None,
        }
    }

    fn into_error(self, whom: Whom<'_>) -> Error {
        match self {
            Self::Status(status, _, body) => status_error(whom, status, &body),
            Self::Transport(error) => transport_error(whom, error),
        }
    }
}

async fn attempt(request: RequestBuilder) -> Result<Answer, Trouble> {
    let answer = request.send().await.map_err(Trouble::Transport)?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    if status == StatusCode::OK {
        let body = answer.bytes().await.map_err(Trouble::Transport)?;
        return Ok(Answer { headers, body });
    }
    let seconds = headers
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    let wait = seconds.map(|seconds: u64| Duration::from_secs(seconds.min(60)));
    Err(Trouble::Status(status, wait, answer.text().await.unwrap_or_default()))
}

/// What every request says.
fn headers(config: &TrinoConfig) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    let mut add = |name: &'static str, value: &str| {
        headers.insert(HeaderName::from_static(name), header(name, value)?);
        Ok::<_, Error>(())
    };
    add("x-trino-user", &config.user)?;
    add("x-trino-catalog", &config.catalog)?;
    add("x-trino-schema", &config.dataset)?;
    add("x-trino-source", &config.source)?;
    add("x-trino-time-zone", "UTC")?;
    // Without it the server cuts timestamps to milliseconds.
    add("x-trino-client-capabilities", "PARAMETRIC_DATETIME")?;
    if config.spooling {
        add("x-trino-query-data-encoding", ENCODINGS)?;
    }
    if !config.client_tags.is_empty() {
        add("x-trino-client-tags", &config.client_tags.join(","))?;
    }
    if let Some(credential) = &config.extra_credential {
        headers.insert(
            "x-trino-extra-credential",
            secret("x-trino-extra-credential-header", credential.expose())?,
        );
    }
    if let Some(value) = authorization(config.auth.as_ref()) {
        headers.insert(AUTHORIZATION, secret("auth", &value)?);
    }
    Ok(headers)
}

fn authorization(auth: Option<&Auth>) -> Option<String> {
    match auth? {
        Auth::Basic { username, password } => Some(format!(
            "Basic {}",
            STANDARD.encode(format!("{username}:{}", password.expose()))
        )),
        Auth::Token(token) => Some(format!("Bearer {}", token.expose())),
        Auth::Certificate(_) => None,
    }
}

/// A header's value.
pub(super) fn header(name: &str, value: &str) -> Result<HeaderValue> {
    let made = HeaderValue::from_bytes(value.as_bytes());
    made.map_err(|_| {
        Error::new(
            ErrorKind::Config,
            format!("a value for the header {name} holds a control character"),
        )
    })
}

fn secret(name: &str, value: &str) -> Result<HeaderValue> {
    let mut value = header(name, value)?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_error_names_the_host_that_was_asked_and_no_more_of_the_address() {
        let mut config = TrinoConfig::new("127.0.0.1", 1, "memory", "memory");
        config.retry_timeout = 0;
        let client = Client::new(&config).unwrap();
        for (address, says) in [
            (
                "http://127.0.0.1:2/segment?signature=hunter2",
                "the storage of results at 127.0.0.1:2 cannot be reached",
            ),
            (
                "http://127.0.0.1:1/v1/spooled/download/hunter2",
                "Trino at 127.0.0.1:1 cannot be reached",
            ),
        ] {
            let (url, headers) = (Url::parse(address).unwrap(), HeaderMap::new());
            let error = client.segment(&url, &headers).await.unwrap_err();
            assert_eq!(error.message(), says);
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }
}
