//! Proxies in front of the emulator that do to requests what networks and servers do.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// What happens to a request.
#[derive(Debug, Clone)]
pub enum Act {
    /// The proxy answers itself.
    Answer(u16, String),
    /// It arrives, and its answer does not.
    Lose,
    /// The connection ends before it arrives.
    Cut,
    /// The answer is changed.
    Change(fn(&mut Value)),
}

/// A request that has passed.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Method and path, with the query.
    pub line: String,
    pub headers: String,
    pub body: String,
}

impl Seen {
    /// The id of the job that it hands in.
    pub fn job(&self) -> String {
        let (_, id) = self.body.split_once("\"jobId\":\"").unwrap();
        id.split('"').next().unwrap().to_owned()
    }
}

/// Of requests that hold a text, in the line, the headers or the body, so many are treated so.
struct Rule {
    holds: &'static str,
    times: usize,
    act: Act,
}

/// A proxy of the REST API.
#[derive(Clone)]
pub struct Proxy {
    pub port: u16,
    rules: Arc<Mutex<Vec<Rule>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Proxy {
    /// Before the server at `http://host:port`.
    pub async fn start(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self {
            port: listener.local_addr().unwrap().port(),
            rules: Arc::default(),
            seen: Arc::default(),
        };
        let (made, server) = (proxy.clone(), server.trim_start_matches("http://").to_owned());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (proxy, server) = (made.clone(), server.clone());
                tokio::spawn(async move { proxy.serve(client, &server).await });
            }
        });
        proxy
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The next `times` requests that hold a text are treated so.
    pub fn rule(&self, holds: &'static str, times: usize, act: Act) {
        self.rules.lock().unwrap().push(Rule { holds, times, act });
    }

    /// The requests whose line or body holds a text.
    pub fn seen(&self, holds: &str) -> Vec<Seen> {
        let seen = self.seen.lock().unwrap();
        seen.iter()
            .filter(|seen| seen.line.contains(holds) || seen.body.contains(holds))
            .cloned()
            .collect()
    }

    fn act(&self, seen: &Seen) -> Option<Act> {
        let mut rules = self.rules.lock().unwrap();
        let holds = |text: &str| {
            [&seen.line, &seen.headers, &seen.body]
                .iter()
                .any(|part| part.contains(text))
        };
        let rule = rules.iter_mut().find(|rule| rule.times > 0 && holds(rule.holds))?;
        rule.times -= 1;
        Some(rule.act.clone())
    }

    /// One request after the other, as long as the client goes on.
    async fn serve(&self, mut client: TcpStream, server: &str) {
        while let Some((seen, raw)) = request(&mut client).await {
            self.seen.lock().unwrap().push(seen.clone());
            let answer = match self.act(&seen) {
                Some(Act::Cut) => return,
                Some(Act::Answer(status, body)) => format!(
                    "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                )
                .into_bytes(),
                Some(Act::Lose) => {
                    passed(server, &raw).await;
                    return;
                }
                Some(Act::Change(change)) => changed(&passed(server, &raw).await, change),
                None => passed(server, &raw).await,
            };
            if client.write_all(&answer).await.is_err() {
                return;
            }
        }
    }
}

async fn request(client: &mut TcpStream) -> Option<(Seen, Vec<u8>)> {
    let mut raw = Vec::new();
    let end = loop {
        if let Some(end) = raw.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if client.read_buf(&mut raw).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&raw[..end]).into_owned();
    let length = header(&head, "content-length")
        .and_then(|length| length.parse().ok())
        .unwrap_or(0);
    while raw.len() < end + length {
        if client.read_buf(&mut raw).await.ok()? == 0 {
            return None;
        }
    }
    let (line, headers) = head.split_once("\r\n")?;
    let seen = Seen {
        line: line.to_owned(),
        headers: headers.to_owned(),
        body: String::from_utf8_lossy(&raw[end..]).into_owned(),
    };
    Some((seen, raw))
}

