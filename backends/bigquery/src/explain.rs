//! What a query costs, before it runs.

use crate::client::{Job, TableReference};
use crate::config::BigQueryConfig;

/// The least that BigQuery bills for a table, and for a query.
const LEAST: u64 = 10 << 20;

/// A dry run, for people.
pub(crate) fn told(job: &Job, config: &BigQueryConfig) -> String {
    let mut told = String::new();
    let query = job.statistics.query.clone().unwrap_or_default();
    let bytes = query.total_bytes_processed.or(job.statistics.total_bytes_processed);
    match bytes {
        Some(bytes) if query.cache_hit => {
            told.push_str(&format!("BigQuery has the result in its cache, of {}\n", size(bytes)))
        }
        Some(bytes) => {
            let word = match query.total_bytes_processed_accuracy.as_deref() {
                Some("UPPER_BOUND") => "at most ",
                Some("LOWER_BOUND") => "at least ",
                _ => "",
            };
            told.push_str(&format!("BigQuery would process {word}{}\n", size(bytes)));
            let billed = bytes.max(LEAST);
            match config.maximum_bytes_billed {
                Some(most) if billed > most => {
                    told.push_str(&format!(
                        "the query would fail: maximum_bytes_billed is {}\n",
                        size(most)
                    ));
                }
                Some(most) => told.push_str(&format!("maximum_bytes_billed is {}\n", size(most))),
                None => {}
            }
        }
        None => told.push_str("BigQuery does not say how much it would process\n"),
    }
    for table in &query.referenced_tables {
        told.push_str(&format!(
            "reads {}.{}.{}\n",
            table.project_id, table.dataset_id, table.table_id
        ));
    }
    told
}

/// `1.50 GiB (1610612736 bytes)`.
fn size(bytes: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    // A size for people: digits beyond those of a double do not matter.
    #[allow(clippy::cast_precision_loss)]
    let (mut value, mut unit) = (bytes as f64, None);
    for next in units {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = Some(next);
    }
    match unit {
        Some(unit) => format!("{value:.2} {unit} ({bytes} bytes)"),
        None => format!("{bytes} bytes"),
    }
}

/// The table, where a query is `SELECT * FROM` one and no more.
pub(crate) fn whole_table(query: &str, project: &str) -> Option<TableReference> {
    let rest = query.trim().strip_prefix("SELECT * FROM ")?;
    let (name, alias) = rest.split_once(" AS ").unwrap_or((rest, "s"));
    if alias.contains(|c: char| !(c.is_alphanumeric() || c == '`')) {
        return None;
    }
    let parts: Vec<&str> = name.strip_prefix('`')?.strip_suffix('`')?.split("`.`").collect();
    let (project, dataset, table) = match parts.as_slice() {
        [dataset, table] => (project, *dataset, *table),
        [project, dataset, table] => (*project, *dataset, *table),
        _ => return None,
    };
    let plain = |part: &str| !part.contains(['`', '\\', ' ']);
    [project, dataset, table]
        .into_iter()
        .all(plain)
        .then(|| TableReference {
            project_id: project.to_owned(),
            dataset_id: dataset.to_owned(),
            table_id: table.to_owned(),
        })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_dry_run_tells_what_a_query_costs() {
        let job = json!({"statistics": {"query": {
            "totalBytesProcessed": "3221225472", "totalBytesProcessedAccuracy": "UPPER_BOUND",
            "referencedTables": [{"projectId": "p", "datasetId": "d", "tableId": "t"}],
        }}});
        let job: Job = serde_json::from_value(job).unwrap();
        let mut config = BigQueryConfig::default();
        let shown = told(&job, &config);
        assert_eq!(
            shown,
            "BigQuery would process at most 3.00 GiB (3221225472 bytes)\nreads p.d.t\n"
        );
        config.maximum_bytes_billed = Some(1 << 20);
        assert!(told(&job, &config).contains("the query would fail: maximum_bytes_billed is 1.00 MiB"));
        config.maximum_bytes_billed = Some(1 << 40);
        assert!(told(&job, &config).contains("maximum_bytes_billed is 1.00 TiB"));
    }

    #[test]
    fn only_a_whole_table_is_one() {
        let found = whole_table("SELECT * FROM `p`.`d`.`t` AS `s`", "x").unwrap();
        assert_eq!((found.project_id.as_str(), found.table_id.as_str()), ("p", "t"));
        for other in [
            "SELECT * FROM `p`.`d`.`t` AS `s` WHERE x = 1",
            "SELECT * FROM (SELECT 1) AS `s`",
            "SELECT a FROM `p`.`d`.`t` AS `s`",
            "SELECT * FROM `p`.`d`.`t` AS `s`, `p`.`d`.`u` AS `v`",
        ] {
            assert!(whole_table(other, "x").is_none(), "{other}");
        }
    }
}
