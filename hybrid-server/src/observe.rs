//! What calls do, counted: for Prometheus.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hybrid_core::ErrorKind;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Ok,
    Failed(ErrorKind),
    /// The client went away.
    GivenUp,
}

impl Outcome {
    /// As labels and logs have it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::GivenUp => "given_up",
            Self::Failed(kind) => match kind {
                ErrorKind::Config => "config",
                ErrorKind::Definition => "definition",
                ErrorKind::NotFound => "not_found",
                ErrorKind::InvalidInput => "invalid_input",
                ErrorKind::Unsupported => "unsupported",
                ErrorKind::Unauthenticated => "unauthenticated",
                ErrorKind::PermissionDenied => "permission_denied",
                ErrorKind::Unavailable => "unavailable",
                ErrorKind::Timeout => "timeout",
                ErrorKind::Cancelled => "cancelled",
                ErrorKind::ResourceExhausted => "resource_exhausted",
                ErrorKind::Corrupt => "corrupt",
                _ => "unexpected",
            },
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Api {
    api: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    api: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Refused {
    why: &'static str,
}

type Seconds = Family<Api, Histogram, fn() -> Histogram>;

/// Counts calls. Cheap to clone; all clones count together.
#[derive(Clone)]
pub(crate) struct Observer {
    registry: Arc<Registry>,
    running: Family<Api, Gauge>,
    ended: Family<Ended, Counter>,
    rows: Family<Api, Counter>,
    seconds: Seconds,
    refused: Family<Refused, Counter>,
}

impl Observer {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("hybrid");
        let (running, ended, rows, refused) = Default::default();
        let seconds = Seconds::new_with_constructor(|| Histogram::new(exponential_buckets(0.001, 4.0, 11)));
        registry.register("calls_running", "Calls that run now", Family::clone(&running));
        registry.register("calls", "Calls that ended, by how", Family::clone(&ended));
        registry.register("rows", "Rows that were sent", Family::clone(&rows));
        registry.register("refused", "Callers that were not let in", Family::clone(&refused));
        let help = "From a call's begin to its last message";
        registry.register_with_unit("call_duration", help, Unit::Seconds, seconds.clone());
        Self {
            registry: Arc::new(registry),
            running,
            ended,
            rows,
            seconds,
            refused,
        }
    }

    /// Counts a caller that was not let in.
    pub(crate) fn refused(&self, why: ErrorKind) {
        let why = Outcome::Failed(why).name();
        self.refused.get_or_create(&Refused { why }).inc();
    }

    pub(crate) fn begun(&self, api: &'static str) {
        self.running.get_or_create(&Api { api }).inc();
    }

    pub(crate) fn ended(&self, api: &'static str, outcome: Outcome, took: Duration, rows: u64) {
        self.running.get_or_create(&Api { api }).dec();
        let outcome = outcome.name();
        self.ended.get_or_create(&Ended { api, outcome }).inc();
        self.rows.get_or_create(&Api { api }).inc_by(rows);
        self.seconds.get_or_create(&Api { api }).observe(took.as_secs_f64());
    }

    /// Everything counted so far, in the text format of OpenMetrics.
    ///
    /// # Errors
    /// None in practice: text is written to memory.
    pub(crate) fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_by_name_and_outcome() {
        let observer = Observer::new();
        observer.begun("persist");
        observer.begun("persist");
        observer.ended(
            "persist",
            Outcome::Failed(ErrorKind::Timeout),
            Duration::from_secs(1),
            7,
        );
        let text = observer.text().unwrap();
        for line in [
            "hybrid_calls_running{api=\"persist\"} 1",
            "hybrid_calls_total{api=\"persist\",outcome=\"timeout\"} 1",
            "hybrid_rows_total{api=\"persist\"} 7",
            "hybrid_call_duration_seconds_count{api=\"persist\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }
}
