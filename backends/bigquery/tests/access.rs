//! Who asks, who pays, what it costs: credentials of every kind, and what every request says.

#![allow(clippy::unwrap_used)]

mod common;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, Time64MicrosecondArray, TimestampMicrosecondArray,
};
use arrow::datatypes::Int64Type;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use common::proxy::{Act, Proxy, header};
use common::{config, connect, parts, put, rest, rows, shown, unique, variable};
use hybrid_core::sql::{Mode, SqlSession, SqlStore};
use hybrid_core::{
    BatchStream, Call, Context, ErrorKind, Explain, OfflineStore, OutputColumn, PersistRequest, PullAllRequest, Result,
    SourceTable,
};
use hybrid_store_bigquery::{BigQueryConfig, BigQuerySource, BigQueryStore, CreateDisposition};
use serde_json::{Value, json};

/// A proxy before the emulator, and a configuration with these credentials.
async fn with_file(folder: &Path, credentials: &Value) -> (Proxy, BigQueryConfig) {
    let proxy = Proxy::start(&rest()).await;
    let file = folder.join(unique("credentials"));
    std::fs::write(&file, credentials.to_string()).unwrap();
    let mut config = config();
    config.api_endpoint = Some(proxy.url());
    config.anonymous = false;
    config.credentials_file = Some(file);
    config.retry_timeout = 10;
    (proxy, config)
}

/// A server that gives tokens.
async fn token_server(answer: Act) -> Proxy {
    let proxy = Proxy::start(&rest()).await;
    proxy.rule("HTTP/1.1", usize::MAX, answer);
    proxy
}

fn token(name: &str) -> Act {
    let answer = json!({
        "access_token": name, "accessToken": name, "expires_in": 3600, "expireTime": "2099-01-01T00:00:00Z",
        "token_type": "Bearer", "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
    });
    Act::Answer(200, answer.to_string())
}

fn user(tokens: &Proxy) -> Value {
    json!({
        "type": "authorized_user", "client_id": "client", "client_secret": "user-secret", "refresh_token": "refresh-secret",
        "token_uri": tokens.url(),
    })
}

fn private_key() -> PathBuf {
    variable("HYBRID_BIGQUERY_KEY").into()
}

/// What every request said of who asks.
fn authorizations(proxy: &Proxy) -> Vec<String> {
    let seen = proxy.seen("HTTP/1.1");
    seen.iter()
        .map(|seen| header(&seen.headers, "authorization").unwrap_or_default().to_owned())
        .collect()
}

async fn ask(config: BigQueryConfig) -> Result<usize> {
    let store = <BigQueryStore as SqlStore>::connect(config, &Context::default()).await?;
    Ok(rows(&store, "SELECT 1 AS a")
        .await?
        .iter()
        .map(RecordBatch::num_rows)
        .sum())
}

#[tokio::test]
async fn an_authorized_user_asks_with_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let tokens = token_server(token("token-1")).await;
    let (proxy, config) = with_file(folder.path(), &user(&tokens)).await;
    assert_eq!(ask(config).await.unwrap(), 1);
    let seen = authorizations(&proxy);
    assert!(
        !seen.is_empty() && seen.iter().all(|value| value == "Bearer token-1"),
        "{seen:?}"
    );
    assert_eq!(tokens.seen("refresh-secret").len(), 1);
}

#[tokio::test]
async fn a_service_account_signs_for_itself() {
    let folder = tempfile::tempdir().unwrap();
    let account = json!({
        "type": "service_account", "project_id": "of-the-file", "private_key_id": "key-1",
        "private_key": std::fs::read_to_string(private_key()).unwrap(), "client_email": "me@of-the-file.iam.gserviceaccount.com",
        "client_id": "1", "token_uri": "https://oauth2.googleapis.com/token",
    });
    let (proxy, mut config) = with_file(folder.path(), &account).await;
    config.project_id = None;
    assert_eq!(ask(config).await.unwrap(), 1);
    let authorization = authorizations(&proxy).remove(0);
    let claims = authorization
        .strip_prefix("Bearer ")
        .unwrap()
        .split('.')
        .nth(1)
        .unwrap()
        .to_owned();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    assert_eq!(claims["iss"], "me@of-the-file.iam.gserviceaccount.com");
    assert!(claims["scope"].as_str().unwrap().contains("cloud-platform"));
    // The file also names the project.
    assert!(!proxy.seen("/projects/of-the-file/jobs").is_empty());
}

