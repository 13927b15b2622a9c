//! One process: begun, asked, ended.

use std::io::{self, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use hybrid_core::{Error, ErrorKind, Result};

use super::config::WorkerConfig;
use super::request::{Answer, Failure, Greeting, Header, Request};
use super::stderr::Stderr;
use super::{failure, ipc, message};

/// What the process starts with, where the server's environment does not say otherwise: allocators that take address
/// space in advance would use the limit of memory up.
const ENVIRONMENT: [(&str, &str); 2] = [("ARROW_DEFAULT_MEMORY_POOL", "system"), ("MALLOC_ARENA_MAX", "2")];

/// A process that runs the script. It is killed when this is dropped.
pub(super) struct Process {
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    stderr: Stderr,
    life: Arc<Life>,
}

/// What came of a request.
pub(super) enum Reply {
    Columns(RecordBatch),
    Failed(Failure),
    /// The process is over: how, and what it said of the request; nothing, where it had not come to it.
    Ended(Option<ExitStatus>, Option<String>),
}

impl Process {
    /// Starts the command; it is not ready yet.
    ///
    /// # Errors
    /// Config, when there is no such command.
    pub(super) fn begin(config: &WorkerConfig, script: &str, folder: &Path) -> Result<Self> {
        let cannot = |error: io::Error| failure::cannot_begin(config, error.to_string());
        let mut words = config.command.iter();
        let mut command = Command::new(words.next().map_or("", String::as_str));
        command
            .args(words)
            .args(["-c", script, &config.memory.to_string()])
            .arg(folder);
        let absent = ENVIRONMENT.iter().filter(|(name, _)| std::env::var_os(name).is_none());
        command.envs(absent.copied());
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // What a terminal sends to the server ends the server alone; and what functions start can be ended with them.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().map_err(cannot)?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let life = Arc::new(Life::new(child));
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(Error::new(ErrorKind::Unexpected, "a process has no pipes"));
        };
        Ok(Self {
            stdin,
            stdout: BufReader::new(stdout),
            stderr: Stderr::read(stderr).map_err(cannot)?,
            life,
        })
    }

    /// Waits until the process is ready; returns the version of its Feast.
    ///
    /// # Errors
    /// Config, when it cannot be.
    pub(super) fn greet(&mut self, config: &WorkerConfig) -> Result<String> {
        let greeting = message::read::<Greeting>(&mut self.stdout, 0);
        match greeting.map(|(greeting, _)| greeting) {
            Ok(Greeting { missing: Some(why), .. }) => Err(failure::cannot_begin(config, why)),
            Ok(greeting) => Ok(greeting.feast.unwrap_or_default()),
            Err(_) => {
                self.life.end();
                let said = self.stderr.last();
                Err(failure::cannot_begin(config, said.lines().last().unwrap_or("it ended")))
            }
        }
    }

    /// Asks for columns, and says whether the process can be asked again. After an error it cannot.
    ///
    /// # Errors
    /// Unexpected, for an answer that is none; ResourceExhausted, for one that is larger than what the process may use.
    pub(super) fn ask(&mut self, request: &Request, config: &WorkerConfig) -> Result<(Reply, bool)> {
        let mark = uuid::Uuid::new_v4().to_string();
        let (answer, mut parts) = match self.exchange(request, &mark, config.memory)? {
            Ok(answer) => answer,
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                return Err(failure::too_long(request, config));
            }
            Err(_) => {
                let status = self.life.end();
                return Ok((Reply::Ended(status, self.stderr.since(&mark)), false));
            }
        };
        let reply = match (answer.failure, parts.pop()) {
            (Some(failure), _) => Reply::Failed(failure),
            (None, Some(columns)) => Reply::Columns(ipc::decode(columns)?),
            (None, None) => {
                return Err(Error::new(
                    ErrorKind::Unexpected,
                    "the Python worker's answer has no columns",
                ));
            }
        };
        Ok((reply, answer.clean))
    }

    fn exchange(&mut self, request: &Request, mark: &str, most: u64) -> Result<io::Result<(Answer, Vec<Vec<u8>>)>> {
        let rows = ipc::encode(&request.rows)?;
        let header = Header {
            views: &request.views,
            full_feature_names: request.full_feature_names,
            mark,
        };
        let mut parts: Vec<&[u8]> = request.views.iter().map(|view| view.message.as_slice()).collect();
        parts.extend([&*request.agreed, rows.as_slice()]);
        let sent = message::write(&mut self.stdin, header, &parts);
        Ok(sent.and_then(|()| message::read(&mut self.stdout, most)))
    }

    pub(super) fn life(&self) -> &Arc<Life> {
        &self.life
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.life.end();
    }
}

/// Whether the process runs; `None` once it is over and forgotten by the system.
pub(super) struct Life(Mutex<Option<Child>>);

impl Life {
    fn new(child: Child) -> Self {
        Self(Mutex::new(Some(child)))
    }

    fn child(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it still runs.
    pub(super) fn goes_on(&self) -> bool {
        let mut child = self.child();
        let goes_on = child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)));
        if !goes_on {
            *child = None;
        }
        goes_on
    }

    /// Kills it, and does not wait until it is dead.
    pub(super) fn kill(&self) {
        if let Some(child) = self.child().as_mut() {
            kill(child);
        }
    }

    /// Kills it if it still runs, and says how it ended.
    fn end(&self) -> Option<ExitStatus> {
        let mut child = self.child().take()?;
        kill(&mut child);
        child.wait().ok()
    }
}

/// With all that it started. It may be over already: as long as nobody waited for it, its number is still its own.
fn kill(child: &mut Child) {
    #[cfg(unix)]
    {
        let group = rustix::process::Pid::from_child(child);
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.kill();
}
