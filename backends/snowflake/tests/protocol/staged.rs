//! Rows into a stage and out of one: what PUT says is done, wherever the stage is.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch, TimestampMicrosecondArray};
use bytes::Bytes;
use hybrid_core::sql::{Mode, SqlSession, SqlStore};
use hybrid_core::{BatchStream, ErrorKind};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};

use crate::common::scripted::{Answer, Asked, Scripted};
use crate::common::{config_at, connect, execute, write};

fn batch() -> RecordBatch {
    let times = TimestampMicrosecondArray::from(vec![Some(1_500_001), None]).with_timezone("UTC");
    let columns: Vec<(&str, ArrayRef)> = vec![("it's", Arc::new(Int64Array::from(vec![1, 2]))), ("t", Arc::new(times))];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn is(asked: &Asked, start: &str) -> bool {
    asked.path() == "/queries/v1/query-request" && asked.sql().starts_with(start)
}

fn loaded(rows: u64) -> Answer {
    Answer::data(json!({
        "queryResultFormat": "json", "total": 1, "rowset": [["rows-0.parquet", "LOADED", rows.to_string()]],
        "rowtype": [{"name": "file", "type": "text"}, {"name": "status", "type": "text"}, {"name": "rows_loaded", "type": "fixed"}]
    }))
}

/// A server whose stages are where `info` says.
async fn server(info: impl Fn(&Asked) -> Value + Send + Sync + 'static) -> Scripted {
    Scripted::start(move |asked, _| {
        if is(asked, "PUT") {
            return Some(Answer::data(
                json!({"command": "UPLOAD", "src_locations": ["/rows-0.parquet"], "stageInfo": info(asked)}),
            ));
        }
        if asked.path().starts_with("/bucket/") {
            return Some(Answer {
                headers: "etag: \"x\"\r\n".to_owned(),
                ..Answer::bytes(Vec::new())
            });
        }
        is(asked, "COPY INTO \"").then(|| loaded(2))
    })
    .await
}

async fn create(server: &Scripted) -> hybrid_core::Result<u64> {
    let store = connect(config_at(server.port)).await;
    write(&store, &["TEST", "S", "t"], vec![batch()], Mode::Create).await
}

fn check(parquet: Vec<u8>) {
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(parquet))
        .unwrap()
        .build()
        .unwrap();
    let batches: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
    assert_eq!(batches[0].num_rows(), 2);
    let schema = batches[0].schema();
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, ["c0", "c1"]);
    assert_eq!(batches[0].column(1).null_count(), 1);
}

