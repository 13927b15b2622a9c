use std::time::Duration;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use hybrid_conformance::formulations::join_as_configured;
use hybrid_core::sql::{Formulation, SqlSession, SqlStore};
use hybrid_core::{Context, ErrorKind, OfflineStore};
use hybrid_store_postgres::{
    ConnectionType, EntitySelectMode, PostgresConfig, PostgresSession, PostgresSource, PostgresStore, SslMode,
};

use crate::common::{admin, config, fresh, rows, store, version};

#[test]
fn feasts_fields_are_read_and_others_refused() {
    let all = r#"{"host": "h", "port": 1, "database": "d", "db_schema": "s", "user": "u", "password": "hunter2", "sslmode": "verify-full",
        "sslkey_path": "k", "sslcert_path": "c", "sslrootcert_path": "r", "min_conn": 2, "max_conn": 3, "conn_type": "pool",
        "keepalives_idle": 30, "entity_select_mode": "embed_query"}"#;
    let config: PostgresConfig = serde_json::from_str(all).unwrap();
    config.check().unwrap();
    assert_eq!(
        (config.sslmode, config.conn_type),
        (SslMode::VerifyFull, ConnectionType::Pool)
    );
    assert!(!format!("{config:?}").contains("hunter2"));
    let least: PostgresConfig =
        serde_json::from_str(r#"{"host": "h", "database": "d", "user": "u", "password": "p"}"#).unwrap();
    assert_eq!(least, PostgresConfig::new("h", "d", "u", "p"));
    assert_eq!(
        (least.sslmode, least.entity_select_mode),
        (SslMode::Require, EntitySelectMode::TempTable)
    );
    for wrong in [
        r#"{"host": "h"}"#,
        r#"{"host": "h", "database": "d", "user": "u", "password": "p", "hots": 1}"#,
    ] {
        assert!(serde_json::from_str::<PostgresConfig>(wrong).is_err());
    }
    let mut wrong = least;
    (wrong.max_conn, wrong.sslcert_path) = (0, Some("c".to_owned()));
    assert_eq!(wrong.check().unwrap_err().problems().len(), 2);
}

/// The connections of an application name that only this test uses.
async fn connections(user: &str) -> i64 {
    let query = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE usename = '{user}' AND application_name = 'hybrid-offline-store'"
    );
    rows(&query).await[0].column(0).as_primitive::<Int64Type>().value(0)
}

async fn as_new_role(connection_type: ConnectionType, min: usize, max: usize) -> (String, PostgresStore) {
    let user = fresh("role");
    admin(&format!("CREATE ROLE {user} LOGIN PASSWORD 'hybrid-secret'")).await;
    let mut config = config();
    config.user = user.clone();
    (config.conn_type, config.min_conn, config.max_conn) = (connection_type, min, max);
    let store = store(config).await;
    (user, store)
}

/// Sessions that have a connection each.
async fn taken(store: &PostgresStore, count: usize) -> Vec<PostgresSession> {
    let mut sessions = Vec::new();
    for _ in 0..count {
        let session = store.session().await.unwrap();
        session.execute("SELECT 1").await.unwrap();
        sessions.push(session);
    }
    sessions
}

async fn use_at_once(store: &PostgresStore, count: usize) {
    for session in taken(store, count).await {
        session.close().await.unwrap();
    }
}

