//! The address of a database of PostgreSQL, with the options that its client library knows.

use std::collections::BTreeMap;
use std::path::Path;

use hybrid_core::config::DatabaseUrl;
use hybrid_core::{Error, ErrorKind, Result, Secret};
use hybrid_store_postgres::{PostgresConfig, SslMode};

use super::parameters;

/// A connection, and what is set on it.
pub(super) struct Resolved {
    pub(super) config: PostgresConfig,
    /// Names and values of run-time parameters.
    pub(super) parameters: Vec<(String, String)>,
}

/// Options that change where it is connected to, and the environment variable that stands in for each.
const READ: [(&str, &str); 10] = [
    ("host", "PGHOST"),
    ("port", "PGPORT"),
    ("dbname", "PGDATABASE"),
    ("user", "PGUSER"),
    ("password", "PGPASSWORD"),
    ("sslmode", "PGSSLMODE"),
    ("sslrootcert", "PGSSLROOTCERT"),
    ("sslcert", "PGSSLCERT"),
    ("sslkey", "PGSSLKEY"),
    ("options", "PGOPTIONS"),
];

/// Options of the library and the driver without which the same is read.
const IGNORED: [&str; 24] = [
    "application_name",
    "autocommit",
    "channel_binding",
    "client_encoding",
    "connect_timeout",
    "cursor_factory",
    "fallback_application_name",
    "gssencmode",
    "gsslib",
    "hostaddr",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "krbsrvname",
    "load_balance_hosts",
    "prepare_threshold",
    "row_factory",
    "sslcompression",
    "sslnegotiation",
    "sslsni",
    "ssl_min_protocol_version",
    "target_session_attrs",
    "tcp_user_timeout",
];

/// What `url`, the driver's `arguments` and the environment say, in the order in which they win: arguments, then the
/// options of the URL, then its own parts, then the environment. Relative files are those of the repository.
///
/// # Errors
/// Config, for an option that cannot be kept to.
pub(super) fn resolve(
    url: &DatabaseUrl,
    arguments: &BTreeMap<String, Secret>,
    repo: &Path,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Resolved> {
    let options = Options {
        url,
        arguments,
        environment,
    };
    options.check()?;
    let user = options.get("user").ok_or_else(|| missing("user"))?;
    let database = options.get("dbname").unwrap_or_else(|| user.clone());
    let host = options.get("host").ok_or_else(|| missing("host"))?;
    let mut config = PostgresConfig::new(host, database, user, options.get("password").unwrap_or_default());
    config.port = options.port()?;
    config.sslmode = options.sslmode()?;
    let file = |name| {
        options
            .get(name)
            .map(|path| repo.join(path).to_string_lossy().into_owned())
    };
    // The library's word for the authorities of the system.
    config.sslrootcert_path = file("sslrootcert").filter(|_| options.get("sslrootcert").as_deref() != Some("system"));
    config.sslcert_path = file("sslcert");
    config.sslkey_path = file("sslkey");
    let parameters = parameters::read(&options.get("options").unwrap_or_default());
    Ok(Resolved { config, parameters })
}

struct Options<'a> {
    url: &'a DatabaseUrl,
    arguments: &'a BTreeMap<String, Secret>,
    environment: &'a dyn Fn(&str) -> Option<String>,
}

