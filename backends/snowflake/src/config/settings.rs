use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use hybrid_core::sql::Formulation;
use hybrid_core::{Error, ErrorKind, Result};
use reqwest::Url;
use serde::Deserialize;
use serde_json::Value;

use super::{Credentials, EntitySelect, SnowflakeConfig};

/// How the account is spoken to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// Without encryption: for a server on this machine.
    Http,
    /// Over TLS.
    #[default]
    Https,
}

impl Protocol {
    pub(super) fn named(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "http" => Some(Self::Http),
            "https" => Some(Self::Https),
            _ => None,
        }
    }
}

/// The configuration, completed and checked.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) base: Url,
    pub(crate) account: String,
    pub(crate) user: Option<String>,
    pub(crate) credentials: Credentials,
    pub(crate) database: String,
    pub(crate) schema: String,
    pub(crate) warehouse: Option<String>,
    pub(crate) role: Option<String>,
    pub(crate) session_parameters: BTreeMap<String, Value>,
    pub(crate) export: Export,
    pub(crate) entity_select: EntitySelect,
    pub(crate) formulation: Option<Formulation>,
    pub(crate) request_timeout: Duration,
    pub(crate) retry_timeout: Duration,
    pub(crate) fetch_threads: usize,
}

/// How rows are unloaded.
#[derive(Debug, Clone, Default)]
pub(crate) struct Export {
    pub(crate) integration: Option<String>,
    pub(crate) location: Option<String>,
    pub(crate) convert_timestamps: bool,
    pub(crate) max_file_size: Option<u64>,
}

impl Settings {
    /// Relative paths start in `repo`.
    pub(crate) fn of(config: SnowflakeConfig, repo: &Path) -> Result<Self> {
        let config = config.completed(repo)?;
        let credentials = Credentials::of(&config, repo)?;
        let account = needed("account", config.account.clone())?;
        let user = given(config.user.clone());
        if user.is_none() && matches!(credentials, Credentials::Password(_) | Credentials::KeyPair(_)) {
            return Err(missing("user"));
        }
        Ok(Self {
            base: base(&config, &account)?,
            account,
            user,
            credentials,
            database: needed("database", config.database.clone())?,
            schema: given(config.schema.clone()).unwrap_or_else(|| "PUBLIC".to_owned()),
            warehouse: given(config.warehouse.clone()),
            role: given(config.role.clone()),
            session_parameters: session_parameters(&config)?,
            export: Export {
                integration: given(config.storage_integration_name.clone()),
                location: export_location(&config)?,
                convert_timestamps: config.convert_timestamp_columns.unwrap_or(false),
                max_file_size: config.max_file_size,
            },
            entity_select: config.entity_select_mode,
            formulation: config.formulation,
            request_timeout: Duration::from_secs(config.request_timeout.unwrap_or(60).clamp(1, MOST_SECONDS)),
            retry_timeout: Duration::from_secs(config.retry_timeout.unwrap_or(120).min(MOST_SECONDS)),
            fetch_threads: config.fetch_threads.unwrap_or(4).clamp(1, 64),
        })
    }

    /// Where it goes, for people.
    pub(crate) fn address(&self) -> String {
        let host = self.base.host_str().unwrap_or_default();
        match self.base.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }
}

