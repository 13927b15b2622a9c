mod auth;
mod files;
mod key;
mod settings;

pub(crate) use auth::{Credentials, OauthClient};
pub(crate) use key::KeyPair;
pub use settings::Protocol;
pub(crate) use settings::{Export, Settings};

use std::collections::BTreeMap;
use std::path::PathBuf;

use hybrid_core::Secret;
use hybrid_core::sql::Formulation;
use serde::Deserialize;

/// The Snowflake store's part of feature_store.yaml: Feast's fields, then our own.
///
/// What is absent here is looked for in the connection that `connection_name` names, then in the section
/// `connections.feast_offline_store` of `config_path`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnowflakeConfig {
    /// snowsql's configuration; absent: `~/.snowsql/config`, where it is there.
    #[serde(default)]
    pub config_path: Option<PathBuf>,
    /// A connection of connections.toml or config.toml.
    #[serde(default)]
    pub connection_name: Option<String>,
    /// The account's identifier, without `.snowflakecomputing.com`.
    #[serde(default)]
    pub account: Option<String>,
    /// The user's login name.
    #[serde(default)]
    pub user: Option<String>,
    /// Its password, or its programmatic access token.
    #[serde(default)]
    pub password: Option<Secret>,
    /// The role that statements run as.
    #[serde(default)]
    pub role: Option<String>,
    /// The warehouse that they run in.
    #[serde(default)]
    pub warehouse: Option<String>,
    /// How the user proves who it is: `snowflake`, `snowflake_jwt`, `oauth`, `programmatic_access_token`,
    /// `oauth_client_credentials`.
    #[serde(default)]
    pub authenticator: Option<String>,
    /// The file of a private key, PEM or DER, PKCS#8 or PKCS#1.
    #[serde(default)]
    pub private_key: Option<PathBuf>,
    /// The private key itself: PEM, or base64 of DER.
    #[serde(default)]
    pub private_key_content: Option<Secret>,
    /// What the private key is encrypted with.
    #[serde(default)]
    pub private_key_passphrase: Option<Secret>,
    /// The database of tables that are named without one, and of what is temporary.
    #[serde(default)]
    pub database: Option<String>,
    /// Their schema; absent: `PUBLIC`.
    #[serde(default, alias = "schema_")]
    pub schema: Option<String>,
    /// The storage integration that unloads to `blob_export_location`.
    #[serde(default)]
    pub storage_integration_name: Option<String>,
    /// Where rows are unloaded to: `s3://`, `gcs://` or `azure://`.
    #[serde(default)]
    pub blob_export_location: Option<String>,
    /// Whether what is unloaded has its zoned timestamps as UTC: Snowflake writes no others to Parquet.
    #[serde(default)]
    pub convert_timestamp_columns: Option<bool>,
    /// The most bytes of an unloaded file; absent: Snowflake's 16 MiB.
    #[serde(default)]
    pub max_file_size: Option<u64>,
    /// Where the account is, when it is not at `ACCOUNT.snowflakecomputing.com`.
    #[serde(default)]
    pub host: Option<String>,
    /// Its port; absent: 443, or 80 over http.
    #[serde(default)]
    pub port: Option<u16>,
    /// `https` or, for a server on this machine, `http`.
    #[serde(default)]
    pub protocol: Option<Protocol>,
    /// The token of `oauth` and `programmatic_access_token`.
    #[serde(default)]
    pub token: Option<Secret>,
    /// A file that holds it, read at each login.
    #[serde(default)]
    pub token_file_path: Option<PathBuf>,
    /// The client of `oauth_client_credentials`.
    #[serde(default)]
    pub oauth_client_id: Option<String>,
    /// Its secret.
    #[serde(default)]
    pub oauth_client_secret: Option<Secret>,
    /// Where it gets its tokens.
    #[serde(default)]
    pub oauth_token_request_url: Option<String>,
    /// What it asks for; absent: `session:role:ROLE`.
    #[serde(default)]
    pub oauth_scope: Option<String>,
    /// What Snowflake's query history shows as the tag of every statement.
    #[serde(default)]
    pub query_tag: Option<String>,
    /// Parameters of every session.
    #[serde(default)]
    pub session_parameters: BTreeMap<String, serde_json::Value>,
    /// How entity rows get there.
    #[serde(default)]
    pub entity_select_mode: EntitySelect,
    /// How every view is joined; absent: chosen by what is known of the data.
    #[serde(default)]
    pub formulation: Option<Formulation>,
    /// After how many seconds without an answer a request is sent again; absent: 60.
    #[serde(default)]
    pub request_timeout: Option<u64>,
    /// For how many seconds a request that failed is sent again, where that is safe; absent: 120.
    #[serde(default)]
    pub retry_timeout: Option<u64>,
    /// How many parts of a result are fetched at the same time; absent: 4.
    #[serde(default)]
    pub fetch_threads: Option<usize>,
}

impl SnowflakeConfig {
    /// A user of an account, with a database; the way to prove who it is comes on top.
    pub fn new(account: impl Into<String>, user: impl Into<String>, database: impl Into<String>) -> Self {
        Self {
            account: Some(account.into()),
            user: Some(user.into()),
            database: Some(database.into()),
            ..Self::default()
        }
    }

    /// With a password.
    #[must_use]
    pub fn with_password(mut self, password: impl Into<Secret>) -> Self {
        self.password = Some(password.into());
        self
    }

    /// With another schema than `PUBLIC`.
    #[must_use]
    pub fn with_schema(mut self, schema: impl Into<String>) -> Self {
        self.schema = Some(schema.into());
        self
    }

    /// At a server of its own, over http.
    #[must_use]
    pub fn at(mut self, host: impl Into<String>, port: u16) -> Self {
        self.host = Some(host.into());
        self.port = Some(port);
        self.protocol = Some(Protocol::Http);
        self
    }
}

/// How entity rows get into Snowflake.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntitySelect {
    /// Small frames inside the statement, others in a temporary table.
    #[default]
    Auto,
    /// Always in a temporary table.
    TempTable,
    /// Always inside the statement.
    EmbedQuery,
}

#[cfg(test)]
mod tests;
