use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use hybrid_core::{Error, Result, Secret};
use reqwest::Url;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::http::{Again, Http};
use super::login::Tokens;
use super::message::{Answered, Envelope, QueryData, TokenData};
use crate::error::{SESSION_EXPIRED, is_session_gone, protocol, refused};

/// The statement goes on: ask again.
const IN_PROGRESS: [&str; 2] = ["333333", "333334"];

/// A session at the server. Its statements run one after the other.
pub(crate) struct Session {
    pub(super) http: Http,
    base: Url,
    tokens: RwLock<Tokens>,
    renewing: Mutex<()>,
    sequence: AtomicU64,
    /// Held while a statement runs.
    pub(super) turn: Arc<Mutex<()>>,
    /// Nothing more is to be expected of it.
    gone: AtomicBool,
    /// A temporary stage of its own, once it was made.
    pub(super) stage: Mutex<Option<String>>,
}

/// A statement on its way; sent again it is the same one, and runs once.
pub(super) struct Request {
    pub(super) id: String,
    pub(super) sql: String,
    pub(super) describe: bool,
}

impl Request {
    pub(super) fn new(sql: String, describe: bool) -> Self {
        let id = uuid::Uuid::new_v4().to_string();
        Self { id, sql, describe }
    }
}

impl Session {
    pub(super) fn new(http: Http, base: Url, tokens: Tokens) -> Self {
        Self {
            http,
            base,
            tokens: RwLock::new(tokens),
            renewing: Mutex::default(),
            sequence: AtomicU64::default(),
            turn: Arc::default(),
            gone: AtomicBool::default(),
            stage: Mutex::default(),
        }
    }

    pub(super) fn tokens(&self) -> Tokens {
        self.tokens.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }

    pub(super) fn give_up(&self) {
        self.gone.store(true, Ordering::Relaxed);
    }

    /// Whether the server is on this machine.
    pub(super) fn is_local(&self) -> bool {
        matches!(self.base.host_str(), Some("127.0.0.1" | "localhost"))
    }

    /// Runs a statement to its end and gives the whole answer: a [`QueryData`].
    pub(super) async fn run(&self, request: &Request) -> Result<Bytes> {
        let sequence = self.sequence.fetch_add(1, Ordering::Relaxed) + 1;
        let submitted = millis();
        let body = json!({
            "sqlText": request.sql,
            "asyncExec": false,
            "sequenceId": sequence,
            "querySubmissionTime": submitted,
            "describeOnly": request.describe,
        });
        let path = format!("/queries/v1/query-request?requestId={}", request.id);
        let mut answer = self.asked(&path, Some(&body), submitted).await?;
        loop {
            let envelope = parsed(&answer)?;
            if !IN_PROGRESS.contains(&envelope.code().as_str()) {
                return match envelope.answered() {
                    Answered::Done(_) => Ok(answer),
                    Answered::Failed(failure) => Err(self.failed(failure)),
                };
            }
            let next = envelope.data.and_then(|data| data.get_result_url);
            let next = next.ok_or_else(|| protocol("a statement goes on, but not where"))?;
            answer = self.asked(&next, None, submitted).await?;
        }
    }

    /// The answer to a statement that is done, once more: with fresh addresses of its parts.
    pub(super) async fn result_again(&self, query_id: &str) -> Result<Bytes> {
        let answer = self
            .asked(&format!("/queries/{query_id}/result"), None, millis())
            .await?;
        match parsed(&answer)?.answered() {
            Answered::Done(_) => Ok(answer),
            Answered::Failed(failure) => Err(self.failed(failure)),
        }
    }

    fn failed(&self, failure: crate::error::Failure) -> Error {
        if is_session_gone(&failure.code) {
            self.give_up();
        }
        refused(failure)
    }

    /// Ends a statement that runs. That it is not known there is no error: it may not have come yet.
    pub(super) async fn abort(&self, request: &Request) {
        let path = format!("/queries/v1/abort-request?requestId={}", uuid::Uuid::new_v4());
        let body = json!({"sqlText": request.sql, "requestId": request.id});
        let sent = self.asked(&path, Some(&body), millis());
        let _ = tokio::time::timeout(Duration::from_secs(10), sent).await;
    }

