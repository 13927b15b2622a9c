//! Feast's registry server as a registry: `scripts/test feast`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs)]

mod support;
#[path = "server/tls.rs"]
mod tls;

use std::net::TcpListener;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hybrid_core::ErrorKind;
use serde_json::json;
use support::definitions::{definitions, in_order, views};
use support::feast::{FEATURES, FeastRepo};
use support::registry_server::{Server, serve_registry};

#[tokio::test]
#[ignore = "needs Feast: scripts/test feast"]
async fn a_server_tells_what_its_registry_holds_project_by_project() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    for registry in [
        json!({"registry_type": "sql", "path": format!("sqlite:///{}", path("registry.sqlite"))}),
        json!(path("registry.db")),
    ] {
        let repo = FeastRepo::new(&registry);
        repo.apply(FEATURES);
        let other = FeastRepo::of_project("q", &registry);
        let renamed = FEATURES.replace("name=\"p\"", "name=\"q\"").replace("days=1", "days=3");
        other.apply(&renamed);
        let server = Server::start(repo.path(), &[]);
        for (project, repo, days) in [("p", &repo, 1), ("q", &other, 3)] {
            let (remote, here) = (server.store(project, ""), repo.store());
            let read = remote.registry().await.unwrap();
            assert_eq!(
                in_order(&read),
                in_order(&here.registry().await.unwrap()),
                "{registry} {project}"
            );
            let ttl = read.feature_view("stats_view").unwrap().ttl.unwrap();
            assert_eq!(ttl.as_secs(), days * 86400, "{registry} {project}");
            assert!(read.unsupported_views.contains_key("scaled"));
            let (remote, here) = (remote.snapshot().await.unwrap(), here.snapshot().await.unwrap());
            let (told, known) = (remote.on_demand(), here.on_demand());
            assert_eq!(
                (&told["scaled"].features, &told["scaled"].sources),
                (&known["scaled"].features, &known["scaled"].sources)
            );
            let function = |view: &hybrid_feast::OnDemandView| {
                String::from_utf8_lossy(&view.message).contains("def scaled(inputs)")
            };
            assert!(function(&told["scaled"]), "the server runs no Python to tell it");
            assert_eq!(remote.permissions().len(), 1);
        }
        let error = server
            .store("pp", "")
            .pull_all("x", None, None, &Default::default())
            .await
            .err()
            .unwrap();
        assert!(
            error.to_string().contains("the registry holds the projects p, q"),
            "{error}"
        );
    }
}

#[tokio::test]
#[ignore = "needs Feast: scripts/test feast"]
async fn what_feast_did_a_moment_ago_is_told() {
    let repo = FeastRepo::new(&json!("data/registry.db"));
    let mut feast = repo.feast();
    feast.apply("a", 1);
    let server = Server::start(repo.path(), &[]);
    let store = server.store("p", "  cache_ttl_seconds: 600\n");
    let first = store.registry().await.unwrap();
    assert!(
        Arc::ptr_eq(&first, &store.registry().await.unwrap()),
        "the same answer is read once"
    );
    for hours in 2..6 {
        feast.apply("a", hours);
        let ttl = store.registry().await.unwrap().feature_view("a").unwrap().ttl;
        assert_eq!(ttl.unwrap().as_secs(), u64::from(hours) * 3600);
    }
    feast.apply("b", 1);
    assert_eq!(views(&store.registry().await.unwrap()), ["a", "b"]);
    feast.delete("a");
    assert_eq!(views(&store.registry().await.unwrap()), ["b"]);
}

