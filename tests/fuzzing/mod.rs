//! What the fuzz tests of all crates share.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestCaseResult, TestRunner};

/// How long each fuzz test runs: `HYBRID_FUZZ_SECONDS`, or two seconds.
pub fn seconds() -> Duration {
    let text = std::env::var("HYBRID_FUZZ_SECONDS").unwrap_or_default();
    Duration::from_secs(text.parse().unwrap_or(2))
}

/// Tries values until the time is over, fifty within `PATIENCE`.
#[allow(dead_code)]
#[track_caller]
pub fn try_for_a_while<S: Strategy>(values: &S, test: impl Fn(S::Value) -> TestCaseResult) {
    let config = Config {
        cases: 50,
        failure_persistence: None,
        ..Config::default()
    };
    let (mut runner, end) = (TestRunner::new(config), Instant::now() + seconds());
    while Instant::now() < end {
        let run = within_patience(|| runner.run(values, &test));
        run.unwrap_or_else(|error| panic!("{error}"));
    }
}

/// Does `work`, and ends the process when that takes longer than `PATIENCE`: what hangs cannot be
/// stopped from outside in any other way.
#[allow(dead_code)]
pub fn within_patience<T>(work: impl FnOnce() -> T) -> T {
    let (done, waiting) = channel::<()>();
    std::thread::spawn(move || {
        if waiting.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            eprintln!("one step of a fuzz test took longer than {PATIENCE:?}");
            std::process::abort();
        }
    });
    let result = work();
    drop(done);
    result
}

#[allow(dead_code)]
const PATIENCE: Duration = Duration::from_secs(60);