fn folder(server: &Scripted) -> String {
    let put = server
        .statements()
        .into_iter()
        .find(|sql| sql.starts_with("PUT"))
        .unwrap();
    put.split('/')
        .next_back()
        .unwrap()
        .split(' ')
        .next()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn a_stage_on_s3_gets_the_file_with_the_stages_own_credentials() {
    let server = server(|asked| {
        json!({
            "locationType": "S3", "location": "bucket/stages/x/", "region": "eu-central-1", "isClientSideEncrypted": false,
            "endPoint": format!("http://{}", asked.headers["host"]),
            "creds": {"AWS_KEY_ID": "key", "AWS_SECRET_KEY": "shh", "AWS_TOKEN": "token"}
        })
    })
    .await;
    assert_eq!(create(&server).await.unwrap(), 2);
    let put = server.seen("/bucket/stages/x/rows-0.parquet").remove(0);
    assert_eq!(
        (put.method.as_str(), put.headers["x-amz-security-token"].as_str()),
        ("PUT", "token")
    );
    assert!(
        put.headers["authorization"].contains("Credential=key/")
            && put.headers["authorization"].contains("eu-central-1")
    );
    check(put.body);
}

#[tokio::test]
async fn a_stage_with_a_signed_address_gets_the_file_there() {
    let server = server(|asked| {
        let url = format!("http://{}/signed/x?sign=1", asked.headers["host"]);
        json!({"locationType": "GCS", "location": "bucket/x/", "presignedUrl": url, "creds": {}})
    })
    .await;
    create(&server).await.unwrap();
    let put = server.seen("/signed/x").remove(0);
    assert!(!put.headers.contains_key("authorization"));
    check(put.body);
}

/// A signed address that is another one each time it is asked for.
fn signed(asked: &Asked, before: usize) -> Answer {
    let url = format!("http://{}/signed?sign={before}", asked.headers["host"]);
    Answer::data(json!({"stageInfo": {"locationType": "GCS", "presignedUrl": url, "creds": {}}}))
}

#[tokio::test]
async fn an_address_that_has_expired_is_asked_for_again() {
    for status in [400, 401, 403] {
        let server = Scripted::start(move |asked, before| match asked.path() {
            "/signed" => (before == 0).then(|| Answer::status(status)),
            _ if is(asked, "PUT") => Some(signed(asked, before)),
            _ => is(asked, "COPY INTO \"").then(|| loaded(2)),
        })
        .await;
        assert_eq!(create(&server).await.unwrap(), 2, "{status}");
        let puts = server.seen("/signed");
        assert_eq!(puts.len(), 2, "{status}");
        assert_ne!(puts[0].target, puts[1].target);
        check(puts[1].body.clone());
    }
}

#[tokio::test]
async fn credentials_that_have_expired_are_asked_for_again() {
    let server = Scripted::start(|asked, before| {
        if is(asked, "PUT") {
            let (host, key) = (&asked.headers["host"], format!("key{before}"));
            return Some(Answer::data(json!({"stageInfo": {
                "locationType": "S3", "location": "bucket/x/", "region": "eu-central-1",
                "endPoint": format!("http://{host}"), "creds": {"AWS_KEY_ID": key, "AWS_SECRET_KEY": "shh"}
            }})));
        }
        if asked.path().starts_with("/bucket/") {
            let expired = Answer {
                status: 400,
                ..Answer::bytes(b"<Error><Code>ExpiredToken</Code></Error>".to_vec())
            };
            let stored = Answer {
                headers: "etag: \"x\"\r\n".to_owned(),
                ..Answer::bytes(Vec::new())
            };
            return Some(if before == 0 { expired } else { stored });
        }
        is(asked, "COPY INTO \"").then(|| loaded(2))
    })
    .await;
    assert_eq!(create(&server).await.unwrap(), 2);
    let puts = server.seen("/bucket/x/rows-0.parquet");
    assert_eq!(puts.len(), 2);
    assert_ne!(
        puts[0].headers["authorization"].split('/').next(),
        puts[1].headers["authorization"].split('/').next()
    );
}

#[tokio::test]
async fn a_session_whose_files_did_not_arrive_is_not_used_again() {
    let server = Scripted::start(|asked, before| match asked.path() {
        "/signed" => Some(Answer::status(403)),
        _ => is(asked, "PUT").then(|| signed(asked, before)),
    })
    .await;
    let store = connect(config_at(server.port)).await;
    let error = write(&store, &["TEST", "S", "t"], vec![batch()], Mode::Create)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    assert!(!error.to_string().contains("sign="), "{error}");
    // Nothing was made of them, and the session ends with what lies in its stage.
    let made = |sql: &String| sql.starts_with("COPY INTO") || sql.starts_with("CREATE TABLE");
    assert!(!server.statements().iter().any(made));
    assert_eq!(server.seen("/session").len(), 1);
    execute(&store, "SELECT 1").await;
    assert_eq!(server.seen("/session/v1/login-request").len(), 2);
    assert_eq!(server.seen("/session").len(), 1);
}

#[tokio::test]
async fn a_stage_on_this_machine_gets_the_file_on_its_disk() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("stage");
    let shown = place.display().to_string();
    let server = server(move |_| json!({"locationType": "LOCAL_FS", "location": shown, "creds": {}})).await;
    create(&server).await.unwrap();
    check(std::fs::read(place.join("rows-0.parquet")).unwrap());
}

