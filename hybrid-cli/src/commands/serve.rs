//! `hybrid serve`: Feast's remote offline store.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use hybrid_offline_store::config::{Node, RepoConfig, environment};
use hybrid_offline_store::{Error, ErrorKind, Result};
use hybrid_server::{Authenticator, FeastAuth, OidcConfig, Server, ServerConfig, TlsFiles, WorkerConfig};

use crate::outcome::Outcome;
use crate::report;
use crate::session::Session;
use crate::telemetry::{LogFormat, Telemetry};
use crate::values::{parse_size, parse_timeout};

/// How the server listens and whom it lets in.
#[derive(Debug, Args)]
pub struct Serve {
    /// The name or address to listen on.
    #[arg(long, default_value = "127.0.0.1")]
    pub host: String,
    /// The port; 0 takes a free one.
    #[arg(long, default_value_t = 8815)]
    pub port: u16,
    /// The private key of a TLS server, in PEM.
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub key: Option<PathBuf>,
    /// The certificate of a TLS server, in PEM.
    #[arg(long, value_name = "FILE", requires = "key")]
    pub cert: Option<PathBuf>,
    /// Let everyone in, also from other machines.
    #[arg(long)]
    pub allow_unauthenticated: bool,
    /// Let those in whose bearer token is in this YAML file: a list of name, token (or its sha256), roles, groups,
    /// namespaces, expires.
    #[arg(long, value_name = "FILE")]
    pub auth_tokens: Option<PathBuf>,
    /// Let those in who have a token of this OIDC issuer.
    #[arg(long, value_name = "URL", requires = "oidc_audience")]
    pub oidc_issuer: Option<String>,
    /// What a token must be for, whether the issuer is given here or in `auth` of feature_store.yaml; several may be given.
    #[arg(long, value_name = "NAME")]
    pub oidc_audience: Vec<String>,
    /// The client whose roles in a token count.
    #[arg(long, value_name = "ID", requires = "oidc_issuer")]
    pub oidc_client_id: Option<String>,
    /// The certificate authorities of the issuer, in PEM; the system's by default.
    #[arg(long, value_name = "FILE", requires = "oidc_issuer")]
    pub oidc_ca: Option<PathBuf>,
    /// With authentication: a folder, beside the repository's, whose files callers may name without their being
    /// registered; several may be given.
    #[arg(long, value_name = "DIR")]
    pub allow_folder: Vec<PathBuf>,
    /// Answer /livez, /readyz and /metrics over HTTP on this port; 0 takes a free one.
    #[arg(long, value_name = "PORT")]
    pub status_port: Option<u16>,
    /// How lines of the log look.
    #[arg(long, value_enum, default_value = "text")]
    pub log_format: LogFormat,
    /// Bytes of one message that a client sends, for example 64MiB: clients send an entity frame as one message.
    #[arg(long, value_name = "SIZE", value_parser = parse_size, default_value = "64MiB")]
    pub message_size: usize,
    /// Calls that run at once; more wait.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..))]
    pub concurrent_calls: u16,
    /// How long one call may take, for example 10m or 1h30m.
    #[arg(long, value_name = "DURATION", value_parser = parse_timeout, default_value = "1h")]
    pub call_time: Duration,
    /// Bytes of a frame that a call holds in memory before it uses temporary files.
    #[arg(long, value_name = "SIZE", value_parser = parse_size, default_value = "32MiB")]
    pub call_memory: usize,
    /// Run on-demand feature views, which are Python functions, with this Python; it needs feast and pyarrow. Words are
    /// split at spaces.
    #[arg(long, value_name = "COMMAND")]
    pub python_worker: Option<String>,
    /// Processes of it that run at once.
    #[arg(long, value_name = "N", default_value_t = 2, requires = "python_worker",
          value_parser = clap::value_parser!(u16).range(1..))]
    pub python_workers: u16,
    /// Bytes that each of them may take beside what Python and Feast take themselves, on Linux.
    #[arg(long, value_name = "SIZE", value_parser = parse_size, default_value = "1GiB", requires = "python_worker")]
    pub python_worker_memory: usize,
    /// How long one of them may take for some rows: up to 65,536 rows or 16 MiB, which are what a function sees.
    #[arg(long, value_name = "DURATION", value_parser = parse_timeout, default_value = "60s",
          requires = "python_worker")]
    pub python_worker_time: Duration,
    /// How long calls that run may go on when the server is stopped.
    #[arg(long, value_name = "DURATION", value_parser = parse_timeout, default_value = "30s")]
    pub grace: Duration,
}

