//! A source that is a folder: rows go to a file beside the old ones.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::SystemTime;

use arrow::datatypes::{Schema, SchemaRef};
use hybrid_core::Result;

use super::fit::{Fit, Shape};
use super::folders::Folders;
use super::incoming::Incoming;
use super::partition::Partitions;
use super::sink::Sink;
use super::target::Target;
use super::temp::{Temp, folder_of, random};
use crate::error::io_error;
use crate::listing::Listed;
use crate::read::{Cancel, DataFile, Format, Table};

/// Sorts after other names, so that of equal rows the one written last wins.
const PREFIX: &str = "zz-append-";

pub(super) fn append(
    target: &Target,
    folder: &Path,
    extension: &str,
    mut incoming: Incoming,
    cancel: &Cancel,
) -> Result<u64> {
    let mut partitions = Partitions::of(&target.files)?;
    let fit = fit(target, &partitions, &incoming, cancel)?;
    if !incoming.any()? {
        return Ok(0);
    }
    let (made, temp) = temp_in(folder).map_err(|error| io_error("write to", folder.display(), error))?;
    let rows = fill(&temp, folder, target.format, &fit, &mut partitions, incoming, cancel)?;
    let path = folder
        .join(partitions.folder())
        .join(file_name(&target.files, extension));
    let made_inside = Folders::make(folder_of(&path)).map_err(|error| io_error("write to", path.display(), error))?;
    cancel.check()?;
    temp.publish(&path)?;
    made_inside.keep();
    made.keep();
    Ok(rows)
}

/// Writes all rows into `temp`, on their way to `folder`.
pub(super) fn fill(
    temp: &Temp,
    folder: &Path,
    format: Format,
    fit: &Fit,
    partitions: &mut Partitions,
    incoming: Incoming,
    cancel: &Cancel,
) -> Result<u64> {
    let written = Sink::new(format, temp.output(), &fit.schema).and_then(|mut sink| {
        let rows = incoming.each(fit, |given, batch| {
            cancel.check()?;
            partitions.check(given)?;
            sink.write(&batch)
        })?;
        sink.finish().map(|()| rows)
    });
    written.map_err(|error| temp.blame(error, folder))
}

/// Matches the rows with the newest file, and where that does not settle it, with all of them.
pub(super) fn fit(target: &Target, partitions: &Partitions, incoming: &Incoming, cancel: &Cancel) -> Result<Fit> {
    let fit = |known: Option<&Schema>| {
        let shape = Shape {
            known,
            required: &incoming.required,
            partitions: &partitions.fields,
            format: target.format,
            widens: true,
        };
        Fit::new(&incoming.schema, &shape)
    };
    let Some(newest) = target.files.last() else {
        return fit(None);
    };
    let newest = schema_of(newest, target.format)?;
    let has = |name: &str| newest.field_with_name(name).is_ok();
    if incoming.required.iter().all(|column| has(&column.source))
        && let Ok(fit) = fit(Some(&newest))
        && fit.takes_all(&incoming.schema)
    {
        return Ok(fit);
    }
    let table = Table::at(&target.base, &target.options, &target.name, cancel)?;
    let merged = table.schema()?;
    fit(Some(&merged))
}

fn schema_of(file: &Listed, format: Format) -> Result<SchemaRef> {
    match DataFile::open(file.clone(), format)? {
        DataFile::Parquet(file) => Ok(SchemaRef::clone(file.schema())),
        DataFile::Csv(file) => file.typed_header(),
    }
}

/// A temporary file in `folder`, which is made if need be.
fn temp_in(folder: &Path) -> std::io::Result<(Folders, Temp)> {
    let folders = Folders::make(folder)?;
    let temp = Temp::create(folder)?;
    Ok((folders, temp))
}

/// A name that no other writer takes, after those of earlier appends.
pub(super) fn file_name(files: &[Listed], extension: &str) -> PathBuf {
    static LAST: AtomicI64 = AtomicI64::new(0);
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let now = i64::try_from(now.as_micros()).unwrap_or(i64::MAX);
    // Later also where the clock was set back.
    let earlier = files
        .iter()
        .filter_map(|file| stamp(file.parts.last()?))
        .max()
        .unwrap_or(0);
    let least = now.max(earlier.saturating_add(1));
    let before = LAST.fetch_max(least, Ordering::Relaxed);
    let stamp = if before < least {
        least
    } else {
        LAST.fetch_add(1, Ordering::Relaxed) + 1
    };
    format!("{PREFIX}{stamp:020}-{:016x}.{extension}", random()).into()
}

/// When an append was made, microseconds since 1970.
fn stamp(name: &str) -> Option<i64> {
    name.strip_prefix(PREFIX)?
        .get(..20)?
        .parse()
        .ok()
        .filter(|stamp| *stamp < i64::MAX / 2)
}
