use std::path::Path;

use hybrid_core::chrono::{DateTime, Utc};
use hybrid_core::config::Node;
use hybrid_core::{Error, Result, Secret};
use hybrid_feast::Identity;
use ring::digest::{SHA256, digest};
use serde::Deserialize;
use subtle::ConstantTimeEq;

use crate::auth::unauthenticated;

/// Shorter ones can be guessed.
const SHORTEST: usize = 16;

type Digest = [u8; 32];

/// What a token file holds.
#[derive(PartialEq)]
pub(super) struct Tokens(Vec<Token>);

#[derive(PartialEq)]
struct Token {
    digest: Digest,
    identity: Identity,
    expires: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    token: Option<Secret>,
    sha256: Option<String>,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    namespaces: Vec<String>,
    expires: Option<String>,
}

impl Tokens {
    /// Reads the text of a token file.
    ///
    /// # Errors
    /// Config, with positions: every problem found.
    pub(super) fn parse(text: &str, path: &Path) -> Result<Self> {
        let root = Node::parse(text, path)?;
        if !root.is_sequence() {
            return Err(root.error("a token file is a list of entries").with_help(EXAMPLE));
        }
        let (mut tokens, mut problems) = (Vec::<Token>::new(), Vec::new());
        for item in root.items() {
            let token = read(item).and_then(|token| match tokens.iter().find(|it| it.digest == token.digest) {
                Some(other) => Err(item.error(format!("the token of `{}` once more", other.identity.name))),
                None => Ok(token),
            });
            match token {
                Ok(token) => tokens.push(token),
                Err(error) => problems.extend(error.into_problems()),
            }
        }
        Error::from_problems(problems).map_or(Ok(Self(tokens)), Err)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whose token it is. Every entry is compared, in the same time whatever is in it.
    pub(super) fn identify(&self, token: &str, now: DateTime<Utc>) -> Result<Identity> {
        let wanted = digest_of(token);
        let found = self
            .0
            .iter()
            .fold(None, |found, entry| match bool::from(entry.digest.ct_eq(&wanted)) {
                true => Some(entry),
                false => found,
            });
        let Some(found) = found else {
            return Err(unauthenticated("the token is not known").with_help("ask whoever runs the server for one"));
        };
        match found.expires.filter(|end| *end <= now) {
            Some(end) => Err(unauthenticated(format!("the token expired at {}", end.to_rfc3339()))
                .with_help("ask whoever runs the server for a new one")),
            None => Ok(found.identity.clone()),
        }
    }
}

const EXAMPLE: &str = "for example `- {name: training, token: …, roles: [reader]}`";

fn read(item: &Node) -> Result<Token> {
    // What stands there instead of a mapping may be the token itself, and is not shown.
    if !item.is_mapping() {
        return Err(item.error("an entry is a mapping").with_help(EXAMPLE));
    }
    let entry: Entry = item.deserialize()?;
    if entry.name.trim().is_empty() {
        return Err(item.key_error("name", "`name` is empty"));
    }
    Ok(Token {
        digest: entry.digest(item)?,
        expires: entry.expires(item)?,
        identity: Identity {
            name: entry.name,
            roles: entry.roles,
            groups: entry.groups,
            namespaces: entry.namespaces,
        },
    })
}

impl Entry {
    fn digest(&self, item: &Node) -> Result<Digest> {
        match (&self.token, &self.sha256) {
            (Some(token), None) => plain(token.expose()).map_err(|message| item.key_error("token", message)),
            (None, Some(text)) => hexadecimal(text.trim())
                .ok_or_else(|| item.key_error("sha256", "`sha256` must be 64 hexadecimal digits")),
            (Some(_), Some(_)) => Err(item.key_error("sha256", "`token` and `sha256` exclude each other")),
            (None, None) => Err(item.error("the entry has neither `token` nor `sha256`")),
        }
    }

    fn expires(&self, item: &Node) -> Result<Option<DateTime<Utc>>> {
        let Some(text) = &self.expires else {
            return Ok(None);
        };
        match DateTime::parse_from_rfc3339(text.trim()) {
            Ok(time) => Ok(Some(time.to_utc())),
            Err(_) => Err(item
                .key_error("expires", "`expires` must be a time with a zone")
                .with_help("for example 2030-01-01T00:00:00Z")),
        }
    }
}

/// The digest of a token as it will come in a header.
fn plain(token: &str) -> Result<Digest, String> {
    if token.len() < SHORTEST {
        return Err(format!("`token` has fewer than {SHORTEST} characters"));
    }
    match token.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => Ok(digest_of(token)),
        false => Err("`token` must be of visible ASCII characters without spaces".to_owned()),
    }
}

fn digest_of(token: &str) -> Digest {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    bytes
}

fn hexadecimal(text: &str) -> Option<Digest> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(bytes)
}
