use std::time::Duration;

use hybrid_core::Result;

use super::{flag, wrong};

/// A day: longer is never.
const LONGEST: u64 = 24 * 60 * 60 * 1000;

/// When a server that says nothing is asked whether it is there: by a ping of HTTP/2, as Spark's own clients do it, and
/// under their parameters' names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keepalive {
    /// Whether it is asked: `grpc_keepalive_enabled`.
    pub enabled: bool,
    /// After so long without a word: `grpc_keepalive_time_ms`.
    pub time: Duration,
    /// How long its answer may take: `grpc_keepalive_timeout_ms`.
    pub timeout: Duration,
    /// Also while nothing runs: `grpc_keepalive_without_calls`.
    pub without_calls: bool,
}

impl Default for Keepalive {
    /// What Spark's own clients do.
    fn default() -> Self {
        Self {
            enabled: true,
            time: Duration::from_secs(60),
            timeout: Duration::from_secs(20),
            without_calls: true,
        }
    }
}

impl Keepalive {
    pub(super) const PARAMETERS: [&str; 4] = [
        "grpc_keepalive_enabled",
        "grpc_keepalive_time_ms",
        "grpc_keepalive_timeout_ms",
        "grpc_keepalive_without_calls",
    ];

    /// Takes a parameter of the address; whether it is one of these.
    pub(super) fn read(&mut self, name: &str, value: &str) -> Result<bool> {
        match name {
            "grpc_keepalive_enabled" => self.enabled = flag(name, value)?,
            "grpc_keepalive_time_ms" => self.time = millis(name, value)?,
            "grpc_keepalive_timeout_ms" => self.timeout = millis(name, value)?,
            "grpc_keepalive_without_calls" => self.without_calls = flag(name, value)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn millis(name: &str, value: &str) -> Result<Duration> {
    match value.parse::<u64>() {
        Ok(millis @ 1..=LONGEST) => Ok(Duration::from_millis(millis)),
        _ => Err(wrong(&format!(
            "`{name}` is no number of milliseconds between 1 and {LONGEST}"
        ))),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::Address;

    #[test]
    fn every_parameter_is_read_and_has_its_own_name() {
        let text = "sc://a/;grpc_keepalive_enabled=false;grpc_keepalive_time_ms=1500;grpc_keepalive_timeout_ms=20;grpc_keepalive_without_calls=False";
        let read = Keepalive {
            enabled: false,
            time: Duration::from_millis(1500),
            timeout: Duration::from_millis(20),
            without_calls: false,
        };
        assert_eq!(Address::parse(text).unwrap().keepalive, read);
        assert_eq!(Address::parse("sc://a").unwrap().keepalive, Keepalive::default());
        for name in Keepalive::PARAMETERS {
            let error = Address::parse(&format!("sc://a/;{name}=x")).unwrap_err();
            assert!(error.to_string().contains(&format!("`{name}` is n")), "{error}");
        }
    }
}