#[tokio::test]
#[ignore = "needs Feast: scripts/test feast"]
async fn definitions_are_applied_through_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = format!("sqlite:///{}", folder.path().join("registry.sqlite").display());
    for registry in [
        json!("data/registry.db"),
        json!({"registry_type": "sql", "path": sqlite}),
    ] {
        let repo = FeastRepo::new(&registry);
        let mut feast = repo.feast();
        feast.apply("a", 1);
        let mut server = Server::start(repo.path(), &[]);
        let store = server.store("p", "");
        let applied = store.apply(definitions("b"), false).await.unwrap();
        for added in ["source b_source", "feature view b", "feature service b_service"] {
            assert!(applied.added.contains(&added.to_owned()), "{registry}: {applied:?}");
        }
        assert_eq!(views(&store.registry().await.unwrap()), ["a", "b"], "{registry}");
        assert_eq!(feast.views(), ["a", "b"], "{registry}");
        let told = |registry: Arc<hybrid_core::FeatureRegistry>| in_order(&registry);
        assert_eq!(
            told(store.registry().await.unwrap()),
            told(repo.store().registry().await.unwrap()),
            "{registry}"
        );

        let again = store.apply(definitions("b"), false).await.unwrap();
        assert_eq!(
            (again.added.len(), again.updated.len()),
            (0, 0),
            "{registry}: {again:?}"
        );
        let mut longer = definitions("b");
        longer.feature_views[0].ttl = Some(Duration::from_secs(7));
        let applied = store.apply(longer, false).await.unwrap();
        assert_eq!(applied.updated, ["feature view b"], "{registry}");
        let known = repo.store().registry().await.unwrap();
        assert_eq!(
            known.feature_view("b").unwrap().ttl,
            Some(Duration::from_secs(7)),
            "{registry}"
        );

        let applied = store.apply(definitions("b"), true).await.unwrap();
        assert!(
            applied.deleted.contains(&"feature view a".to_owned()),
            "{registry}: {applied:?}"
        );
        assert_eq!(feast.views(), ["b"], "{registry}");
        assert_eq!(views(&store.registry().await.unwrap()), ["b"], "{registry}");

        let mut turned = definitions("b");
        turned.feature_views[0].schema.reverse();
        let applied = store.apply(turned, false).await.unwrap();
        // The view's features have no order there, the service's have.
        assert_eq!(applied.updated, ["feature service b_service"], "{registry}");
        let mut narrower = definitions("b");
        narrower.feature_views[0].schema.truncate(1);
        let applied = store.apply(narrower, false).await.unwrap();
        assert!(
            applied.updated.contains(&"feature view b".to_owned()),
            "{registry}: {applied:?}"
        );
        let known = repo.store().registry().await.unwrap();
        assert_eq!(known.feature_view("b").unwrap().schema.len(), 1, "{registry}");

        server.child.kill().unwrap();
        server.child.wait().unwrap();
        let error = store.apply(definitions("c"), false).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{registry}: {error}");
    }
}

#[tokio::test]
#[ignore = "needs Feast: scripts/test feast"]
async fn what_a_server_takes_for_no_change_is_an_error() {
    let repo = FeastRepo::new(&json!("data/registry.db"));
    repo.feast().apply("a", 1);
    let server = Server::start(repo.path(), &[]);
    let store = server.store("p", "");
    let with_table = |table: &str| {
        let mut all = definitions("b");
        let view = &mut all.feature_views[0];
        view.source = hybrid_core::Source::with_options("postgres", [("table", Some(table.to_owned()))])
            .with_name("b_source")
            .with_timestamp_field("ts");
        all
    };
    store.apply(with_table("first"), false).await.unwrap();
    let error = store.apply(with_table("second"), false).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unexpected, "{error}");
    assert!(
        error.to_string().contains("accepted and did not keep source b_source"),
        "{error}"
    );
}