async fn settles(user: &str, right: i64) {
    for _ in 0..50 {
        if connections(user).await == right {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(connections(user).await, right);
}

#[tokio::test]
async fn one_connection_is_kept_or_a_pool() {
    let (user, store) = as_new_role(ConnectionType::Singleton, 1, 4).await;
    settles(&user, 0).await;
    use_at_once(&store, 3).await;
    settles(&user, 1).await;
    OfflineStore::shutdown(&store).await.unwrap();
    settles(&user, 0).await;
    let (user, store) = as_new_role(ConnectionType::Pool, 2, 4).await;
    settles(&user, 2).await;
    use_at_once(&store, 3).await;
    settles(&user, 3).await;
    OfflineStore::shutdown(&store).await.unwrap();
    settles(&user, 0).await;
}

/// Who comes when all are taken waits until one is given back.
#[tokio::test]
async fn no_more_connections_than_max_conn_are_open() {
    for connection_type in [ConnectionType::Singleton, ConnectionType::Pool] {
        let (user, store) = as_new_role(connection_type, 1, 2).await;
        let mut taken = taken(&store, 2).await;
        let next = store.session().await.unwrap();
        let mut waiting = next.execute("SELECT 1");
        let soon = tokio::time::timeout(Duration::from_millis(300), &mut waiting).await;
        assert!(soon.is_err(), "{connection_type:?}: {soon:?}");
        assert_eq!(connections(&user).await, 2, "{connection_type:?}");
        taken.pop().unwrap().close().await.unwrap();
        waiting.await.unwrap();
        settles(&user, 2).await;
        for session in taken.into_iter().chain([next]) {
            session.close().await.unwrap();
        }
        OfflineStore::shutdown(&store).await.unwrap();
        settles(&user, 0).await;
    }
}

#[tokio::test]
async fn tables_without_a_schema_are_in_db_schema() {
    let schema = fresh("Sch\"ema");
    let quoted = schema.replace('"', "\"\"");
    admin(&format!(
        "CREATE SCHEMA \"{quoted}\"; CREATE TABLE \"{quoted}\".t AS SELECT 42::int8 AS a"
    ))
    .await;
    let shared = fresh("shared");
    admin(&format!("CREATE TABLE public.{shared} AS SELECT 1::int8 AS c")).await;
    let mut config = config();
    config.db_schema = schema;
    let store = store(config).await;
    let source = PostgresSource::table("t");
    assert_eq!(
        OfflineStore::source_schema(&store, &source)
            .await
            .unwrap()
            .field(0)
            .name(),
        "a"
    );
    let source = PostgresSource::query(format!("SELECT a + c AS b FROM t, {shared}"));
    assert_eq!(
        OfflineStore::source_schema(&store, &source)
            .await
            .unwrap()
            .field(0)
            .name(),
        "b"
    );
    let told = OfflineStore::ping(&store).await.unwrap();
    assert!(
        told.starts_with("PostgreSQL ") && told.contains("`hybrid`") && !told.contains("secret"),
        "{told}"
    );
}

#[tokio::test]
async fn sessions_are_in_utc_and_say_who_they_are() {
    let mut config = config();
    config.keepalives_idle = 7;
    let session = crate::common::session(config).await;
    let query = "SELECT current_setting('timezone'), current_setting('application_name'), \
                 current_setting('client_connection_check_interval', true)";
    let found = session.query(query).await.unwrap().collect().await.unwrap();
    let texts: Vec<&str> = found[0]
        .columns()
        .iter()
        .map(|column| column.as_string::<i32>().value(0))
        .collect();
    let interval = if version().await >= 14 { "5s" } else { "" };
    assert_eq!(texts, ["UTC", "hybrid-offline-store", interval]);
    session.close().await.unwrap();
}

#[tokio::test]
async fn who_and_where_is_told_without_the_password() {
    let mut config = config();
    config.password = "not-the-password".into();
    let store = <PostgresStore as SqlStore>::connect(config.clone(), &Context::default())
        .await
        .unwrap();
    let error = OfflineStore::ping(&store).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    let told = format!("{error} {error:?}");
    assert!(
        told.contains("127.0.0.1") && told.contains("28P01") && !told.contains("not-the-password"),
        "{told}"
    );
    config.database = "nowhere".to_owned();
    config.password = "hybrid-secret".into();
    let store = <PostgresStore as SqlStore>::connect(config, &Context::default())
        .await
        .unwrap();
    assert_eq!(
        OfflineStore::ping(&store).await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
}

#[tokio::test]
async fn views_are_joined_by_the_formulation_and_no_other() {
    let query = "SELECT 7::int8 AS id, '2024-04-30 12:00Z'::timestamptz AS ts, 2::int8 AS v";
    let by = |formulation| PostgresConfig {
        formulation: Some(formulation),
        ..config()
    };
    let offered = [Formulation::RunningTime, Formulation::Ranked, Formulation::Lateral];
    join_as_configured::<PostgresStore>(by, PostgresSource::query(query), &offered).await;
}
