//! How results get out of Redshift in bulk: UNLOAD to Parquet in S3, read from there file by file.

mod export;
mod read;
mod statement;

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt};
use hybrid_core::sql::SqlSession;
use hybrid_core::{BatchStream, Error, ErrorKind, Result};
use serde::Deserialize;

use crate::session::RedshiftSession;
use crate::staging::{Place, Staging};
use read::{File, batches};
use statement::Unload;
pub(crate) use statement::is_one_row;

/// So many files are read at once.
const FILES: usize = 3;

/// What UNLOAD says that it has written.
#[derive(Deserialize)]
struct Manifest {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    url: String,
    #[serde(default)]
    meta: Meta,
}

#[derive(Default, Deserialize)]
struct Meta {
    content_length: Option<u64>,
    record_count: Option<u64>,
}

impl RedshiftSession {
    pub(crate) async fn unload(&self, staging: &Staging, query: &str) -> Result<BatchStream> {
        let schema = self.describe(query).await?;
        let unload = Unload::of(query, &schema);
        let place = self.place(staging);
        let statement = unload.statement(&place.url, &self.shared.config.authorization());
        self.run(vec![statement], false).await?;
        let files = written(staging, &place).await?;
        let (staging, made) = (staging.clone(), Arc::clone(&schema));
        let read = futures::stream::iter(files).map(move |file| batches(staging.clone(), file, Arc::clone(&made)));
        let rows = match unload.is_ordered() {
            true => read.flatten().boxed(),
            false => read.flatten_unordered(FILES).boxed(),
        };
        Ok(BatchStream::new(schema, rows.into_stream()))
    }
}

/// The files of a result, in their order.
async fn written(staging: &Staging, place: &Place) -> Result<Vec<File>> {
    let Some(text) = staging.find(place, "manifest").await? else {
        // A result without rows may have none.
        let found = staging.list(place).await?;
        let file = |(path, length)| File {
            path,
            length: Some(length),
            rows: None,
        };
        return Ok(found.into_iter().map(file).collect());
    };
    let manifest: Manifest = serde_json::from_slice(&text)
        .map_err(|error| Error::new(ErrorKind::Corrupt, format!("UNLOAD's manifest cannot be read: {error}")))?;
    let file = |entry: Entry| {
        Ok(File {
            path: staging.path_of(&entry.url)?,
            length: entry.meta.content_length,
            rows: entry.meta.record_count,
        })
    };
    let mut files = manifest.entries.into_iter().map(file).collect::<Result<Vec<_>>>()?;
    // Their numbers grow by a digit where three are not enough.
    files.sort_by(|one, other| {
        let (one, other) = (one.path.as_ref(), other.path.as_ref());
        one.len().cmp(&other.len()).then_with(|| one.cmp(other))
    });
    Ok(files)
}
