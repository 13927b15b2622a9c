mod conversation;
mod results;
mod submit;

use std::future::Future;
use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use aws_sdk_redshiftdata::Client;
use aws_sdk_redshiftdata::config::retry::RetryConfig;
use aws_sdk_redshiftdata::config::timeout::TimeoutConfig;
use aws_sdk_redshiftdata::config::{Builder, IdentityCache};
use aws_sdk_redshiftdata::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_redshiftdata::types::{StatementStatusString, StatusString};
use hybrid_core::sql::jittered;
use hybrid_core::{Error, ErrorKind, Result};

pub(crate) use conversation::Conversation;
pub(crate) use results::Answer;

use submit::Place;

use crate::config::Target;
use crate::credentials::Chain;
use crate::{RedshiftConfig, error};

/// How long one sending of a request may take, and connecting.
const ATTEMPT: Duration = Duration::from_secs(60);
const CONNECT: Duration = Duration::from_secs(10);
/// How long a request is tried again that the Data API is too busy for.
const BUSY: Duration = Duration::from_secs(60);
/// Seconds for which the Data API is asked to wait for a statement's end before it tells of it; it takes 30 at most.
const WAIT: i32 = 20;
/// Who was answered sooner waits here before asking again.
const WAITED: Duration = Duration::from_secs(10);
/// The shortest and the longest pause between two looks at a statement.
const PAUSES: (Duration, Duration) = (Duration::from_millis(40), Duration::from_secs(2));
/// How long a cancelled statement may take to end.
const SETTLE: Duration = Duration::from_secs(15);

/// Redshift's Data API, for one database.
pub(crate) struct DataApi {
    client: Client,
    chain: Chain,
    target: Target,
    config: RedshiftConfig,
}

impl DataApi {
    pub(crate) fn new(settings: &SdkConfig, chain: &Chain, target: Target, config: &RedshiftConfig) -> Self {
        let retries = RetryConfig::standard()
            .with_max_attempts(config.max_attempts)
            .with_max_backoff(Duration::from_secs(20));
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(ATTEMPT)
            .connect_timeout(CONNECT)
            .build();
        let mut builder = Builder::from(settings)
            .retry_config(retries)
            .timeout_config(timeouts)
            .credentials_provider(chain.clone())
            // The chain itself keeps what is valid, and can forget it.
            .identity_cache(IdentityCache::no_cache());
        if let Some(endpoint) = &config.endpoint {
            builder = builder.endpoint_url(endpoint);
        }
        Self {
            client: Client::from_conf(builder.build()),
            chain: chain.clone(),
            target,
            config: config.clone(),
        }
    }

    /// Sends a request: AWS's client repeats what passes by itself, this what credentials or a busy cluster ask for.
    async fn asked<T, E, F>(&self, send: impl Fn() -> F) -> Result<T>
    where
        F: Future<Output = Result<T, SdkError<E>>>,
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let (start, mut pause, mut renewed) = (Instant::now(), Duration::from_millis(250), 0);
        loop {
            let asked = Instant::now();
            let failed = match send().await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            match error::code(&failed) {
                code if error::asks_for_others(code) && renewed < 2 => {
                    renewed += 1;
                    self.chain.forget(asked).await;
                }
                "ActiveStatementsExceededException" | "ActiveSessionsExceededException" if start.elapsed() < BUSY => {
                    tokio::time::sleep(jittered(pause)).await;
                    pause = (pause * 2).min(Duration::from_secs(5));
                }
                _ => return Err(error::request(failed)),
            }
        }
    }

    /// Waits for the end of a statement: over there, or by looking again and again where the Data API does not wait.
    async fn ended(&self, id: &str, statements: &[String]) -> Result<()> {
        let (start, mut wait) = (Instant::now(), Some(WAIT));
        loop {
            let asked = Instant::now();
            let request = self.client.describe_statement().id(id).set_wait_time_seconds(wait);
            let told = match self.asked(|| request.clone().send()).await {
                // What else is wrong is told again without it.
                Err(refused) if wait.is_some() && may_refuse_to_wait(refused.kind()) => {
                    wait = None;
                    continue;
                }
                told => told?,
            };
            match told.status() {
                Some(StatusString::Finished) => return Ok(()),
                Some(StatusString::Failed) => {
                    let mut parts = told.sub_statements().iter();
                    let failed = parts.position(|part| part.status() == Some(&StatementStatusString::Failed));
                    let statement = failed.map_or(statements.last(), |at| statements.get(at));
                    let why = told.error().unwrap_or("no reason was given");
                    return Err(error::failed(why, statement.map(String::as_str).unwrap_or_default()));
                }
                Some(StatusString::Aborted) => {
                    return Err(Error::new(
                        ErrorKind::Cancelled,
                        "the statement was cancelled in Redshift",
                    ));
                }
                _ => {}
            }
            if asked.elapsed() < WAITED {
                tokio::time::sleep(jittered(pause_after(start.elapsed()))).await;
            }
        }
    }

    /// Cancels a statement and waits until it has ended.
    async fn cancel(&self, id: &str) {
        let request = self.client.cancel_statement().id(id);
        let work = async {
            // It may have ended by itself, which is an error here.
            let _ = self.asked(|| request.clone().send()).await;
            let _ = self.ended(id, &[]).await;
        };
        let _ = tokio::time::timeout(SETTLE, work).await;
    }

    /// Who is asked, for people.
    pub(crate) fn target(&self) -> String {
        let place = match &self.target {
            Target::Cluster { id } => format!("cluster `{id}`"),
            Target::Workgroup(name) => format!("workgroup `{name}`"),
            Target::Host(host) => host.clone(),
        };
        format!("{place} in {}, database `{}`", self.config.region, self.config.database)
    }
}

/// Whether a look at a statement may have failed since it asked to wait: the field is not known, or too many wait.
fn may_refuse_to_wait(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::InvalidInput | ErrorKind::ResourceExhausted | ErrorKind::Unexpected
    )
}

/// The pause before the next look at a statement: its end is noticed late by a tenth of what it has taken at most.
fn pause_after(taken: Duration) -> Duration {
    (taken / 10).clamp(PAUSES.0, PAUSES.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_are_as_far_apart_as_a_statement_is_long() {
        for (taken, pause) in [(0, 40), (300, 40), (3_000, 300), (20_000, 2_000), (600_000, 2_000)] {
            assert_eq!(pause_after(Duration::from_millis(taken)), Duration::from_millis(pause));
        }
    }
}
