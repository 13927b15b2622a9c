use std::net::IpAddr;

use hybrid_core::config::without_secrets;
use hybrid_core::{Error, ErrorKind, Result};
use reqwest::Url;

/// The address `text`, which the field `what` gives: https, or http on this machine.
///
/// # Errors
/// Config, for anything else.
pub(super) fn checked(text: &str, what: &str) -> Result<Url> {
    let wrong = |reason: &str| {
        let message = format!("`{what}: {}` {reason}", without_secrets(text));
        Err(Error::new(ErrorKind::Config, message).with_help("it must be an address such as https://host/path"))
    };
    let Ok(url) = Url::parse(text) else {
        return wrong("is no address");
    };
    if !url.username().is_empty() || url.password().is_some() {
        return wrong("holds a user or a password");
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => wrong("is neither https nor on this machine: whoever is between could replace the keys"),
        _ => wrong("is not https"),
    }
}

/// Whether the address is on this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let plain = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || plain.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_or_this_machine() {
        for (text, accepted) in [
            ("https://id.example/realms/a", true),
            ("http://localhost:8080/a", true),
            ("http://127.0.0.1:1/a", true),
            ("http://[::1]:1/a", true),
            ("http://id.example/a", false),
            ("http://localhost.example/a", false),
            ("http://127.0.0.1.example/a", false),
            ("http://10.0.0.1/a", false),
            ("ftp://localhost/a", false),
            ("file:///etc/passwd", false),
            ("https://user:hunter2@id.example/a", false),
            ("id.example", false),
            ("", false),
        ] {
            let read = checked(text, "issuer");
            assert_eq!(read.is_ok(), accepted, "{text}");
            assert!(read.err().is_none_or(|error| !error.to_string().contains("hunter2")));
        }
    }
}
