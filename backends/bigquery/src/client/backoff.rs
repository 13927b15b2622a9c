use std::time::{Duration, Instant};

/// Google asks for a pause of a second after the first error, twice as long after each further one, and at most
/// 32 seconds.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(32);

/// How long something is tried again, with growing pauses.
#[derive(Debug, Clone)]
pub(crate) struct Backoff {
    until: Instant,
    pause: Duration,
}

impl Backoff {
    /// For so long from now.
    pub(crate) fn lasting(limit: Duration) -> Self {
        Self {
            until: Instant::now() + limit,
            pause: FIRST,
        }
    }

    /// Pauses before the next try, for as long as the server asks if it does; false when there is no time for one.
    pub(crate) async fn wait(&mut self, asked: Option<Duration>) -> bool {
        let pause = jittered(asked.unwrap_or(self.pause));
        if Instant::now() + pause > self.until {
            return false;
        }
        tokio::time::sleep(pause).await;
        self.pause = (self.pause * 2).min(LONGEST);
        true
    }
}

/// Up to half more, so that many clients do not come back at once.
pub(crate) fn jittered(pause: Duration) -> Duration {
    let chance = f64::from(uuid::Uuid::new_v4().as_bytes()[0]) / 255.0;
    pause.mul_f64(1.0 + chance / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn there_is_an_end_to_trying() {
        let mut backoff = Backoff::lasting(Duration::from_millis(500));
        assert!(!backoff.wait(None).await);
        assert!(backoff.wait(Some(Duration::from_millis(1))).await);
        assert_eq!(backoff.pause, FIRST * 2);
        assert!(jittered(FIRST) >= FIRST && jittered(FIRST) <= FIRST * 3 / 2);
    }
}
