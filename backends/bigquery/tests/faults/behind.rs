//! A store behind a proxy, and what its proxy answers.

use std::collections::HashSet;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use hybrid_store_bigquery::{BigQueryConfig, BigQueryStore};
use serde_json::json;

use crate::common::proxy::{Act, Proxy, Seen};
use crate::common::{config, parts, rest, rows};

pub async fn behind() -> (Proxy, BigQueryConfig) {
    let proxy = Proxy::start(&rest()).await;
    let mut config = config();
    config.api_endpoint = Some(proxy.url());
    config.retry_timeout = 20;
    (proxy, config)
}

pub fn refusal(status: u16, reason: &str) -> Act {
    let body = format!(
        r#"{{"error": {{"code": {status}, "message": "said {reason}", "errors": [{{"message": "said {reason}", "domain": "global", "reason": "{reason}"}}], "status": "X"}}}}"#
    );
    Act::Answer(status, body)
}

/// The end of a job that failed, as an answer.
pub fn failed(reason: &str) -> Act {
    let job =
        json!({"status": {"state": "DONE", "errorResult": {"reason": reason, "message": format!("said {reason}")}}});
    Act::Answer(200, job.to_string())
}

/// The ids of the jobs that were handed in.
pub fn ids(seen: &[Seen]) -> HashSet<String> {
    seen.iter().map(Seen::job).collect()
}

pub async fn count(store: &BigQueryStore, table: &str) -> i64 {
    let name = parts(store, table).unwrap().join("`.`");
    let batches = rows(store, &format!("SELECT COUNT(*) FROM `{name}`")).await.unwrap();
    batches[0].column(0).as_primitive::<Int64Type>().value(0)
}