fn given(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn missing(field: &str) -> Error {
    Error::new(ErrorKind::Config, format!("`{field}` is missing"))
        .with_help("give it here, in the connection that `connection_name` names, or in snowsql's configuration")
}

fn needed(field: &str, text: Option<String>) -> Result<String> {
    given(text).ok_or_else(|| missing(field))
}

fn base(config: &SnowflakeConfig, account: &str) -> Result<Url> {
    let host = given(config.host.clone()).unwrap_or_else(|| host_of(account));
    let wrong = || {
        Error::new(
            ErrorKind::Config,
            format!("`account` or `host` gives no host name: `{host}`"),
        )
        .with_help("write the account's identifier alone, ORGANIZATION-ACCOUNT or LOCATOR.REGION.CLOUD")
    };
    if host.contains(['/', '@', '?', '#', ' ', ':']) {
        return Err(wrong());
    }
    let protocol = config.protocol.unwrap_or_default();
    let local = matches!(host.as_str(), "localhost" | "127.0.0.1");
    if protocol == Protocol::Http && !local {
        return Err(
            Error::new(ErrorKind::Config, format!("`protocol: http` is not for `{host}`"))
                .with_help("credentials travel over http only inside this machine: leave `protocol` out"),
        );
    }
    let scheme = if protocol == Protocol::Http { "http" } else { "https" };
    let port = config.port.map(|port| format!(":{port}")).unwrap_or_default();
    Url::parse(&format!("{scheme}://{host}{port}/")).map_err(|_| wrong())
}

/// The host name of an account's identifier.
fn host_of(account: &str) -> String {
    let account = account.trim().to_ascii_lowercase();
    let account = account.strip_suffix(".snowflakecomputing.com").unwrap_or(&account);
    // Host names have no underscores; Snowflake answers at both forms.
    let (name, region) = account.split_once('.').unwrap_or((account, ""));
    let name = name.replace('_', "-");
    let suffix = if region.starts_with("cn-") { "cn" } else { "com" };
    match region {
        "" => format!("{name}.snowflakecomputing.{suffix}"),
        region => format!("{name}.{region}.snowflakecomputing.{suffix}"),
    }
}

/// Nothing is waited for longer than this: a day.
const MOST_SECONDS: u64 = 86_400;

/// What our statements rely on; the user's own parameters cannot change that.
const FIXED: [(&str, &str); 9] = [
    ("TIMEZONE", "UTC"),
    ("QUOTED_IDENTIFIERS_IGNORE_CASE", "false"),
    ("PYTHON_CONNECTOR_QUERY_RESULT_FORMAT", "ARROW"),
    ("TIMESTAMP_INPUT_FORMAT", "AUTO"),
    ("DATE_INPUT_FORMAT", "AUTO"),
    ("TIME_INPUT_FORMAT", "AUTO"),
    // An account may limit results, which would then end early and look whole.
    ("ROWS_PER_RESULTSET", "0"),
    ("MULTI_STATEMENT_COUNT", "1"),
    ("AUTOCOMMIT", "true"),
];

fn session_parameters(config: &SnowflakeConfig) -> Result<BTreeMap<String, Value>> {
    let mut parameters = BTreeMap::new();
    // Parts of results may be larger than is good for this process.
    parameters.insert("CLIENT_RESULT_CHUNK_SIZE".to_owned(), Value::from(48));
    parameters.insert("CLIENT_SESSION_KEEP_ALIVE".to_owned(), Value::from(true));
    let tag = config.query_tag.as_deref().unwrap_or("hybrid-offline-store");
    parameters.insert("QUERY_TAG".to_owned(), Value::from(tag));
    for (name, value) in &config.session_parameters {
        let name = name.to_ascii_uppercase();
        if let Some((name, value)) = FIXED.iter().find(|(fixed, _)| *fixed == name) {
            let message = format!("`session_parameters` cannot set {name}: it must be {value}");
            return Err(Error::new(ErrorKind::Config, message));
        }
        parameters.insert(name, value.clone());
    }
    for (name, value) in FIXED {
        let value = match value {
            "true" => Value::from(true),
            "false" => Value::from(false),
            "0" => Value::from(0),
            "1" => Value::from(1),
            text => Value::from(text),
        };
        parameters.insert(name.to_owned(), value);
    }
    Ok(parameters)
}

fn export_location(config: &SnowflakeConfig) -> Result<Option<String>> {
    let Some(location) = given(config.blob_export_location.clone()) else {
        return Ok(None);
    };
    if !["s3://", "s3gov://", "gcs://", "azure://"]
        .iter()
        .any(|scheme| location.starts_with(scheme))
    {
        let message = format!("`blob_export_location: {location}` is no object storage");
        return Err(Error::new(ErrorKind::Config, message)
            .with_help("it begins with s3://, gcs:// or azure://, as Snowflake's stages do"));
    }
    Ok(Some(location.trim_end_matches('/').to_owned()))
}
