//! A proxy that keeps what requests say, and does harm to them.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What happens to a request.
#[derive(Debug, Clone, Copy)]
pub enum Harm {
    /// It is answered with a status and an error's code, and not passed on.
    Refused(u16, &'static str),
    /// It is passed on, and the connection ends without the answer.
    Unanswered,
    /// It is passed on, and half of the answer comes back.
    Halved,
    /// It is passed on with another word of the same length in the place of one.
    Reworded(&'static str, &'static str),
}

type Plan = Arc<dyn Fn(&str, usize) -> Option<Harm> + Send + Sync>;

/// What came.
struct Seen {
    kind: String,
    /// The region that it is signed for.
    region: String,
    /// Null, where it is no JSON.
    body: Value,
}

/// Listens in front of a server. The plan gets a request's kind, path and key, and how many of its kind came before.
pub struct Proxy {
    pub url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Proxy {
    pub async fn before(server: &str, plan: impl Fn(&str, usize) -> Option<Harm> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = server.strip_prefix("http://").unwrap().to_owned();
        let (seen, plan): (Arc<Mutex<Vec<Seen>>>, Plan) = (Arc::default(), Arc::new(plan));
        let noted = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, server.clone(), Arc::clone(&noted), Arc::clone(&plan)));
            }
        });
        Self { url, seen }
    }

    /// How many requests of that kind have come.
    pub fn count(&self, kind: &str) -> usize {
        self.bodies(kind).len()
    }

    /// What the requests of that kind said, in their order.
    pub fn bodies(&self, kind: &str) -> Vec<Value> {
        let seen = self.seen.lock().unwrap();
        let of_kind = seen.iter().filter(|seen| seen.kind == kind);
        of_kind.map(|seen| seen.body.clone()).collect()
    }

    /// The regions that requests were signed for.
    pub fn regions(&self) -> BTreeSet<String> {
        self.seen
            .lock()
            .unwrap()
            .iter()
            .map(|seen| seen.region.clone())
            .collect()
    }
}

/// The Data API's operation.
fn operation(head: &str) -> Option<&str> {
    let is_target = |line: &&str| line.to_lowercase().starts_with("x-amz-target:");
    let target = head.lines().find(is_target)?;
    target.rsplit('.').next().map(str::trim)
}

/// What a request is: the Data API's operation, or the method.
fn kind(head: &str) -> String {
    let method = head.split(' ').next().unwrap_or_default();
    operation(head).unwrap_or(method).to_owned()
}

/// A part of what a request is signed by and for: the key's id, the day, the region, …
fn signed(head: &str, part: usize) -> &str {
    let scope = head.split_once("Credential=").map_or("", |(_, rest)| rest);
    scope.split('/').nth(part).unwrap_or_default()
}

/// An error as the Data API tells it, or S3.
fn refusal(head: &str, status: u16, code: &str) -> String {
    let (format, body) = match operation(head) {
        Some(_) => (
            "x-amz-json-1.1",
            format!("{{\"__type\":\"{code}\",\"message\":\"no\"}}"),
        ),
        None => (
            "xml",
            format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>no</Message></Error>"),
        ),
    };
    let length = body.len();
    format!("HTTP/1.1 {status} No\r\ncontent-type: application/{format}\r\ncontent-length: {length}\r\n\r\n{body}")
}

async fn serve(mut client: TcpStream, server: String, seen: Arc<Mutex<Vec<Seen>>>, plan: Plan) {
    while let Some((head, mut body)) = request(&mut client).await {
        let kind = kind(&head);
        let before = {
            let mut seen = seen.lock().unwrap();
            let before = seen.iter().filter(|one| one.kind == kind).count();
            seen.push(Seen {
                kind: kind.clone(),
                region: signed(&head, 2).to_owned(),
                body: serde_json::from_slice(&body).unwrap_or_default(),
            });
            before
        };
        let path = head.split(' ').nth(1).unwrap_or_default();
        let harm = plan(&format!("{kind} {path} {}", signed(&head, 0)), before);
        if let Some(Harm::Refused(status, code)) = harm {
            client.write_all(refusal(&head, status, code).as_bytes()).await.ok();
            continue;
        }
        if let Some(Harm::Reworded(word, other)) = harm {
            body = String::from_utf8_lossy(&body).replace(word, other).into_bytes();
        }
        let Some(answer) = forwarded(&server, &head, &body).await else {
            return;
        };
        match harm {
            Some(Harm::Unanswered) => return,
            Some(Harm::Halved) => {
                client.write_all(&answer[..answer.len() / 2]).await.ok();
                return;
            }
            _ => {
                if client.write_all(&answer).await.is_err() {
                    return;
                }
            }
        }
    }
}

async fn forwarded(server: &str, head: &str, body: &[u8]) -> Option<Vec<u8>> {
    let mut upstream = TcpStream::connect(server).await.ok()?;
    // The answer ends with the connection.
    let head: String = head
        .split("\r\n")
        .filter(|line| !line.to_lowercase().starts_with("connection:"))
        .collect::<Vec<_>>()
        .join("\r\n");
    let head = head.replacen("\r\n", "\r\nConnection: close\r\n", 1);
    upstream.write_all(head.as_bytes()).await.ok()?;
    upstream.write_all(body).await.ok()?;
    let mut answer = Vec::new();
    upstream.read_to_end(&mut answer).await.ok()?;
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let told = String::from_utf8_lossy(&answer[..end]).into_owned();
    let kept: Vec<&str> = told
        .split("\r\n")
        .filter(|line| !line.to_lowercase().starts_with("connection:"))
        .collect();
    let mut whole = format!("{}\r\n\r\n", kept.join("\r\n")).into_bytes();
    whole.extend_from_slice(&answer[end + 4..]);
    Some(whole)
}

async fn request(client: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let (mut bytes, mut buffer) = (Vec::new(), vec![0; 65_536]);
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        match client.read(&mut buffer).await {
            Ok(count) if count > 0 => bytes.extend_from_slice(&buffer[..count]),
            _ => return None,
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let length = head
        .lines()
        .find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok())
        .unwrap_or(0);
    let mut body = bytes.split_off(end);
    while body.len() < length {
        match client.read(&mut buffer).await {
            Ok(count) if count > 0 => body.extend_from_slice(&buffer[..count]),
            _ => return None,
        }
    }
    Some((head, body))
}