pub fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// The server's whole answer.
async fn passed(server: &str, raw: &[u8]) -> Vec<u8> {
    let mut upstream = TcpStream::connect(server).await.unwrap();
    upstream.write_all(raw).await.unwrap();
    let mut answer = Vec::new();
    loop {
        if let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&answer[..end]).into_owned();
            let length = header(&head, "content-length")
                .and_then(|length| length.parse().ok())
                .unwrap_or(0);
            if answer.len() >= end + 4 + length {
                return answer;
            }
        }
        if upstream.read_buf(&mut answer).await.unwrap_or(0) == 0 {
            return answer;
        }
    }
}

fn changed(answer: &[u8], change: fn(&mut Value)) -> Vec<u8> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    let mut body: Value = serde_json::from_slice(&answer[end..]).unwrap();
    change(&mut body);
    let body = body.to_string();
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// What a stream's name has in it, in the request for its rows.
const STREAM: &[u8] = b"/streams/";

/// A proxy of the Storage API that can be cut after so many bytes of answers, fall silent, and go away.
#[derive(Clone)]
pub struct Pipe {
    pub port: u16,
    left: Arc<Mutex<Option<usize>>>,
    silent: Arc<AtomicBool>,
    away: Arc<AtomicBool>,
    connections: Arc<AtomicUsize>,
    asked: Arc<AtomicUsize>,
    passed: Arc<AtomicUsize>,
}

impl Pipe {
    /// Before the server at `http://host:port`.
    pub async fn start(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let pipe = Self {
            port: listener.local_addr().unwrap().port(),
            left: Arc::default(),
            silent: Arc::default(),
            away: Arc::default(),
            connections: Arc::default(),
            asked: Arc::default(),
            passed: Arc::default(),
        };
        let (made, server) = (pipe.clone(), server.trim_start_matches("http://").to_owned());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if made.away.load(Ordering::SeqCst) {
                    continue;
                }
                made.connections.fetch_add(1, Ordering::SeqCst);
                let upstream = TcpStream::connect(&server).await.unwrap();
                tokio::spawn(made.clone().carry(client, upstream));
            }
        });
        pipe
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// After so many more bytes of answers the connection ends, once.
    pub fn cut_after(&self, bytes: usize) {
        *self.left.lock().unwrap() = Some(bytes);
    }

    /// Whether that has happened.
    pub fn was_cut(&self) -> bool {
        self.left.lock().unwrap().is_none()
    }

    /// Answers are held back as long as it is silent.
    pub fn set_silent(&self, silent: bool) {
        self.silent.store(silent, Ordering::SeqCst);
    }

    /// What is connected is cut at its next answer, and nothing connects any more.
    pub fn go_away(&self) {
        self.away.store(true, Ordering::SeqCst);
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// How often the rows of a stream were asked for.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// How many bytes of answers have passed.
    pub fn passed(&self) -> usize {
        self.passed.load(Ordering::SeqCst)
    }

    async fn carry(self, client: TcpStream, upstream: TcpStream) {
        let (from_client, mut to_client) = client.into_split();
        let (mut from_server, to_server) = upstream.into_split();
        let up = tokio::spawn(self.clone().ask(from_client, to_server));
        let mut buffer = vec![0; 64 << 10];
        while let Ok(count @ 1..) = from_server.read(&mut buffer).await {
            while self.silent.load(Ordering::SeqCst) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            let away = self.away.load(Ordering::SeqCst);
            if away || self.is_cut(count) || to_client.write_all(&buffer[..count]).await.is_err() {
                break;
            }
            self.passed.fetch_add(count, Ordering::SeqCst);
        }
        up.abort();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    /// Carries what the client says.
    async fn ask(self, mut client: OwnedReadHalf, mut server: OwnedWriteHalf) {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(count @ 1..) = client.read(&mut buffer).await {
            let said = &buffer[..count];
            let asked = said.windows(STREAM.len()).filter(|part| *part == STREAM).count();
            self.asked.fetch_add(asked, Ordering::SeqCst);
            if server.write_all(said).await.is_err() {
                return;
            }
        }
    }

    fn is_cut(&self, count: usize) -> bool {
        let mut left = self.left.lock().unwrap();
        match *left {
            Some(bytes) if bytes < count => {
                *left = None;
                true
            }
            Some(bytes) => {
                *left = Some(bytes - count);
                false
            }
            None => false,
        }
    }
}
