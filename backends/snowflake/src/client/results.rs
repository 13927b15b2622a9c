use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use hybrid_core::{BatchStream, Result};
use serde_json::Value;

use super::ipc::Reader;
use super::message::QueryData;
use super::parts::{Parts, broken, corrupt, thread_failed};
use super::session::{Session, parsed};
use crate::error::protocol;
use crate::types::from_texts;

/// The rows of an answer: those in it, then those of its parts, in order.
pub(super) fn stream(session: Arc<Session>, answer: Bytes, threads: usize) -> Result<BatchStream> {
    let mut data = parsed(&answer)?.data.unwrap_or_default();
    let parts = Arc::new(Parts::of(session, &mut data)?);
    let schema = SchemaRef::clone(parts.decoder.schema());
    let promised = data.total;
    let first = match data.rowset.take() {
        Some(rows) => First::Texts(rows),
        None => First::Arrow(inline(&data)?),
    };
    // It may be large.
    drop(data);
    drop(answer);
    let rest = stream::iter(0..parts.len())
        .map({
            let parts = Arc::clone(&parts);
            move |place| Arc::clone(&parts).batches(place)
        })
        .buffered(threads)
        .flat_map(|part| match part {
            Ok(part) => part.left(),
            Err(error) => stream::iter([Err(error)]).boxed(),
        });
    let batches = first.batches(parts).chain(rest);
    let batches = batches.try_filter(|batch| std::future::ready(batch.num_rows() > 0));
    Ok(BatchStream::new(schema, whole(batches.boxed(), promised)))
}

/// The batches, and an error behind them where they hold fewer rows than the server said.
fn whole(
    batches: stream::BoxStream<'static, Result<RecordBatch>>,
    promised: Option<u64>,
) -> impl Stream<Item = Result<RecordBatch>> + Send {
    stream::unfold(Some((batches, 0)), move |state| async move {
        let (mut batches, seen) = state?;
        match batches.next().await {
            Some(Ok(batch)) => {
                let seen = seen + batch.num_rows() as u64;
                Some((Ok(batch), Some((batches, seen))))
            }
            Some(Err(error)) => Some((Err(error), None)),
            None => promised
                .filter(|promised| seen < *promised)
                .map(|promised| (Err(corrupt(format!("it has {seen} rows instead of {promised}"))), None)),
        }
    })
}

fn inline(data: &QueryData<'_>) -> Result<Vec<u8>> {
    let Some(text) = &data.rowset_base64 else {
        return Ok(Vec::new());
    };
    STANDARD.decode(text.0.as_bytes()).map_err(protocol)
}

/// The rows inside of the answer.
enum First {
    Arrow(Vec<u8>),
    Texts(Vec<Vec<Value>>),
}

impl First {
    fn batches(self, parts: Arc<Parts>) -> stream::BoxStream<'static, Result<RecordBatch>> {
        match self {
            Self::Texts(rows) => {
                let decoded = from_texts(&rows, &parts.columns, parts.decoder.schema());
                stream::iter([decoded]).boxed()
            }
            Self::Arrow(bytes) if bytes.is_empty() => stream::empty().boxed(),
            Self::Arrow(bytes) => decoded_by_and_by(bytes, parts).boxed(),
        }
    }
}

/// Batch by batch: an answer without parts may be large.
fn decoded_by_and_by(bytes: Vec<u8>, parts: Arc<Parts>) -> impl Stream<Item = Result<RecordBatch>> + Send {
    let state = Some((Reader::new(bytes.into()), parts));
    stream::unfold(state, |state| async move {
        let (mut reader, parts) = state?;
        let decoded = tokio::task::spawn_blocking(move || {
            let batch = reader.next().map_err(broken).transpose()?;
            let batch = batch.and_then(|batch| parts.decoder.decode(&batch));
            Some((batch, reader, parts))
        });
        match decoded.await {
            Ok(Some((Ok(batch), reader, parts))) => Some((Ok(batch), Some((reader, parts)))),
            Ok(Some((Err(error), ..))) => Some((Err(error), None)),
            Ok(None) => None,
            Err(error) => Some((Err(thread_failed(error)), None)),
        }
    })
}