#[tokio::test]
#[ignore = "a process of its own, which the next test starts in another environment"]
async fn asks_with_the_default_credentials() {
    let mut config = config();
    (config.anonymous, config.project_id, config.retry_timeout) = (false, None, 10);
    config.api_endpoint = Some(variable("HYBRID_BIGQUERY_PROXY"));
    assert_eq!(ask(config).await.unwrap(), 1);
}

#[tokio::test]
async fn the_default_credentials_lie_where_googles_clients_look() {
    const NAMED: &str = "GOOGLE_APPLICATION_CREDENTIALS";
    let home = tempfile::tempdir().unwrap();
    let gcloud = home.path().join(".config/gcloud");
    std::fs::create_dir_all(&gcloud).unwrap();
    let known = gcloud.join("application_default_credentials.json");
    for (name, file) in [("known", known), ("named", home.path().join("named.json"))] {
        let (tokens, proxy) = (token_server(token(name)).await, Proxy::start(&rest()).await);
        let mut account = user(&tokens);
        account["quota_project_id"] = "of-the-file".into();
        std::fs::write(&file, account.to_string()).unwrap();
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "asks_with_the_default_credentials", "--ignored"]);
        for variable in [NAMED, "GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT", "CLOUDSDK_CONFIG"] {
            child.env_remove(variable);
        }
        child.env("HOME", home.path()).env("HYBRID_BIGQUERY_PROXY", proxy.url());
        if name == "named" {
            child.env(NAMED, &file);
        }
        let told = tokio::task::spawn_blocking(move || child.output()).await.unwrap();
        let told = told.unwrap();
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stdout));
        let (seen, expected) = (authorizations(&proxy), format!("Bearer {name}"));
        assert!(
            !seen.is_empty() && seen.iter().all(|said| *said == expected),
            "{seen:?}"
        );
        // The file also names the project.
        assert!(!proxy.seen("/projects/of-the-file/jobs").is_empty());
    }
}

#[tokio::test]
async fn an_external_account_trades_its_token() {
    let folder = tempfile::tempdir().unwrap();
    let subject = folder.path().join("subject");
    std::fs::write(&subject, "subject-secret").unwrap();
    let tokens = token_server(token("token-2")).await;
    let account = json!({
        "type": "external_account", "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "token_url": tokens.url(),
        "credential_source": {"file": subject},
    });
    let (proxy, config) = with_file(folder.path(), &account).await;
    assert_eq!(ask(config).await.unwrap(), 1);
    assert_eq!(authorizations(&proxy)[0], "Bearer token-2");
    assert_eq!(tokens.seen("subject-secret").len(), 1);
}

#[tokio::test]
async fn an_impersonated_account_asks_as_another() {
    let folder = tempfile::tempdir().unwrap();
    let tokens = token_server(token("token-3")).await;
    let account = json!({
        "type": "impersonated_service_account", "source_credentials": user(&tokens),
        "service_account_impersonation_url": format!("{}/v1/projects/-/serviceAccounts/other@p.iam.gserviceaccount.com:generateAccessToken", tokens.url()),
    });
    let (proxy, config) = with_file(folder.path(), &account).await;
    assert_eq!(ask(config).await.unwrap(), 1);
    assert_eq!(authorizations(&proxy)[0], "Bearer token-3");
    assert_eq!(tokens.seen("other@p").len(), 1);
}

#[tokio::test]
async fn a_token_that_ends_on_its_way_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let tokens = Proxy::start(&rest()).await;
    tokens.rule("HTTP/1.1", 1, token("token-4"));
    tokens.rule("HTTP/1.1", usize::MAX, token("token-5"));
    let (proxy, config) = with_file(folder.path(), &user(&tokens)).await;
    let expired = json!({"error": {"code": 401, "message": "Request had invalid authentication credentials.", "errors": [{"reason": "authError"}], "status": "UNAUTHENTICATED"}});
    // While the job runs.
    let running = |job: &mut Value| job["status"] = json!({"state": "RUNNING"});
    proxy.rule("POST /bigquery/v2/projects/hybrid/jobs HTTP", 1, Act::Change(running));
    let look = "GET /bigquery/v2/projects/hybrid/jobs/";
    proxy.rule(look, 1, Act::Answer(401, expired.to_string()));
    assert_eq!(ask(config.clone()).await.unwrap(), 1);
    let seen = authorizations(&proxy);
    assert_eq!(seen.first().unwrap(), "Bearer token-4");
    assert_eq!(seen.last().unwrap(), "Bearer token-5", "{seen:?}");
    assert_eq!(proxy.seen("SELECT 1 AS a").len(), 1);
    proxy.rule("/jobs", usize::MAX, Act::Answer(401, expired.to_string()));
    let error = ask(config).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (ErrorKind::Unauthenticated, false),
        "{error}"
    );
    assert!(error.to_string().contains("gcloud auth"), "{error}");
}

