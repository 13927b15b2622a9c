//! What requests really carry, by what is configured.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hybrid_conformance::until;
use hybrid_core::sql::{SqlSession, SqlStore};
use hybrid_store_redshift::{Bulk, RedshiftConfig};
use object_store::{ObjectStoreExt, PutPayload};
use serde_json::{Map, Value, json};

use super::data_api::{count, proxied};
use super::proxy::{Harm, Proxy};
use crate::common::{connection_and_s3, data_api, numbers, rows, s3, session, staged, store, variable};

const QUERY: &str = "SELECT x AS n FROM generate_series(1, 2500) AS g(x)";
const ROLE: &str = "arn:aws:iam::123456789012:role/features";
const SECRET: &str = "arn:aws:secretsmanager:us-east-1:123456789012:secret:features";

/// A query by itself, an upload, which opens a session, a query in that, and its end.
async fn operation(config: RedshiftConfig) {
    let session = session(config).await;
    let read = async |query: &str| session.query(query).await.unwrap().collect().await.unwrap();
    assert_eq!(count(&read(QUERY).await), 2500);
    let table = session.upload(numbers(1500)).await.unwrap();
    assert_eq!(count(&read(&format!("SELECT * FROM {table}")).await), 1500);
    session.close().await.unwrap();
}

/// The requests that hand statements over: several at once, and single ones.
fn handed_over(proxy: &Proxy) -> (Vec<Value>, Vec<Value>) {
    (proxy.bodies("BatchExecuteStatement"), proxy.bodies("ExecuteStatement"))
}

/// Every statement that was handed over and begins so.
fn statements(proxy: &Proxy, beginning: &str) -> Vec<String> {
    let (several, single) = handed_over(proxy);
    let several = several.iter().flat_map(|body| body["Sqls"].as_array().unwrap());
    let single = single.iter().map(|body| &body["Sql"]);
    let all = several.chain(single).map(|sql| sql.as_str().unwrap().to_owned());
    all.filter(|sql| sql.starts_with(beginning)).collect()
}

/// What a request says beside its statements and its token.
fn rest(body: &Value) -> Map<String, Value> {
    let mut rest = body.as_object().unwrap().clone();
    rest.retain(|name, _| !["Sql", "Sqls", "ClientToken"].contains(&name.as_str()));
    rest
}

#[tokio::test]
async fn a_request_names_who_is_asked_and_as_whom_or_the_session() {
    let database = variable("DATABASE");
    for (cluster, user, workgroup, secret, said) in [
        (
            Some("features"),
            Some("reader"),
            None,
            None,
            json!({"ClusterIdentifier": "features", "DbUser": "reader"}),
        ),
        (
            Some("features"),
            None,
            None,
            Some(SECRET),
            json!({"ClusterIdentifier": "features", "SecretArn": SECRET}),
        ),
        // The secret says who it is.
        (
            Some("features"),
            Some("reader"),
            None,
            Some(SECRET),
            json!({"ClusterIdentifier": "features", "SecretArn": SECRET}),
        ),
        (None, None, Some("serving"), None, json!({"WorkgroupName": "serving"})),
        (
            None,
            None,
            Some("serving"),
            Some(SECRET),
            json!({"WorkgroupName": "serving", "SecretArn": SECRET}),
        ),
    ] {
        let (proxy, mut config) = proxied(|_, _| None).await;
        let given = |text: Option<&str>| text.map(str::to_owned);
        (config.cluster_id, config.user) = (given(cluster), given(user));
        (config.workgroup, config.secret_arn) = (given(workgroup), given(secret));
        (config.query_group, config.session_keep_alive) = ("nightly".to_owned(), 77);
        operation(config).await;

        let mut alone = said.as_object().unwrap().clone();
        alone.insert("Database".to_owned(), json!(database));
        alone.insert("StatementName".to_owned(), json!("nightly"));
        let mut opening = alone.clone();
        opening.insert("SessionKeepAliveSeconds".to_owned(), json!(77));
        let (several, single) = handed_over(&proxy);
        let begun: Vec<_> = several.iter().map(rest).collect();
        // Two describe and unload; one uploads, and opens the session.
        assert_eq!(begun, [alone.clone(), alone, opening], "{said}");
        let kept: Vec<_> = single
            .iter()
            .map(|body| rest(body)["SessionKeepAliveSeconds"].clone())
            .collect();
        // Two describe and unload in the session; the last ends it.
        assert_eq!(kept, [77, 77, 1], "{said}");
        for body in &single {
            let names = rest(body).into_iter().map(|(name, _)| name).collect::<BTreeSet<_>>();
            let expected = ["SessionId", "SessionKeepAliveSeconds", "StatementName"].map(str::to_owned);
            assert_eq!(names, BTreeSet::from(expected), "{said}");
            assert_eq!(body["SessionId"], single[0]["SessionId"], "{said}");
        }
    }
}

