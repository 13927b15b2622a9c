use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hybrid_core::{Error, ErrorKind, Result, Secret};
use pkcs8::{EncryptedPrivateKeyInfoRef, SecretDocument};
use ring::rand::SystemRandom;
use ring::rsa;
use ring::signature::{KeyPair as _, RSA_PKCS1_SHA256};

/// For how many seconds a signed token counts.
const LIFETIME: u64 = 60;

/// An RSA key pair.
pub(crate) struct KeyPair {
    pair: rsa::KeyPair,
    /// As DESC USER shows it: `SHA256:` and the hash of the public key.
    fingerprint: String,
}

impl std::fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyPair")
            .field("fingerprint", &self.fingerprint)
            .finish()
    }
}

impl KeyPair {
    /// The key in a file, PEM or DER.
    pub(crate) fn from_file(path: &Path, passphrase: Option<&Secret>) -> Result<Self> {
        let shown = format!("`private_key`: `{}`", path.display());
        let bytes = std::fs::read(path)
            .map_err(|error| Error::new(ErrorKind::Config, format!("{shown} cannot be read: {error}")))?;
        let document = match std::str::from_utf8(&bytes) {
            Ok(text) if text.contains("-----BEGIN") => pem(text),
            _ => SecretDocument::try_from(bytes.as_slice())
                .ok()
                .map(|document| (String::new(), document)),
        };
        Self::of(&shown, document, passphrase)
    }

    /// The key itself: PEM, or base64 of DER.
    pub(crate) fn from_text(text: &Secret, passphrase: Option<&Secret>) -> Result<Self> {
        // A text that came through an environment variable may have lost its line breaks.
        let text = text.expose().replace("\\n", "\n");
        let document = match text.contains("-----BEGIN") {
            true => pem(&text),
            false => {
                let plain: String = text.split_whitespace().collect();
                let bytes = STANDARD.decode(plain).ok();
                bytes.and_then(|bytes| Some((String::new(), SecretDocument::try_from(bytes.as_slice()).ok()?)))
            }
        };
        Self::of("`private_key_content`", document, passphrase)
    }

    fn of(shown: &str, document: Option<(String, SecretDocument)>, passphrase: Option<&Secret>) -> Result<Self> {
        let broken = |what: &str| {
            Error::new(ErrorKind::Config, format!("{shown} {what}"))
                .with_help("it must be an RSA private key in PEM or DER: PKCS#8, encrypted or not, or PKCS#1")
        };
        let (label, document) = document.ok_or_else(|| broken("holds no private key"))?;
        let encrypted = EncryptedPrivateKeyInfoRef::try_from(document.as_bytes());
        let document = match (encrypted, passphrase) {
            (Ok(_), None) => return Err(broken("is encrypted, and `private_key_passphrase` is missing")),
            (Ok(encrypted), Some(passphrase)) => encrypted.decrypt(passphrase.expose()).map_err(|error| {
                let what = match error {
                    pkcs8::Error::ParametersMalformed | pkcs8::Error::EncryptedPrivateKey(_) => {
                        "cannot be decrypted: `private_key_passphrase` is not its passphrase, or the encryption is not \
                         one of PBES2 with AES or 3DES"
                    }
                    _ => "cannot be decrypted",
                };
                broken(what)
            })?,
            (Err(_), _) => document,
        };
        let pair = match label.as_str() {
            "RSA PRIVATE KEY" => rsa::KeyPair::from_der(document.as_bytes()),
            _ => rsa::KeyPair::from_pkcs8(document.as_bytes()).or_else(|_| rsa::KeyPair::from_der(document.as_bytes())),
        };
        let pair = pair.map_err(|error| broken(&format!("holds no RSA private key that can be used ({error})")))?;
        let public = subject_public_key_info(pair.public_key().as_ref());
        let digest = ring::digest::digest(&ring::digest::SHA256, &public);
        Ok(Self {
            pair,
            fingerprint: format!("SHA256:{}", STANDARD.encode(digest)),
        })
    }

    /// A signed token of a user of an account.
    pub(crate) fn token(&self, account: &str, user: &str) -> Result<Secret> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |time| time.as_secs());
        let subject = format!("{}.{}", issuer_account(account), user.to_uppercase());
        let claims = serde_json::json!({
            "iss": format!("{subject}.{}", self.fingerprint),
            "sub": subject,
            "iat": now,
            "exp": now + LIFETIME,
        });
        let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!(
            "{}.{}",
            part(&serde_json::json!({"typ": "JWT", "alg": "RS256"})),
            part(&claims)
        );
        let mut signature = vec![0; self.pair.public().modulus_len()];
        let made = self.pair.sign(
            &RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            signed.as_bytes(),
            &mut signature,
        );
        made.map_err(|_| Error::new(ErrorKind::Unexpected, "the private key cannot sign"))?;
        Ok(Secret::new(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))))
    }
}

/// The account without region and cloud, in capitals.
fn issuer_account(account: &str) -> String {
    let end = if account.contains(".global") { '-' } else { '.' };
    account.split(end).next().unwrap_or_default().to_uppercase()
}

fn pem(text: &str) -> Option<(String, SecretDocument)> {
    let start = text.find("-----BEGIN")?;
    let text = text.get(start..)?.trim_end();
    let (label, document) = SecretDocument::from_pem(text).ok()?;
    Some((label.to_owned(), document))
}

/// The public key of PKCS#1 as X.509 writes it.
fn subject_public_key_info(key: &[u8]) -> Vec<u8> {
    // rsaEncryption, and its NULL.
    const ALGORITHM: [u8; 15] = [
        0x30, 0x0D, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01, 0x05, 0x00,
    ];
    let bits = [&[0], key].concat();
    tagged(0x30, &[ALGORITHM.as_slice(), &tagged(0x03, &bits)].concat())
}

fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let bytes = content.len().to_be_bytes();
    let significant: Vec<u8> = bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
    let mut made = vec![tag];
    match significant.as_slice() {
        [] => made.push(0),
        [short] if *short < 0x80 => made.push(*short),
        long => {
            made.push(0x80 | u8::try_from(long.len()).unwrap_or_default());
            made.extend(long);
        }
    }
    made.extend(content);
    made
}
