//! A file of tokens, looked at again when it changed.

mod entries;
mod file;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hybrid_core::Result;
use hybrid_core::chrono::Utc;
use hybrid_feast::Identity;

use entries::Tokens;
use file::Stamp;

/// How often the file is looked at, at most.
const PAUSE: Duration = Duration::from_secs(1);

/// The tokens of a file.
pub(super) struct TokenFile {
    path: PathBuf,
    pause: Duration,
    state: Mutex<State>,
}

struct State {
    tokens: Arc<Tokens>,
    /// Which version was read last, broken or not; `None` when it may still be being written.
    stamp: Option<Stamp>,
    looked: Instant,
    /// What was said last of a version that cannot be used.
    complaint: String,
}

impl TokenFile {
    /// Reads the file.
    ///
    /// # Errors
    /// Config, with positions, when it is wrong; NotFound and others when it cannot be read.
    pub(super) fn open(path: PathBuf) -> Result<Self> {
        let (stamp, text) = file::read(&path)?;
        let tokens = Arc::new(Tokens::parse(&text, &path)?);
        file::warn_if_open(&path);
        let state = Mutex::new(State {
            tokens,
            stamp: stamp.settled(),
            looked: Instant::now(),
            complaint: String::new(),
        });
        Ok(Self {
            path,
            pause: PAUSE,
            state,
        })
    }

    /// Whose token it is.
    ///
    /// # Errors
    /// Unauthenticated, when it is nobody's or has expired.
    pub(super) async fn identify(self: &Arc<Self>, token: &str) -> Result<Identity> {
        if self.is_due() {
            let file = self.clone();
            // A task that ends early leaves the tokens as they were.
            let _ = tokio::task::spawn_blocking(move || file.look()).await;
        }
        let tokens = self.state().tokens.clone();
        tokens.identify(token, Utc::now())
    }

    /// Whether it is time to look again; then it is the caller who has to.
    fn is_due(&self) -> bool {
        let mut state = self.state();
        let due = state.looked.elapsed() >= self.pause;
        if due {
            state.looked = Instant::now();
        }
        due
    }

    /// Reads the file if it changed. A version that cannot be used leaves the old one in force.
    fn look(&self) {
        let known = self.state().stamp.clone();
        if known.is_some() && Stamp::of(&self.path).ok() == known {
            return;
        }
        let read = file::read(&self.path).map(|(stamp, text)| (stamp, Tokens::parse(&text, &self.path)));
        let mut state = self.state();
        if let Ok((stamp, _)) = &read {
            state.stamp = stamp.clone().settled();
        }
        match read.and_then(|(_, tokens)| tokens) {
            Ok(tokens) => {
                state.complaint.clear();
                if *state.tokens != tokens {
                    tracing::info!(file = %self.path.display(), tokens = tokens.len(), "the token file was read again");
                    state.tokens = Arc::new(tokens);
                    file::warn_if_open(&self.path);
                }
            }
            Err(error) => {
                let complaint = error.to_string();
                if complaint != state.complaint {
                    tracing::warn!(file = %self.path.display(), error = complaint, "the token file cannot be used; what it held before stays in force");
                    state.complaint = complaint;
                }
            }
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for TokenFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenFile")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
