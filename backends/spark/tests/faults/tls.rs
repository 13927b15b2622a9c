//! TLS, which Spark Connect leaves to what stands before it: here a relay of the tests.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hybrid_core::sql::{SqlSession, SqlStore};
use hybrid_core::{BatchStream, Context, Result};
use hybrid_store_spark::{SparkConfig, SparkStore};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio_rustls::TlsAcceptor;

use crate::common::{rows, shown, variable};

/// In which a process finds the address that it is to ask.
const ASKED: &str = "HYBRID_SPARK_ASKED";
/// More rows than one message holds.
const MANY: i64 = 800_000;

fn file(name: &str) -> PathBuf {
    Path::new(&variable("HYBRID_SPARK_DIR")).join("tls").join(name)
}

fn server_port() -> u16 {
    variable("HYBRID_SPARK_PORT").parse().unwrap()
}

/// What speaks TLS before the server, with the certificate for `localhost`, and with HTTP/2 agreed on or not.
async fn relay(protocols: &[&str]) -> u16 {
    let chain = CertificateDer::pem_file_iter(file("localhost.crt")).unwrap();
    let chain = chain.collect::<Result<Vec<_>, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_file(file("localhost.key")).unwrap();
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // A client that does not trust it ends the handshake.
                let Ok(mut client) = acceptor.accept(client).await else {
                    return;
                };
                let mut server = TcpStream::connect(("127.0.0.1", server_port())).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    port
}

fn url(host: &str, port: u16, use_ssl: bool) -> String {
    let token = variable("HYBRID_SPARK_TOKEN");
    format!("sc://{host}:{port}/;token={token};use_ssl={use_ssl}")
}

#[tokio::test]
#[ignore = "a process of its own, which the tests below start: what it trusts is a variable of its environment"]
async fn says_what_is_answered() {
    let Ok(url) = env::var(ASKED) else { return };
    match answered(&url).await {
        Ok(answer) => println!("answer: {answer}"),
        Err(error) => println!("answer: {:?}, again {}: {error}", error.kind(), error.is_retryable()),
    }
}

/// Bytes both ways, and who answers.
async fn answered(url: &str) -> Result<String> {
    let store = <SparkStore as SqlStore>::connect(SparkConfig::new(url), &Context::default()).await?;
    let session = store.session().await?;
    let many = rows(&session, &format!("SELECT id FROM RANGE(0, {MANY}, 1, 8)")).await?;
    let view = session
        .upload(BatchStream::from_batches(many.schema(), vec![many]))
        .await?;
    let counted = rows(&session, &format!("SELECT COUNT(*), SUM(id) FROM {view}")).await?;
    session.close().await?;
    Ok(format!("{} of {}", shown(&counted)[0], store.ping().await?))
}

/// What a process that trusts only the certificates of a file is answered.
async fn trusting(file: &Path, url: &str) -> String {
    let ended = Command::new(env::current_exe().unwrap())
        .args(["--exact", "tls::says_what_is_answered", "--ignored", "--nocapture"])
        .env(ASKED, url)
        .env("SSL_CERT_FILE", file)
        .env_remove("SSL_CERT_DIR")
        .output()
        .await
        .unwrap();
    let said = String::from_utf8(ended.stdout).unwrap();
    let answer = said.split_once("answer: ").map(|(_, answer)| answer);
    answer
        .unwrap_or_else(|| panic!("{said} {}", String::from_utf8_lossy(&ended.stderr)))
        .to_owned()
}

#[tokio::test]
async fn rows_pass_both_ways_where_the_authority_is_trusted() {
    let url = url("localhost", relay(&["h2"]).await, true);
    let answer = trusting(&file("ca.crt"), &url).await;
    let right = format!("{MANY} | {} of Spark 4.", MANY * (MANY - 1) / 2);
    assert!(answer.starts_with(&right), "{answer}");
}

#[tokio::test]
async fn what_is_not_trusted_is_told_and_not_tried_again() {
    let secure = relay(&["h2"]).await;
    for (trusted, host, port, said) in [
        ("foreign.crt", "localhost", secure, "UnknownIssuer"),
        ("ca.crt", "127.0.0.1", secure, "not valid for name \"127.0.0.1\""),
        // The server's own port, which speaks no TLS.
        ("ca.crt", "localhost", server_port(), "corrupt message"),
        ("localhost.key", "localhost", secure, "no native certs found"),
        ("no-such-file", "localhost", secure, "no native certs found"),
    ] {
        let answer = trusting(&file(trusted), &url(host, port, true)).await;
        let told = answer.to_lowercase();
        assert!(answer.starts_with("Config, again false"), "{trusted} {host}: {answer}");
        assert!(told.contains(&said.to_lowercase()), "{trusted} {host}: {answer}");
        assert!(
            answer.contains(&port.to_string()) && answer.contains("SSL_CERT_FILE"),
            "{answer}"
        );
        assert!(!answer.contains(&variable("HYBRID_SPARK_TOKEN")), "{answer}");
    }
}

#[tokio::test]
async fn a_server_that_wants_tls_and_one_that_does_not_know_http2_are_told() {
    for (protocols, use_ssl, said) in [
        (&["h2"][..], false, "`use_ssl`"),
        (&[][..], true, "HTTP/2 was not negotiated"),
    ] {
        let answer = trusting(&file("ca.crt"), &url("localhost", relay(protocols).await, use_ssl)).await;
        assert!(answer.starts_with("Unavailable"), "{answer}");
        assert!(answer.contains(said), "{answer}");
    }
}
