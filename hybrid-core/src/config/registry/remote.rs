use std::path::PathBuf;

use super::super::fields::Fields;
use super::super::problems::Problems;
use super::{Around, ClientAuth, auth, finish};

/// Feast's registry server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteRegistry {
    /// Host and port.
    pub address: String,
    /// How TLS is spoken, where it is.
    pub tls: Option<RemoteTls>,
    /// How the client says who it is.
    pub auth: ClientAuth,
}

/// How TLS is spoken with a registry server. Paths are resolved against the repository when relative.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RemoteTls {
    /// The authorities that may have signed the server's certificate, a PEM file; absent: the system's.
    pub ca: Option<PathBuf>,
    /// The client's certificate and its key, PEM files.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// The name that the server's certificate is for, where that is not the host.
    pub authority: Option<String>,
}

/// What may stand before host and port, and whether it means TLS.
const SCHEMES: [(&str, bool); 6] = [
    ("https://", true),
    ("grpcs://", true),
    ("http://", false),
    ("grpc://", false),
    ("dns:///", false),
    ("dns:", false),
];

pub(super) fn read(mut fields: Fields<'_>, around: &Around<'_>, problems: &mut Problems) -> Option<RemoteRegistry> {
    let written = fields.text("path", "`registry`", problems);
    let at = fields.get("path").unwrap_or(fields.node);
    let is_tls = fields.read("is_tls", problems).unwrap_or(false);
    let tls = tls(&mut fields, around, problems);
    // The server keeps those tables.
    fields.get("purge_feast_metadata");
    finish(fields, problems);
    let auth = auth::read(around, problems);
    let written = written?;
    let (address, https) = stripped(&written);
    if !has_port(address) {
        let error = at.error("the address of a registry server is its host and port");
        problems.push(error.with_help("for example localhost:6570"));
        return None;
    }
    Some(RemoteRegistry {
        address: address.to_owned(),
        tls: (is_tls || https || tls.ca.is_some()).then_some(tls),
        auth,
    })
}

/// Host and port, and whether `https` was asked for.
fn stripped(written: &str) -> (&str, bool) {
    let written = written.trim_end_matches('/');
    let known = |(prefix, https): &(&str, bool)| Some((written.strip_prefix(prefix)?, *https));
    SCHEMES.iter().find_map(known).unwrap_or((written, false))
}

fn has_port(address: &str) -> bool {
    let parts = address.rsplit_once(':');
    parts.is_some_and(|(host, port)| !host.is_empty() && !host.contains(['/', '@']) && port.parse::<u16>().is_ok())
}

fn tls(fields: &mut Fields<'_>, around: &Around<'_>, problems: &mut Problems) -> RemoteTls {
    // Empty texts are Feast's defaults.
    let mut text = |key| fields.read::<String>(key, problems).filter(|text| !text.is_empty());
    let (ca, authority) = (text("cert"), text("authority"));
    let (certificate, key) = (text("client_cert"), text("client_key"));
    if certificate.is_some() != key.is_some() {
        let error = fields
            .node
            .error("`client_cert` and `client_key` belong together, and one of them is missing");
        problems.push(error.with_help("give both, or none"));
    }
    let path = |written: String| around.path(&written);
    RemoteTls {
        ca: ca.map(path),
        identity: certificate.map(path).zip(key.map(path)),
        authority,
    }
}
