use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hybrid_core::{Error, ErrorKind, Result};
use reqwest::Method;
use serde_json::json;

use super::jobs::Jobs;
use super::rest::{FieldSchema, Table, TableReference};
use crate::error::reason_of;

impl Jobs {
    /// What BigQuery knows of a table.
    pub(crate) async fn table(&self, table: &TableReference) -> Result<Table> {
        self.http().call(Method::GET, &path(table), &[], None).await?.read()
    }

    /// Makes an empty table that expires by itself. It is there already only when it was made by this call, whose first
    /// answer was lost: its name is new.
    pub(crate) async fn make_table(&self, table: &TableReference, fields: &[FieldSchema], seconds: u64) -> Result<()> {
        let body = json!({
            "tableReference": table,
            "schema": {"fields": fields},
            "expirationTime": in_millis(seconds).to_string(),
            "labels": self.labels(),
        });
        let path = ["projects", &table.project_id, "datasets", &table.dataset_id, "tables"];
        match self.http().call(Method::POST, &path, &[], Some(&body)).await {
            Err(error) if reason_of(&error) == Some("duplicate") => Ok(()),
            other => other.map(drop),
        }
    }

    /// Drops a table; it need not be there.
    pub(crate) async fn drop_table(&self, table: &TableReference) -> Result<()> {
        match self.http().call(Method::DELETE, &path(table), &[], None).await {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            other => other.map(drop),
        }
    }

    /// Whether the dataset is there.
    pub(crate) async fn has_dataset(&self, project: &str, dataset: &str) -> Result<bool> {
        let path = ["projects", project, "datasets", dataset];
        match self.http().call(Method::GET, &path, &[], None).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Makes a dataset; another one may have made it in the meantime.
    pub(crate) async fn make_dataset(&self, project: &str, dataset: &str, location: Option<&str>) -> Result<()> {
        let mut body =
            json!({"datasetReference": {"projectId": project, "datasetId": dataset}, "labels": self.labels()});
        if let (Some(location), Some(body)) = (location, body.as_object_mut()) {
            body.insert("location".to_owned(), location.into());
        }
        let made = self
            .http()
            .call(Method::POST, &["projects", project, "datasets"], &[], Some(&body))
            .await;
        match made {
            Err(error) if reason_of(&error) == Some("duplicate") => Ok(()),
            Err(error) => Err(unmade(error, project, dataset)),
            Ok(_) => Ok(()),
        }
    }
}

fn unmade(error: Error, project: &str, dataset: &str) -> Error {
    error.within(&format!(
        "the dataset `{project}.{dataset}` is missing and cannot be made"
    ))
}

fn path(table: &TableReference) -> [&str; 6] {
    [
        "projects",
        &table.project_id,
        "datasets",
        &table.dataset_id,
        "tables",
        &table.table_id,
    ]
}

/// Milliseconds since 1970, in so many seconds from now.
fn in_millis(seconds: u64) -> u128 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (now + Duration::from_secs(seconds)).as_millis()
}
