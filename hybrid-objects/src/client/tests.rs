#![allow(clippy::unwrap_used)]

use hybrid_core::ErrorKind;

use super::*;

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
    let client = Client::s3(builder.clone(), &address, None).unwrap();
    let error = client.check(&address).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
    let text = error.to_string();
    assert!(
        text.contains("`s3://bucket/x`") && text.contains("AWS_ACCESS_KEY_ID"),
        "{text}"
    );
    let client = Client::s3(builder.with_skip_signature(true), &address, None).unwrap();
    client.check(&address).await.unwrap();
}

#[cfg(feature = "azure")]
#[tokio::test]
async fn settings_that_are_missing_are_named() {
    if std::env::vars().any(|(name, _)| name.starts_with("AZURE_")) {
        return;
    }
    let error = Client::new(&address("az://container/x"), None).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    assert!(error.to_string().contains("AZURE_STORAGE_ACCOUNT_NAME"), "{error}");
}
