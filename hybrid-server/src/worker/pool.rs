//! The processes: a few, begun before or when they are needed, used again, and replaced when they are of no more use.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arrow::array::RecordBatch;
use hybrid_core::{Error, ErrorKind, Result};
use tokio::sync::Semaphore;

use super::config::WorkerConfig;
use super::failure;
use super::process::{Life, Process, Reply};
use super::request::{FailureKind, Request};

/// How long a process may take to begin: importing Feast takes seconds, and far more on a busy machine.
const BEGIN: Duration = Duration::from_secs(120);

pub(super) struct Pool {
    config: Arc<WorkerConfig>,
    script: &'static str,
    folder: PathBuf,
    places: Semaphore,
    idle: Mutex<Vec<Process>>,
}

impl Pool {
    /// # Errors
    /// Config, for a configuration that could run nothing.
    pub(super) fn new(config: WorkerConfig, script: &'static str, folder: PathBuf) -> Result<Self> {
        config.check()?;
        Ok(Self {
            places: Semaphore::new(config.processes),
            config: Arc::new(config),
            script,
            folder,
            idle: Mutex::default(),
        })
    }

    /// Has a process compute columns; waits for one. When it is dropped, the process is ended.
    ///
    /// # Errors
    /// InvalidInput and Unsupported, with what a function or Feast says; Timeout, ResourceExhausted; Unexpected, when
    /// the process ended; Config, when none can begin.
    pub(super) async fn ask(&self, request: Request) -> Result<RecordBatch> {
        let _place = self.places.acquire().await.map_err(|_| closed())?;
        let request = Arc::new(request);
        if let Some(process) = self.idle() {
            match self.reply(process, &request).await? {
                // Somebody ended it while it waited.
                Reply::Ended(_, None) => {}
                reply => return self.columns(reply, &request),
            }
        }
        let process = self.begin().await?;
        let reply = self.reply(process, &request).await?;
        self.columns(reply, &request)
    }

    /// Begins a process before somebody waits for one.
    ///
    /// # Errors
    /// Config, when none can begin.
    pub(super) async fn prepare(&self) -> Result<()> {
        let _place = self.places.acquire().await.map_err(|_| closed())?;
        // A call may have been faster.
        let process = match self.idle() {
            Some(process) => process,
            None => self.begin().await?,
        };
        self.keep(process);
        Ok(())
    }

    async fn reply(&self, process: Process, request: &Arc<Request>) -> Result<Reply> {
        let (config, shared) = (Arc::clone(&self.config), Arc::clone(request));
        let asked = within(self.config.call_time, process, move |process| {
            process.ask(&shared, &config)
        })
        .await;
        let asked = asked.unwrap_or_else(|| Err(failure::too_late(request, &self.config)));
        let ended = |error: &Error| tracing::warn!(kind = ?error.kind(), "a Python worker was ended");
        let (process, (reply, reusable)) = asked.inspect_err(ended)?;
        let is_full = matches!(&reply, Reply::Failed(failed) if failed.kind == FailureKind::Memory);
        if reusable && !is_full {
            self.keep(process);
        }
        Ok(reply)
    }

    fn keep(&self, process: Process) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(process);
    }

    fn columns(&self, reply: Reply, request: &Request) -> Result<RecordBatch> {
        match reply {
            Reply::Columns(columns) => Ok(columns),
            Reply::Failed(failed) => Err(failure::failed(failed, &self.config)),
            Reply::Ended(status, said) => Err(failure::ended(request, status, said.unwrap_or_default(), &self.config)),
        }
    }

    async fn begin(&self) -> Result<Process> {
        let (config, script, folder) = (Arc::clone(&self.config), self.script, self.folder.clone());
        let begun = tokio::task::spawn_blocking(move || Process::begin(&config, script, &folder));
        let process = begun.await.map_err(crashed)??;
        let config = Arc::clone(&self.config);
        let greeted = within(BEGIN, process, move |process| process.greet(&config)).await;
        let late = || failure::cannot_begin(&self.config, format!("it is not ready after {} s", BEGIN.as_secs()));
        let (process, feast) = greeted.unwrap_or_else(|| Err(late()))?;
        tracing::info!(feast, "a Python worker began");
        Ok(process)
    }

    /// One that waits for work; those that ended meanwhile are forgotten.
    fn idle(&self) -> Option<Process> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|process| process.life().goes_on());
        idle.pop()
    }
}

/// Does blocking work with a process; `None` when it takes too long. The process is ended then, after an error, and
/// when this is dropped.
async fn within<T: Send + 'static>(
    time: Duration,
    mut process: Process,
    work: impl FnOnce(&mut Process) -> Result<T> + Send + 'static,
) -> Option<Result<(Process, T)>> {
    let mut guard = Guard(Some(Arc::clone(process.life())));
    let task = tokio::task::spawn_blocking(move || work(&mut process).map(|done| (process, done)));
    let done = tokio::time::timeout(time, task).await.ok()?;
    guard.0 = None;
    Some(done.unwrap_or_else(|error| Err(crashed(error))))
}

/// Kills a process that is given up: the thread that reads from it then comes to an end.
struct Guard(Option<Arc<Life>>);

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(life) = &self.0 {
            life.kill();
        }
    }
}

fn crashed(error: tokio::task::JoinError) -> Error {
    Error::new(ErrorKind::Unexpected, "a thread with a Python worker failed").with_cause(error)
}

fn closed() -> Error {
    Error::new(ErrorKind::Cancelled, "the server is stopping")
}
