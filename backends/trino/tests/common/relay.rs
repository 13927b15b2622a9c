//! A way to the server that keeps what passes.

use std::sync::{Arc, Mutex};

use hybrid_store_trino::TrinoConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{config, host, port};

/// What passed on each connection in each direction.
type Passed = Arc<Mutex<Vec<Vec<u8>>>>;

pub struct Relay {
    port: u16,
    passed: Passed,
}

impl Relay {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let relay = Self {
            port: listener.local_addr().unwrap().port(),
            passed: Passed::default(),
        };
        let passed = relay.passed.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect((host(), port())).await.unwrap();
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                tokio::spawn(pass(from_client, to_server, passed.clone()));
                tokio::spawn(pass(from_server, to_client, passed.clone()));
            }
        });
        relay
    }

    /// Asks over it. The server names itself by the address that it was asked at, so that pages pass here too.
    pub fn config(&self) -> TrinoConfig {
        let mut config = config("memory");
        (config.host, config.port) = ("127.0.0.1".to_owned(), self.port);
        config
    }

    /// Whether this was said, by whom ever.
    pub fn has_passed(&self, text: &str) -> bool {
        let passed = self.passed.lock().unwrap();
        passed.iter().any(|bytes| String::from_utf8_lossy(bytes).contains(text))
    }
}

async fn pass(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, passed: Passed) {
    let place = {
        let mut passed = passed.lock().unwrap();
        passed.push(Vec::new());
        passed.len() - 1
    };
    let mut buffer = vec![0; 64 << 10];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        passed.lock().unwrap()[place].extend_from_slice(&buffer[..read]);
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
    let _ = to.shutdown().await;
}
