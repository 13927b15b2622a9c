use std::error::Error as _;
use std::time::{Duration, Instant};

use hybrid_core::error::is_caused_by;
use tonic::{Code, Status};

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// So long a network may be away.
pub(super) const LONG: Duration = Duration::from_secs(15);

/// How long something is tried again, with growing pauses.
#[derive(Debug, Clone)]
pub(crate) struct Patience {
    until: Instant,
    pause: Duration,
}

impl Patience {
    /// For so long.
    pub(crate) fn lasting(limit: Duration) -> Self {
        Self {
            until: Instant::now() + limit,
            pause: FIRST_PAUSE,
        }
    }

    /// Not at all.
    pub(crate) fn none() -> Self {
        Self::lasting(Duration::ZERO)
    }

    /// While a first answer is waited for: a server that is not there is told soon.
    pub(crate) fn short() -> Self {
        Self::lasting(Duration::from_secs(1))
    }

    /// In the middle of something: a proxy or a network may need a moment.
    pub(crate) fn long() -> Self {
        Self::lasting(LONG)
    }

    /// Pauses before the next try; false when there is no time for one.
    pub(crate) async fn wait(&mut self) -> bool {
        if Instant::now() + self.pause > self.until {
            return false;
        }
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        true
    }
}

/// Whether the connection failed, and not what was asked: only an error that was made on this side has a source.
pub(crate) fn is_cut(status: &Status) -> bool {
    !is_untrusted(status) && (status.code() == Code::Unavailable || status.source().is_some())
}

/// Whether this side and the server do not agree on TLS, which they will not the next time either.
pub(crate) fn is_untrusted(status: &Status) -> bool {
    status.source().is_some_and(is_caused_by::<rustls::Error>)
}
