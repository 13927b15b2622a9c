use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use hybrid_core::{Error, ErrorKind, Result};

use crate::WorkerConfig;
use crate::auth::Authenticator;

/// Feast's own port.
const PORT: u16 = 8815;

/// How a [`Server`](crate::Server) listens, whom it lets in, and what its calls may use.
#[derive(Clone)]
pub struct ServerConfig {
    /// Where it listens; 127.0.0.1:8815 by default, and port 0 for one that is free.
    pub address: SocketAddr,
    /// With a key and a certificate it speaks TLS.
    pub tls: Option<TlsFiles>,
    /// Whom it lets in; everyone by default, which is refused for addresses that other machines reach.
    pub authenticator: Authenticator,
    /// Lets everyone in also from other machines.
    pub allow_unauthenticated: bool,
    /// Bytes of one message that a client sends; 64 MiB by default. Clients send an entity frame as one message.
    pub message_size: usize,
    /// Calls that run at once; more wait. 64 by default.
    pub concurrent_calls: usize,
    /// How long one call may take; an hour by default.
    pub call_time: Option<Duration>,
    /// Bytes of a frame, and of an answer, that a call holds in memory before it uses temporary files; 32 MiB by
    /// default. The answer to a client is never held as a whole.
    pub call_memory: usize,
    /// Retrievals of older clients that wait to be fetched, at most; 1024 by default.
    pub waiting: usize,
    /// How long they wait; ten minutes by default.
    pub waiting_time: Duration,
    /// Where `/livez`, `/readyz` and `/metrics` are answered over HTTP; nowhere by default.
    pub status_address: Option<SocketAddr>,
    /// The folders, the one where relative paths start first, whose files callers may name without their being registered. Any where it
    /// is absent.
    pub folders: Option<Vec<PathBuf>>,
    /// What runs on-demand feature views; nothing by default: calls that ask for one are refused.
    pub workers: Option<WorkerConfig>,
    /// How long calls that run may go on when the server is stopped; half a minute by default.
    pub grace: Duration,
}

/// The files of a TLS server, in PEM.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// The private key.
    pub key: PathBuf,
    /// The certificate, and those that it was signed with.
    pub certificate: PathBuf,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            address: (IpAddr::V4(Ipv4Addr::LOCALHOST), PORT).into(),
            tls: None,
            authenticator: Authenticator::anyone(),
            allow_unauthenticated: false,
            message_size: 64 << 20,
            concurrent_calls: 64,
            call_time: Some(Duration::from_secs(3600)),
            call_memory: 32 << 20,
            waiting: 1024,
            waiting_time: Duration::from_secs(600),
            status_address: None,
            folders: None,
            workers: None,
            grace: Duration::from_secs(30),
        }
    }
}

impl ServerConfig {
    /// Refuses what would let every machine in without being asked to.
    ///
    /// # Errors
    /// Config.
    pub(crate) fn check(&self) -> Result<()> {
        let is_open = !self.authenticator.asks() && !self.address.ip().is_loopback();
        if !is_open || self.allow_unauthenticated {
            return Ok(());
        }
        let message = format!(
            "{} can be reached from other machines, and callers need not say who they are",
            self.address
        );
        Err(Error::new(ErrorKind::Config, message).with_help(
            "give a file of tokens or an OIDC issuer, listen on 127.0.0.1, or allow unauthenticated callers explicitly",
        ))
    }
}
