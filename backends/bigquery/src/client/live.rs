use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::jobs::Jobs;
use super::rest::JobReference;

/// The jobs of a session that may still run, and the ends of those that were given up.
#[derive(Default)]
pub(crate) struct LiveJobs {
    running: Mutex<HashMap<String, JobReference>>,
    ending: Mutex<Vec<JoinHandle<()>>>,
}

impl LiveJobs {
    /// Notes a job that is about to be handed in.
    pub(super) fn begin(self: &Arc<Self>, jobs: &Jobs, reference: JobReference) -> Live {
        locked(&self.running).insert(reference.job_id.clone(), reference.clone());
        Live {
            jobs: jobs.clone(),
            all: Arc::clone(self),
            id: reference.job_id,
            runtime: Handle::current(),
        }
    }

    /// Ends what still runs, and waits for what is being ended.
    pub(crate) async fn end(&self, jobs: &Jobs) {
        let running: Vec<JobReference> = locked(&self.running).drain().map(|(_, job)| job).collect();
        futures::future::join_all(running.iter().map(|job| jobs.cancel(job))).await;
        let ending = std::mem::take(&mut *locked(&self.ending));
        for task in ending {
            // Fails only with its runtime, which ends everything.
            let _ = task.await;
        }
    }
}

/// A job that is ended in the engine when this is dropped before it is done.
pub(super) struct Live {
    jobs: Jobs,
    all: Arc<LiveJobs>,
    id: String,
    runtime: Handle,
}

impl Live {
    /// The engine says where the job runs.
    pub(super) fn is_at(&self, reference: &JobReference) {
        if let Some(known) = locked(&self.all.running).get_mut(&self.id) {
            known.location.clone_from(&reference.location);
        }
    }

    /// The job has ended by itself.
    pub(super) fn done(self) {
        locked(&self.all.running).remove(&self.id);
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let Some(reference) = locked(&self.all.running).remove(&self.id) else {
            return;
        };
        let jobs = self.jobs.clone();
        let task = self.runtime.spawn(async move { jobs.cancel(&reference).await });
        locked(&self.all.ending).push(task);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
