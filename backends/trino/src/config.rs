mod auth;
mod check;
mod staging;
mod verify;

pub use auth::{Auth, Certificate};
pub(crate) use staging::Place;
pub use staging::Staging;
pub use verify::Verify;

use std::collections::BTreeMap;

use hybrid_core::Secret;
use hybrid_core::sql::Formulation;
use serde::Deserialize;

/// The Trino store's part of feature_store.yaml: Feast's fields, then our own.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrinoConfig {
    /// The coordinator's name or address, without scheme and port.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The catalog of tables that are named without one, and of temporary tables.
    pub catalog: String,
    /// The user that statements run as.
    pub user: String,
    /// What kind of catalog it is.
    pub connector: Connector,
    /// The schema of temporary tables, and of tables that are named without one.
    #[serde(default = "feast")]
    pub dataset: String,
    /// What Trino's list of queries shows as their source.
    #[serde(default = "ourselves")]
    pub source: String,
    /// `http` or `https`.
    #[serde(default, rename = "http-scheme", alias = "http_scheme")]
    pub http_scheme: Scheme,
    /// Whether, and by what, the server's certificate is checked.
    #[serde(default, rename = "ssl-verify", alias = "ssl_verify", alias = "verify")]
    pub ssl_verify: Verify,
    /// Credentials that connectors get, as `name=value`, several with commas between.
    #[serde(
        default,
        rename = "x-trino-extra-credential-header",
        alias = "x_trino_extra_credential_header"
    )]
    pub extra_credential: Option<Secret>,
    /// How the user proves who it is.
    #[serde(default)]
    pub auth: Option<Auth>,
    /// Session properties, `name` or `catalog.name`, of every statement.
    #[serde(default)]
    pub session_properties: BTreeMap<String, String>,
    /// Tags of every statement, for resource groups.
    #[serde(default)]
    pub client_tags: Vec<String>,
    /// Storage that this process and Trino share, where Parquet is handed over.
    #[serde(default)]
    pub staging: Option<Staging>,
    /// The folder of object storage, as Trino names it, below which rows are exported.
    #[serde(default)]
    pub export_location: Option<String>,
    /// A catalog of the Hive connector, which exports; absent: that of `staging`, or `catalog` where it is one.
    #[serde(default)]
    pub export_catalog: Option<String>,
    /// How entity rows get there.
    #[serde(default)]
    pub entity_select_mode: EntitySelect,
    /// How every view is joined; absent: chosen by what is known of the data.
    #[serde(default)]
    pub formulation: Option<Formulation>,
    /// Whether results may come compressed or through object storage, where the server offers it.
    #[serde(default = "yes")]
    pub spooling: bool,
    /// After how many seconds without an answer a request is given up.
    #[serde(default = "minute")]
    pub request_timeout: u64,
    /// For how many seconds a request that failed is tried again, where that is safe.
    #[serde(default = "minute")]
    pub retry_timeout: u64,
    /// After how many seconds what a killed process left behind is dropped.
    #[serde(default = "day")]
    pub sweep_after: u64,
}

impl TrinoConfig {
    /// Over http, with tables in `catalog` of a connector.
    pub fn new(host: impl Into<String>, port: u16, catalog: impl Into<String>, connector: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            port,
            catalog: catalog.into(),
            user: ourselves(),
            connector: Connector {
                kind: connector.into(),
                file_format: None,
            },
            dataset: feast(),
            source: ourselves(),
            http_scheme: Scheme::default(),
            ssl_verify: Verify::default(),
            extra_credential: None,
            auth: None,
            session_properties: BTreeMap::new(),
            client_tags: Vec::new(),
            staging: None,
            export_location: None,
            export_catalog: None,
            entity_select_mode: EntitySelect::default(),
            formulation: None,
            spooling: true,
            request_timeout: minute(),
            retry_timeout: minute(),
            sweep_after: day(),
        }
    }

    /// As another user.
    #[must_use]
    pub fn with_user(mut self, user: impl Into<String>) -> Self {
        self.user = user.into();
        self
    }

    /// With temporary tables, and tables that are named without one, in another schema.
    #[must_use]
    pub fn with_dataset(mut self, dataset: impl Into<String>) -> Self {
        self.dataset = dataset.into();
        self
    }

    /// The schema in which tables over staged files are made.
    pub(crate) fn staging_schema<'a>(&'a self, staging: &'a Staging) -> &'a str {
        staging.schema.as_deref().unwrap_or(&self.dataset)
    }

    /// The catalog of the Hive connector that exports, and the schema of its temporary tables.
    pub(crate) fn exports(&self) -> Option<(&str, &str)> {
        if let Some(catalog) = &self.export_catalog {
            return Some((catalog.as_str(), self.dataset.as_str()));
        }
        if let Some(staging) = &self.staging {
            return Some((staging.catalog.as_str(), self.staging_schema(staging)));
        }
        (self.connector.kind == "hive").then_some((self.catalog.as_str(), self.dataset.as_str()))
    }
}

/// What a catalog is, as in Feast.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connector {
    /// The connector's name: `iceberg`, `hive`, `delta_lake`, `memory`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// The file format of tables that are made.
    #[serde(default)]
    pub file_format: Option<String>,
}

/// How the coordinator is spoken to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// Without encryption; no authentication is possible.
    #[default]
    Http,
    /// Over TLS.
    Https,
}

/// How entity rows get into Trino.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntitySelect {
    /// Small frames inside the statement, others in a table.
    #[default]
    Auto,
    /// Always in a temporary table.
    TempTable,
    /// Always inside the statement: the user needs no right to write.
    EmbedQuery,
}

fn feast() -> String {
    "feast".to_owned()
}

fn ourselves() -> String {
    "hybrid-offline-store".to_owned()
}

fn yes() -> bool {
    true
}

fn minute() -> u64 {
    60
}

fn day() -> u64 {
    86_400
}

#[cfg(test)]
mod tests;
