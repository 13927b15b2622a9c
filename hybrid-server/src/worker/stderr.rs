//! What a process writes to stderr: read, so that it never waits, and kept in part, for errors.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Bytes that are kept: the last ones.
const KEPT: usize = 64 << 10;
/// Bytes that are shown.
const SHOWN: usize = 1500;
/// How long the rest is waited for when a process has ended: others may hold its stderr.
const REST: Duration = Duration::from_secs(1);

pub(super) struct Stderr {
    kept: Arc<Mutex<VecDeque<u8>>>,
    reader: JoinHandle<()>,
}

impl Stderr {
    pub(super) fn read(mut pipe: impl Read + Send + 'static) -> io::Result<Self> {
        let kept = Arc::new(Mutex::new(VecDeque::new()));
        let keeper = Arc::clone(&kept);
        let reader = thread::Builder::new().spawn(move || {
            let mut part = [0; 4096];
            while let Ok(length @ 1..) = pipe.read(&mut part) {
                let mut kept = keeper.lock().unwrap_or_else(PoisonError::into_inner);
                kept.extend(&part[..length]);
                let surplus = kept.len().saturating_sub(KEPT);
                kept.drain(..surplus);
            }
        })?;
        Ok(Self { kept, reader })
    }

    /// The last of what came after `mark`, where that is seen, when the process has ended. What came before it is of
    /// others.
    pub(super) fn since(&self, mark: &str) -> Option<String> {
        let text = self.last();
        let (_, own) = text.rsplit_once(mark)?;
        let own = own.trim();
        Some(own[own.ceil_char_boundary(own.len().saturating_sub(SHOWN))..].to_owned())
    }

    /// The last of all that came, when the process has ended.
    pub(super) fn last(&self) -> String {
        let deadline = Instant::now() + REST;
        while !self.reader.is_finished() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(5));
        }
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes: Vec<u8> = kept.iter().copied().collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_what_came_after_the_mark_is_shown() {
        let since = |text: &str| Stderr::read(io::Cursor::new(text.to_owned())).unwrap().since("MARK");
        assert_eq!(since("secret\nMARK\nown\n").unwrap(), "own");
        assert_eq!(since("secret\n"), None);
        assert_eq!(since(&format!("MARK\n{}", "x".repeat(1_000_000))), None);
        assert_eq!(
            since(&format!("MARK\n{}end", "ü".repeat(10_000))).unwrap().len(),
            SHOWN - 1
        );
    }
}
