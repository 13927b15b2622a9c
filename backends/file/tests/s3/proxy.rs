//! A proxy before the S3 server that counts what comes back, and dies when it is told to.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

pub struct Proxy {
    pub endpoint: String,
    bytes: Arc<AtomicU64>,
}

impl Proxy {
    /// Passes everything on until `limit` bytes have come back; then it hangs up on everybody, for ever.
    pub fn start(server: &str, limit: u64) -> Self {
        let server = server.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let bytes = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&bytes);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if count.load(Ordering::SeqCst) < limit {
                    connect(client, TcpStream::connect(&server).unwrap(), &count, limit);
                }
            }
        });
        Self { endpoint, bytes }
    }

    /// How many bytes have come back so far.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::SeqCst)
    }
}

fn connect(client: TcpStream, server: TcpStream, count: &Arc<AtomicU64>, limit: u64) {
    let (requests, answers) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let uncounted = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(count);
    thread::spawn(move || pass(requests, server, &uncounted, u64::MAX));
    thread::spawn(move || pass(answers, client, &count, limit));
}

fn pass(mut from: TcpStream, mut to: TcpStream, count: &AtomicU64, limit: u64) {
    let mut buffer = [0; 16 << 10];
    while let Ok(length) = from.read(&mut buffer) {
        let before = count.fetch_add(length as u64, Ordering::SeqCst);
        if length == 0 || before > limit || to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
