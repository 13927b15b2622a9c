//! A registry server of Feast, or what stands in for one.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hybrid_core::config::RepoConfig;
use hybrid_feast::FeatureStore;

use super::Repo;
use super::feast::{fixture, python};

/// `feast serve_registry` over a repository.
pub struct Server {
    pub child: Child,
    pub port: u16,
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Starts it, not waiting for it.
pub fn serve_registry(repo: &Path, port: u16, arguments: &[&str]) -> Child {
    Command::new(python().with_file_name("feast"))
        .args(["serve_registry", "--port", &port.to_string()])
        .args(arguments)
        .current_dir(repo)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

impl Server {
    /// One that answers.
    pub fn start(repo: &Path, arguments: &[&str]) -> Self {
        let port = free_port();
        Self::of(serve_registry(repo, port, arguments), port)
    }

    /// What fixtures/guarded_server.py is.
    pub fn guarded() -> Self {
        let port = free_port();
        let mut command = Command::new(python());
        command.arg(fixture("guarded_server.py")).arg(port.to_string());
        Self::of(command.spawn().unwrap(), port)
    }

    fn of(child: Child, port: u16) -> Self {
        let server = Self { child, port };
        server.wait();
        server
    }

    /// Waits until it answers.
    pub fn wait(&self) {
        let start = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(
                start.elapsed() < Duration::from_secs(120),
                "the registry server did not come up"
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// A feature store of `project` that has its registry there; `more` are fields of the registry and after it.
    pub fn store(&self, project: &str, more: &str) -> FeatureStore {
        let yaml = format!(
            "project: {project}\nregistry:\n  registry_type: remote\n  path: localhost:{}\n{more}",
            self.port
        );
        let config = RepoConfig::parse(&yaml, "feature_store.yaml".as_ref(), &|_| None).unwrap();
        Repo::open_at(config.registry, config.repo, project)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
