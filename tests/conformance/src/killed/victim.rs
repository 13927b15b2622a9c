use std::env;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::{GIVEN, Retrieval};
use crate::signal;

/// A process that is to be stopped; it is killed when this is dropped.
pub struct Victim(Child);

impl Victim {
    /// Starts this test program once more, as the ignored test of that name: it runs what it is
    /// [given](Retrieval::given).
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(test: &str, retrieval: &Retrieval) -> Self {
        let mut program = Command::new(env::current_exe().unwrap());
        program
            .args(["--exact", test, "--ignored", "--nocapture"])
            .env(GIVEN, retrieval.written())
            .stdout(Stdio::null());
        Self::spawn(&mut program)
    }

    /// Starts a program.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn spawn(command: &mut Command) -> Self {
        Self(command.stdin(Stdio::null()).spawn().unwrap())
    }

    /// `kill -9`.
    ///
    /// # Panics
    /// When it has ended before.
    pub fn kill(mut self) {
        assert_eq!(self.0.try_wait().unwrap(), None, "it ended before it was killed");
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Sends it a signal; how it ended, if it did so in time.
    pub(super) fn signal(&mut self, name: &str, patience: Duration) -> Option<ExitStatus> {
        let end = Instant::now() + patience;
        assert!(signal(name, self.0.id()));
        while Instant::now() < end {
            let ended = self.0.try_wait().unwrap();
            if ended.is_some() {
                return ended;
            }
            sleep(Duration::from_millis(20));
        }
        None
    }
}

impl Drop for Victim {
    /// Ends it also when an assertion failed.
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
