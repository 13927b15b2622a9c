use std::sync::Arc;

use hybrid_core::{Error, ErrorKind, Result};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::config::{PostgresConfig, SslMode};

/// What of a server's certificate is looked at.
#[derive(Debug)]
enum Check {
    Nothing,
    Authority(Arc<WebPkiServerVerifier>),
}

/// A server's certificate that need not be for the host, or need not be anything.
#[derive(Debug)]
struct Lenient {
    provider: Arc<CryptoProvider>,
    check: Check,
}

/// TLS as `sslmode` and the paths say.
///
/// # Errors
/// Config, when a file cannot be read or holds something else.
pub fn client(config: &PostgresConfig) -> Result<ClientConfig> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(unusable)?;
    // As in libpq: with an authority at hand, `require` asks for its signature.
    let looks = match config.sslmode {
        SslMode::Require if config.sslrootcert_path.is_some() => SslMode::VerifyCa,
        mode => mode,
    };
    let verifier: Arc<dyn ServerCertVerifier> = match looks {
        SslMode::VerifyFull => verifier(config, &provider)?,
        SslMode::VerifyCa => Arc::new(Lenient {
            check: Check::Authority(verifier(config, &provider)?),
            provider,
        }),
        _ => Arc::new(Lenient {
            check: Check::Nothing,
            provider,
        }),
    };
    let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
    match (&config.sslcert_path, &config.sslkey_path) {
        (Some(certificate), Some(key)) => {
            let chain = certificates("sslcert_path", certificate)?;
            let key = PrivateKeyDer::from_pem_file(key)
                .map_err(|error| unreadable("sslkey_path", key, &error.to_string()))?;
            builder.with_client_auth_cert(chain, key).map_err(unusable)
        }
        _ => Ok(builder.with_no_client_auth()),
    }
}

fn verifier(config: &PostgresConfig, provider: &Arc<CryptoProvider>) -> Result<Arc<WebPkiServerVerifier>> {
    let mut roots = RootCertStore::empty();
    match &config.sslrootcert_path {
        Some(path) => {
            for certificate in certificates("sslrootcert_path", path)? {
                roots
                    .add(certificate)
                    .map_err(|error| unreadable("sslrootcert_path", path, &error.to_string()))?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map_err(|error| {
            Error::new(
                ErrorKind::Config,
                format!("no authority to check the server's certificate with: {error}"),
            )
            .with_help("give `sslrootcert_path`, the PEM file of the authority")
        })
}

fn certificates(field: &str, path: &str) -> Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(unreadable(field, path, "it holds no certificate")),
        Err(error) => Err(unreadable(field, path, &error.to_string())),
    }
}

fn unreadable(field: &str, path: &str, why: &str) -> Error {
    Error::new(ErrorKind::Config, format!("postgres: `{field}` {path}: {why}"))
        .with_help("it is a PEM file; a key is not encrypted")
}

fn unusable(error: rustls::Error) -> Error {
    Error::new(ErrorKind::Config, format!("postgres: TLS cannot be set up: {error}"))
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Check::Authority(verifier) = &self.check else {
            return Ok(ServerCertVerified::assertion());
        };
        match verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // The name is looked at last.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            certificate,
            signed,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            certificate,
            signed,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
