//! Credentials, and servers that give tokens for them.

use std::path::Path;

use hybrid_core::sql::SqlStore;
use hybrid_core::{Context, Result};
use hybrid_store_bigquery::{BigQueryConfig, BigQueryStore};
use serde_json::{Value, json};

use crate::common::proxy::{Act, Proxy, header};
use crate::common::{config, counted, rest, rows, unique};

/// A proxy before the emulator, and a configuration with these credentials.
pub async fn with_file(folder: &Path, credentials: &Value) -> (Proxy, BigQueryConfig) {
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
pub async fn token_server(answer: Act) -> Proxy {
    let proxy = Proxy::start(&rest()).await;
    proxy.rule("HTTP/1.1", usize::MAX, answer);
    proxy
}

pub fn token(name: &str) -> Act {
    let answer = json!({
        "access_token": name, "accessToken": name, "expires_in": 3600, "expireTime": "2099-01-01T00:00:00Z",
        "token_type": "Bearer", "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
    });
    Act::Answer(200, answer.to_string())
}

/// A person's file, whose tokens come from there.
pub fn user(tokens: &Proxy) -> Value {
    json!({
        "type": "authorized_user", "client_id": "client", "client_secret": "user-secret", "refresh_token": "refresh-secret",
        "token_uri": tokens.url(),
    })
}

/// What every request said of who asks.
pub fn authorizations(proxy: &Proxy) -> Vec<String> {
    let seen = proxy.seen("HTTP/1.1");
    seen.iter()
        .map(|seen| header(&seen.headers, "authorization").unwrap_or_default().to_owned())
        .collect()
}

/// Asks for one row.
pub async fn ask(config: BigQueryConfig) -> Result<usize> {
    let store = <BigQueryStore as SqlStore>::connect(config, &Context::default()).await?;
    Ok(counted(&rows(&store, "SELECT 1 AS a").await?))
}