#[tokio::test]
async fn each_statement_has_a_token_and_is_asked_for_by_its_id() {
    let (proxy, config) = proxied(|_, _| None).await;
    operation(config.clone()).await;
    let (several, single) = handed_over(&proxy);
    let all: Vec<_> = several.iter().chain(&single).collect();
    let tokens: BTreeSet<_> = all.iter().map(|body| body["ClientToken"].as_str().unwrap()).collect();
    assert_eq!(tokens.len(), all.len());
    let looks = proxy.bodies("DescribeStatement");
    let ids: BTreeSet<_> = looks.iter().map(|body| body["Id"].as_str().unwrap()).collect();
    assert_eq!((looks.len(), ids.len()), (all.len(), all.len()));
    for look in &looks {
        assert_eq!(look, &json!({"Id": look["Id"], "WaitTimeSeconds": 20}));
    }
    // The columns of both queries: the last statement behind the settings of one, the only one of the other.
    let results = proxy.bodies("GetStatementResult");
    let settings = statements(&proxy, "SET ").len() / several.len();
    let parts: Vec<_> = results
        .iter()
        .map(|body| {
            assert_eq!(body, &json!({"Id": body["Id"]}));
            let (id, part) = body["Id"].as_str().unwrap().split_at(36);
            assert!(ids.contains(id), "{id}");
            part.to_owned()
        })
        .collect();
    assert_eq!(parts, [format!(":{}", settings + 1), String::new()]);
}

#[tokio::test]
async fn rows_travel_by_the_role_and_the_folder_that_are_configured() {
    let chained = format!("{ROLE},arn:aws:iam::210987654321:role/lake");
    for (role, said) in [
        (None, "IAM_ROLE default".to_owned()),
        (Some(ROLE.to_owned()), format!("IAM_ROLE '{ROLE}'")),
        (Some(chained.clone()), format!("IAM_ROLE '{chained}'")),
    ] {
        let (proxy, mut config) = proxied(|_, _| None).await;
        config.iam_role = role;
        let folder = format!("'{}/hybrid_", config.s3_staging_location.as_deref().unwrap());
        operation(config.clone()).await;
        let (unloads, copies) = (statements(&proxy, "UNLOAD "), statements(&proxy, "COPY "));
        assert_eq!((unloads.len(), copies.len()), (2, 1));
        for unload in unloads {
            assert!(unload.contains(&format!(") TO {folder}")), "{unload}");
            let end = format!("/' {said} FORMAT AS PARQUET MANIFEST VERBOSE MAXFILESIZE 32 MB");
            assert!(unload.ends_with(&end), "{unload}");
        }
        assert!(copies[0].contains(&format!(" FROM {folder}")), "{}", copies[0]);
        assert!(
            copies[0].ends_with(&format!("/' {said} FORMAT AS PARQUET")),
            "{}",
            copies[0]
        );
        assert_eq!(staged(&config).await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn every_connection_begins_with_its_settings() {
    let (proxy, mut config) = proxied(|_, _| None).await;
    (config.query_group, config.db_schema) = ("nightly".to_owned(), "Fea\"tures".to_owned());
    config.statement_timeout = Some(70);
    operation(config).await;
    let settings = [
        "SET timezone TO 'UTC'",
        "SET query_group TO 'nightly'",
        "SET enable_case_sensitive_identifier TO true",
        "SET search_path TO \"Fea\"\"tures\"",
        "SET statement_timeout TO 70000",
    ];
    let several = handed_over(&proxy).0;
    for body in &several {
        assert_eq!(body["Sqls"].as_array().unwrap()[..settings.len()], settings);
    }
    // Nowhere else: a session keeps its own.
    assert_eq!(statements(&proxy, "SET ").len(), settings.len() * several.len());
}

#[tokio::test]
async fn requests_are_signed_for_the_region() {
    let (proxy, mut config) = proxied(|_, _| None).await;
    let storage = Proxy::before(&variable("S3"), |_, _| None).await;
    config.region = "eu-west-1".to_owned();
    config.s3_endpoint = Some(storage.url.clone());
    operation(config).await;
    for proxy in [proxy, storage] {
        assert_eq!(proxy.regions(), BTreeSet::from(["eu-west-1".to_owned()]));
    }
}

#[tokio::test]
async fn a_request_is_sent_as_often_as_is_configured() {
    for most in [1, 3] {
        let (proxy, mut config) = proxied(|_, _| Some(Harm::Refused(500, "InternalServerException"))).await;
        config.max_attempts = most;
        rows(config, QUERY).await.unwrap_err();
        assert_eq!(proxy.count("BatchExecuteStatement"), most as usize);
    }
}

#[tokio::test]
async fn rows_that_travel_over_the_connection_are_not_in_s3() {
    for (bulk, travels) in [(None, true), (Some(Bulk::S3), true), (Some(Bulk::Connection), false)] {
        let storage = Proxy::before(&variable("S3"), |_, _| None).await;
        let mut config = connection_and_s3();
        (config.bulk, config.s3_endpoint) = (bulk, Some(storage.url.clone()));
        operation(config).await;
        assert_eq!(storage.count("PUT") > 0, travels, "{bulk:?}");
    }
}

#[tokio::test]
async fn what_is_swept_is_as_old_as_is_configured() {
    for (after, left) in [(3_600, 0), (10_800, 1)] {
        let mut config = data_api();
        config.sweep_after = after;
        let location = config.s3_staging_location.clone().unwrap();
        let (_, folder) = location.strip_prefix("s3://").unwrap().split_once('/').unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let object = |age: u64| format!("{folder}/hybrid_{}_abc/manifest", now.as_secs() - age);
        // One of five hours, which always goes, and one of two.
        for age in [18_000, 7_200] {
            s3().put(&object(age).into(), PutPayload::from_static(b"x"))
                .await
                .unwrap();
        }
        let store = store(config.clone()).await;
        drop(store.session().await.unwrap());
        let swept = async || !staged(&config).await.contains(&object(18_000)) && staged(&config).await.len() == left;
        until("the sweep", swept).await;
        // It is over a moment later.
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(staged(&config).await.len(), left, "{after}");
    }
}
