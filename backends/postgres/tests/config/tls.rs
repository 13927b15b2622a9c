use hybrid_core::sql::{SqlSession, SqlStore};
use hybrid_core::{Context, ErrorKind, Secret};
use hybrid_store_postgres::{PostgresConfig, PostgresStore, SslMode};

use crate::common::{config, encrypted, variable};

fn file(name: &str) -> Option<String> {
    Some(format!("{}/{name}", variable("HYBRID_POSTGRES_DIR")))
}

fn with(mode: SslMode, host: &str, user: &str, authority: Option<&str>) -> PostgresConfig {
    let mut config = config();
    config.sslmode = mode;
    config.host = host.to_owned();
    if user != "hybrid" {
        config.user = user.to_owned();
    }
    config.sslrootcert_path = authority.and_then(file);
    config
}

#[tokio::test]
async fn every_mode_does_what_libpq_does() {
    use SslMode as M;
    let address = "127.0.0.1";
    for (mode, host, user, authority, outcome) in [
        (M::Disable, address, "hybrid", None, Ok(false)),
        (M::Disable, address, "encrypted", None, Err(ErrorKind::Unauthenticated)),
        (M::Allow, address, "hybrid", None, Ok(false)),
        (M::Allow, address, "encrypted", None, Ok(true)),
        (M::Prefer, address, "hybrid", None, Ok(true)),
        (M::Prefer, address, "plain", None, Ok(false)),
        (M::Require, address, "hybrid", None, Ok(true)),
        (M::Require, address, "plain", None, Err(ErrorKind::Unauthenticated)),
        (M::Require, address, "hybrid", Some("ca.crt"), Ok(true)),
        (
            M::Require,
            address,
            "hybrid",
            Some("foreign.crt"),
            Err(ErrorKind::Config),
        ),
        (M::VerifyCa, address, "hybrid", Some("ca.crt"), Ok(true)),
        (
            M::VerifyCa,
            address,
            "hybrid",
            Some("foreign.crt"),
            Err(ErrorKind::Config),
        ),
        (M::VerifyFull, "localhost", "hybrid", Some("ca.crt"), Ok(true)),
        (M::VerifyFull, address, "hybrid", Some("ca.crt"), Err(ErrorKind::Config)),
        (
            M::VerifyFull,
            "localhost",
            "hybrid",
            Some("foreign.crt"),
            Err(ErrorKind::Config),
        ),
        (M::VerifyFull, "localhost", "hybrid", None, Err(ErrorKind::Config)),
    ] {
        let found = encrypted(with(mode, host, user, authority)).await;
        let what = format!("{mode:?} {host} {user} {authority:?}");
        match (found, outcome) {
            (Ok(found), Ok(right)) => assert_eq!(found, right, "{what}"),
            (Err(error), Err(kind)) => assert_eq!(error.kind(), kind, "{what}: {error}"),
            (found, _) => panic!("{what}: {found:?} instead of {outcome:?}"),
        }
    }
}

#[tokio::test]
async fn a_client_certificate_is_enough() {
    let mut config = with(SslMode::VerifyFull, "localhost", "certified", Some("ca.crt"));
    config.password = Secret::default();
    let refused = encrypted(config.clone()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unauthenticated, "{refused}");
    config.sslcert_path = file("certified.crt");
    config.sslkey_path = file("certified.key");
    assert!(encrypted(config.clone()).await.unwrap());
    config.sslkey_path = file("foreign.key");
    assert!(encrypted(config.clone()).await.is_err());
    for (field, path) in [("sslkey_path", "none.key"), ("sslkey_path", "certified.crt")] {
        config.sslkey_path = file(path);
        let unreadable = encrypted(config.clone()).await.unwrap_err();
        assert_eq!(unreadable.kind(), ErrorKind::Config);
        assert!(unreadable.message().contains(field), "{unreadable}");
    }
}

#[tokio::test]
async fn cancelling_uses_the_same_tls() {
    let config = with(SslMode::VerifyFull, "localhost", "encrypted", Some("ca.crt"));
    let store = <PostgresStore as SqlStore>::connect(config, &Context::default())
        .await
        .unwrap();
    let session = store.session().await.unwrap();
    let begun = std::time::Instant::now();
    let sleep = session.execute("SELECT pg_sleep(60)");
    assert!(
        tokio::time::timeout(std::time::Duration::from_millis(300), sleep)
            .await
            .is_err()
    );
    session.query("SELECT 1").await.unwrap().collect().await.unwrap();
    assert!(begun.elapsed().as_secs() < 10);
    session.close().await.unwrap();
}
