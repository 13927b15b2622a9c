//! A made-up issuer on a port of this machine.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::Signer;

pub const DISCOVERY: &str = "/.well-known/openid-configuration";
pub const KEYS: &str = "/keys";

#[derive(Clone)]
pub struct Answer {
    pub status: u16,
    pub body: String,
    pub delay: Duration,
}

#[derive(Default)]
struct State {
    answers: HashMap<String, Answer>,
    asked: Vec<String>,
}

pub struct Issuer {
    pub address: String,
    state: Arc<Mutex<State>>,
    server: tokio::task::JoinHandle<()>,
}

impl Issuer {
    /// One that publishes the keys of `signers`.
    pub async fn start(signers: &[&Signer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::<Mutex<State>>::default();
        let shared = state.clone();
        let server = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, shared.clone()));
            }
        });
        let issuer = Self { address, state, server };
        issuer.describe(&issuer.address);
        issuer.publish(signers);
        issuer
    }

    /// What it calls itself.
    pub fn describe(&self, name: &str) {
        let document = json!({"issuer": name, "jwks_uri": format!("{}{KEYS}", self.address)});
        self.answer(DISCOVERY, 200, document.to_string());
    }

    pub fn publish(&self, signers: &[&Signer]) {
        let keys: Vec<Value> = signers.iter().map(|signer| signer.jwk()).collect();
        self.answer(KEYS, 200, json!({ "keys": keys }).to_string());
    }

    pub fn answer(&self, path: &str, status: u16, body: impl Into<String>) {
        let (body, delay) = (body.into(), Duration::ZERO);
        let answer = Answer { status, body, delay };
        self.state.lock().unwrap().answers.insert(path.to_owned(), answer);
    }

    pub fn delay(&self, path: &str, delay: Duration) {
        self.state.lock().unwrap().answers.get_mut(path).unwrap().delay = delay;
    }

    /// How often `path` was asked for.
    pub fn asked(&self, path: &str) -> usize {
        self.state.lock().unwrap().asked.iter().filter(|it| *it == path).count()
    }

    /// Nobody listens any more.
    pub fn stop(&self) {
        self.server.abort();
    }
}

async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => request.push(byte),
            Err(_) => return,
        }
    }
    let text = String::from_utf8(request).unwrap();
    let path = text.split(' ').nth(1).unwrap().to_owned();
    let answer = {
        let mut state = state.lock().unwrap();
        state.asked.push(path.clone());
        state.answers.get(&path).cloned()
    };
    let Some(answer) = answer else {
        return;
    };
    tokio::time::sleep(answer.delay).await;
    let head = format!(
        "HTTP/1.1 {} x\r\ncontent-length: {}\r\nlocation: {KEYS}\r\nconnection: close\r\n\r\n",
        answer.status,
        answer.body.len()
    );
    let _ = stream.write_all((head + &answer.body).as_bytes()).await;
}
