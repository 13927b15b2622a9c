//! A proxy before the server that can be cut, and answers some requests itself.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What happens to a request instead of its way to the server.
#[derive(Debug, Clone)]
pub enum Fault {
    /// An HTTP status and headers instead of an answer.
    Status(u16, &'static str),
    /// The service's own answer, as JSON.
    Answer(&'static str),
    /// The connection ends before the request is read by the server.
    Cut,
    /// The server answers, and of its answer only so many bytes come.
    Half(usize),
    /// No answer comes until a statement is aborted, which the emulator does not do; then what the service says.
    Held,
}

/// What the service says of a statement that was aborted.
const ABORTED: &str = r#"{"data":null,"code":"000604","message":"SQL execution canceled","success":false}"#;

/// One request that passed, as `METHOD path`.
pub type Seen = Arc<Mutex<Vec<String>>>;

pub struct Proxy {
    pub port: u16,
    pub seen: Seen,
    faults: Arc<Mutex<Vec<(&'static str, Fault)>>>,
    down: Arc<AtomicBool>,
    pub connections: Arc<AtomicUsize>,
}

impl Proxy {
    /// Before a server at a port of this machine.
    pub async fn start(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self {
            port: listener.local_addr().unwrap().port(),
            seen: Arc::default(),
            faults: Arc::default(),
            down: Arc::default(),
            connections: Arc::default(),
        };
        let (seen, faults) = (proxy.seen.clone(), proxy.faults.clone());
        let (down, connections) = (proxy.down.clone(), proxy.connections.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                let (seen, faults, down) = (seen.clone(), faults.clone(), down.clone());
                tokio::spawn(async move {
                    let _ = serve(client, server, &seen, &faults, &down).await;
                });
            }
        });
        proxy
    }

    /// The next request whose path or body holds `what` gets this fault; faults of the same kind add up.
    pub fn fault(&self, what: &'static str, fault: Fault) {
        self.faults.lock().unwrap().push((what, fault));
    }

    /// Whether every fault has happened.
    pub fn is_done(&self) -> bool {
        self.faults.lock().unwrap().is_empty()
    }

    pub fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    /// How many requests passed whose line or body holds `what`.
    pub fn count(&self, what: &str) -> usize {
        self.seen
            .lock()
            .unwrap()
            .iter()
            .filter(|line| line.contains(what))
            .count()
    }
}

fn passed(seen: &Seen, what: &str) -> bool {
    seen.lock().unwrap().iter().any(|line| line.contains(what))
}

/// An answer of the service.
fn service(json: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{json}",
        json.len()
    )
}

async fn serve(
    mut client: TcpStream,
    server: u16,
    seen: &Seen,
    faults: &Mutex<Vec<(&'static str, Fault)>>,
    down: &AtomicBool,
) -> std::io::Result<()> {
    while let Some((head, body)) = message(&mut client).await? {
        if down.load(Ordering::SeqCst) {
            return Ok(());
        }
        let text = format!(
            "{} {}",
            head.lines().next().unwrap_or_default(),
            String::from_utf8_lossy(&body)
        );
        let fault = {
            let mut faults = faults.lock().unwrap();
            let place = faults.iter().position(|(what, _)| text.contains(what));
            place.map(|place| faults.remove(place).1)
        };
        match fault {
            Some(Fault::Cut) => return Ok(()),
            Some(Fault::Status(status, headers)) => {
                let answer = format!("HTTP/1.1 {status} No\r\ncontent-length: 0\r\n{headers}\r\n");
                client.write_all(answer.as_bytes()).await?;
            }
            Some(Fault::Answer(json)) => client.write_all(service(json).as_bytes()).await?,
            Some(Fault::Held) => {
                seen.lock().unwrap().push(text);
                while !passed(seen, "/queries/v1/abort-request") {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                client.write_all(service(ABORTED).as_bytes()).await?;
            }
            other => {
                seen.lock().unwrap().push(text);
                let answer = asked(server, &head, &body).await?;
                if let Some(Fault::Half(bytes)) = other {
                    client.write_all(&answer[..bytes.min(answer.len())]).await?;
                    return Ok(());
                }
                if down.load(Ordering::SeqCst) {
                    return Ok(());
                }
                client.write_all(&answer).await?;
            }
        }
    }
    Ok(())
}

/// ASOF JOIN as the engine below the emulator says it: the match condition among the others.
fn below(body: &[u8]) -> Option<Vec<u8>> {
    const MATCH: &str = " MATCH_CONDITION (";
    let text = std::str::from_utf8(body).ok().filter(|text| text.contains(MATCH))?;
    let mut rest = text.replace("ASOF JOIN", "ASOF LEFT JOIN");
    let mut made = String::new();
    while let Some((before, after)) = rest.split_once(MATCH) {
        let (condition, after) = after.split_once(')')?;
        let (and, after) = after.strip_prefix(" ON ").map_or(("", after), |after| (" AND ", after));
        made.push_str(&format!("{before} ON {condition}{and}"));
        rest = after.to_owned();
    }
    Some((made + &rest).into_bytes())
}

/// The server's whole answer.
async fn asked(server: u16, head: &str, body: &[u8]) -> std::io::Result<Vec<u8>> {
    let rewritten = below(body);
    let body = rewritten.as_deref().unwrap_or(body);
    let lines = head.trim_end().lines().map(|line| match line.split_once(':') {
        Some((name, _)) if name.eq_ignore_ascii_case("content-length") => format!("{name}: {}", body.len()),
        _ => line.to_owned(),
    });
    let head = lines.collect::<Vec<_>>().join("\r\n");
    let mut connection = TcpStream::connect(("127.0.0.1", server)).await?;
    // The server would not end the connection else.
    let head = head + "\r\nconnection: close\r\n\r\n";
    connection.write_all(head.as_bytes()).await?;
    connection.write_all(body).await?;
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).await?;
    Ok(answer)
}

/// A request's head and body; nothing when the client has ended the connection.
async fn message(client: &mut TcpStream) -> std::io::Result<Option<(String, Vec<u8>)>> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        let mut more = [0; 8_192];
        let read = client.read(&mut more).await?;
        if read == 0 {
            return Ok(None);
        }
        bytes.extend(&more[..read]);
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().ok())?
    });
    let mut body = bytes.split_off(end);
    while body.len() < length.unwrap_or_default() {
        let mut more = [0; 65_536];
        let read = client.read(&mut more).await?;
        if read == 0 {
            return Ok(None);
        }
        body.extend(&more[..read]);
    }
    Ok(Some((head, body)))
}
