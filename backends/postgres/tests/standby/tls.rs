use hybrid_core::ErrorKind;
use hybrid_store_postgres::SslMode;

use super::pair::Pair;
use crate::common::{encrypted, variable};

#[tokio::test]
async fn a_server_without_tls_is_taken_only_by_the_modes_that_do_without() {
    let pair = Pair::shared();
    let with = |mode| {
        let mut config = pair.primary();
        config.sslmode = mode;
        config.sslrootcert_path = Some(format!("{}/ca.crt", variable("HYBRID_POSTGRES_DIR")));
        config
    };
    for mode in [SslMode::Disable, SslMode::Allow, SslMode::Prefer] {
        assert!(!encrypted(with(mode)).await.unwrap(), "{mode:?}");
    }
    for mode in [SslMode::Require, SslMode::VerifyCa, SslMode::VerifyFull] {
        let refused = encrypted(with(mode)).await.unwrap_err();
        let told = refused.to_string();
        assert_eq!(refused.kind(), ErrorKind::Config, "{mode:?}: {told}");
        assert!(!refused.is_retryable(), "{mode:?}: {told}");
        assert!(
            told.contains("does not support TLS") && told.contains("`sslmode`"),
            "{mode:?}: {told}"
        );
    }
}
