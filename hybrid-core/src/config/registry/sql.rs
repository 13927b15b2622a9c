use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::super::fields::Fields;
use super::super::node::Node;
use super::super::problems::Problems;
use super::{Around, DatabaseUrl, finish, unsupported};
use crate::Secret;

/// A registry in tables of a database.
#[derive(Clone, PartialEq, Eq)]
pub struct SqlRegistry {
    /// The database.
    pub address: SqlAddress,
    /// The database that is read, where that is another one.
    pub read_address: Option<SqlAddress>,
    /// The texts and numbers of `connect_args` in `sqlalchemy_config_kwargs`, for the driver.
    pub connect_args: BTreeMap<String, Secret>,
    /// What becomes of tables that are missing.
    pub schema_mode: SchemaMode,
    /// Whether the table feast_metadata is out of use.
    pub purge_feast_metadata: bool,
}

/// The database of a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SqlAddress {
    /// A file of SQLite.
    Sqlite {
        /// The file, resolved against the repository when relative.
        path: PathBuf,
        /// It was asked for with `mode=ro`.
        read_only: bool,
    },
    /// A database of PostgreSQL.
    Postgres(DatabaseUrl),
}

/// What becomes of tables that are missing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SchemaMode {
    /// The first apply makes them.
    #[default]
    Auto,
    /// They are an error.
    Verify,
    /// Nobody looks.
    Skip,
}

impl SqlRegistry {
    /// The registry in a database, everything else as Feast's defaults are.
    pub fn new(address: SqlAddress) -> Self {
        Self {
            address,
            read_address: None,
            connect_args: BTreeMap::new(),
            schema_mode: SchemaMode::default(),
            purge_feast_metadata: false,
        }
    }
}

impl fmt::Debug for SqlRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sql")
            .field("address", &self.address)
            .field("read_address", &self.read_address)
            .field("schema_mode", &self.schema_mode)
            .finish_non_exhaustive()
    }
}

const ADDRESSES: &str = "for example sqlite:///data/registry.db or postgresql://user:password@host/database";

pub(super) fn read(mut fields: Fields<'_>, around: &Around<'_>, problems: &mut Problems) -> Option<SqlRegistry> {
    let written = fields.text("path", "`registry`", problems);
    let written = written.zip(fields.get("path"));
    let read_written = fields.optional_text("read_path", problems).zip(fields.get("read_path"));
    let given = fields
        .get("sqlalchemy_config_kwargs")
        .map(connect_args)
        .unwrap_or_default();
    // SQLite's driver takes the options of its URL as arguments, too.
    let mut connect_args = written
        .as_ref()
        .map(|(path, _)| sqlite_options(path))
        .unwrap_or_default();
    connect_args.extend(given);
    let schema_mode = schema_mode(&mut fields, problems);
    let purge_feast_metadata = fields.read("purge_feast_metadata", problems);
    // How many threads Feast reads with.
    fields.get("thread_pool_executor_worker_count");
    finish(fields, problems);
    let mut read = |(path, at): (String, &Node)| address(&path, at, around.repo, problems);
    // What is wrong with either is a problem, so it need not be told apart from its absence here.
    let read_address = read_written.and_then(&mut read);
    Some(SqlRegistry {
        read_address,
        connect_args,
        schema_mode,
        purge_feast_metadata: purge_feast_metadata.unwrap_or_default(),
        ..SqlRegistry::new(written.and_then(read)?)
    })
}

/// The database at `path`; relative files are the repository's, where Feast runs.
fn address(path: &str, at: &Node, repo: &Path, problems: &mut Problems) -> Option<SqlAddress> {
    let Some(url) = DatabaseUrl::parse(path) else {
        let error = at.error("this is no address of a database");
        problems.push(error.with_help(ADDRESSES));
        return None;
    };
    match url.dialect.as_str() {
        "postgresql" => Some(SqlAddress::Postgres(url)),
        "sqlite" => problems.keep(sqlite(&url, repo).map_err(|message| at.error(message).with_help(ADDRESSES))),
        _ => {
            let message = format!("a registry in {} is not supported", shown(&url.dialect));
            problems.push(unsupported(at, message).with_help("SQLite and PostgreSQL are supported"));
            None
        }
    }
}

/// A dialect that people know; anything else may be a piece of a secret.
fn shown(dialect: &str) -> &str {
    const KNOWN: [&str; 6] = ["mysql", "mariadb", "mssql", "oracle", "snowflake", "cockroachdb"];
    KNOWN
        .into_iter()
        .find(|known| *known == dialect)
        .unwrap_or("this database")
}

/// The file of a URL of SQLite: `sqlite:///path`, or `sqlite:///file:path?mode=ro&uri=true`.
fn sqlite(url: &DatabaseUrl, repo: &Path) -> Result<SqlAddress, &'static str> {
    let is_uri = url
        .option("uri")
        .is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let path = match url.database.strip_prefix("file:") {
        Some(path) if is_uri => path,
        _ => &url.database,
    };
    if url.host.is_some() || path.is_empty() || path == ":memory:" {
        return Err("a registry in SQLite needs a file: three slashes, then its path");
    }
    Ok(SqlAddress::Sqlite {
        path: repo.join(path),
        read_only: is_uri && url.option("mode") == Some("ro"),
    })
}

fn sqlite_options(path: &str) -> BTreeMap<String, Secret> {
    let url = DatabaseUrl::parse(path).filter(|url| url.dialect == "sqlite");
    url.map(|url| url.options).unwrap_or_default()
}

fn connect_args(kwargs: &Node) -> BTreeMap<String, Secret> {
    let args = kwargs.get("connect_args").map(Node::entries).into_iter().flatten();
    args.filter_map(|(key, value)| Some((key.to_owned(), Secret::from(value.as_str()?))))
        .collect()
}

fn schema_mode(fields: &mut Fields<'_>, problems: &mut Problems) -> SchemaMode {
    match fields.optional_text("schema_mode", problems).as_deref() {
        None | Some("auto") => SchemaMode::Auto,
        Some("verify") => SchemaMode::Verify,
        Some("skip") => SchemaMode::Skip,
        Some(_) => {
            let at = fields.get("schema_mode").unwrap_or(fields.node);
            let error = at.error(format!("{} is no schema_mode", at.shown_or("this")));
            problems.push(error.with_help("it is `auto`, `verify` or `skip`"));
            SchemaMode::default()
        }
    }
}
