#![allow(clippy::unwrap_used)]

#[cfg(any(feature = "s3", feature = "azure"))]
use hybrid_core::ErrorKind;

use super::*;

#[cfg(any(feature = "s3", feature = "azure"))]
fn address(url: &str) -> Address {
    Address::parse(url, ErrorKind::Config).unwrap().unwrap()
}

/// A server that knows nothing.
#[cfg(feature = "s3")]
fn server() -> String {
    use std::io::{BufRead, BufReader, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let _: Vec<String> = lines
                .map_while(|line| line.ok().filter(|line| !line.is_empty()))
                .collect();
            let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
    });
    endpoint
}

#[cfg(feature = "s3")]
#[tokio::test]
async fn nobody_who_gives_credentials_is_said_with_the_variables() {
    use object_store::aws::AmazonS3Builder;
    let address = address("s3://bucket/x");
    let builder = AmazonS3Builder::new().with_metadata_endpoint(server());
    let client = Client::s3(builder.clone(), &address, None, Purpose::Requests).unwrap();
    let error = client.check(&address).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
    let text = error.to_string();
    assert!(
        text.contains("`s3://bucket/x`") && text.contains("AWS_ACCESS_KEY_ID"),
        "{text}"
    );
    for on in ["true", "True", "1", "yes", "on"] {
        let builder = builder
            .clone()
            .with_config(object_store::aws::AmazonS3ConfigKey::SkipSignature, on);
        let client = Client::s3(builder, &address, None, Purpose::Uploads).unwrap();
        client.check(&address).await.unwrap();
    }
}

#[test]
fn uploads_have_more_time_unless_the_environment_says_how_much() {
    let known = |options: ClientOptions| options.get_config_value(&ClientConfigKey::Timeout);
    let (unset, set) = (
        known(ClientOptions::new()),
        known(ClientOptions::new().with_config(ClientConfigKey::Timeout, "10m")),
    );
    assert_eq!(Purpose::Uploads.timeout(unset.as_deref()), Some(UPLOAD));
    assert_eq!(Purpose::Uploads.timeout(set.as_deref()), None);
    assert_eq!(Purpose::Requests.timeout(unset.as_deref()), None);
}

#[cfg(feature = "azure")]
#[tokio::test]
async fn settings_that_are_missing_are_named() {
    if std::env::vars().any(|(name, _)| name.starts_with("AZURE_")) {
        return;
    }
    let error = Client::new(&address("az://container/x"), None, Purpose::Requests)
        .err()
        .unwrap();
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    assert!(error.to_string().contains("AZURE_STORAGE_ACCOUNT_NAME"), "{error}");
}
