use std::time::Duration;

use serde_json::json;

use super::ended::at;
use super::jobs::Jobs;
use super::rest::{Job, JobReference};

/// How long a request for a job's end may take, and how often it is looked whether it has come.
const ASKED: Duration = Duration::from_secs(10);
const GONE: u32 = 25;

/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(200);

impl Jobs {
    /// Ends a job, and waits a while until it has ended; the engine need not know it, or not any more. One that is still on
    /// its way is asked for again.
    pub(super) async fn cancel(&self, reference: &JobReference) {
        let path = ["projects", &reference.project_id, "jobs", &reference.job_id, "cancel"];
        let url = self.http().url("bigquery/v2", &path, &at(reference));
        for pause in [100, 400, 1_000, 3_000] {
            let request = self.http().client().post(url.clone()).json(&json!({}));
            let asked = self.http().once(request.timeout(ASKED)).await;
            match asked {
                Ok(_) => return self.gone(reference).await,
                Err(trouble) => match trouble.status().map(|status| status.as_u16()) {
                    Some(404 | 408 | 429 | 500..) | None => tokio::time::sleep(Duration::from_millis(pause)).await,
                    Some(_) => return,
                },
            }
        }
    }

    /// The engine says at once that it will end a job: what the job makes could still come.
    async fn gone(&self, reference: &JobReference) {
        let path = ["projects", &reference.project_id, "jobs", &reference.job_id];
        let url = self.http().url("bigquery/v2", &path, &at(reference));
        for _ in 0..GONE {
            let asked = self
                .http()
                .once(self.http().client().get(url.clone()).timeout(ASKED))
                .await;
            let running = asked.is_ok_and(|answer| answer.read::<Job>().is_ok_and(|job| job.status.state != "DONE"));
            if !running {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
