//! The parts of the REST API's resources that are read.

use serde::{Deserialize, Deserializer, Serialize};

use crate::error::Problem;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Job {
    pub(crate) job_reference: JobReference,
    pub(crate) status: JobStatus,
    pub(crate) configuration: JobConfiguration,
    pub(crate) statistics: Statistics,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct JobReference {
    pub(crate) project_id: String,
    pub(crate) job_id: String,
    pub(crate) location: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct JobStatus {
    pub(crate) state: String,
    pub(crate) error_result: Option<Problem>,
    pub(crate) errors: Vec<Problem>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct JobConfiguration {
    pub(crate) query: Option<QueryConfiguration>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct QueryConfiguration {
    pub(crate) destination_table: Option<TableReference>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct TableReference {
    pub(crate) project_id: String,
    pub(crate) dataset_id: String,
    pub(crate) table_id: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Statistics {
    #[serde(deserialize_with = "number")]
    pub(crate) total_bytes_processed: Option<u64>,
    pub(crate) query: Option<QueryStatistics>,
    pub(crate) load: Option<LoadStatistics>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct QueryStatistics {
    pub(crate) schema: Option<TableSchema>,
    #[serde(deserialize_with = "number")]
    pub(crate) total_bytes_processed: Option<u64>,
    pub(crate) total_bytes_processed_accuracy: Option<String>,
    #[serde(deserialize_with = "number")]
    pub(crate) num_dml_affected_rows: Option<u64>,
    pub(crate) statement_type: Option<String>,
    pub(crate) referenced_tables: Vec<TableReference>,
    pub(crate) cache_hit: bool,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct LoadStatistics {
    #[serde(deserialize_with = "number")]
    pub(crate) output_rows: Option<u64>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TableSchema {
    pub(crate) fields: Vec<FieldSchema>,
}

/// A column, or a field of one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct FieldSchema {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mode: Option<String>,
    /// How many digits a decimal keeps, and how many of them behind the point, where its column says so. A load need not
    /// say it again.
    #[serde(skip_serializing, deserialize_with = "number")]
    pub(crate) precision: Option<u64>,
    #[serde(skip_serializing, deserialize_with = "number")]
    pub(crate) scale: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) fields: Vec<FieldSchema>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Table {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) schema: TableSchema,
    #[serde(deserialize_with = "number")]
    pub(crate) num_rows: Option<u64>,
    pub(crate) time_partitioning: Option<TimePartitioning>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TimePartitioning {
    /// `DAY`, `HOUR`, `MONTH` or `YEAR`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// The column; absent: by when rows come in.
    pub(crate) field: Option<String>,
}

/// The answer to a question for a job's rows, of which none were asked for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Progress {
    pub(crate) job_complete: bool,
}

/// A number of 64 bits, which JSON carries as text.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Text(String),
        Number(u64),
    }
    Ok(match Option::<Written>::deserialize(deserializer)? {
        Some(Written::Text(text)) => text.parse().ok(),
        Some(Written::Number(number)) => Some(number),
        None => None,
    })
}
