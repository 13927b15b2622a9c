use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, Time64MicrosecondArray, TimestampMicrosecondArray};
use hybrid_core::ErrorKind;
use hybrid_core::sql::{Mode, SqlSession, SqlStore};
use hybrid_store_bigquery::{BigQueryConfig, CreateDisposition};
use serde_json::{Value, json};

use crate::common::proxy::{Act, Proxy};
use crate::common::{config, connect, described, parts, put, rest, shown};

async fn before_the_emulator() -> (Proxy, BigQueryConfig) {
    let proxy = Proxy::start(&rest()).await;
    let mut config = config();
    config.api_endpoint = Some(proxy.url());
    (proxy, config)
}

fn batch() -> RecordBatch {
    RecordBatch::try_from_iter([("n", Arc::new(Int64Array::from(vec![1])) as ArrayRef)]).unwrap()
}

#[tokio::test]
async fn jobs_say_who_pays_how_much_at_most_and_what_for() {
    let (proxy, mut config) = before_the_emulator().await;
    config.billing_project_id = Some("bills".to_owned());
    config.maximum_bytes_billed = Some(1 << 30);
    config.job_timeout = Some(60);
    config.labels = [("team".to_owned(), "search".to_owned())].into();
    let store = connect(config.clone()).await;
    put(&store, "t", batch().schema(), vec![batch()], Mode::Create)
        .await
        .unwrap();
    let name = parts(&store, "t").unwrap();
    assert_eq!(name[0], "hybrid");
    assert!(
        shown(&store, &format!("SELECT n FROM `{}`", name.join("`.`")))
            .await
            .contains("| 1 |")
    );
    for job in [&proxy.seen("SELECT n FROM")[0], &proxy.seen("uploadType=multipart")[0]] {
        assert!(job.line.contains("/projects/bills/jobs"), "{}", job.line);
        for said in [
            "\"team\":\"search\"",
            "\"hybrid-offline-store\":",
            "\"jobTimeoutMs\":\"60000\"",
        ] {
            assert!(job.body.contains(said), "{said}: {}", job.body);
        }
    }
    assert!(
        proxy.seen("SELECT n FROM")[0]
            .body
            .contains("\"maximumBytesBilled\":\"1073741824\"")
    );
    // Tables stay in the project of the data.
    assert!(!proxy.seen("/projects/hybrid/datasets").is_empty() && proxy.seen("/projects/bills/datasets").is_empty());
}

#[tokio::test]
async fn a_location_is_where_jobs_run_and_the_dataset_is_made() {
    let (proxy, mut config) = before_the_emulator().await;
    config.location = Some("europe-west1".to_owned());
    let store = connect(config).await;
    put(&store, "t", batch().schema(), vec![batch()], Mode::Create)
        .await
        .unwrap();
    for seen in [
        &proxy.seen("POST /bigquery/v2/projects/hybrid/datasets")[0],
        &proxy.seen("uploadType")[0],
    ] {
        assert!(seen.body.contains("\"location\":\"europe-west1\""), "{}", seen.body);
    }
}

#[tokio::test]
async fn a_dataset_is_made_only_where_it_may_be() {
    let (proxy, mut config) = before_the_emulator().await;
    config.table_create_disposition = CreateDisposition::CreateNever;
    let store = connect(config).await;
    let session = store.session().await.unwrap();
    let error = session.stage("SELECT 1 AS x").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    session.close().await.unwrap();
    assert!(proxy.seen("POST /bigquery/v2/projects/hybrid/datasets").is_empty());
}

#[tokio::test]
async fn temporary_tables_expire_by_themselves_and_say_what_for() {
    let (proxy, mut config) = before_the_emulator().await;
    config.expire_after = 1_000;
    config.labels = [("team".to_owned(), "search".to_owned())].into();
    let store = connect(config).await;
    let session = store.session().await.unwrap();
    let rows = hybrid_core::BatchStream::from_batches(batch().schema(), vec![batch()]);
    session.upload(rows).await.unwrap();
    session.stage("SELECT 1 AS x").await.unwrap();
    let made: Value = serde_json::from_str(&proxy.seen("expirationTime")[0].body).unwrap();
    let expires: u128 = made["expirationTime"].as_str().unwrap().parse().unwrap();
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_millis();
    assert!((now + 900_000..now + 1_000_001).contains(&expires), "{expires}");
    assert_eq!(made["labels"]["team"], "search");
    let staged = &proxy.seen("CREATE TABLE")[0].body;
    assert!(
        staged.contains("INTERVAL 1000 SECOND") && staged.contains("('team', 'search')"),
        "{staged}"
    );
    session.close().await.unwrap();
}