impl Serve {
    fn config(&self, repo: &RepoConfig) -> Result<ServerConfig> {
        let tls = self.key.clone().zip(self.cert.clone());
        let authenticator = self.authenticator(repo)?;
        let folders = [base(repo), repo.repo.clone()]
            .into_iter()
            .chain(self.allow_folder.clone());
        let status_address = self.status_port.map(|port| address(&self.host, port)).transpose()?;
        Ok(ServerConfig {
            address: address(&self.host, self.port)?,
            folders: authenticator.asks().then(|| folders.collect()),
            authenticator,
            status_address,
            tls: tls.map(|(key, certificate)| TlsFiles { key, certificate }),
            allow_unauthenticated: self.allow_unauthenticated,
            message_size: self.message_size,
            concurrent_calls: self.concurrent_calls.into(),
            call_time: Some(self.call_time),
            call_memory: self.call_memory,
            workers: self.workers(),
            grace: self.grace,
            ..ServerConfig::default()
        })
    }

    fn workers(&self) -> Option<WorkerConfig> {
        Some(WorkerConfig {
            command: self
                .python_worker
                .as_ref()?
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
            processes: self.python_workers.into(),
            call_time: self.python_worker_time,
            memory: self.python_worker_memory as u64,
        })
    }

    /// What the command line says, and what `auth` of feature_store.yaml does.
    fn authenticator(&self, repo: &RepoConfig) -> Result<Authenticator> {
        let mut authenticator = Authenticator::anyone();
        if let Some(file) = &self.auth_tokens {
            authenticator = authenticator.with_token_file(file)?;
        }
        match self.oidc(repo)? {
            Some(oidc) => authenticator.with_oidc(oidc),
            None => Ok(authenticator),
        }
    }

    /// The issuer of the command line, else that of feature_store.yaml, whose audience may be given here.
    fn oidc(&self, repo: &RepoConfig) -> Result<Option<OidcConfig>> {
        if let Some(issuer) = &self.oidc_issuer {
            return Ok(Some(OidcConfig {
                issuer: Some(issuer.clone()),
                audience: self.oidc_audience.clone(),
                client_id: self.oidc_client_id.clone(),
                ca_file: self.oidc_ca.clone(),
                ..OidcConfig::default()
            }));
        }
        let configured = repo
            .expanded_auth(&environment)?
            .map(|node| FeastAuth::read(&node))
            .transpose()?;
        let Some(FeastAuth::Oidc(mut oidc)) = configured else {
            return Ok(None);
        };
        if !self.oidc_audience.is_empty() {
            oidc.audience.clone_from(&self.oidc_audience);
        }
        Ok(Some(oidc))
    }
}

/// Serves until `stop` ends.
pub async fn run(session: &Session, serve: &Serve, stop: impl Future<Output = ()> + Send + 'static) -> Outcome {
    let store = session.applied_store()?.clone();
    let telemetry = Telemetry::begin(serve.log_format)?;
    let config = serve.config(store.config())?;
    if let Err(error) = config.authenticator.prepare().await {
        report::warning(format_args!("the issuer's keys are not there yet: {error}"));
    }
    let server = Server::bind(store, config).await?;
    if let Some(address) = server.status_address() {
        report::notice(format_args!("state and metrics on http://{address}"));
    }
    let scheme = if serve.key.is_some() { "grpc+tls" } else { "grpc" };
    report::notice(format_args!("listening on {scheme}://{}", server.address()));
    let served = server.serve(stop).await;
    telemetry.end();
    Ok(served?)
}

/// Where relative paths of files start.
fn base(repo: &RepoConfig) -> PathBuf {
    let store = repo.stores.iter().find(|store| store.key == "file");
    let path = store.and_then(|store| store.fields.get("path")).and_then(Node::as_str);
    path.map_or_else(|| repo.repo.clone(), |path| repo.repo.join(path))
}

fn address(host: &str, port: u16) -> Result<SocketAddr> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok((address, port).into());
    }
    let found = (host, port).to_socket_addrs().ok().and_then(|mut all| all.next());
    found.ok_or_else(|| {
        let message = format!("`{host}` is no address of this machine");
        Error::new(ErrorKind::Config, message).with_help("for example 127.0.0.1, or 0.0.0.0 for all of its addresses")
    })
}
