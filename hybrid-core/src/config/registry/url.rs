//! The address of a database as SQLAlchemy writes it: `dialect+driver://user:password@host:port/database?name=value`.

use std::collections::BTreeMap;
use std::fmt;

use crate::Secret;

/// The address of a database, taken apart. Its `Debug` and `Display` show neither password nor options.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct DatabaseUrl {
    /// What comes before `+` and `://`, for example `postgresql`.
    pub dialect: String,
    /// The role that connects.
    pub user: Option<String>,
    /// Its password.
    pub password: Option<Secret>,
    /// A host, without the brackets of an IPv6 address.
    pub host: Option<String>,
    /// The port.
    pub port: Option<u16>,
    /// The database, or the path of a file.
    pub database: String,
    /// The options behind `?`; values of a repeated name are joined with commas.
    pub options: BTreeMap<String, Secret>,
}

impl DatabaseUrl {
    /// Takes `url` apart; `None` where it is none.
    pub fn parse(url: &str) -> Option<Self> {
        let (name, rest) = url.split_once("://")?;
        let dialect = name.split('+').next().filter(|dialect| !dialect.is_empty())?;
        let (user, password, rest) = identity(rest);
        let (place, rest) = split_before(rest, &['/', '?']);
        let (path, options) = rest.split_once('?').unwrap_or((rest, ""));
        let (host, port) = address(place)?;
        Some(Self {
            dialect: dialect.to_ascii_lowercase(),
            user: all_decoded(user)?.pop(),
            password: all_decoded(password)?.pop().map(Secret::from),
            host: Some(host.to_owned()).filter(|host| !host.is_empty()),
            port,
            database: decoded(path.strip_prefix('/').unwrap_or(path))?,
            options: pairs(options)?,
        })
    }

    /// An option behind `?`.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.get(name).map(Secret::expose)
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.dialect, self.host.as_deref().unwrap_or_default())?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        write!(f, "/{}", self.database)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{self}`")
    }
}

/// User and password, and what comes behind their `@`. As in SQLAlchemy a password may hold `/` and `:`.
fn identity(rest: &str) -> (Option<&str>, Option<&str>, &str) {
    let (user, behind) = split_before(rest, &[':', '/', '?', '@']);
    let whole = (None, None, rest);
    match behind.as_bytes().first() {
        Some(b'@') => (Some(user), None, &behind[1..]),
        Some(b':') => match behind[1..].split_once('@') {
            Some((password, place)) => (Some(user), Some(password), place),
            None => whole,
        },
        _ => whole,
    }
}

fn address(place: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match place.strip_prefix('[') {
        Some(bracketed) => {
            let (host, behind) = bracketed.split_once(']')?;
            (host, behind.strip_prefix(':').unwrap_or(behind))
        }
        None => place.split_once(':').unwrap_or((place, "")),
    };
    match port {
        "" => Some((host, None)),
        port => Some((host, Some(port.parse().ok()?))),
    }
}

fn pairs(options: &str) -> Option<BTreeMap<String, Secret>> {
    let mut all: BTreeMap<String, Secret> = BTreeMap::new();
    for pair in options.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=')?;
        // A query's spaces may be written as `+`.
        let (name, value) = (decoded(&name.replace('+', " "))?, decoded(&value.replace('+', " "))?);
        let joined = match all.get(&name) {
            Some(before) => format!("{},{value}", before.expose()),
            None => value,
        };
        all.insert(name, joined.into());
    }
    Some(all)
}

/// `text` up to the first of `ends`, and the rest with it.
fn split_before<'t>(text: &'t str, ends: &[char]) -> (&'t str, &'t str) {
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

/// `%41` is `A`; `None` where that gives no text.
fn decoded(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        match escape.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8(decoded).ok()
}

fn all_decoded<'t>(texts: impl IntoIterator<Item = &'t str>) -> Option<Vec<String>> {
    texts.into_iter().map(decoded).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn parts(
        url: &str,
    ) -> (
        String,
        Option<String>,
        Option<String>,
        Option<String>,
        Option<u16>,
        String,
    ) {
        let url = DatabaseUrl::parse(url).unwrap();
        let password = url.password.map(|password| password.expose().to_owned());
        (url.dialect, url.user, password, url.host, url.port, url.database)
    }

    #[test]
    fn addresses_are_taken_apart_as_sqlalchemy_does() {
        let text = |text: &str| Some(text.to_owned());
        for (url, expected) in [
            (
                "postgresql+psycopg://me:p%40s%2Fs@db.example:6543/feast",
                (
                    "postgresql",
                    text("me"),
                    text("p@s/s"),
                    text("db.example"),
                    Some(6543),
                    "feast",
                ),
            ),
            (
                "postgresql://me:a/b:c@db/f",
                ("postgresql", text("me"), text("a/b:c"), text("db"), None, "f"),
            ),
            (
                "postgresql://db:1/f",
                ("postgresql", None, None, text("db"), Some(1), "f"),
            ),
            (
                "postgresql://me@[::1]:2/f",
                ("postgresql", text("me"), None, text("::1"), Some(2), "f"),
            ),
            ("postgresql:///f?host=/run", ("postgresql", None, None, None, None, "f")),
            ("sqlite:///data/r.db", ("sqlite", None, None, None, None, "data/r.db")),
            (
                "sqlite:////data/r%20.db",
                ("sqlite", None, None, None, None, "/data/r .db"),
            ),
            ("sqlite://", ("sqlite", None, None, None, None, "")),
            ("mysql+pymysql://h/f", ("mysql", None, None, text("h"), None, "f")),
        ] {
            let (dialect, user, password, host, port, database) = expected;
            let expected = (dialect.to_owned(), user, password, host, port, database.to_owned());
            assert_eq!(parts(url), expected, "{url}");
        }
        for wrong in [
            "",
            "r.db",
            "://h/d",
            "postgresql://h:port/d",
            "postgresql://[::1/d",
            "postgresql://h/%ff",
        ] {
            assert_eq!(DatabaseUrl::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn options_are_decoded_and_joined() {
        let url = DatabaseUrl::parse("postgresql://h/d?host=a&host=b&options=-c%20x%3Dy+z&sslmode=require").unwrap();
        assert_eq!(url.option("host"), Some("a,b"));
        assert_eq!(url.option("options"), Some("-c x=y z"));
        assert_eq!((url.option("sslmode"), url.option("port")), (Some("require"), None));
        assert_eq!(DatabaseUrl::parse("postgresql://h/d?x"), None);
    }

    #[test]
    fn nothing_shows_a_password() {
        let url = DatabaseUrl::parse("postgresql://me:hunter2@h:1/d?password=hunter2").unwrap();
        assert_eq!(format!("{url} {url:?}"), "postgresql://h:1/d `postgresql://h:1/d`");
    }
}
