//! A source that is one file: it is written anew, with the new rows after the old ones.

use std::fs::{self, File};
use std::path::Path;
use std::time::SystemTime;

use hybrid_core::{Error, ErrorKind, Result};

use super::csv::CsvSink;
use super::fit::{Fit, Shape};
use super::folders::Folders;
use super::incoming::Incoming;
use super::lock::Lock;
use super::old::Old;
use super::sink::Sink;
use super::target::Target;
use super::temp::{Output, Temp, folder_of};
use crate::error::io_error;
use crate::listing::{Listed, list_local};
use crate::read::{Cancel, CsvFile, Format};

/// What is at the path.
enum Before {
    Nothing,
    Parquet(Box<Old>),
    Csv(CsvFile),
}

pub(super) fn append(target: &Target, path: &Path, mut incoming: Incoming, cancel: &Cancel) -> Result<u64> {
    refuse_read_only(path)?;
    Before::at(path, target.format)?.fit(target.format, &incoming)?;
    if !incoming.any()? {
        return Ok(0);
    }
    let fail = |error| io_error("write", path.display(), error);
    let folders = Folders::make(folder_of(path)).map_err(fail)?;
    let lock = Lock::wait(path, cancel)?;
    // Another writer may have been here meanwhile.
    let state = State::of(path);
    let before = Before::at(path, target.format)?;
    let fit = before.fit(target.format, &incoming)?;
    let temp = Temp::create(folder_of(path)).map_err(fail)?;
    let written = before
        .continued(target.format, temp.output(), &fit, cancel)
        .and_then(|mut sink| {
            let rows = incoming.each(&fit, |_, batch| cancel.check().and_then(|()| sink.write(&batch)))?;
            sink.finish().map(|()| rows)
        });
    let rows = written.map_err(|error| temp.blame(error, path))?;
    keep_access(path, temp.file()).map_err(fail)?;
    cancel.check()?;
    state.check(path)?;
    temp.publish(path)?;
    folders.keep();
    drop(lock);
    Ok(rows)
}

impl Before {
    fn at(path: &Path, format: Format) -> Result<Self> {
        if !path.exists() {
            return Ok(Self::Nothing);
        }
        let mut files: Vec<Listed> = list_local(path)?;
        match (files.pop(), format) {
            (None, _) => Ok(Self::Nothing),
            (Some(file), Format::Parquet) => Ok(Self::Parquet(Box::new(Old::open(&file)?))),
            (Some(file), Format::Csv) => Ok(Self::Csv(CsvFile::open(file)?)),
        }
    }

    fn fit(&self, format: Format, incoming: &Incoming) -> Result<Fit> {
        let known = match self {
            Self::Nothing => None,
            Self::Parquet(old) => Some(old.schema().clone()),
            Self::Csv(file) => Some(file.typed_header()?),
        };
        let shape = Shape {
            known: known.as_deref(),
            required: &incoming.required,
            partitions: &[],
            format,
            widens: false,
        };
        Fit::new(&incoming.schema, &shape)
    }

    /// A file that begins with what is there.
    fn continued(&self, format: Format, output: Output, fit: &Fit, cancel: &Cancel) -> Result<Sink> {
        match self {
            Self::Nothing => Sink::new(format, output, &fit.schema),
            Self::Parquet(old) => Ok(Sink::Parquet(Box::new(old.copied(output, cancel)?))),
            Self::Csv(file) => {
                let listed = file.listed();
                let blob = listed.handle.open(&listed.name)?;
                Ok(Sink::Csv(Box::new(CsvSink::after(
                    &blob,
                    &listed.name,
                    output,
                    cancel,
                )?)))
            }
        }
    }
}

/// A rename would not ask the file itself.
fn refuse_read_only(path: &Path) -> Result<()> {
    if fs::metadata(path).is_ok_and(|metadata| metadata.permissions().readonly()) {
        let message = format!("`{}` is marked as read-only", path.display());
        return Err(Error::new(ErrorKind::PermissionDenied, message).with_help("make it writable to append to it"));
    }
    Ok(())
}

/// What tells that a program without our lock changed a file.
#[derive(PartialEq, Eq)]
struct State(Option<(u64, Option<SystemTime>)>);

impl State {
    fn of(path: &Path) -> Self {
        let metadata = fs::metadata(path).ok();
        Self(metadata.map(|metadata| (metadata.len(), metadata.modified().ok())))
    }

    fn check(&self, path: &Path) -> Result<()> {
        if Self::of(path) == *self {
            return Ok(());
        }
        let message = format!(
            "`{}` was changed by another program while rows were appended",
            path.display()
        );
        Err(Error::new(ErrorKind::Unavailable, message)
            .with_help("try again; nothing was written")
            .retryable())
    }
}

/// Gives the new file the old one's owner and permissions.
fn keep_access(old: &Path, new: &File) -> std::io::Result<()> {
    let Ok(metadata) = fs::metadata(old) else {
        return Ok(());
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, fchown};
        // Only the administrator can give files away.
        let _ = fchown(new, Some(metadata.uid()), Some(metadata.gid()));
    }
    new.set_permissions(metadata.permissions())
}
