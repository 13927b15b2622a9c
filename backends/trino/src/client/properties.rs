use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

use hybrid_core::Result;
use reqwest::header::HeaderMap;

use super::http::header;

/// The session properties of one conversation: Trino's server keeps none, so they travel with each statement.
#[derive(Debug)]
pub(crate) struct Properties(Mutex<BTreeMap<String, String>>);

impl Properties {
    pub(crate) fn new(properties: BTreeMap<String, String>) -> Self {
        Self(Mutex::new(properties))
    }

    /// Sets one.
    pub(super) fn set(&self, name: &str, value: &str) {
        let mut properties = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        properties.insert(name.to_owned(), value.to_owned());
    }

    /// Sets one that has no value yet.
    pub(super) fn offer(&self, name: String, value: &str) {
        let mut properties = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        properties.entry(name).or_insert_with(|| value.to_owned());
    }

    /// The header that says them.
    pub(super) fn header(&self) -> Result<HeaderMap> {
        let mut headers = HeaderMap::new();
        for (name, value) in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            headers.append(
                "x-trino-session",
                header("x-trino-session", &format!("{name}={}", escaped(value)))?,
            );
        }
        Ok(headers)
    }

    /// Takes over what a statement (`SET SESSION`) changed.
    pub(super) fn learn(&self, answer: &HeaderMap) {
        let texts = |name| answer.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
        let mut properties = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, value) in texts("x-trino-set-session").filter_map(|text| text.split_once('=')) {
            properties.insert(name.to_owned(), unescaped(value));
        }
        for name in texts("x-trino-clear-session") {
            properties.remove(name);
        }
    }
}

/// As in a URL's query: everything but letters, digits and `-_.` as the numbers of its bytes.
fn escaped(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => escaped.push(char::from(byte)),
            // Writing to a String does not fail.
            _ => drop(write!(escaped, "%{byte:02X}")),
        }
    }
    escaped
}

fn unescaped(value: &str) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        let mut ahead = rest.clone();
        match (byte, digit(ahead.next()), digit(ahead.next())) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(u8::try_from(high * 16 + low).unwrap_or_default());
                rest = ahead;
            }
            (b'+', ..) => bytes.push(b' '),
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn values_travel_escaped_and_what_the_server_sets_is_kept() {
        let properties = Properties::new([("query_max_memory".to_owned(), "1 GB,é".to_owned())].into());
        let sent = properties.header().unwrap();
        assert_eq!(sent["x-trino-session"], "query_max_memory=1%20GB%2C%C3%A9");
        let mut answer = HeaderMap::new();
        answer.insert(
            "x-trino-set-session",
            "join_distribution_type=A%20B+C%".parse().unwrap(),
        );
        answer.insert("x-trino-clear-session", "query_max_memory".parse().unwrap());
        properties.learn(&answer);
        assert_eq!(
            properties.header().unwrap()["x-trino-session"],
            "join_distribution_type=A%20B%20C%25"
        );
    }

    #[test]
    fn what_is_offered_does_not_go_over_what_is_set() {
        let properties = Properties::new([("a".to_owned(), "1".to_owned())].into());
        properties.offer("a".to_owned(), "2");
        properties.offer("b".to_owned(), "2");
        let headers = properties.header().unwrap();
        let sent: Vec<_> = headers.get_all("x-trino-session").into_iter().collect();
        assert_eq!(sent, ["a=1", "b=2"]);
    }
}
