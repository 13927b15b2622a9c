use std::path::Path;

use hybrid_core::{Error, ErrorKind, Result};

use super::{Auth, Scheme, TrinoConfig, Verify};

impl TrinoConfig {
    /// What no single field shows.
    ///
    /// # Errors
    /// Config, for a host that is none, and for secrets that would travel in the clear.
    pub(crate) fn check(&self) -> Result<()> {
        if self.host.is_empty() || self.host.contains(['/', '@', '?', '#', ' ']) {
            let message = format!("`host` is no host name: `{}`", self.host);
            return Err(Error::new(ErrorKind::Config, message)
                .with_help("write the name alone; the scheme stands in `http-scheme`, the port in `port`"));
        }
        if self.http_scheme == Scheme::Http && self.auth.is_some() {
            return Err(Error::new(ErrorKind::Config, "`auth` needs `http-scheme: https`")
                .with_help("Trino takes no password, token or certificate over http, where anybody could read it"));
        }
        let needed = [
            ("catalog", &self.catalog),
            ("user", &self.user),
            ("dataset", &self.dataset),
        ];
        let exports = self.export_catalog.iter().map(|catalog| ("export_catalog", catalog));
        for (name, value) in needed.into_iter().chain(exports) {
            if value.is_empty() {
                return Err(Error::new(ErrorKind::Config, format!("`{name}` is empty")));
            }
        }
        if let Some(staging) = &self.staging {
            staging.check()?;
        }
        if let Some(location) = self.export_location.as_deref().filter(|location| !is_folder(location)) {
            let message = format!("`export_location: {location}` is no folder of Trino's");
            return Err(Error::new(ErrorKind::Config, message)
                .with_help("write it as Trino names it, with its scheme: s3://bucket/folder"));
        }
        Ok(())
    }

    /// The same with relative paths starting in `repo`.
    pub(crate) fn relative_to(mut self, repo: &Path) -> Self {
        if let Verify::File(path) = &mut self.ssl_verify {
            *path = repo.join(&path);
        }
        if let Some(Auth::Certificate(certificate)) = &mut self.auth {
            certificate.cert = repo.join(&certificate.cert);
            certificate.key = repo.join(&certificate.key);
        }
        if let Some(staging) = &mut self.staging {
            staging.start_in(repo);
        }
        self
    }
}

fn is_folder(location: &str) -> bool {
    location
        .split_once("://")
        .is_some_and(|(scheme, rest)| !scheme.is_empty() && !rest.is_empty())
}
