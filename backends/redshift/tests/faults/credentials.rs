//! AWS credentials: the profile's, renewed as they expire, and never shown.

use hybrid_core::sql::SqlStore;

use crate::common::{connection, data_api, rows, store, variable};

#[tokio::test]
async fn credentials_that_expire_are_renewed_during_a_query() {
    let log = variable("CREDENTIALS_LOG");
    let asked = || std::fs::read_to_string(&log).unwrap_or_default().lines().count();
    let mut config = data_api();
    config.profile = Some("refreshing".to_owned());
    let before = asked();
    rows(config, "SELECT x FROM generate_series(1, 3000) AS g(x)")
        .await
        .unwrap();
    assert!(asked() > before + 3, "the program was asked {} times", asked() - before);
}

#[tokio::test]
async fn a_profile_that_is_not_there_is_told() {
    let mut config = data_api();
    config.profile = Some("no-such-profile".to_owned());
    let error = store(config).await.ping().await.unwrap_err();
    assert_eq!(error.kind(), hybrid_core::ErrorKind::Unauthenticated, "{error}");
    assert!(error.to_string().contains("no-such-profile"), "{error}");
}

#[tokio::test]
async fn secrets_are_not_shown() {
    let mut config = connection();
    config.password = Some("wrong-and-secret".into());
    let error = store(config).await.ping().await.unwrap_err();
    assert_eq!(error.kind(), hybrid_core::ErrorKind::Unauthenticated, "{error}");
    assert!(!format!("{error} {error:?}").contains("wrong-and-secret"), "{error}");
}
