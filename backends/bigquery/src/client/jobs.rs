use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hybrid_core::{Error, Result};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::backoff::jittered;
use super::ended::{at, ended, location_in, refused, written};
use super::http::Http;
use super::live::{Live, LiveJobs};
use super::rest::{Job, JobReference, Progress};
use crate::BigQueryConfig;
use crate::error::{is_transient, protocol, reason_of};

/// How long the server may keep a question for a query's end.
const POLL: Duration = Duration::from_secs(10);

/// The pause after a question that failed.
const FAILED: Duration = Duration::from_millis(500);

/// Pauses between questions for the end of a load.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// Jobs: handed in under ids of our own, so that a request that is sent twice runs once.
#[derive(Clone)]
pub(crate) struct Jobs {
    http: Http,
    project: Arc<str>,
    location: Option<Arc<str>>,
    labels: Arc<BTreeMap<String, String>>,
    billed: Option<u64>,
    timeout: Option<u64>,
}

impl Jobs {
    /// Jobs that `project` pays for.
    pub(crate) fn new(http: Http, project: &str, config: &BigQueryConfig) -> Self {
        Self {
            http,
            project: project.into(),
            location: config.location.as_deref().map(Into::into),
            labels: Arc::new(labels(config)),
            billed: config.maximum_bytes_billed,
            timeout: config.job_timeout,
        }
    }

    pub(crate) fn project(&self) -> &str {
        &self.project
    }

    /// Where they are sent, for people.
    pub(crate) fn place(&self) -> &str {
        self.http.place()
    }

    pub(crate) fn labels(&self) -> &BTreeMap<String, String> {
        &self.labels
    }

    pub(super) fn http(&self) -> &Http {
        &self.http
    }

    /// What a query job says of itself.
    fn query_configuration(&self, sql: &str, dry: bool) -> Value {
        let mut query = json!({
            "query": sql,
            "useLegacySql": false,
            // Times without zone are UTC, whatever the project's default is.
            "connectionProperties": [{"key": "time_zone", "value": "UTC"}],
        });
        // A dry run is not billed: a description of a whole table may say more than a query may read.
        if let (Some(billed), Some(query), false) = (self.billed, query.as_object_mut(), dry) {
            query.insert("maximumBytesBilled".to_owned(), billed.to_string().into());
        }
        let mut configuration = self.configuration("query", query);
        if dry {
            configuration.insert("dryRun".to_owned(), true.into());
        }
        configuration.into()
    }

    /// What every job says of itself.
    pub(super) fn configuration(&self, kind: &str, of_kind: Value) -> Map<String, Value> {
        let mut configuration = Map::new();
        configuration.insert(kind.to_owned(), of_kind);
        configuration.insert("labels".to_owned(), json!(*self.labels));
        if let Some(seconds) = self.timeout {
            configuration.insert(
                "jobTimeoutMs".to_owned(),
                seconds.saturating_mul(1000).to_string().into(),
            );
        }
        configuration
    }

    /// A reference under a new id.
    pub(super) fn new_reference(&self) -> JobReference {
        JobReference {
            project_id: self.project.to_string(),
            job_id: format!("hybrid_{}", uuid::Uuid::new_v4().simple()),
            location: self.location.as_deref().map(str::to_owned),
        }
    }

    /// What BigQuery says of a query without running it: columns, bytes, tables.
    pub(crate) async fn dry_run(&self, sql: &str) -> Result<Job> {
        let mut reference = json!({"projectId": &*self.project});
        if let (Some(location), Some(reference)) = (&self.location, reference.as_object_mut()) {
            reference.insert("location".to_owned(), location.to_string().into());
        }
        let body = json!({"jobReference": reference, "configuration": self.query_configuration(sql, true)});
        let path = ["projects", &self.project, "jobs"];
        let job: Job = self.http.call(Method::POST, &path, &[], Some(&body)).await?.read()?;
        ended(job)
    }

    /// Runs a query or another statement to its end. Dropping this future ends it in the engine.
    pub(crate) async fn query(&self, live: &Arc<LiveJobs>, sql: &str) -> Result<Job> {
        let configuration = self.query_configuration(sql, false);
        self.again(|| self.query_once(live, &configuration)).await
    }

