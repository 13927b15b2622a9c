use std::path::Path;
use std::process::{Command, Stdio};

use hybrid_core::ErrorKind;
use serde_json::json;

use crate::support::definitions::views;
use crate::support::feast::FeastRepo;
use crate::support::registry_server::Server;

/// A certificate that has signed itself: as an authority, as Feast's documentation makes it, or not.
fn certificate(folder: &Path, name: &str, constraints: &str) {
    let status = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
        .args(["-addext", &format!("basicConstraints=critical,{constraints}")])
        .arg("-keyout")
        .arg(folder.join(format!("{name}.key")))
        .arg("-out")
        .arg(folder.join(format!("{name}.crt")))
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
}

#[tokio::test]
#[ignore = "needs Feast: scripts/test feast"]
async fn tls_is_checked_against_the_certificate_of_the_configuration() {
    let repo = FeastRepo::new(&json!("data/registry.db"));
    repo.feast().apply("a", 1);
    let folder = repo.path();
    for (name, constraints) in [("authority", "CA:TRUE"), ("leaf", "CA:FALSE"), ("foreign", "CA:TRUE")] {
        certificate(folder, name, constraints);
    }
    let path = |file: &str| folder.join(file).to_string_lossy().into_owned();
    for name in ["authority", "leaf"] {
        let (key, certificate) = (path(&format!("{name}.key")), path(&format!("{name}.crt")));
        let server = Server::start(folder, &["--key", &key, "--cert", &certificate]);
        let store = server.store("p", &format!("  cert: {certificate}\n"));
        assert_eq!(views(&store.registry().await.unwrap()), ["a"], "{name}");
        let foreign = server.store("p", &format!("  cert: {}\n", path("foreign.crt")));
        let error = foreign.registry().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(error.to_string().contains("certificate"), "{error}");
        let other = server.store("p", &format!("  cert: {certificate}\n  authority: other.example\n"));
        let error = other.registry().await.unwrap_err();
        assert!(
            error.to_string().contains("other.example") || error.to_string().contains("name"),
            "{error}"
        );
        let plain = server.store("p", "").registry().await.unwrap_err();
        assert_eq!(plain.kind(), ErrorKind::Unavailable, "{plain}");
    }
}
