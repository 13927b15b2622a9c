//! persist.

use std::path::Path;
use std::time::Duration;

use hybrid_core::{BatchStream, Error, ErrorKind, Result, Source};
use serde_json::Value;

use hybrid_feast::Action;

use super::Desk;
use super::sources::FILE;
use crate::command::{Persist, Retrieval};
use crate::status::{FeastClass, as_feast};

/// The one file of a result that is named as a folder.
const ONLY: &str = "0.parquet";

impl Desk<'_> {
    pub(super) async fn persist(mut self, command: Persist, rows: Option<BatchStream>) -> Result<()> {
        let Retrieval::Historical(what) = command.what else {
            // The client sends the pulled source's name in the place of the destination's.
            let message = "the result of a pull cannot be kept: Feast's client does not send where";
            return Err(Error::new(ErrorKind::Unsupported, message));
        };
        if let Some(seconds) = command.to.timeout {
            let asked = Duration::try_from_secs_f64(seconds).unwrap_or_default();
            self.left = Some(self.left.map_or(asked, |left| left.min(asked)));
        }
        let mut destination = self.source(&command.to.data_source_name)?;
        self.may_source(&destination, Action::WriteOffline)?;
        if !command.to.allow_overwrite && self.exists(&destination).await {
            let message = format!("location {} already exists", command.to.data_source_name);
            let error = Error::new(ErrorKind::InvalidInput, message).with_help("allow it to be overwritten");
            return Err(as_feast(error, FeastClass::SavedDatasetExists));
        }
        as_one_file(&mut destination);
        let retrieved = self.historical(what, rows).await?;
        retrieved
            .persist(self.calls, &destination, command.to.allow_overwrite)
            .await
    }

    async fn exists(&self, source: &Source) -> bool {
        self.calls.store.offline_store().source_schema(source).await.is_ok()
    }
}

/// A path of files without extension is a folder, as in Feast: what is kept is a file in it. Other stores write folders
/// themselves.
fn as_one_file(destination: &mut Source) {
    if destination.key != FILE {
        return;
    }
    let path = destination.options.get("path").and_then(Value::as_str);
    if let Some(path) = path.filter(|path| Path::new(path).extension().is_none()) {
        let file = format!("{}/{ONLY}", path.trim_end_matches('/'));
        destination.options.insert("path".to_owned(), file.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_path_of_files_gets_a_file_in_it() {
        for (key, path, kept) in [
            (FILE, "kept/folder/", "kept/folder/0.parquet"),
            (FILE, "kept/one.parquet", "kept/one.parquet"),
            ("spark", "s3://bucket/folder", "s3://bucket/folder"),
            ("trino", "s3://bucket/folder", "s3://bucket/folder"),
        ] {
            let mut destination = Source::with_options(key, [("path", Some(path.to_owned()))]);
            as_one_file(&mut destination);
            assert_eq!(destination.options["path"], kept, "{key}");
        }
    }
}
