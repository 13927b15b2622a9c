//! Appending: a new file beside the old ones, or a single file written anew.
//!
//! Rows go to a file under a hidden name, which is renamed when it is complete: readers see all of a
//! write or nothing. A thread of its own writes; the rows reach it through a short channel.

mod convert;
mod csv;
mod fit;
mod folder;
mod folders;
mod incoming;
mod lock;
mod old;
mod parquet;
mod partition;
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
mod remote;
mod single;
mod sink;
mod target;
mod temp;

use std::path::PathBuf;
use std::pin::pin;

use futures::future::{Either, select};
use hybrid_core::{BatchStream, Call, Result, WriteRequest};
use tokio::sync::mpsc;

use self::incoming::{Incoming, Message, feed};
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
pub(crate) use self::remote::Object;
use self::target::{Place, Target};
use crate::FileSource;
use crate::read::in_background;

/// Appends rows, all or none; how many they were.
///
/// # Errors
/// InvalidInput, listing every column that does not fit, before anything is written; Unsupported
/// where the layout cannot be appended to atomically; what the stream of rows failed with.
pub(crate) async fn append(base: PathBuf, request: WriteRequest<FileSource>, call: &Call) -> Result<u64> {
    let WriteRequest {
        source,
        required,
        rows,
        schema,
    } = request;
    let (sender, incoming) = Incoming::channel(schema, required, call.progress.clone());
    let writing = in_background(move |cancel| {
        let target = Target::of(&base, &source)?;
        match &target.place {
            Place::File(path) => single::append(&target, path, incoming, cancel).map(Written::Visible),
            Place::Folder { path, extension } => {
                folder::append(&target, path, extension, incoming, cancel).map(Written::Visible)
            }
            #[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
            Place::Remote(place) => remote::append(&target, place, incoming, cancel),
        }
    });
    match fed(writing, rows, sender).await? {
        Written::Visible(rows) => Ok(rows),
        #[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
        Written::Here(upload) => upload.send().await,
    }
}

/// Makes an object of rows, which is there when all of them have arrived; how many they were.
///
/// # Errors
/// InvalidInput when it exists and may not be overwritten, and for columns that its format does not hold; what the
/// server says, and the stream of rows.
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
pub(crate) async fn make(object: Object, rows: BatchStream, call: &Call) -> Result<u64> {
    let column = |field: &std::sync::Arc<arrow::datatypes::Field>| hybrid_core::OutputColumn {
        source: field.name().clone(),
        name: field.name().clone(),
        data_type: None,
    };
    let schema = rows.schema().clone();
    let columns = schema.fields().iter().map(column).collect();
    let (sender, incoming) = Incoming::channel(schema, columns, call.progress.clone());
    let writing = in_background(move |cancel| remote::make(object, incoming, cancel));
    fed(writing, rows, sender).await?.send().await
}

/// Feeds the rows to whoever writes them, until the writing ends.
async fn fed<T>(
    writing: impl Future<Output = Result<T>>,
    rows: BatchStream,
    sender: mpsc::Sender<Message>,
) -> Result<T> {
    // The writer may be done while the stream of rows still waits: its error ends the call.
    match select(pin!(writing), pin!(feed(rows, sender))).await {
        Either::Left((written, _)) => written,
        Either::Right(((), writing)) => writing.await,
    }
}

/// What the writing thread did.
enum Written {
    /// So many rows can be read.
    Visible(u64),
    /// The rows are in a file that is still to be sent.
    #[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
    Here(remote::Upload),
}
