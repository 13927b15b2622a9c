//! A source in an object store: rows go to an object beside the old ones.

use hybrid_core::Result;

use super::Written;
use super::folder::{file_name, fill, fit};
use super::incoming::Incoming;
use super::partition::Partitions;
use super::target::{RemotePlace, Target};
use super::temp::Temp;
use crate::error::io_error;
use crate::location::Scheme;
use crate::read::Cancel;

/// A complete file on this machine, and where it goes.
pub(super) struct Upload {
    temp: Temp,
    scheme: Scheme,
    url: String,
    endpoint: Option<String>,
    /// The object's name below the URL.
    name: String,
    rows: u64,
}

/// Writes the rows to a file on this machine.
pub(super) fn append(target: &Target, place: &RemotePlace, mut incoming: Incoming, cancel: &Cancel) -> Result<Written> {
    let mut partitions = Partitions::of(&target.files)?;
    let fit = fit(target, &partitions, &incoming, cancel)?;
    if !incoming.any()? {
        return Ok(Written::Visible(0));
    }
    let here = std::env::temp_dir();
    let temp = Temp::create(&here).map_err(|error| io_error("write to", here.display(), error))?;
    let rows = fill(&temp, &here, target, &fit, &mut partitions, incoming, cancel)?;
    let name = partitions.folder().join(file_name(&target.files, &place.extension));
    let parts: Vec<_> = name
        .components()
        .map(|part| part.as_os_str().to_string_lossy())
        .collect();
    Ok(Written::Here(Upload {
        name: parts.join("/"),
        temp,
        scheme: place.scheme,
        url: place.url.clone(),
        endpoint: target.options.s3_endpoint_override.clone(),
        rows,
    }))
}

impl Upload {
    /// Sends the file; the object is there when all of it has arrived.
    pub(super) async fn send(self) -> Result<u64> {
        let fail = |error| io_error("read", "the rows to send", error);
        let file = self.temp.file().try_clone().map_err(fail)?;
        crate::remote::put_file(self.scheme, &self.url, self.endpoint.as_deref(), &self.name, file).await?;
        Ok(self.rows)
    }
}
