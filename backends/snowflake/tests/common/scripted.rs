//! A server that answers as a test says: Snowflake's service, and the object storage beside it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A request as it came.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names in small letters.
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
}

impl Asked {
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The statement that it asks to run.
    pub fn sql(&self) -> String {
        self.json()["sqlText"].as_str().unwrap_or_default().to_owned()
    }

    /// A value of the query.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let query = self.target.split_once('?')?.1;
        query.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=')?;
            (key == name).then(|| value.to_owned())
        })
    }
}

/// What comes back.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: String,
    pub body: Vec<u8>,
    /// How long it takes.
    pub delay: Duration,
    /// Only so many bytes of the body come, then the connection ends.
    pub cut: Option<usize>,
}

impl Answer {
    pub fn json(value: &Value) -> Self {
        Self::bytes(value.to_string().into_bytes())
    }

    pub fn bytes(body: Vec<u8>) -> Self {
        Self {
            status: 200,
            headers: String::new(),
            body,
            delay: Duration::ZERO,
            cut: None,
        }
    }

    pub fn status(status: u16) -> Self {
        Self {
            status,
            ..Self::bytes(Vec::new())
        }
    }

    /// Snowflake's answer with data.
    pub fn data(data: Value) -> Self {
        Self::json(&json!({"success": true, "code": null, "message": null, "data": data}))
    }

    /// Snowflake's answer that something is wrong.
    pub fn failed(code: &str, message: &str) -> Self {
        Self::json(&json!({"success": false, "code": code, "message": message, "data": {"queryId": "q1"}}))
    }

    /// A statement that has done something.
    pub fn done() -> Self {
        Self::data(json!({
            "queryId": "q1", "queryResultFormat": "json", "total": 1, "rowset": [["done"]],
            "rowtype": [{"name": "status", "type": "text"}]
        }))
    }

    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    #[must_use]
    pub fn cut(mut self, bytes: usize) -> Self {
        self.cut = Some(bytes);
        self
    }
}

pub struct Scripted {
    pub port: u16,
    seen: Arc<Mutex<Vec<Asked>>>,
    /// The most requests that were answered at the same time.
    pub most: Arc<AtomicUsize>,
}

type Script = dyn Fn(&Asked, usize) -> Option<Answer> + Send + Sync;

impl Scripted {
    /// Answers by `script`, which gets a request and how many of its path came before. Logins, ends of sessions
    /// and whatever `script` gives nothing for are answered as a server would.
    pub async fn start(script: impl Fn(&Asked, usize) -> Option<Answer> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            seen: Arc::default(),
            most: Arc::default(),
        };
        let (seen, most, now) = (server.seen.clone(), server.most.clone(), Arc::new(AtomicUsize::new(0)));
        // Of one type for all tests, so that they share what serves it.
        let script: Arc<Script> = Arc::new(script);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (seen, script, most, now) = (seen.clone(), script.clone(), most.clone(), now.clone());
                tokio::spawn(async move {
                    let _ = serve(client, &seen, &*script, &most, &now).await;
                });
            }
        });
        server
    }

    /// The requests of a path.
    pub fn seen(&self, path: &str) -> Vec<Asked> {
        let seen = self.seen.lock().unwrap();
        seen.iter().filter(|asked| asked.path() == path).cloned().collect()
    }

    /// The statements that came, in order.
    pub fn statements(&self) -> Vec<String> {
        self.seen("/queries/v1/query-request").iter().map(Asked::sql).collect()
    }
}

async fn serve(
    mut client: TcpStream,
    seen: &Mutex<Vec<Asked>>,
    script: &Script,
    most: &AtomicUsize,
    now: &AtomicUsize,
) -> std::io::Result<()> {
    while let Some(asked) = request(&mut client).await? {
        let before = {
            let mut seen = seen.lock().unwrap();
            let before = seen.iter().filter(|earlier| earlier.path() == asked.path()).count();
            seen.push(asked.clone());
            before
        };
        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let answer = script(&asked, before).unwrap_or_else(|| usual(&asked));
        tokio::time::sleep(answer.delay).await;
        now.fetch_sub(1, Ordering::SeqCst);
        let head = format!(
            "HTTP/1.1 {} X\r\ncontent-length: {}\r\n{}\r\n",
            answer.status,
            answer.body.len(),
            answer.headers
        );
        client.write_all(head.as_bytes()).await?;
        let sent = answer.cut.unwrap_or(answer.body.len()).min(answer.body.len());
        client.write_all(&answer.body[..sent]).await?;
        if answer.cut.is_some() {
            return Ok(());
        }
    }
    Ok(())
}

/// What a server says where the test says nothing.
pub fn usual(asked: &Asked) -> Answer {
    match asked.path() {
        "/session/v1/login-request" => login("session-1"),
        "/session/token-request" => Answer::data(json!({"sessionToken": "session-2", "masterToken": "master-2"})),
        "/queries/v1/query-request" => Answer::done(),
        _ => Answer::data(Value::Null),
    }
}

pub fn login(token: &str) -> Answer {
    Answer::data(json!({
        "token": token, "masterToken": "master-1", "validityInSeconds": 3600, "masterValidityInSeconds": 14400,
        "serverVersion": "9.9.9", "parameters": [], "sessionInfo": {}
    }))
}

async fn request(client: &mut TcpStream) -> std::io::Result<Option<Asked>> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        let mut more = [0; 16_384];
        let read = client.read(&mut more).await?;
        if read == 0 {
            return Ok(None);
        }
        bytes.extend(&more[..read]);
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.lines();
    let mut first = lines.next().unwrap_or_default().split(' ');
    let mut asked = Asked {
        method: first.next().unwrap_or_default().to_owned(),
        target: first.next().unwrap_or_default().to_owned(),
        ..Asked::default()
    };
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        asked.headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length: usize = asked
        .headers
        .get("content-length")
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    asked.body = bytes.split_off(end);
    while asked.body.len() < length {
        let mut more = [0; 65_536];
        let read = client.read(&mut more).await?;
        if read == 0 {
            return Ok(None);
        }
        asked.body.extend(&more[..read]);
    }
    Ok(Some(asked))
}
