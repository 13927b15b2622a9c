use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use deadpool_postgres::Connect;
use hybrid_core::Result;
use tokio::task::JoinHandle;
use tokio_postgres::config::SslMode as Tls;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{CancelToken, Client, Config, Error, NoTls, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::tls;
use crate::config::{PostgresConfig, SslMode};

const CONNECT: Duration = Duration::from_secs(10);

/// What every connection is told once. Of keys of several columns the planner takes a hash table to be worse
/// than it is, and would sort all feature rows to merge them: a hash join took half the time. With the last setting, which
/// old servers do not know and other systems refuse, a query whose client has gone ends soon, and not when its first row
/// is ready.
const SETTINGS: &str = "\
SET timezone = 'UTC'; SET jit = off; SET enable_mergejoin = off; SET datestyle = 'ISO, YMD'; SET intervalstyle = 'postgres'; SET bytea_output = 'hex'; \
SET extra_float_digits = 1; SET client_encoding = 'UTF8'; SET client_min_messages = 'warning'; \
SET standard_conforming_strings = on; \
SET tcp_keepalives_idle = 60; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 6; \
SELECT pg_catalog.set_config(name, '5s', false) FROM pg_catalog.pg_settings WHERE name = 'client_connection_check_interval' \
AND pg_catalog.version() LIKE '%linux%'";

/// Makes connections as the configuration says.
#[derive(Clone)]
pub(super) struct Connector {
    plain: Config,
    encrypted: Config,
    tls: MakeRustlsConnect,
    mode: SslMode,
    settings: String,
}

impl Connector {
    pub(super) fn new(config: &PostgresConfig) -> Result<Self> {
        let mut plain = Config::new();
        for host in config.host.split(',') {
            plain.host(host.trim());
        }
        plain.port(config.port).dbname(&config.database).user(&config.user);
        if !config.password.is_empty() {
            plain.password(config.password.expose());
        }
        plain
            .application_name("hybrid-offline-store")
            .connect_timeout(CONNECT)
            .keepalives(true);
        if config.keepalives_idle > 0 {
            plain.keepalives_idle(Duration::from_secs(config.keepalives_idle));
        }
        // As in libpq, there is no TLS on a Unix socket.
        let mode = if config.host.starts_with('/') {
            SslMode::Disable
        } else {
            config.sslmode
        };
        let mut encrypted = plain.clone();
        encrypted.ssl_mode(if mode == SslMode::Prefer {
            Tls::Prefer
        } else {
            Tls::Require
        });
        plain.ssl_mode(Tls::Disable);
        Ok(Self {
            tls: MakeRustlsConnect::new(tls::client(config)?),
            settings: format!(
                // As in Feast: what extensions make is in `public`.
                "{SETTINGS}; SET search_path = \"{}\", public",
                config.db_schema.replace('"', "\"\"")
            ),
            plain,
            encrypted,
            mode,
        })
    }

    pub(super) fn target(&self) -> &Config {
        &self.encrypted
    }

    async fn open(&self) -> Result<(Client, JoinHandle<()>), Error> {
        match self.mode {
            SslMode::Disable => started(&self.plain, NoTls).await,
            SslMode::Allow => match started(&self.plain, NoTls).await {
                Err(error) if is_refusal(&error) => started(&self.encrypted, self.tls.clone()).await,
                outcome => outcome,
            },
            SslMode::Prefer => match started(&self.encrypted, self.tls.clone()).await {
                Err(error) if is_refusal(&error) || is_tls(&error) => started(&self.plain, NoTls).await,
                outcome => outcome,
            },
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => {
                started(&self.encrypted, self.tls.clone()).await
            }
        }
    }

    pub(super) async fn cancel(&self, token: &CancelToken) -> Result<(), Error> {
        token.cancel_query(self.tls.clone()).await
    }
}

impl Connect for Connector {
    fn connect(
        &self,
        _: &Config,
    ) -> Pin<Box<dyn Future<Output = Result<(Client, JoinHandle<()>), Error>> + Send + '_>> {
        Box::pin(async move {
            let (client, task) = self.open().await?;
            client.batch_execute(&self.settings).await?;
            Ok((client, task))
        })
    }
}

/// Host, database and role: never a secret.
impl fmt::Display for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use tokio_postgres::config::Host;
        let hosts: Vec<String> = self
            .plain
            .get_hosts()
            .iter()
            .map(|host| match host {
                Host::Tcp(name) => name.clone(),
                #[cfg(unix)]
                Host::Unix(path) => path.display().to_string(),
            })
            .collect();
        let port = self.plain.get_ports().first().copied().unwrap_or_default();
        let (user, database) = (
            self.plain.get_user().unwrap_or_default(),
            self.plain.get_dbname().unwrap_or_default(),
        );
        write!(f, "database `{database}` at {}:{port} as `{user}`", hosts.join(","))
    }
}

async fn started<T>(config: &Config, tls: T) -> Result<(Client, JoinHandle<()>), Error>
where
    T: MakeTlsConnect<Socket>,
    T::Stream: Send + 'static,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    let (client, connection) = config.connect(tls).await?;
    // How a connection ends is told to whoever waits for its answer.
    Ok((client, tokio::spawn(async move { drop(connection.await) })))
}

/// The server does not let this role in with (or without) TLS.
fn is_refusal(error: &Error) -> bool {
    error.code().is_some_and(|code| code.code() == "28000")
}

fn is_tls(error: &Error) -> bool {
    error.to_string() == "error performing TLS handshake"
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_the_probing_of_silence_are_those_of_the_configuration() {
        let mut config = PostgresConfig::new("a, b", "d", "u", "p");
        (config.port, config.keepalives_idle, config.sslmode) = (1, 7, SslMode::Prefer);
        let connector = Connector::new(&config).unwrap();
        assert_eq!(connector.to_string(), "database `d` at a,b:1 as `u`");
        for made in [&connector.plain, &connector.encrypted] {
            assert!(made.get_keepalives());
            assert_eq!(made.get_keepalives_idle(), Duration::from_secs(7));
            assert_eq!(made.get_hosts().len(), 2);
        }
    }
}