#[tokio::test]
#[ignore = "needs Feast: scripts/test feast"]
async fn what_a_server_refuses_of_an_apply_is_told() {
    let server = Server::guarded();
    let apply = async |token: &str| {
        let store = server.store("p", &format!("auth: {{type: oidc, token: {token}}}\n"));
        store.apply(definitions("b"), false).await.unwrap_err()
    };
    let error = apply("reader").await;
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    for told in [
        "ApplyFeatureView",
        "not for you",
        "feature view b",
        "2 of 4 changes were made before it",
    ] {
        assert!(error.to_string().contains(told), "{told}: {error}");
    }
    let error = apply("known").await;
    assert_eq!(error.kind(), ErrorKind::Unexpected, "{error}");
    assert!(
        error
            .to_string()
            .contains("did not keep entity driver, source b_source"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Feast: scripts/test feast"]
async fn requests_at_the_same_time_share_answers() {
    let repo = FeastRepo::new(&json!("data/registry.db"));
    repo.feast().apply("a", 1);
    let server = Server::start(repo.path(), &[]);
    let store = server.store("p", "");
    store.registry().await.unwrap();
    let start = Instant::now();
    store.registry().await.unwrap();
    let one = start.elapsed();
    let start = Instant::now();
    let requests = (0..200).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { store.registry().await.map(drop) })
    });
    for request in requests.collect::<Vec<_>>() {
        request.await.unwrap().unwrap();
    }
    println!("one request {one:?}, 200 at the same time {:?}", start.elapsed());
    assert!(
        start.elapsed() < one * 20 + Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test]
#[ignore = "needs Feast: scripts/test feast"]
async fn a_server_that_went_away_is_told_and_found_again() {
    let repo = FeastRepo::new(&json!("data/registry.db"));
    repo.feast().apply("a", 1);
    let mut server = Server::start(repo.path(), &[]);
    let store = server.store("p", "");
    store.registry().await.unwrap();
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    let error = store.registry().await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Unavailable, true));
    assert!(
        error.to_string().contains("whether `feast serve_registry` runs"),
        "{error}"
    );
    server.child = serve_registry(repo.path(), server.port, &[]);
    server.wait();
    assert_eq!(views(&store.registry().await.unwrap()), ["a"]);
}

#[tokio::test]
#[ignore = "needs Feast: scripts/test feast"]
async fn something_else_on_the_port_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let garbage = std::thread::spawn(move || {
        use std::io::Write;
        for connection in listener.incoming().take(2) {
            let _ = connection
                .unwrap()
                .write_all(b"HTTP/1.1 200 OK\r\n\r\nno gRPC here\r\n");
        }
    });
    let server = Server {
        child: Command::new("true").spawn().unwrap(),
        port,
    };
    let error = server.store("p", "").registry().await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Unexpected),
        "{error:?}"
    );
    drop(garbage);
}

#[tokio::test]
#[ignore = "needs Feast: scripts/test feast"]
async fn a_server_is_told_who_asks_and_what_it_answers_is_told() {
    let server = Server::guarded();
    let asked = async |auth: &str| server.store("p", &format!("auth: {auth}\n")).registry().await;
    assert!(
        asked("{type: oidc, token: known}")
            .await
            .unwrap()
            .feature_views
            .is_empty()
    );
    assert!(asked("{type: kubernetes, user_token: known}").await.is_ok());
    for (auth, kind, text) in [
        (
            "{type: no_auth}",
            ErrorKind::Unauthenticated,
            "check `auth` of feature_store.yaml",
        ),
        (
            "{type: oidc, token: hunter2}",
            ErrorKind::Unauthenticated,
            "no token that is known",
        ),
        ("{type: oidc}", ErrorKind::Unauthenticated, "names no token"),
        (
            "{type: oidc, token: forbidden}",
            ErrorKind::PermissionDenied,
            ": not for you",
        ),
        (
            "{type: oidc, token: huge}",
            ErrorKind::ResourceExhausted,
            "message length too large",
        ),
    ] {
        let error = asked(auth).await.unwrap_err();
        let told = error.to_string();
        assert_eq!(error.kind(), kind, "{auth}: {told}");
        assert!(told.contains(text) && !told.contains("hunter2"), "{auth}: {told}");
    }
}