#[tokio::test]
async fn no_token_is_an_error_that_shows_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let tokens = token_server(Act::Answer(400, r#"{"error": "invalid_grant"}"#.to_owned())).await;
    let (proxy, config) = with_file(folder.path(), &user(&tokens)).await;
    let error = ask(config).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (ErrorKind::Unauthenticated, false),
        "{error}"
    );
    assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    assert!(proxy.seen("HTTP/1.1").is_empty());
}

#[tokio::test]
async fn files_that_hold_no_credentials_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (credentials, says) in [
        (json!({"type": "gdch_service_account"}), "gdch_service_account"),
        (
            json!({"type": "service_account", "private_key": "top-secret"}),
            "credentials_file",
        ),
    ] {
        let (_, config) = with_file(folder.path(), &credentials).await;
        let error = ask(config).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        assert!(
            error.to_string().contains(says) && !format!("{error:?}").contains("top-secret"),
            "{error:?}"
        );
    }
    let mut config = config();
    (config.anonymous, config.credentials_file) = (false, Some("nowhere.json".into()));
    let error = ask(config).await.unwrap_err();
    assert!(error.to_string().contains("nowhere.json"), "{error}");
}

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
    let session = store.session().await.unwrap();
    let name = parts(&store, "t").unwrap().join("`.`");
    let described = session
        .describe(&format!("SELECT * FROM `{name}` AS `s`"))
        .await
        .unwrap();
    session.close().await.unwrap();
    assert_eq!(described.field(0).name(), "n");
}

/// Makes a table `t` of keys and times, by these options, and fills it.
async fn table(store: &BigQueryStore, options: &str, columns: &str, rows: &str) {
    let name = parts(store, "t").unwrap();
    let (dataset, name) = (name[..2].join("`.`"), name.join("`.`"));
    let session = store.session().await.unwrap();
    for statement in [
        format!("CREATE SCHEMA IF NOT EXISTS `{dataset}`"),
        format!("CREATE TABLE `{name}` (k INT64, ts TIMESTAMP) {options}"),
        format!("INSERT INTO `{name}` ({columns}) VALUES {rows}"),
    ] {
        session.execute(&statement).await.unwrap();
    }
    session.close().await.unwrap();
}

/// Partitioned by when rows come in. The first and the last of four have come in on other days than their own, and the third
/// is in no partition yet.
async fn by_arrival(store: &BigQueryStore, by: &str, second: &str) {
    let options = format!("PARTITION BY {by} OPTIONS (require_partition_filter = TRUE)");
    let rows = format!(
        "(TIMESTAMP '2024-05-01', 1, TIMESTAMP '2024-05-02 10:00:00'), \
         (TIMESTAMP '{second}', 2, TIMESTAMP '2024-05-02 11:00:00'), (NULL, 3, TIMESTAMP '2024-05-03 10:00:00'), \
         (TIMESTAMP '2024-04-01', 4, TIMESTAMP '2024-05-02 12:00:00')"
    );
    table(store, &options, "_PARTITIONTIME, k, ts", &rows).await;
}

/// What is asked for the rows of two days in May, and their keys.
async fn two_days(store: &BigQueryStore, partition: &str) -> Result<(String, Vec<i64>)> {
    let request = PullAllRequest {
        source: SourceTable {
            name: "t".to_owned(),
            options: BigQuerySource::new("t"),
            timestamp_field: "ts".to_owned(),
            created_timestamp_column: None,
            date_partition_column: Some(partition.to_owned()),
        },
        join_keys: vec![OutputColumn {
            source: "k".to_owned(),
            name: "k".to_owned(),
            data_type: None,
        }],
        features: vec![],
        timestamp_name: "ts".to_owned(),
        created_name: None,
        start: Some(1_714_608_000_000_000),
        end: Some(1_714_737_600_000_000),
    };
    let sql = store.to_sql(Explain::All(request.clone())).await?;
    let rows = store
        .pull_all_from_table_or_query(request, &Call::default())
        .await?
        .collect()
        .await?;
    let keys = rows
        .iter()
        .flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec());
    let mut keys: Vec<i64> = keys.collect();
    keys.sort_unstable();
    Ok((sql, keys))
}