impl Options<'_> {
    /// Refuses options that nobody here knows: one may be what makes the connection safe.
    fn check(&self) -> Result<()> {
        let known = |name: &str| READ.iter().any(|(known, _)| *known == name) || IGNORED.contains(&name);
        let unknown = self
            .url
            .options
            .keys()
            .chain(self.arguments.keys())
            .find(|name| !known(name));
        match unknown {
            None => Ok(()),
            Some(name) => {
                let names: Vec<&str> = READ.iter().map(|(name, _)| *name).collect();
                Err(wrong(&format!("the option `{name}` is not supported"))
                    .with_help(format!("the options are {}", names.join(", "))))
            }
        }
    }

    fn get(&self, name: &str) -> Option<String> {
        let argument = self.arguments.get(name).map(Secret::expose);
        let given = argument.or_else(|| self.url.option(name)).map(str::to_owned);
        let given = given.or_else(|| self.part(name)).filter(|value| !value.is_empty());
        given.or_else(|| {
            let (_, variable) = READ.iter().find(|(known, _)| *known == name)?;
            (self.environment)(variable)
        })
    }

    fn part(&self, name: &str) -> Option<String> {
        match name {
            "host" => self.url.host.clone(),
            "port" => self.url.port.map(|port| port.to_string()),
            "dbname" => Some(self.url.database.clone()),
            "user" => self.url.user.clone(),
            "password" => self.url.password.as_ref().map(|password| password.expose().to_owned()),
            _ => None,
        }
    }

    fn port(&self) -> Result<u16> {
        let Some(written) = self.get("port") else {
            return Ok(5432);
        };
        // Of several hosts each has its own, all alike or all the same one.
        let mut ports = written.split(',');
        let first: Option<u16> = ports.next().and_then(|port| port.trim().parse().ok());
        match first {
            Some(port) if ports.all(|other| other.trim() == port.to_string()) => Ok(port),
            Some(_) => Err(wrong("hosts with different ports are not supported")),
            None => Err(wrong("`port` is no port")),
        }
    }

    fn sslmode(&self) -> Result<SslMode> {
        match self.get("sslmode").as_deref() {
            Some("disable") => Ok(SslMode::Disable),
            Some("allow") => Ok(SslMode::Allow),
            None | Some("prefer") => Ok(SslMode::Prefer),
            Some("require") => Ok(SslMode::Require),
            Some("verify-ca") => Ok(SslMode::VerifyCa),
            Some("verify-full") => Ok(SslMode::VerifyFull),
            Some(_) => {
                Err(wrong("`sslmode` is none")
                    .with_help("it is disable, allow, prefer, require, verify-ca or verify-full"))
            }
        }
    }
}

fn missing(name: &str) -> Error {
    wrong(&format!("it names no {name}")).with_help("write postgresql://USER:PASSWORD@HOST/DATABASE")
}

fn wrong(message: &str) -> Error {
    Error::new(ErrorKind::Config, format!("the registry's address: {message}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn resolved(url: &str, arguments: &[(&str, &str)]) -> Result<Resolved> {
        let url = DatabaseUrl::parse(url).unwrap();
        let arguments = arguments
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).into()));
        let environment = |name: &str| (name == "PGPASSWORD").then(|| "secret".to_owned());
        resolve(&url, &arguments.collect(), Path::new("/repo"), &environment)
    }

    #[test]
    fn the_address_as_the_client_library_reads_it() {
        let read = resolved("postgresql+psycopg://me@db:6543/feast", &[]).unwrap().config;
        let expected = PostgresConfig {
            port: 6543,
            sslmode: SslMode::Prefer,
            ..PostgresConfig::new("db", "feast", "me", "secret")
        };
        assert_eq!(read, expected);
        let url = "postgresql://me:pw@ignored/?host=a&host=b&sslmode=verify-full&sslrootcert=ca.pem&connect_timeout=3";
        let read = resolved(url, &[("sslmode", "verify-ca"), ("port", "1")])
            .unwrap()
            .config;
        assert_eq!(
            (read.host.as_str(), read.port, read.database.as_str()),
            ("a,b", 1, "me")
        );
        assert_eq!((read.sslmode, read.password.expose()), (SslMode::VerifyCa, "pw"));
        assert_eq!(read.sslrootcert_path.as_deref(), Some("/repo/ca.pem"));
        let read = resolved("postgresql://me@db/f?sslrootcert=system", &[]).unwrap().config;
        assert_eq!(read.sslrootcert_path, None);
    }

    #[test]
    fn what_cannot_be_kept_to_is_refused() {
        for (url, message) in [
            ("postgresql://me@db/f?sslcrl=x", "the option `sslcrl` is not supported"),
            ("postgresql://me@db/f?sslmode=hunter2", "`sslmode` is none"),
            (
                "postgresql://me@db/f?host=a,b&port=1,2",
                "hosts with different ports are not supported",
            ),
            ("postgresql:///f?host=a", "it names no user"),
            ("postgresql://me@/f", "it names no host"),
        ] {
            let error = resolved(url, &[]).err().unwrap();
            assert_eq!(error.message(), format!("the registry's address: {message}"));
        }
    }
}