#[tokio::test]
async fn a_load_says_the_types_that_parquet_does_not() {
    let (proxy, config) = before_the_emulator().await;
    let store = connect(config).await;
    let times: [(&str, ArrayRef); 2] = [
        ("dt", Arc::new(TimestampMicrosecondArray::from(vec![-1]))),
        ("ti", Arc::new(Time64MicrosecondArray::from(vec![1]))),
    ];
    let times = RecordBatch::try_from_iter(times).unwrap();
    for mode in [Mode::Create, Mode::Append] {
        put(&store, "t", times.schema(), vec![times.clone()], mode)
            .await
            .unwrap();
    }
    let session = store.session().await.unwrap();
    let rows = hybrid_core::BatchStream::from_batches(times.schema(), vec![times]);
    session.upload(rows).await.unwrap();
    session.close().await.unwrap();
    let loads = proxy.seen("uploadType=multipart");
    assert_eq!(loads.len(), 3);
    for load in loads {
        let said = load.body.split("\r\n\r\n").nth(1).unwrap();
        let said: Value = serde_json::from_str(said.split("\r\n--").next().unwrap()).unwrap();
        let fields = said["configuration"]["load"]["schema"]["fields"].as_array().unwrap();
        let types: Vec<_> = fields.iter().map(|field| (&field["name"], &field["type"])).collect();
        assert_eq!(
            types,
            [(&json!("dt"), &json!("DATETIME")), (&json!("ti"), &json!("TIME"))]
        );
    }
}

#[tokio::test]
async fn a_plan_is_what_a_query_would_cost() {
    let (proxy, mut config) = before_the_emulator().await;
    config.maximum_bytes_billed = Some(1 << 40);
    let store = connect(config).await;
    let cost = |job: &mut Value| job["statistics"]["query"]["totalBytesProcessed"] = "5368709120".into();
    proxy.rule("\"dryRun\":true", 1, Act::Change(cost));
    let session = store.session().await.unwrap();
    let told = session.explain("SELECT 1 AS a").await.unwrap();
    session.close().await.unwrap();
    assert!(told.contains("would process 5.00 GiB (5368709120 bytes)"), "{told}");
    assert!(told.contains("maximum_bytes_billed is 1.00 TiB"), "{told}");
    // Nothing has run.
    assert_eq!(proxy.seen("/jobs").len(), proxy.seen("\"dryRun\":true").len());
}

#[tokio::test]
async fn a_table_that_must_be_filtered_is_described_by_the_catalog() {
    let (proxy, config) = before_the_emulator().await;
    let store = connect(config).await;
    put(&store, "t", batch().schema(), vec![batch()], Mode::Create)
        .await
        .unwrap();
    let message =
        "Cannot query over table 't' without a filter over column(s) 'day' that can be used for partition elimination";
    let refusal =
        json!({"error": {"code": 400, "message": message, "errors": [{"message": message, "reason": "invalidQuery"}]}});
    proxy.rule("\"dryRun\":true", 1, Act::Answer(400, refusal.to_string()));
    let described = described(&store, "t").await;
    assert_eq!(described.field(0).name(), "n");
}

#[tokio::test]
async fn a_ping_says_where_it_is() {
    let config = config();
    let ping = SqlStore::ping(&connect(config.clone()).await).await.unwrap();
    assert_eq!(
        ping,
        format!("BigQuery at 127.0.0.1, dataset `hybrid.{}`", config.dataset)
    );
    let mut away = config;
    (away.api_endpoint, away.retry_timeout) = (Some("http://127.0.0.1:9".to_owned()), 1);
    let error = SqlStore::ping(&connect(away).await).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (ErrorKind::Unavailable, true),
        "{error}"
    );
}
