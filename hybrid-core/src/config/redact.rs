//! Which keys hold secrets, and what an error may say of a value.

use serde_json::{Map, Value as Json};

use super::node::{Node, Scalar, Value};

/// Parts of key names, without `_` and `-`, that say that the value is a secret.
const SECRET_PARTS: [&str; 13] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "credential",
    "privatekey",
    "accesskey",
    "accountkey",
    "apikey",
    "sharedkey",
    "connectionstring",
    "authorization",
];

/// Longer values than this are cut where an error shows them.
const SHOWN_CHARACTERS: usize = 60;

/// Whether the value of `key` must never be shown.
pub(super) fn is_secret_key(key: &str) -> bool {
    let mut plain = key.to_ascii_lowercase();
    plain.retain(|c| c.is_ascii_alphanumeric());
    SECRET_PARTS.iter().any(|part| plain.contains(part))
}

impl Scalar {
    /// The value in backticks, or `None` where it is or might hold a secret: one of a key with a
    /// secret's name, one that a variable gave, a URL with a user.
    pub(super) fn shown(&self) -> Option<String> {
        let has_user = self.text.contains("://") && self.text.contains('@');
        (!self.secret && !self.expanded && !has_user).then(|| format!("`{}`", shortened(&self.text)))
    }
}

/// An address without the user and password that it may hold.
pub(super) fn without_user(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else {
        return address.to_owned();
    };
    match rest.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://[redacted]@{host}"),
        None => address.to_owned(),
    }
}

/// An address as messages may show it: without a user and password, and without the query, in which
/// signatures and tokens travel. Paths of this machine are as they were.
pub fn without_secrets(address: &str) -> String {
    if !address.contains("://") {
        return address.to_owned();
    }
    // A `?` of a glob begins no `name=value`.
    let query = address.find('?').filter(|at| address[*at..].contains('='));
    let plain = query.map_or(address, |at| &address[..at]);
    // `abfss://container@account`: no password.
    let container = plain.starts_with("abfs") && plain.matches(':').count() == 1;
    let shown = if container {
        plain.to_owned()
    } else {
        without_user(plain)
    };
    shown + if query.is_some() { "?[redacted]" } else { "" }
}

/// Options as they may be shown: those with a secret's name, and users in addresses, are not.
pub(crate) fn redacted(options: &Map<String, Json>) -> Map<String, Json> {
    let shown = |(key, value): (&String, &Json)| match is_secret_key(key) {
        true => (key.clone(), Json::from("[redacted]")),
        false => (key.clone(), redacted_value(value)),
    };
    options.iter().map(shown).collect()
}

fn redacted_value(value: &Json) -> Json {
    match value {
        Json::String(text) => Json::from(without_user(text)),
        Json::Array(items) => items.iter().map(redacted_value).collect(),
        Json::Object(map) => Json::Object(redacted(map)),
        other => other.clone(),
    }
}

/// The first line of `text`, cut to a length that a person reads.
pub(super) fn shortened(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let mut short: String = line.chars().take(SHOWN_CHARACTERS).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

impl Node {
    /// A scalar's value in backticks where it may be shown, else `other`.
    pub(super) fn shown_or(&self, other: &str) -> String {
        let shown = match &self.value {
            Value::Scalar(scalar) => scalar.shown(),
            _ => None,
        };
        shown.unwrap_or_else(|| other.to_owned())
    }

    /// Whether `message`, which is about this value, may tell something that must not be shown.
    pub(super) fn is_told_by(&self, message: &str) -> bool {
        matches!(&self.value, Value::Scalar(scalar) if scalar.secret) || self.is_quoted_in(message)
    }

    /// Whether `message` quotes a value in here that must not be shown.
    pub(super) fn is_quoted_in(&self, message: &str) -> bool {
        match &self.value {
            Value::Scalar(scalar) => {
                let quoted = |text: &str| !text.is_empty() && message.contains(text);
                let escaped = || scalar.text.escape_debug().to_string();
                scalar.shown().is_none() && (quoted(scalar.text.trim()) || quoted(escaped().trim()))
            }
            Value::Sequence(items) => items.iter().any(|item| item.is_quoted_in(message)),
            Value::Mapping(entries) => entries.iter().any(|entry| entry.value.is_quoted_in(message)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_their_keys() {
        for key in [
            "password",
            "client-secret",
            "private_key_content",
            "AWS_ACCESS_KEY_ID",
            "sslToken",
        ] {
            assert!(is_secret_key(key), "{key}");
        }
        for key in ["path", "user", "host", "key", "tags", "timestamp_field"] {
            assert!(!is_secret_key(key), "{key}");
        }
    }

    #[test]
    fn addresses_are_shown_without_users_and_queries() {
        for (address, shown) in [
            ("https://u:p@host/a?sig=x&se=1", "https://[redacted]@host/a?[redacted]"),
            ("s3://key:secret/part@b/k.parquet", "s3://[redacted]@b/k.parquet"),
            ("s3://b/2024-0?.parquet", "s3://b/2024-0?.parquet"),
            (
                "abfss://c@a.dfs.core.windows.net/k",
                "abfss://c@a.dfs.core.windows.net/k",
            ),
            (
                "abfss://u:p@a.dfs.core.windows.net/k",
                "abfss://[redacted]@a.dfs.core.windows.net/k",
            ),
            ("/data/a@b?c=d", "/data/a@b?c=d"),
        ] {
            assert_eq!(without_secrets(address), shown);
        }
    }

    #[test]
    fn long_values_are_cut() {
        assert_eq!(shortened("ab\ncd"), "ab…");
        assert_eq!(shortened(&"é".repeat(61)), format!("{}…", "é".repeat(60)));
        assert_eq!(shortened(""), "");
    }
}
