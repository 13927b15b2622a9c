//! A process that appends batch after batch, says which are done, and is killed.

use std::env;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::table::{Layout, Table};

const REPO: &str = "HYBRID_CRASH_REPO";
const LAYOUT: &str = "HYBRID_CRASH_LAYOUT";
const NUMBER: &str = "HYBRID_CRASH_WRITER";
const READY: &str = "ready";
const DONE: &str = "done ";
/// Longer than any append takes, on a busy machine too.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the child does: it never returns where it was started as one.
pub fn write_until_killed() {
    let (Ok(repo), Ok(layout), Ok(number)) = (env::var(REPO), env::var(LAYOUT), env::var(NUMBER)) else {
        return;
    };
    let table = Table::open(&PathBuf::from(repo), Layout::named(&layout));
    let first = number.parse::<i64>().unwrap() * 1_000_000;
    eprintln!("{READY}");
    for batch in first.. {
        table.append(batch).unwrap();
        eprintln!("{DONE}{batch}");
    }
}

/// The child as its parent sees it.
pub struct Writer {
    child: Child,
    lines: Receiver<String>,
    done: Vec<i64>,
}

impl Writer {
    /// Starts this test program once more, as a writer.
    pub fn start(repo: &Path, layout: Layout, number: u32) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "writes_until_killed", "--ignored", "--nocapture"])
            .env(REPO, repo)
            .env(LAYOUT, layout.name())
            .env(NUMBER, number.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            lines: lines_of(&mut child),
            child,
            done: Vec::new(),
        }
    }

    pub fn wait_until_ready(&self) {
        assert_eq!(self.lines.recv_timeout(PATIENCE).unwrap(), READY);
    }

    /// Waits for an append that begins after this is called.
    pub fn wait_for_another_append(&mut self) {
        self.done.extend(self.lines.try_iter().map(|line| batch_in(&line)));
        // The first may have begun before.
        for _ in 0..2 {
            let line = self.lines.recv_timeout(PATIENCE);
            self.done
                .push(batch_in(&line.expect("no append after the other writer was killed")));
        }
    }

    /// Kills it; the batches that it had said were done.
    pub fn kill(mut self) -> Vec<i64> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.done.extend(self.lines.iter().map(|line| batch_in(&line)));
        std::mem::take(&mut self.done)
    }
}

impl Drop for Writer {
    /// Ends the child also when an assertion failed.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Each whole line on the child's standard error, until that ends.
fn lines_of(child: &mut Child) -> Receiver<String> {
    let (sender, lines) = channel();
    let mut output = BufReader::new(child.stderr.take().unwrap());
    std::thread::spawn(move || {
        let mut line = String::new();
        while output.read_line(&mut line).is_ok() && line.ends_with('\n') {
            let _ = sender.send(line.trim_end().to_owned());
            line.clear();
        }
    });
    lines
}

fn batch_in(line: &str) -> i64 {
    match line.strip_prefix(DONE) {
        Some(batch) => batch.parse().unwrap(),
        None => panic!("a writer said: {line}"),
    }
}
