use std::time::Duration;

use hybrid_core::{Error, ErrorKind, Result};

/// How on-demand feature views are run: by a Python that has `feast` and `pyarrow`.
///
/// Their functions are given some rows at a time, up to 65,536 or 16 MiB of them: a function that looks at other rows
/// than the one it computes, such as the mean of a column, sees those of its part alone. Whoever can write to the
/// registry decides what the processes run, as in Feast. They have the server's environment and rights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerConfig {
    /// The Python, and arguments that come before the script; for example `["python3"]`.
    pub command: Vec<String>,
    /// Processes that run at once; more calls wait for one. The first begins with the
    /// server, others when calls need them.
    pub processes: usize,
    /// How long some rows may take in one process, which is then ended.
    pub call_time: Duration,
    /// Bytes that a process may take beside what Python and Feast take themselves. Linux alone keeps to it.
    pub memory: u64,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        Self {
            command: vec!["python3".to_owned()],
            processes: 2,
            call_time: Duration::from_secs(60),
            memory: 1 << 30,
        }
    }
}

impl WorkerConfig {
    /// # Errors
    /// Config, for what could run nothing.
    pub(super) fn check(&self) -> Result<()> {
        let wrong = if self.command.is_empty() {
            "the Python worker has no command"
        } else if self.processes == 0 {
            "the Python worker has no processes"
        } else {
            return Ok(());
        };
        Err(Error::new(ErrorKind::Config, wrong).with_help("the command may be `python3`, in two processes"))
    }

    /// The command as a line.
    pub(super) fn line(&self) -> String {
        self.command.join(" ")
    }
}