    /// A sign of life.
    pub(super) async fn heartbeat(&self) -> Result<()> {
        let path = format!("/session/heartbeat?requestId={}", uuid::Uuid::new_v4());
        let answer = self.asked(&path, Some(&Value::Null), millis()).await?;
        let envelope: Envelope<Value> = serde_json::from_slice(&answer).map_err(protocol)?;
        match envelope.answered() {
            Answered::Done(_) => Ok(()),
            Answered::Failed(failure) => Err(self.failed(failure)),
        }
    }

    /// Ends the session, and with it what is temporary.
    pub(super) async fn end(&self) {
        self.give_up();
        let nothing = json!({});
        let sent = self.asked("/session?delete=true", Some(&nothing), millis());
        let _ = tokio::time::timeout(Duration::from_secs(10), sent).await;
    }

    /// Asks, and renews the session where its token has become too old meanwhile.
    async fn asked(&self, path: &str, body: Option<&Value>, submitted: u64) -> Result<Bytes> {
        for _ in 0..2 {
            let token = self.tokens().session;
            let answer = self.sent(path, body, &token, submitted).await?;
            if envelope_code(&answer)? != SESSION_EXPIRED {
                return Ok(answer);
            }
            self.renew(&token).await?;
        }
        let token = self.tokens().session;
        self.sent(path, body, &token, submitted).await
    }

    async fn sent(&self, path: &str, body: Option<&Value>, token: &Secret, submitted: u64) -> Result<Bytes> {
        let url = self.base.join(path).map_err(protocol)?;
        if url.origin() != self.base.origin() {
            return Err(protocol("it leads to another server"));
        }
        let authorization = format!("Snowflake Token=\"{}\"", token.expose());
        // The service's clients ask where to put files in another way than for rows.
        let puts = |body: &Value| body["sqlText"].as_str().is_some_and(|sql| sql.starts_with("PUT "));
        let accept = match body.is_some_and(puts) {
            true => "application/json",
            false => "application/snowflake",
        };
        self.http
            .asked(|again: Again| {
                let mut url = url.clone();
                {
                    let mut query = url.query_pairs_mut();
                    query.append_pair("request_guid", &uuid::Uuid::new_v4().to_string());
                    if again.count > 0 {
                        query.append_pair("clientStartTime", &submitted.to_string());
                        query.append_pair("retryCount", &again.count.to_string());
                        query.append_pair("retryReason", &again.reason.to_string());
                    }
                }
                let request = match body {
                    Some(body) => self.http.client.post(url).json(body),
                    None => self.http.client.get(url),
                };
                let request = request.header("accept", accept);
                request.header("authorization", &authorization)
            })
            .await
    }

    /// A new session token for the master token, unless somebody else got one meanwhile.
    async fn renew(&self, old: &Secret) -> Result<()> {
        let _one = self.renewing.lock().await;
        let tokens = self.tokens();
        if tokens.session != *old {
            return Ok(());
        }
        let path = format!("/session/token-request?requestId={}", uuid::Uuid::new_v4());
        let body = json!({"oldSessionToken": old.expose(), "requestType": "RENEW"});
        let answer = self.sent(&path, Some(&body), &tokens.master, millis()).await?;
        let envelope: Envelope<TokenData> = serde_json::from_slice(&answer).map_err(protocol)?;
        let data = match envelope.answered() {
            Answered::Done(data) => data.unwrap_or_default(),
            Answered::Failed(failure) => {
                self.give_up();
                return Err(refused(failure));
            }
        };
        let session = data
            .session_token
            .ok_or_else(|| protocol("a renewal without a token"))?;
        let mut kept = self.tokens.write().unwrap_or_else(PoisonError::into_inner);
        kept.session = Secret::new(session);
        if let Some(master) = data.master_token {
            kept.master = Secret::new(master);
        }
        Ok(())
    }
}

pub(super) fn parsed(answer: &[u8]) -> Result<Envelope<QueryData<'_>>> {
    serde_json::from_slice(answer).map_err(protocol)
}

/// The code alone, without reading the rows.
fn envelope_code(answer: &[u8]) -> Result<String> {
    // A long answer holds rows: what failed is short.
    if answer.len() > 100_000 {
        return Ok(String::new());
    }
    let envelope: Envelope<serde::de::IgnoredAny> = serde_json::from_slice(answer).map_err(protocol)?;
    Ok(envelope.code())
}

fn millis() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or_default()
}
