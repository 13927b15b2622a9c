mod check;

use std::collections::BTreeMap;
use std::path::PathBuf;

use hybrid_core::sql::Formulation;
use serde::Deserialize;

/// The BigQuery store's part of feature_store.yaml: Feast's fields, then our own.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BigQueryConfig {
    /// The dataset of temporary tables, and of tables that are named without one.
    #[serde(default = "feast")]
    pub dataset: String,
    /// The project of the dataset, and of tables that are named without one; absent: that of the credentials.
    #[serde(default)]
    pub project_id: Option<String>,
    /// The project that pays for jobs; absent: `project_id`.
    #[serde(default)]
    pub billing_project_id: Option<String>,
    /// Where jobs run and the dataset is made; absent: where the tables are.
    #[serde(default)]
    pub location: Option<String>,
    /// Where [`export`](crate::BigQueryStore::export) writes, `gs://bucket/folder`.
    #[serde(default)]
    pub gcs_staging_location: Option<String>,
    /// Whether a dataset that is missing is made.
    #[serde(default)]
    pub table_create_disposition: CreateDisposition,
    /// The JSON file of a service account, an authorized user, an impersonated account or an external account;
    /// absent: the application default credentials.
    #[serde(default)]
    pub credentials_file: Option<PathBuf>,
    /// The service account that everything is done as, which the credentials may impersonate.
    #[serde(default)]
    pub impersonate_service_account: Option<String>,
    /// No credentials at all: for emulators.
    #[serde(default)]
    pub anonymous: bool,
    /// Where the REST API is, `https://bigquery.googleapis.com` by default.
    #[serde(default)]
    pub api_endpoint: Option<String>,
    /// Where the Storage API is, `https://bigquerystorage.googleapis.com` by default.
    #[serde(default)]
    pub storage_endpoint: Option<String>,
    /// A query that would be billed for more bytes fails without being billed.
    #[serde(default)]
    pub maximum_bytes_billed: Option<u64>,
    /// Labels of every job and temporary table, for the bill.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// How every view is joined; absent: `last_value`, which reads a source once, whatever is in it.
    #[serde(default)]
    pub formulation: Option<Formulation>,
    /// How many streams of a result are read at the same time.
    #[serde(default = "streams")]
    pub read_streams: usize,
    /// After how many seconds without an answer a request is given up.
    #[serde(default = "minute")]
    pub request_timeout: u64,
    /// For how many seconds a request or a job that failed is tried again, where that is safe.
    #[serde(default = "minutes")]
    pub retry_timeout: u64,
    /// After how many seconds a job is ended; absent: by BigQuery's own limits.
    #[serde(default)]
    pub job_timeout: Option<u64>,
    /// After how many seconds a temporary table that was left behind expires.
    #[serde(default = "day")]
    pub expire_after: u64,
}

impl BigQueryConfig {
    /// Tables of a project, as who the application default credentials say.
    pub fn new(project_id: impl Into<String>) -> Self {
        Self {
            project_id: Some(project_id.into()),
            ..Self::default()
        }
    }

    /// Without credentials, against an emulator's REST and Storage API.
    #[must_use]
    pub fn with_emulator(mut self, rest: impl Into<String>, storage: impl Into<String>) -> Self {
        self.api_endpoint = Some(rest.into());
        self.storage_endpoint = Some(storage.into());
        self.anonymous = true;
        self
    }

    /// With temporary tables, and tables that are named without one, in another dataset.
    #[must_use]
    pub fn with_dataset(mut self, dataset: impl Into<String>) -> Self {
        self.dataset = dataset.into();
        self
    }
}

impl Default for BigQueryConfig {
    fn default() -> Self {
        Self {
            dataset: feast(),
            project_id: None,
            billing_project_id: None,
            location: None,
            gcs_staging_location: None,
            table_create_disposition: CreateDisposition::default(),
            credentials_file: None,
            impersonate_service_account: None,
            anonymous: false,
            api_endpoint: None,
            storage_endpoint: None,
            maximum_bytes_billed: None,
            labels: BTreeMap::new(),
            formulation: None,
            read_streams: streams(),
            request_timeout: minute(),
            retry_timeout: minutes(),
            job_timeout: None,
            expire_after: day(),
        }
    }
}

/// Whether what is missing is made, in BigQuery's words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CreateDisposition {
    /// It is made.
    #[default]
    CreateIfNeeded,
    /// It is an error.
    CreateNever,
}

fn feast() -> String {
    "feast".to_owned()
}

fn streams() -> usize {
    4
}

fn minute() -> u64 {
    60
}

fn minutes() -> u64 {
    300
}

fn day() -> u64 {
    86_400
}

#[cfg(test)]
mod tests;
