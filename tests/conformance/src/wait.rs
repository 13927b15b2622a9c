use std::time::{Duration, Instant};

/// Longer than anything takes that is waited for, on a busy machine too; shorter than what an engine's own clock ends.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until something is so.
///
/// # Panics
/// When that takes too long: `what` did not happen.
pub async fn until(what: &str, mut ready: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !ready().await {
        assert!(begun.elapsed() < PATIENCE, "{what} did not happen");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
