use hybrid_core::sql::Formulation;
use hybrid_core::{Error, ErrorKind, Result, Secret};
use serde::Deserialize;

/// The Postgres store's part of feature_store.yaml, under Feast's names.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostgresConfig {
    /// A host name or address, several separated by commas, or the folder of a Unix socket.
    pub host: String,
    /// The port.
    #[serde(default = "default_port")]
    pub port: u16,
    /// The database.
    pub database: String,
    /// The schema of tables that are named without one.
    #[serde(default = "default_schema")]
    pub db_schema: String,
    /// The role that connects.
    pub user: String,
    /// Its password; empty where the server asks for none.
    pub password: Secret,
    /// How much of TLS is asked for.
    #[serde(default)]
    pub sslmode: SslMode,
    /// The key of the client's certificate, a PEM file.
    #[serde(default)]
    pub sslkey_path: Option<String>,
    /// The client's certificate and those that lead to its authority, a PEM file.
    #[serde(default)]
    pub sslcert_path: Option<String>,
    /// The authorities that may have signed the server's certificate, a PEM file; absent: the system's.
    #[serde(default)]
    pub sslrootcert_path: Option<String>,
    /// How many connections a pool opens at first.
    #[serde(default = "default_min_conn")]
    pub min_conn: usize,
    /// How many connections are open at most.
    #[serde(default = "default_max_conn")]
    pub max_conn: usize,
    /// Whether one connection is kept between operations, or as many as were needed.
    #[serde(default)]
    pub conn_type: ConnectionType,
    /// Seconds of silence after which the connection is probed; 0: the system's default.
    #[serde(default)]
    pub keepalives_idle: u64,
    /// How entity rows reach the server.
    #[serde(default)]
    pub entity_select_mode: EntitySelectMode,
    /// How every view is joined; absent: chosen by what is known of the data.
    #[serde(default)]
    pub formulation: Option<Formulation>,
}

/// How much of TLS is asked for, as in libpq.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SslMode {
    /// None.
    Disable,
    /// Only where the server does not take a connection without.
    Allow,
    /// Where the server has it; the certificate is not looked at.
    Prefer,
    /// Always; the certificate is looked at only where `sslrootcert_path` is given.
    #[default]
    Require,
    /// Always, with a certificate that an authority has signed.
    VerifyCa,
    /// Always, with a certificate that an authority has signed for this host.
    VerifyFull,
}

/// What becomes of connections between operations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionType {
    /// One is kept; operations at the same time have one each, up to `max_conn`.
    #[default]
    Singleton,
    /// All are kept, up to `max_conn`.
    Pool,
}

/// How entity rows reach the server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntitySelectMode {
    /// Through COPY into a temporary table; on a server that only reads, as [`EmbedQuery`](Self::EmbedQuery).
    #[default]
    TempTable,
    /// Inside the statement: for small frames, poolers and roles without TEMPORARY.
    EmbedQuery,
}

impl PostgresConfig {
    /// A connection with TLS to `host`, everything else as Feast's defaults are.
    pub fn new(
        host: impl Into<String>,
        database: impl Into<String>,
        user: impl Into<String>,
        password: impl Into<Secret>,
    ) -> Self {
        Self {
            host: host.into(),
            port: default_port(),
            database: database.into(),
            db_schema: default_schema(),
            user: user.into(),
            password: password.into(),
            sslmode: SslMode::default(),
            sslkey_path: None,
            sslcert_path: None,
            sslrootcert_path: None,
            min_conn: default_min_conn(),
            max_conn: default_max_conn(),
            conn_type: ConnectionType::default(),
            keepalives_idle: 0,
            entity_select_mode: EntitySelectMode::default(),
            formulation: None,
        }
    }

    /// Refuses what cannot work, before anything is connected.
    ///
    /// # Errors
    /// Config, with every problem.
    pub fn check(&self) -> Result<()> {
        let wrong =
            |what: &str, right: &str| Error::new(ErrorKind::Config, format!("postgres: {what}")).with_help(right);
        let mut problems = Vec::new();
        for (name, value) in [("host", &self.host), ("database", &self.database), ("user", &self.user)] {
            if value.trim().is_empty() || value.contains('\0') {
                problems.push(wrong(
                    &format!("`{name}` is empty or holds a NUL"),
                    "give it as in `psql`",
                ));
            }
        }
        if self.db_schema.is_empty() {
            problems.push(wrong("`db_schema` is empty", "leave it out for `public`"));
        }
        if self.max_conn == 0 || self.min_conn > self.max_conn {
            let what = format!(
                "min_conn ({}) and max_conn ({}) do not fit",
                self.min_conn, self.max_conn
            );
            problems.push(wrong(&what, "max_conn is at least 1 and not below min_conn"));
        }
        if self.sslcert_path.is_some() != self.sslkey_path.is_some() {
            let what = "`sslcert_path` and `sslkey_path` belong together, and one of them is missing";
            problems.push(wrong(what, "give both, or none"));
        }
        Error::from_problems(problems).map_or(Ok(()), Err)
    }
}

fn default_port() -> u16 {
    5432
}

fn default_schema() -> String {
    "public".to_owned()
}

fn default_min_conn() -> usize {
    1
}

fn default_max_conn() -> usize {
    10
}
