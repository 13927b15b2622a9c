mod keepalive;

use std::collections::BTreeMap;
use std::fmt;

use hybrid_core::{Error, ErrorKind, Result, Secret};

pub use keepalive::Keepalive;

/// The port of Spark Connect where an address names none.
const DEFAULT_PORT: u16 = 15002;

/// Where a Spark Connect server is and how it is asked:
/// `sc://host:port/;token=…;use_ssl=true;user_id=…;user_agent=…;session_id=…;x-header=…`.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    /// The host; an IPv6 address without its brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// A bearer token, sent with each request.
    pub token: Option<Secret>,
    /// Whether the connection is TLS: as said, else whenever there is a token and the host is another one.
    pub use_ssl: bool,
    /// Who asks.
    pub user_id: Option<String>,
    /// What asks.
    pub user_agent: Option<String>,
    /// The session that all operations share; absent: each has its own.
    pub session_id: Option<String>,
    /// Headers sent with each request.
    pub headers: BTreeMap<String, Secret>,
    /// When a server that says nothing is asked whether it is there.
    pub keepalive: Keepalive,
}

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    /// Config, which says what part of it is wrong and never shows a token.
    pub fn parse(text: &str) -> Result<Self> {
        let rest = text
            .strip_prefix("sc://")
            .ok_or_else(|| wrong("the address does not start with `sc://`"))?;
        let (authority, parameters) = rest.split_once('/').unwrap_or((rest, ""));
        let (host, port) = host_and_port(authority)?;
        let mut address = Self {
            use_ssl: false,
            host,
            port,
            token: None,
            user_id: None,
            user_agent: None,
            session_id: None,
            headers: BTreeMap::new(),
            keepalive: Keepalive::default(),
        };
        let mut use_ssl = None;
        let Some(parameters) = parameters.strip_prefix(';').or(parameters.is_empty().then_some("")) else {
            return Err(wrong(
                "parameters start with a semicolon after the slash: `sc://host:port/;name=value`",
            ));
        };
        for parameter in parameters.split(';').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter
                .split_once('=')
                .ok_or_else(|| wrong("a parameter has no value: `;name=value` is right"))?;
            let value = unescape(name, value)?;
            match name {
                "use_ssl" => use_ssl = Some(flag(name, &value)?),
                _ => address.set(name, value)?,
            }
        }
        address.use_ssl = use_ssl.unwrap_or(address.token.is_some() && !address.is_local());
        Ok(address)
    }

    fn set(&mut self, name: &str, value: String) -> Result<()> {
        match name {
            "token" => self.token = Some(Secret::new(value)),
            "user_id" => self.user_id = Some(value),
            "user_agent" => self.user_agent = Some(value),
            "session_id" => self.session_id = Some(session_id(value)?),
            _ if name.starts_with("x-") => {
                self.headers.insert(name.to_ascii_lowercase(), Secret::new(value));
            }
            _ if self.keepalive.read(name, &value)? => {}
            // What grpc's own clients read; PySpark passes them on as headers as well.
            _ => return Err(unknown(name)),
        }
        Ok(())
    }

    /// Whether the host is this machine.
    fn is_local(&self) -> bool {
        matches!(self.host.as_str(), "localhost" | "127.0.0.1" | "::1")
    }

    /// The host and port as they stand in a URL.
    pub(crate) fn authority(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address(sc://{})", self.authority())
    }
}

fn host_and_port(authority: &str) -> Result<(String, u16)> {
    let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, port)) => (host, port.strip_prefix(':')),
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    if host.is_empty() || host.contains('@') || host.chars().any(char::is_whitespace) {
        return Err(wrong("the address has no host after `sc://`"));
    }
    let port = match port {
        None => DEFAULT_PORT,
        Some(port) => port
            .parse()
            .map_err(|_| wrong("the port is no number between 1 and 65535"))?,
    };
    Ok((host.to_owned(), port))
}

fn flag(name: &str, value: &str) -> Result<bool> {
    match value.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(wrong(&format!("`{name}` is neither `true` nor `false`"))),
    }
}

