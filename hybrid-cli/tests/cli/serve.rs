//! The server as the one who runs it sees it.

#![cfg(all(unix, feature = "serve"))]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use hybrid_conformance::signal;

use crate::support::Place;

/// A server, and the lines that it has yet to print.
struct Running {
    child: Child,
    lines: BufReader<std::process::ChildStderr>,
}

impl Running {
    fn start(place: &Place, arguments: &[&str]) -> Self {
        let mut command = place.command(&[&["serve", "--port", "0"], arguments].concat());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap());
        Self { child, lines }
    }

    /// What stands behind `before` in the first line that begins so.
    fn told(&mut self, before: &str) -> String {
        loop {
            let mut line = String::new();
            assert!(
                self.lines.read_line(&mut line).unwrap() > 0,
                "no line begins with {before}"
            );
            if let Some(rest) = line.strip_prefix(before) {
                return rest.trim().to_owned();
            }
        }
    }

    fn signal(&self, name: &str) {
        assert!(signal(name, self.child.id()));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn get(address: &str, path: &str) -> String {
    let mut socket = TcpStream::connect(address).unwrap();
    write!(socket, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn it_says_where_it_listens_and_how_it_is_and_ends_when_told() {
    let place = Place::with_project();
    let mut server = Running::start(&place, &["--status-port", "0"]);
    let status = server.told("state and metrics on http://");
    let address = server.told("listening on grpc://");
    assert!(TcpStream::connect(address).is_ok());
    assert!(get(&status, "/livez").starts_with("HTTP/1.1 200"));
    while !get(&status, "/readyz").starts_with("HTTP/1.1 200") {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let metrics = get(&status, "/metrics");
    assert!(
        metrics.contains("openmetrics") && metrics.ends_with("# EOF\n"),
        "{metrics}"
    );
    server.signal("-TERM");
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
    assert!(place.is_tidy());
}

#[test]
fn it_is_not_opened_to_other_machines_by_accident() {
    let place = Place::with_project();
    let refused = place.run(&["serve", "--host", "0.0.0.0", "--port", "0"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("other machines"), "{}", refused.stderr);
    place.write("tokens.yaml", "- {name: me, token: 6f1ed002ab5595859014ebf0951522d9}\n");
    let mut server = Running::start(&place, &["--host", "0.0.0.0", "--auth-tokens", "tokens.yaml"]);
    server.told("listening on grpc://");
}

#[test]
fn who_may_call_is_read_from_the_repository_too() {
    let place = Place::with_project();
    let text = place.read("feature_store.yaml");
    let auth = "auth: {type: oidc, client_id: feast, auth_discovery_url: 'https://issuer.invalid/.well-known/openid-configuration'}\n";
    place.write("feature_store.yaml", &format!("{text}{auth}"));
    let refused = place.run(&["serve", "--port", "0"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("audience"), "{}", refused.stderr);
    place.write("feature_store.yaml", &format!("{text}auth: {{type: kubernetes}}\n"));
    let refused = place.run(&["serve", "--port", "0"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("kubernetes"), "{}", refused.stderr);
}

#[test]
fn what_is_wrong_is_told_before_it_listens() {
    let place = Place::with_project();
    place.write("cert.pem", "no certificate");
    for (arguments, code, words) in [
        (&["--key", "cert.pem"][..], 2, "--cert"),
        (&["--key", "cert.pem", "--cert", "cert.pem"], 1, "TLS cannot be set up"),
        (
            &["--key", "gone.pem", "--cert", "gone.pem"],
            1,
            "gone.pem cannot be read",
        ),
        (&["--auth-tokens", "gone.yaml"], 1, "gone.yaml"),
        (&["--oidc-issuer", "https://issuer"], 2, "--oidc-audience"),
        (&["--host", "no-such-host.invalid"], 1, "no address of this machine"),
        (&["--message-size", "64MB"], 2, "64MiB"),
    ] {
        let ended = place.run(&[&["serve", "--port", "0"], arguments].concat());
        assert_eq!(ended.code, Some(code), "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(words), "{arguments:?}: {}", ended.stderr);
    }
}
