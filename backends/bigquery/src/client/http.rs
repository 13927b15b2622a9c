use std::time::{Duration, Instant};

use bytes::Bytes;
use hybrid_core::error::is_caused_by;
use hybrid_core::{Error, ErrorKind, Result};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, StatusCode, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::access::Access;
use super::backoff::Backoff;
use crate::BigQueryConfig;
use crate::error::{is_transient, problem_of, protocol, status_error, transport_error};

const REST: &str = "https://bigquery.googleapis.com";

/// How long making a connection may take.
const CONNECT: Duration = Duration::from_secs(10);

/// The REST API.
#[derive(Clone)]
pub(crate) struct Http {
    client: reqwest::Client,
    access: Access,
    root: Url,
    patience: Duration,
}

/// An answer that is a result, or one to go on after (308).
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Answer {
    /// The resource in it.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body).map_err(protocol)
    }
}

impl Http {
    /// Connects to nothing yet.
    pub(crate) fn new(config: &BigQueryConfig, access: Access) -> Result<Self> {
        let broken = |error| Error::new(ErrorKind::Config, "no TLS connections can be made").with_cause(error);
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .read_timeout(Duration::from_secs(config.request_timeout.max(1)))
            // 308 is the answer to a part of an upload; tokens go nowhere else.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("hybrid-offline-store/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(broken)?;
        let written = config.api_endpoint.as_deref().unwrap_or(REST);
        let wrong = || Error::new(ErrorKind::Config, format!("`api_endpoint: {written}` is no address"));
        let root = Url::parse(written).map_err(|_| wrong())?;
        if root.cannot_be_a_base() || !matches!(root.scheme(), "http" | "https") {
            return Err(wrong().with_help("write http://host:port or https://host"));
        }
        Ok(Self {
            client,
            access,
            root,
            patience: Duration::from_secs(config.retry_timeout),
        })
    }

    /// Where it goes, for people.
    pub(crate) fn place(&self) -> &str {
        self.root.host_str().unwrap_or_default()
    }

    pub(super) fn backoff(&self) -> Backoff {
        Backoff::lasting(self.patience)
    }

    /// An address below the service's root.
    pub(super) fn url(&self, service: &str, path: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.root.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty();
            segments.extend(service.split('/')).extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// A call that may be made twice: it reads, or names what it makes.
    pub(super) async fn call(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Answer> {
        let url = self.url("bigquery/v2", path, query);
        self.asked(|| {
            let request = self.client.request(method.clone(), url.clone());
            match body {
                Some(body) => request.json(body),
                None => request,
            }
        })
        .await
    }

    /// A request that may be sent twice, sent until there is an answer or trying again makes no sense.
    pub(super) async fn asked(&self, request: impl Fn() -> RequestBuilder) -> Result<Answer> {
        let mut backoff = self.backoff();
        let mut renewed = false;
        loop {
            let trouble = match self.once(request()).await {
                Ok(answer) => return Ok(answer),
                Err(trouble) => trouble,
            };
            // A token may have ended on its way, or been withdrawn: the next request has another.
            let expired = trouble.status() == Some(StatusCode::UNAUTHORIZED) && !std::mem::replace(&mut renewed, true);
            if !(expired || trouble.passes()) || !backoff.wait(trouble.wait()).await {
                return Err(trouble.into_error(self.place()));
            }
        }
    }

    /// One request, not tried again.
    pub(super) async fn once(&self, request: RequestBuilder) -> Result<Answer, Trouble> {
        let asked = Instant::now();
        let headers = self.access.headers().await.map_err(Trouble::Access)?;
        let answer = request.headers(headers).send().await.map_err(Trouble::Transport)?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        if status.is_success() || status == StatusCode::PERMANENT_REDIRECT {
            let body = answer.bytes().await.map_err(Trouble::Transport)?;
            return Ok(Answer { status, headers, body });
        }
        if status == StatusCode::UNAUTHORIZED {
            self.access.renew(asked);
        }
        let seconds = headers
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok());
        let wait = seconds.map(|seconds: u64| Duration::from_secs(seconds.min(60)));
        Err(Trouble::Status(status, wait, answer.text().await.unwrap_or_default()))
    }

    pub(super) fn client(&self) -> &reqwest::Client {
        &self.client
    }
}

/// Why there is no result.
pub(super) enum Trouble {
    Status(StatusCode, Option<Duration>, String),
    Transport(reqwest::Error),
    Access(Error),
}

impl Trouble {
    pub(super) fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Status(status, ..) => Some(*status),
            _ => None,
        }
    }

    /// Whether the same request may succeed when it is sent again.
    pub(super) fn passes(&self) -> bool {
        match self {
            Self::Status(status, _, body) => {
                let said = problem_of(*status, body).is_some_and(|problem| is_transient(&problem.reason));
                said || matches!(status.as_u16(), 408 | 429 | 500 | 502..=504)
            }
            // A certificate that is not accepted stays so.
            Self::Transport(error) => !error.is_builder() && !is_caused_by::<rustls::Error>(error),
            Self::Access(error) => error.is_retryable(),
        }
    }

    /// How long the server asks to wait.
    pub(super) fn wait(&self) -> Option<Duration> {
        match self {
            Self::Status(_, wait, _) => *wait,
            _ => None,
        }
    }

    pub(super) fn into_error(self, place: &str) -> Error {
        match self {
            Self::Status(status, _, body) => status_error(status, &body),
            Self::Transport(error) => transport_error(place, error),
            Self::Access(error) => error,
        }
    }
}