#[tokio::test]
async fn partitions_by_arrival_are_pruned_by_their_pseudo_columns() {
    let store = connect(config()).await;
    let (midnight, noon) = (
        "TIMESTAMP '2024-05-02 00:00:00.000000+00'",
        "TIMESTAMP '2024-05-03 12:00:00.000000+00'",
    );
    let (day, next, month) = (
        "DATE '2024-05-02'",
        "DATE '2024-05-03'",
        "TIMESTAMP '2024-05-01 00:00:00+00'",
    );
    for (by, second, column, from, to, keys) in [
        (
            "_PARTITIONDATE",
            "2024-05-02",
            "_PARTITIONTIME",
            midnight,
            noon,
            vec![2, 3],
        ),
        ("_PARTITIONDATE", "2024-05-02", "_PARTITIONDATE", day, next, vec![2, 3]),
        (
            "TIMESTAMP_TRUNC(_PARTITIONTIME, MONTH)",
            "2024-05-01",
            "_partitiontime",
            month,
            month,
            vec![1, 2, 3],
        ),
    ] {
        let store = connect(config()).await;
        by_arrival(&store, by, second).await;
        let (sql, found) = two_days(&store, column).await.unwrap();
        assert_eq!(found, keys, "{sql}");
        let conditions = format!(
            "\n  AND (`s`.`{column}` >= {from} OR `s`.`{column}` IS NULL)\n  AND (`s`.`{column}` <= {to} OR `s`.`{column}` IS NULL)"
        );
        assert!(sql.ends_with(&conditions), "{sql}");
    }
    let row = "(1, TIMESTAMP '2024-05-02 10:00:00')";
    table(&store, "PARTITION BY DATE(ts)", "k, ts", row).await;
    let error = two_days(&store, "_PARTITIONTIME").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert!(error.to_string().contains("_PARTITIONTIME"), "{error}");
}

/// The rows of the files in a folder that the emulator keeps for a bucket.
fn exported(folder: &str) -> Vec<RecordBatch> {
    let folder = PathBuf::from(variable("HYBRID_BIGQUERY_GCS")).join(folder);
    let files = std::fs::read_dir(folder).unwrap();
    let batches = files.flat_map(|file| {
        let file = std::fs::File::open(file.unwrap().path()).unwrap();
        let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file);
        reader.unwrap().build().unwrap()
    });
    batches.collect::<Result<_, _>>().unwrap()
}

#[tokio::test]
async fn rows_are_persisted_as_parquet_to_a_source_that_exports() {
    let columns: [(&str, ArrayRef); 2] = [
        ("id", Arc::new(Int64Array::from(vec![1, 2]))),
        ("t", Arc::new(StringArray::from(vec!["x", "y"]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let persist = async |config, overwrite| {
        let request = PersistRequest {
            options: BigQuerySource::export("training/may"),
            rows: BatchStream::from_batches(batch.schema(), vec![batch.clone()]),
            overwrite,
        };
        OfflineStore::persist(&connect(config).await, request, &Call::default()).await
    };
    let mut config = config();
    let error = persist(config.clone(), false).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    let place = format!("hybrid-test/{}", unique("exports"));
    config.gcs_staging_location = Some(format!("gs://{place}"));
    assert_eq!(persist(config.clone(), false).await.unwrap(), 2);
    let rows = exported(&format!("{place}/training/may"));
    let rows = arrow::compute::concat_batches(&rows[0].schema(), &rows).unwrap();
    let names: Vec<_> = rows
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect();
    assert_eq!(names, ["id", "t"]);
    assert_eq!(rows.column(0).as_primitive::<Int64Type>().values().to_vec(), [1, 2]);
    let error = persist(config.clone(), true).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    let store = connect(config).await;
    let error = OfflineStore::source_schema(&store, &BigQuerySource::export("training/may"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
}

#[tokio::test]
async fn rows_are_exported_as_parquet() {
    let mut config = config();
    let store = connect(config.clone()).await;
    assert_eq!(
        store.export("SELECT 1 AS a").await.unwrap_err().kind(),
        ErrorKind::Config
    );
    config.gcs_staging_location = Some("gs://hybrid-test/exports/".to_owned());
    let store = connect(config).await;
    let files = store.export("SELECT 7 AS a UNION ALL SELECT 8").await.unwrap();
    let folder = files
        .strip_prefix("gs://")
        .and_then(|files| files.strip_suffix("/*.parquet"))
        .unwrap();
    let rows = exported(folder);
    assert_eq!(rows.iter().map(RecordBatch::num_rows).sum::<usize>(), 2);
    assert_eq!(
        store.export("DROP TABLE t").await.unwrap_err().kind(),
        ErrorKind::InvalidInput
    );
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
