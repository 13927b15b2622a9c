use std::path::Path;
use std::time::Duration;

use hybrid_core::{Error, ErrorKind, Result};
use reqwest::{Certificate, ClientBuilder, Identity};

use crate::config::{Auth, TrinoConfig, Verify};

/// How long making a connection may take.
const CONNECT: Duration = Duration::from_secs(10);

/// The connections to the coordinator, and those to where results are spooled: those get no client certificate, and
/// trust the system's authorities in any case, as that storage is often somebody else's.
pub(super) fn connections(config: &TrinoConfig) -> Result<(reqwest::Client, reqwest::Client)> {
    // Fails when the program has chosen one before: that one is used then.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let built = |builder: ClientBuilder| {
        let broken = |error| Error::new(ErrorKind::Config, "no TLS connections can be made").with_cause(error);
        builder.build().map_err(broken)
    };
    let own = builder(config, false)?;
    let own = match &config.auth {
        Some(Auth::Certificate(certificate)) => own.identity(identity(&certificate.cert, &certificate.key)?),
        _ => own,
    };
    Ok((built(own)?, built(builder(config, true)?)?))
}

/// Trusts as `ssl-verify` says; `systems`: the system's authorities beside those of its file.
fn builder(config: &TrinoConfig, systems: bool) -> Result<ClientBuilder> {
    let builder = reqwest::Client::builder()
        .connect_timeout(CONNECT)
        .read_timeout(Duration::from_secs(config.request_timeout.max(1)))
        // The answer to where a statement was sent is the answer; elsewhere credentials do not go.
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("hybrid-offline-store/", env!("CARGO_PKG_VERSION")));
    Ok(match &config.ssl_verify {
        Verify::System => builder,
        Verify::Off => builder.danger_accept_invalid_certs(true),
        Verify::File(path) => authorities(path)?.into_iter().fold(
            builder.tls_built_in_root_certs(systems),
            ClientBuilder::add_root_certificate,
        ),
    })
}

fn authorities(path: &Path) -> Result<Vec<Certificate>> {
    let found = Certificate::from_pem_bundle(&read(path, "ssl-verify")?).unwrap_or_default();
    if found.is_empty() {
        let message = format!("`ssl-verify`: `{}` holds no certificate", path.display());
        return Err(
            Error::new(ErrorKind::Config, message).with_help("it must be a PEM file of certificate authorities")
        );
    }
    Ok(found)
}

fn identity(cert: &Path, key: &Path) -> Result<Identity> {
    let mut pem = read(key, "auth.config.key")?;
    pem.push(b'\n');
    pem.extend(read(cert, "auth.config.cert")?);
    Identity::from_pem(&pem).map_err(|error| {
        let message = format!(
            "`{}` and `{}` hold no client certificate with its private key",
            cert.display(),
            key.display()
        );
        Error::new(ErrorKind::Config, message).with_cause(error)
    })
}

fn read(path: &Path, field: &str) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| {
        Error::new(
            ErrorKind::Config,
            format!("`{field}`: `{}` cannot be read: {error}", path.display()),
        )
    })
}