    /// The same, of a statement that may leave a part of its work where it fails: it does not run again.
    pub(crate) async fn only_once(&self, live: &Arc<LiveJobs>, sql: &str) -> Result<Job> {
        let configuration = self.query_configuration(sql, false);
        self.query_once(live, &configuration).await?
    }

    /// A job that failed for a passing reason has done nothing, and runs again under another id.
    pub(super) async fn again<F>(&self, once: impl Fn() -> F) -> Result<Job>
    where
        F: Future<Output = Result<Result<Job>>>,
    {
        let mut backoff = self.http.backoff();
        loop {
            let failed = match once().await? {
                Ok(job) => return Ok(job),
                Err(failed) => failed,
            };
            let transient = reason_of(&failed).is_some_and(is_transient);
            if !transient || !backoff.wait(None).await {
                return Err(failed);
            }
        }
    }

    /// A job's end, well or not. Where a request failed, it is not known what became of the job, and it must not
    /// run again.
    async fn query_once(&self, live: &Arc<LiveJobs>, configuration: &Value) -> Result<Result<Job>> {
        let reference = self.new_reference();
        let guard = live.begin(self, reference.clone());
        let job = match self.insert(&reference, configuration).await {
            Ok(job) => job,
            Err(error) => {
                refused(guard, &error);
                return Err(error);
            }
        };
        guard.is_at(&job.job_reference);
        let job = self.finished(job, guard, true).await?;
        Ok(ended(job))
    }

    async fn insert(&self, reference: &JobReference, configuration: &Value) -> Result<Job> {
        let body = json!({"jobReference": written(reference), "configuration": configuration});
        let path = ["projects", &self.project, "jobs"];
        match self.http.call(Method::POST, &path, &[], Some(&body)).await {
            Ok(answer) => answer.read(),
            // An earlier request, whose answer was lost, has arrived.
            Err(error) if reason_of(&error) == Some("duplicate") => self.found(reference, &error).await,
            Err(error) => Err(error),
        }
    }

    /// A job that is there already, as an error says that also tells its location.
    pub(super) async fn found(&self, reference: &JobReference, error: &Error) -> Result<Job> {
        let mut reference = reference.clone();
        if reference.location.is_none() {
            reference.location = location_in(error.message(), &reference);
        }
        self.get(&reference).await
    }

    pub(super) async fn get(&self, reference: &JobReference) -> Result<Job> {
        let path = ["projects", &reference.project_id, "jobs", &reference.job_id];
        let query = at(reference);
        self.http.call(Method::GET, &path, &query, None).await?.read()
    }

    /// Waits until a job has ended, well or not.
    pub(super) async fn finished(&self, mut job: Job, guard: Live, is_query: bool) -> Result<Job> {
        let mut pause = PAUSES.0;
        while job.status.state != "DONE" {
            let reference = job.job_reference.clone();
            if is_query {
                self.polled(&reference).await?;
            } else {
                tokio::time::sleep(jittered(pause)).await;
                pause = (pause * 2).min(PAUSES.1);
            }
            job = self.get(&reference).await?;
            if job.job_reference.job_id.is_empty() {
                return Err(protocol("a job without an id"));
            }
        }
        guard.done();
        Ok(job)
    }

    /// Asks for a query's end; the server answers when it has come, or after a while.
    async fn polled(&self, reference: &JobReference) -> Result<()> {
        let path = ["projects", &reference.project_id, "queries", &reference.job_id];
        let wait = POLL.as_millis().to_string();
        let mut query = at(reference);
        query.extend([("maxResults", "0"), ("timeoutMs", wait.as_str())]);
        let url = self.http.url("bigquery/v2", &path, &query);
        match self.http.once(self.http.client().get(url)).await {
            Ok(answer) if answer.read::<Progress>()?.job_complete => {}
            // A server that does not wait is not asked without a pause.
            Ok(_) => tokio::time::sleep(PAUSES.0).await,
            // It may be the error of the job itself, in the clothes of the service's: the job tells.
            Err(_) => tokio::time::sleep(jittered(FAILED)).await,
        }
        Ok(())
    }
}

/// The configured ones, and ours, by which jobs are found in the bill.
fn labels(config: &BigQueryConfig) -> BTreeMap<String, String> {
    let mut labels = config.labels.clone();
    let version = env!("CARGO_PKG_VERSION").replace('.', "-");
    labels.entry("hybrid-offline-store".to_owned()).or_insert(version);
    labels
}
