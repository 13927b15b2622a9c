use std::sync::Arc;

use bytes::Bytes;
use hybrid_core::{Error, ErrorKind, Result};
use reqwest::header::{CONTENT_RANGE, CONTENT_TYPE, HeaderValue, LOCATION, RANGE};
use reqwest::{StatusCode, Url};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::ended::{ended, may_run, refused, written};
use super::http::{Answer, Trouble};
use super::jobs::Jobs;
use super::live::{Live, LiveJobs};
use super::rest::{Job, JobReference};
use crate::error::{protocol, reason_of};

/// A part of an upload: a multiple of 256 KiB, as the protocol wants it.
pub(crate) const PART: usize = 8 << 20;

/// The parts of a file: all but the last are [`PART`] long. An error ends the upload, and nothing is loaded.
pub(crate) type Parts = mpsc::Receiver<Result<Bytes>>;

impl Jobs {
    /// Loads a file by a job that has `load` as its configuration; the rows are in the table all at once when it ends,
    /// or not at all. Dropping this future ends it in the engine.
    pub(crate) async fn load(&self, live: &Arc<LiveJobs>, load: Value, mut parts: Parts) -> Result<Job> {
        let configuration: Value = self.configuration("load", load).into();
        let first = next(&mut parts).await?.unwrap_or_default();
        let Some(second) = next(&mut parts).await? else {
            return self.again(|| self.load_once(live, &configuration, &first)).await;
        };
        let (reference, body) = self.load_body(&configuration);
        let guard = live.begin(self, reference.clone());
        let handed_in = self.by_parts(&body, [first, second], parts).await;
        self.loaded(&reference, guard, handed_in).await?
    }

    /// Loads a file that is still at hand when the job has failed.
    async fn load_once(&self, live: &Arc<LiveJobs>, configuration: &Value, file: &Bytes) -> Result<Result<Job>> {
        let (reference, body) = self.load_body(configuration);
        let guard = live.begin(self, reference.clone());
        let handed_in = self.at_once(&body, file).await;
        self.loaded(&reference, guard, handed_in).await
    }

    fn load_body(&self, configuration: &Value) -> (JobReference, Value) {
        let reference = self.new_reference();
        let body = json!({"jobReference": written(&reference), "configuration": configuration});
        (reference, body)
    }

    /// The end of a load, well or not.
    async fn loaded(&self, reference: &JobReference, guard: Live, handed_in: Result<Job>) -> Result<Result<Job>> {
        let job = match handed_in {
            Ok(job) => job,
            Err(error) => match self.despite(reference, error).await {
                Ok(job) => job,
                Err(error) => {
                    refused(guard, &error);
                    return Err(error);
                }
            },
        };
        guard.is_at(&job.job_reference);
        Ok(ended(self.finished(job, guard, false).await?))
    }

    /// The job that was made although its answer was lost.
    async fn despite(&self, reference: &JobReference, error: Error) -> Result<Job> {
        if reason_of(&error) == Some("duplicate") {
            return self.found(reference, &error).await;
        }
        // Once its job is there, the place of an upload is not.
        match error.kind() == ErrorKind::NotFound || may_run(&error) {
            true => self.get(reference).await.map_err(|_| error),
            false => Err(error),
        }
    }

    /// A small file in one request.
    async fn at_once(&self, body: &Value, file: &Bytes) -> Result<Job> {
        let boundary = format!("hybrid{}", uuid::Uuid::new_v4().simple());
        let mut message = format!(
            "--{boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n{body}\r\n\
             --{boundary}\r\nContent-Type: application/octet-stream\r\n\r\n"
        )
        .into_bytes();
        message.extend_from_slice(file);
        message.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        let (message, url) = (Bytes::from(message), self.upload_url("multipart"));
        let kind = format!("multipart/related; boundary={boundary}");
        let request = || {
            let request = self.http().client().post(url.clone());
            request.header(CONTENT_TYPE, &kind).body(message.clone())
        };
        self.http().asked(request).await?.read()
    }

