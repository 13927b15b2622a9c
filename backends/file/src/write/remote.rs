//! A source in an object store: rows go to an object beside the old ones, or to one that is made of them.

use hybrid_core::config::without_secrets;
use hybrid_core::{ErrorKind, Result};

use super::Written;
use super::fit::{Fit, Shape};
use super::folder::{file_name, fill, fit};
use super::incoming::Incoming;
use super::partition::Partitions;
use super::target::{RemotePlace, Target};
use super::temp::Temp;
use crate::error::io_error;
use crate::read::{Cancel, Format};
use crate::remote::{Bucket, Existing, exists, put_file};

/// An object that is made of rows.
pub(crate) struct Object {
    pub url: String,
    pub endpoint: Option<String>,
    pub format: Format,
    pub existing: Existing,
}

/// A complete file on this machine, and where it goes.
pub(super) struct Upload {
    temp: Temp,
    url: String,
    endpoint: Option<String>,
    /// The object's name below the URL.
    name: String,
    existing: Existing,
    rows: u64,
}

/// Writes the rows to a file on this machine.
pub(super) fn append(target: &Target, place: &RemotePlace, mut incoming: Incoming, cancel: &Cancel) -> Result<Written> {
    let mut partitions = Partitions::of(&target.files)?;
    let fit = fit(target, &partitions, &incoming, cancel)?;
    if !incoming.any()? {
        return Ok(Written::Visible(0));
    }
    let (temp, rows) = here(target.format, &fit, &mut partitions, incoming, cancel)?;
    let name = partitions.folder().join(file_name(&target.files, &place.extension));
    let parts: Vec<_> = name
        .components()
        .map(|part| part.as_os_str().to_string_lossy())
        .collect();
    Ok(Written::Here(Upload {
        name: parts.join("/"),
        temp,
        url: place.url.clone(),
        endpoint: target.options.s3_endpoint_override.clone(),
        existing: Existing::Stays,
        rows,
    }))
}

/// The same, for an object of its own.
pub(super) fn make(object: Object, incoming: Incoming, cancel: &Cancel) -> Result<Upload> {
    let bucket = Bucket::open(&object.url, object.endpoint.as_deref())?;
    let is_there = match bucket.has_object() {
        // Who may write need not be allowed to look.
        Err(error) if object.existing == Existing::Goes && error.kind() == ErrorKind::PermissionDenied => false,
        looked => looked?,
    };
    if is_there && object.existing == Existing::Stays {
        return Err(exists(&without_secrets(&object.url)));
    }
    let shape = Shape {
        known: None,
        required: &incoming.required,
        partitions: &[],
        format: object.format,
        widens: true,
    };
    let fit = Fit::new(&incoming.schema, &shape)?;
    let (temp, rows) = here(object.format, &fit, &mut Partitions::of(&[])?, incoming, cancel)?;
    let (url, name) = object.url.rsplit_once('/').unwrap_or(("", object.url.as_str()));
    Ok(Upload {
        temp,
        url: url.to_owned(),
        name: name.to_owned(),
        endpoint: object.endpoint,
        existing: object.existing,
        rows,
    })
}

/// All rows in a file on this machine, and how many.
fn here(
    format: Format,
    fit: &Fit,
    partitions: &mut Partitions,
    incoming: Incoming,
    cancel: &Cancel,
) -> Result<(Temp, u64)> {
    let here = std::env::temp_dir();
    let temp = Temp::create(&here).map_err(|error| io_error("write to", here.display(), error))?;
    let rows = fill(&temp, &here, format, fit, partitions, incoming, cancel)?;
    Ok((temp, rows))
}

impl Upload {
    /// Sends the file; the object is there when all of it has arrived.
    pub(super) async fn send(self) -> Result<u64> {
        let fail = |error| io_error("read", "the rows to send", error);
        let file = self.temp.file().try_clone().map_err(fail)?;
        let endpoint = self.endpoint.as_deref();
        put_file(&self.url, endpoint, &self.name, file, self.existing).await?;
        Ok(self.rows)
    }
}