fn session_id(value: String) -> Result<String> {
    match uuid::Uuid::parse_str(&value) {
        Ok(id) => Ok(id.to_string()),
        Err(_) => Err(wrong("`session_id` is no UUID")),
    }
}

/// `%` and two digits stand for a byte.
fn unescape(name: &str, value: &str) -> Result<String> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let escaped = match tail {
            [high, low, ..] if first == b'%' => hex(*high).zip(hex(*low)),
            _ => None,
        };
        match escaped {
            Some((high, low)) => {
                bytes.push(high * 16 + low);
                rest = &tail[2..];
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).map_err(|_| wrong(&format!("the value of `{name}` is no UTF-8 text")))
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

fn wrong(message: &str) -> Error {
    Error::new(
        ErrorKind::Config,
        format!("the address of Spark Connect is wrong: {message}"),
    )
    .with_help("it is written `sc://host:port/;token=…;use_ssl=true;user_id=…`")
}

fn unknown(name: &str) -> Error {
    let known = || {
        let own = ["token", "use_ssl", "user_id", "user_agent", "session_id"];
        own.into_iter().chain(Keepalive::PARAMETERS)
    };
    let error = wrong(&format!("unknown parameter `{name}`"));
    match hybrid_core::error::nearest(name, known()) {
        Some(near) => error.with_help(format!("did you mean `{near}`?")),
        None => {
            let known: Vec<&str> = known().collect();
            error.with_help(format!(
                "the parameters are {}, and headers named x-…",
                known.join(", ")
            ))
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_read() {
        let text = "sc://[::1]:99/;token=a%3Bb=;user_id=me;x-Trace=1;session_id=67E55044-10B1-426F-9247-BB680E5FE0C8;user_agent=u";
        let address = Address::parse(text).unwrap();
        assert_eq!((address.host.as_str(), address.port), ("::1", 99));
        assert_eq!(address.authority(), "[::1]:99");
        assert_eq!(address.token.as_ref().unwrap().expose(), "a;b=");
        assert_eq!(address.headers["x-trace"].expose(), "1");
        assert_eq!(
            address.session_id.as_deref(),
            Some("67e55044-10b1-426f-9247-bb680e5fe0c8")
        );
        assert!(!address.use_ssl, "a token for this machine needs no TLS");
        assert_eq!(format!("{address:?}"), "Address(sc://[::1]:99)");
    }

    #[test]
    fn a_token_for_another_host_means_tls_unless_said_otherwise() {
        assert!(Address::parse("sc://spark/;token=t").unwrap().use_ssl);
        assert!(!Address::parse("sc://spark/;token=t;use_ssl=false").unwrap().use_ssl);
        assert!(Address::parse("sc://spark/;use_ssl=true").unwrap().use_ssl);
        assert_eq!(Address::parse("sc://spark").unwrap().port, 15002);
    }

    #[test]
    fn what_is_wrong_is_said_without_secrets() {
        for (text, said) in [
            ("http://spark", "does not start with `sc://`"),
            ("sc://", "has no host"),
            ("sc://spark:x", "the port is no number"),
            ("sc://spark/token=geheim", "start with a semicolon"),
            ("sc://spark/;token", "a parameter has no value"),
            ("sc://spark/;tokn=geheim", "unknown parameter `tokn`"),
            ("sc://spark/;use_ssl=1", "`use_ssl` is neither `true` nor `false`"),
            (
                "sc://spark/;grpc_keepalive_enabled=no",
                "`grpc_keepalive_enabled` is neither",
            ),
            ("sc://spark/;grpc_keepalive_time_ms=0", "milliseconds"),
            ("sc://spark/;grpc_keepalive_timeout_ms=86400001", "milliseconds"),
            ("sc://spark/;session_id=1", "is no UUID"),
            ("sc://spark/;user_id=%ff", "no UTF-8"),
        ] {
            let error = Address::parse(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().contains(said), "{error}");
            assert!(!error.to_string().contains("geheim"), "{error}");
        }
    }
}
