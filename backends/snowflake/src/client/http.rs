use std::time::{Duration, Instant};

use bytes::Bytes;
use hybrid_core::error::is_caused_by;
use hybrid_core::sql::jittered;
use hybrid_core::{Error, ErrorKind, Result};
use reqwest::header::RETRY_AFTER;
use reqwest::{RequestBuilder, StatusCode};

use crate::error::{status_error, transport_error};

/// The first pause before a request is sent again, and the longest: doubling from one to the other.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(16));

/// So many bytes are made room for at most before they come.
const MOST_EXPECTED: u64 = 256 << 20;

/// How long making a connection may take.
const CONNECT: Duration = Duration::from_secs(15);

/// Connections to one side, and how long requests are sent again.
#[derive(Debug, Clone)]
pub(super) struct Http {
    pub(super) client: reqwest::Client,
    /// Who is asked, for messages.
    pub(super) whom: String,
    pub(super) retry: Duration,
}

/// What is known when a request is sent again.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Again {
    /// How often it was sent before.
    pub(super) count: u32,
    /// The HTTP status of the last time; 0 where there was none.
    pub(super) reason: u16,
}

/// The connections of this process, on one choice of TLS for all.
pub(super) fn connections(timeout: Duration) -> Result<reqwest::Client> {
    // Fails when the program has chosen one before: that one is used then.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .connect_timeout(CONNECT)
        .read_timeout(timeout)
        .user_agent(concat!("hybrid-offline-store/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| Error::new(ErrorKind::Config, "no TLS connections can be made").with_cause(error))
}

impl Http {
    /// The same connections, for asking somebody else.
    pub(super) fn of(&self, whom: &str) -> Self {
        Self {
            whom: whom.to_owned(),
            ..self.clone()
        }
    }

    /// Sends a request until there is an answer, or sending it again makes no sense. The server must do the
    /// same thing once only, however often it comes.
    pub(super) async fn asked(&self, request: impl Fn(Again) -> RequestBuilder) -> Result<Bytes> {
        let mut attempts = self.attempts();
        loop {
            match attempt(request(attempts.again)).await {
                Ok(body) => return Ok(body),
                Err(trouble) => attempts.wait(trouble).await?,
            }
        }
    }

    pub(super) fn attempts(&self) -> Attempts<'_> {
        Attempts {
            http: self,
            until: Instant::now() + self.retry,
            pause: PAUSES.0,
            again: Again::default(),
        }
    }
}

/// A request that is sent until it is answered.
pub(super) struct Attempts<'a> {
    http: &'a Http,
    until: Instant,
    pause: Duration,
    pub(super) again: Again,
}

impl Attempts<'_> {
    /// Waits for the next attempt, or says that there is none.
    pub(super) async fn wait(&mut self, trouble: Trouble) -> Result<()> {
        let wait = jittered(self.pause).max(trouble.wait().unwrap_or_default());
        if !trouble.passes() || Instant::now() + wait > self.until {
            return Err(trouble.into_error(&self.http.whom));
        }
        tokio::time::sleep(wait).await;
        self.pause = (self.pause * 2).min(PAUSES.1);
        self.again = Again {
            count: self.again.count + 1,
            reason: trouble.status(),
        };
        Ok(())
    }
}

/// Why there is no answer.
pub(super) enum Trouble {
    Status(StatusCode, Option<Duration>, String),
    Transport(reqwest::Error),
}

impl Trouble {
    /// Whether it may be otherwise the next time.
    fn passes(&self) -> bool {
        match self {
            Self::Status(status, ..) => matches!(status.as_u16(), 408 | 429 | 500..=599),
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

    fn status(&self) -> u16 {
        match self {
            Self::Status(status, ..) => status.as_u16(),
            Self::Transport(_) => 0,
        }
    }

    fn into_error(self, whom: &str) -> Error {
        match self {
            Self::Status(status, _, body) => status_error(whom, status, &body),
            Self::Transport(error) => transport_error(whom, error),
        }
    }
}

pub(super) async fn attempt(request: RequestBuilder) -> Result<Bytes, Trouble> {
    let mut answer = request.send().await.map_err(Trouble::Transport)?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    // In one piece from the start: putting pieces together takes the memory twice.
    let expected = answer.content_length().unwrap_or_default().min(MOST_EXPECTED);
    let mut body = Vec::with_capacity(usize::try_from(expected).unwrap_or_default());
    while let Some(piece) = answer.chunk().await.map_err(Trouble::Transport)? {
        body.extend_from_slice(&piece);
    }
    if status.is_success() || is_answer(&body) {
        return Ok(body.into());
    }
    let seconds = headers
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    let wait = seconds.map(|seconds: u64| Duration::from_secs(seconds.min(60)));
    let text = String::from_utf8_lossy(body.get(..body.len().min(2_000)).unwrap_or_default()).into_owned();
    Err(Trouble::Status(status, wait, text))
}

/// Whether the service itself says what is wrong, whatever the status.
fn is_answer(body: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct Said {
        success: bool,
        code: Option<serde_json::Value>,
    }
    body.first() == Some(&b'{')
        && serde_json::from_slice::<Said>(body).is_ok_and(|said| !said.success && said.code.is_some())
}
