//! What the fuzz tests of all crates share.

use std::time::{Duration, Instant};

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestCaseResult, TestRunner};

/// How long each fuzz test runs: `HYBRID_FUZZ_SECONDS`, or two seconds.
pub fn seconds() -> Duration {
    let text = std::env::var("HYBRID_FUZZ_SECONDS").unwrap_or_default();
    Duration::from_secs(text.parse().unwrap_or(2))
}

/// Tries values until the time is over; no value may take longer than `PATIENCE`.
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
        let run = runner.run(values, |value| {
            let start = Instant::now();
            let result = test(value);
            assert!(start.elapsed() < PATIENCE, "took {:?}", start.elapsed());
            result
        });
        run.unwrap_or_else(|error| panic!("{error}"));
    }
}

#[allow(dead_code)]
const PATIENCE: Duration = Duration::from_secs(10);
