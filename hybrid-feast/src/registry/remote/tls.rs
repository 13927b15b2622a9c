use std::path::Path;
use std::sync::Arc;

use hybrid_core::config::RemoteTls;
use hybrid_core::{Error, ErrorKind, Result};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tonic::transport::{ClientTlsConfig, Endpoint, Identity};

/// `endpoint` with TLS as the configuration says.
///
/// # Errors
/// Config, when a file cannot be read or holds something else.
pub(super) fn with_tls(endpoint: Endpoint, tls: &RemoteTls) -> Result<Endpoint> {
    let mut config = ClientTlsConfig::new();
    if let Some((certificate, key)) = &tls.identity {
        config = config.identity(Identity::from_pem(
            read("client_cert", certificate)?,
            read("client_key", key)?,
        ));
    }
    if let Some(name) = &tls.authority {
        config = config.domain_name(name.split(':').next().unwrap_or(name));
    }
    let configured = match &tls.ca {
        Some(path) => endpoint.tls_config_with_verifier(config, Arc::new(Trusted::read(path)?)),
        None => endpoint.tls_config(config.with_native_roots()),
    };
    configured.map_err(|error| Error::new(ErrorKind::Config, "TLS of the registry cannot be set up").with_cause(error))
}

fn read(field: &str, path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| unreadable(field, path, &error.to_string()))
}

/// The certificates of `cert`. As Feast's documentation tells people to make one, it often is the server's own, which
/// has signed itself and says that it is an authority: rustls takes no authority for a server's.
#[derive(Debug)]
struct Trusted {
    certificates: Vec<CertificateDer<'static>>,
    usual: Arc<WebPkiServerVerifier>,
}

impl Trusted {
    fn read(path: &Path) -> Result<Self> {
        let wrong = |why: &str| unreadable("cert", path, why);
        let certificates = CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| wrong(&error.to_string()))?;
        let mut roots = RootCertStore::empty();
        for certificate in &certificates {
            roots
                .add(certificate.clone())
                .map_err(|error| wrong(&error.to_string()))?;
        }
        let provider = Arc::new(ring::default_provider());
        let usual = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(|error| wrong(&error.to_string()))?;
        Ok(Self { certificates, usual })
    }
}

fn unreadable(field: &str, path: &Path, why: &str) -> Error {
    let message = format!("`{field}` of the registry, {}: {why}", path.display());
    Error::new(ErrorKind::Config, message).with_help("it is a PEM file")
}

/// The last thing that is looked at of a certificate alone, after its times.
fn is_authority(error: &CertificateError) -> bool {
    matches!(error, CertificateError::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity"))
}

impl ServerCertVerifier for Trusted {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match self
            .usual
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
        {
            Err(rustls::Error::InvalidCertificate(error))
                if is_authority(&error) && self.certificates.contains(end_entity) =>
            {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.usual.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.usual.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.usual.supported_verify_schemes()
    }
}