#[tokio::test]
async fn a_stage_that_the_client_must_encrypt_for_is_refused() {
    let server = server(
        |_| json!({"locationType": "S3", "location": "b/", "region": "x", "isClientSideEncrypted": true, "creds": {}}),
    )
    .await;
    assert_eq!(create(&server).await.unwrap_err().kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn statements_of_a_write() {
    let server = server(|asked| {
        let url = format!("http://{}/signed", asked.headers["host"]);
        json!({"locationType": "GCS", "presignedUrl": url, "creds": {}})
    })
    .await;
    create(&server).await.unwrap();
    let statements = server.statements().join("\n");
    let names = |prefix: &str| {
        let at = statements.find(prefix).unwrap() + prefix.len();
        statements[at..].split(' ').next().unwrap().to_owned()
    };
    let (table, stage, folder) = (
        names("CREATE TEMPORARY TABLE "),
        names("CREATE TEMPORARY STAGE "),
        folder(&server),
    );
    let statements = statements
        .replace(&table, "TABLE")
        .replace(&stage, "STAGE")
        .replace(&folder, "FOLDER");
    let expected = "\
        CREATE TEMPORARY TABLE TABLE (\"it's\" NUMBER(38,0), \"t\" TIMESTAMP_NTZ(6))\n\
        CREATE TEMPORARY STAGE STAGE ENCRYPTION = (TYPE = 'SNOWFLAKE_SSE')\n\
        PUT 'file:///rows-0.parquet' @STAGE/FOLDER AUTO_COMPRESS = FALSE OVERWRITE = TRUE\n\
        COPY INTO TABLE (\"it's\", \"t\") FROM (SELECT $1:\"c0\"::NUMBER(38,0), $1:\"c1\"::TIMESTAMP_NTZ(6) FROM @STAGE/FOLDER/) \
        FILE_FORMAT = (TYPE = PARQUET BINARY_AS_TEXT = FALSE USE_LOGICAL_TYPE = TRUE) ON_ERROR = ABORT_STATEMENT PURGE = TRUE\n\
        CREATE TABLE \"TEST\".\"S\".\"t\" AS SELECT \"it's\"::NUMBER(38,0) AS \"it's\", \"t\"::TIMESTAMP_TZ(6) AS \"t\" FROM TABLE\n\
        DROP TABLE IF EXISTS TABLE";
    assert_eq!(statements, expected);
}

#[tokio::test]
async fn rows_that_copy_did_not_load_are_an_error() {
    let server = Scripted::start(|asked, _| {
        let info = json!({"locationType": "GCS", "presignedUrl": format!("http://{}/signed", asked.headers["host"]), "creds": {}});
        if is(asked, "PUT") {
            return Some(Answer::data(json!({"stageInfo": info})));
        }
        is(asked, "COPY INTO \"").then(|| loaded(1))
    })
    .await;
    let error = create(&server).await.unwrap_err();
    assert!(error.to_string().contains("1 of 2"), "{error}");
    assert!(!server.statements().iter().any(|sql| sql.starts_with("CREATE TABLE")));
}

#[tokio::test]
async fn what_is_exported_is_unloaded_by_one_statement() {
    let server = server(|asked| {
        json!({"locationType": "GCS", "presignedUrl": format!("http://{}/signed", asked.headers["host"]), "creds": {}})
    })
    .await;
    let mut config = config_at(server.port);
    config.blob_export_location = Some("s3://bucket/exports/".into());
    config.storage_integration_name = Some("feast".into());
    config.convert_timestamp_columns = Some(true);
    let store = connect(config).await;
    let source = hybrid_store_snowflake::SnowflakeSource::export("may");
    let request = hybrid_core::PersistRequest {
        options: source,
        rows: BatchStream::from_batches(batch().schema(), vec![batch()]),
        overwrite: false,
    };
    let written = hybrid_core::OfflineStore::persist(&store, request, &hybrid_core::Call::default())
        .await
        .unwrap();
    assert_eq!(written, 2);
    let statements = server.statements();
    let unload = statements
        .iter()
        .find(|sql| sql.starts_with("COPY INTO 's3://bucket/exports/may/'"))
        .unwrap();
    assert!(
        unload.ends_with("STORAGE_INTEGRATION = feast FILE_FORMAT = (TYPE = PARQUET) HEADER = TRUE OVERWRITE = FALSE"),
        "{unload}"
    );
}

#[tokio::test]
async fn what_was_staged_is_dropped_after_an_error() {
    let server = Scripted::start(|asked, _| is(asked, "SELECT").then(|| Answer::failed("000603", "incident"))).await;
    let store = connect(config_at(server.port)).await;
    let session = store.session().await.unwrap();
    let table = session.stage("SELECT 1").await.unwrap();
    session.query(&format!("SELECT * FROM {table}")).await.err().unwrap();
    session.close().await.unwrap();
    assert_eq!(
        server.statements().last().unwrap(),
        &format!("DROP TABLE IF EXISTS {table}")
    );
}