    /// A large file in parts, each sent again from where it broke off.
    async fn by_parts(&self, body: &Value, begun: [Bytes; 2], mut parts: Parts) -> Result<Job> {
        let url = self.upload_url("resumable");
        let begin = || {
            let request = self.http().client().post(url.clone()).json(body);
            request.header("X-Upload-Content-Type", "application/octet-stream")
        };
        let answer = self.http().asked(begin).await?;
        let place = answer
            .headers
            .get(LOCATION)
            .and_then(|place| Url::parse(place.to_str().ok()?).ok());
        let place = place.ok_or_else(|| protocol("an upload without a place"))?;
        let [mut part, second] = begun;
        let (mut following, mut sent) = (Some(second), 0_u64);
        loop {
            let end = sent + part.len() as u64;
            let total = following.is_none().then_some(end);
            if let Some(job) = self.part(&place, &part, sent, total).await? {
                return Ok(job);
            }
            let Some(next_part) = following.take() else {
                return Err(protocol("an upload that has not ended with its last part"));
            };
            (part, sent, following) = (next_part, end, next(&mut parts).await?);
        }
    }

    /// Sends a part; the job when it was the last one.
    async fn part(&self, place: &Url, part: &Bytes, begin: u64, total: Option<u64>) -> Result<Option<Job>> {
        let end = begin + part.len() as u64;
        let (mut backoff, mut from, mut ask) = (self.http().backoff(), begin, false);
        loop {
            let request = self.http().client().put(place.clone());
            let request = match ask {
                true => request.header(CONTENT_RANGE, range(None, total)).body(Bytes::new()),
                false => {
                    let rest = part.slice(usize::try_from(from - begin).unwrap_or_default()..);
                    request
                        .header(CONTENT_RANGE, range(Some((from, end)), total))
                        .body(rest)
                }
            };
            match self.http().once(request).await {
                Ok(answer) if answer.status != StatusCode::PERMANENT_REDIRECT => return answer.read().map(Some),
                Ok(answer) => {
                    let received = received(&answer);
                    if received >= end && total.is_none() {
                        return Ok(None);
                    }
                    if received < begin || received > end {
                        return Err(protocol(format!("an upload at {received} instead of {begin} to {end}")));
                    }
                    (from, ask) = (received, false);
                    // The server took less than it was sent.
                    if received == end || !backoff.wait(Some(std::time::Duration::from_millis(20))).await {
                        return Err(protocol("an upload that does not go on"));
                    }
                }
                Err(trouble) if passes(&trouble) && backoff.wait(trouble.wait()).await => ask = true,
                Err(trouble) => return Err(trouble.into_error(self.http().place())),
            }
        }
    }

    fn upload_url(&self, kind: &str) -> Url {
        let path = ["projects", self.project(), "jobs"];
        self.http().url("upload/bigquery/v2", &path, &[("uploadType", kind)])
    }
}

fn passes(trouble: &Trouble) -> bool {
    trouble.passes() || trouble.status() == Some(StatusCode::UNAUTHORIZED)
}

/// `bytes 0-99/200`; `*` for what is not known, or not sent.
fn range(sent: Option<(u64, u64)>, total: Option<u64>) -> HeaderValue {
    let sent = match sent {
        Some((from, end)) if end > from => format!("{from}-{}", end - 1),
        _ => "*".to_owned(),
    };
    let total = total.map_or_else(|| "*".to_owned(), |total| total.to_string());
    HeaderValue::try_from(format!("bytes {sent}/{total}")).unwrap_or_else(|_| HeaderValue::from_static("bytes */*"))
}

/// How many bytes have arrived: `bytes=0-99` is a hundred.
fn received(answer: &Answer) -> u64 {
    let range = answer.headers.get(RANGE).and_then(|range| range.to_str().ok());
    let last = range.and_then(|range| range.rsplit('-').next()?.parse::<u64>().ok());
    last.map_or(0, |last| last + 1)
}

async fn next(parts: &mut Parts) -> Result<Option<Bytes>> {
    parts.recv().await.transpose()
}
