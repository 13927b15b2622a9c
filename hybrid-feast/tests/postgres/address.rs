use hybrid_core::ErrorKind;

use crate::store;
use crate::support::definitions::{definitions, views};
use crate::support::postgres::Postgres;

#[tokio::test]
#[ignore = "needs Postgres: scripts/test feast"]
async fn whoever_may_only_read_cannot_apply() {
    let database = Postgres::new().await;
    store(&database.url(), "").apply(definitions("a"), false).await.unwrap();
    let reader = store(&database.url_of("reader", ""), "");
    assert_eq!(views(&reader.registry().await.unwrap()), ["a"]);
    let error = reader.apply(definitions("b"), false).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    let wrong = store(&database.url().replace("hybrid-secret", "hunter2"), "");
    let error = wrong.registry().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
    assert!(!error.to_string().contains("hunter2"));

    // Reads go to one address, and applies to the other.
    let two = store(
        &database.url(),
        &format!(", read_path: '{}'", database.url_of("reader", "")),
    );
    two.apply(definitions("b"), false).await.unwrap();
    assert_eq!(views(&two.registry().await.unwrap()), ["a", "b"]);
    database.drop().await;
}

#[tokio::test]
#[ignore = "needs Postgres: scripts/test feast"]
async fn tables_in_another_schema_are_found() {
    let database = Postgres::new().await;
    let behind = database.connection().await;
    behind.batch_execute("CREATE SCHEMA feast").await.unwrap();
    let url = database.url();
    let options = store(&format!("{url}?options=-csearch_path%3Dfeast"), "");
    options.apply(definitions("a"), false).await.unwrap();
    let arguments = ", sqlalchemy_config_kwargs: {connect_args: {options: -c search_path=feast}}";
    assert_eq!(views(&store(&url, arguments).registry().await.unwrap()), ["a"]);
    assert_eq!(
        store(&url, "").registry().await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
    let place: String = behind
        .query_one(
            "SELECT schemaname::text FROM pg_tables WHERE tablename = 'entities'",
            &[],
        )
        .await
        .unwrap()
        .get(0);
    assert_eq!(place, "feast");
    // A role's own setting holds as well.
    behind
        .batch_execute(&format!("ALTER DATABASE {} SET search_path = feast", database.name))
        .await
        .unwrap();
    assert_eq!(views(&store(&url, "").registry().await.unwrap()), ["a"]);
    database.drop().await;
}

#[tokio::test]
#[ignore = "needs Postgres: scripts/test feast"]
async fn tls_is_as_the_address_says() {
    let database = Postgres::new().await;
    store(&database.url(), "").apply(definitions("a"), false).await.unwrap();
    let authority = Postgres::certificate("ca.crt");
    let on_localhost = database.url().replace("127.0.0.1", "localhost");
    let full = format!("?sslmode=verify-full&sslrootcert={authority}");
    assert_eq!(
        views(&store(&format!("{on_localhost}{full}"), "").registry().await.unwrap()),
        ["a"]
    );
    let error = store(&format!("{}{full}", database.url()), "")
        .registry()
        .await
        .unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::Config,
        "its certificate is for localhost: {error}"
    );
    let foreign = format!(
        "{on_localhost}?sslmode=verify-ca&sslrootcert={}",
        Postgres::certificate("foreign.crt")
    );
    assert_eq!(
        store(&foreign, "").registry().await.unwrap_err().kind(),
        ErrorKind::Config
    );
    // This role is let in with TLS only, and that one without only.
    let encrypted = database.url_of("encrypted", "?sslmode=disable");
    assert_eq!(
        store(&encrypted, "").registry().await.unwrap_err().kind(),
        ErrorKind::Unauthenticated
    );
    let behind = database.connection().await;
    behind
        .batch_execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO encrypted, plain")
        .await
        .unwrap();
    for role in ["encrypted", "plain"] {
        assert_eq!(
            views(&store(&database.url_of(role, ""), "").registry().await.unwrap()),
            ["a"],
            "{role}"
        );
    }
    database.drop().await;
}
