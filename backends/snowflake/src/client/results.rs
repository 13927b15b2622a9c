use std::io::Read;
use std::sync::{Arc, PoisonError, RwLock};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Buf, Bytes};
use flate2::read::MultiGzDecoder;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use hybrid_core::{BatchStream, Error, ErrorKind, Result};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::ipc::Reader;
use super::message::{Chunk, Column, QueryData};
use super::session::{Session, parsed};
use crate::error::protocol;
use crate::types::{Decoder, from_texts};

/// How many MiB of parts, unpacked, are on their way or wait for the reader: one may be larger.
const BUDGET: u32 = 256;

/// How often a part is fetched that comes broken.
const ATTEMPTS: usize = 3;

/// The rows of an answer: those in it, then those of its parts, in order.
pub(super) fn stream(session: Arc<Session>, answer: Bytes, threads: usize) -> Result<BatchStream> {
    let mut data = parsed(&answer)?.data.unwrap_or_default();
    let columns: Arc<[Column]> = data.rowtype.take().unwrap_or_default().into();
    let decoder = Decoder::new(&columns);
    let schema = SchemaRef::clone(decoder.schema());
    let chunks = data.chunks.take().unwrap_or_default();
    let parts = Arc::new(Parts {
        session,
        query_id: data.query_id.take().unwrap_or_default(),
        headers: headers(&mut data)?,
        json: data.query_result_format.as_deref() == Some("json"),
        sizes: chunks
            .iter()
            .map(|chunk| (chunk.row_count, chunk.uncompressed_size))
            .collect(),
        addresses: RwLock::new(chunks.into_iter().map(|chunk| chunk.url).collect()),
        decoder,
        columns,
        budget: Arc::new(Semaphore::new(BUDGET as usize)),
    });
    let promised = data.total;
    let first = match data.rowset.take() {
        Some(rows) => First::Texts(rows),
        None => First::Arrow(inline(&data)?),
    };
    // It may be large.
    drop(data);
    drop(answer);
    let rest = stream::iter(0..parts.sizes.len())
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

/// What the requests for parts must say.
fn headers(data: &mut QueryData<'_>) -> Result<HeaderMap> {
    let mut given = data.chunk_headers.take().unwrap_or_default();
    if let Some(key) = data.qrmk.take().filter(|_| given.is_empty()) {
        given.insert(
            "x-amz-server-side-encryption-customer-algorithm".to_owned(),
            "AES256".to_owned(),
        );
        given.insert("x-amz-server-side-encryption-customer-key".to_owned(), key);
    }
    let made = given.into_iter().map(|(name, value)| {
        let mut value = HeaderValue::try_from(value).map_err(|_| protocol("a header of its parts"))?;
        value.set_sensitive(true);
        let name = HeaderName::try_from(name).map_err(|_| protocol("a header of its parts"))?;
        Ok((name, value))
    });
    made.collect()
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

fn broken(error: arrow::error::ArrowError) -> Error {
    Error::new(ErrorKind::Corrupt, format!("a result's rows cannot be read: {error}"))
}

fn thread_failed(error: tokio::task::JoinError) -> Error {
    Error::new(ErrorKind::Unexpected, "a decoding thread failed").with_cause(error)
}

/// The parts of a result on object storage.
struct Parts {
    session: Arc<Session>,
    query_id: String,
    headers: HeaderMap,
    json: bool,
    /// Rows and bytes of each.
    sizes: Vec<(u64, u64)>,
    /// They are signed, and count for some hours.
    addresses: RwLock<Vec<String>>,
    decoder: Decoder,
    columns: Arc<[Column]>,
    budget: Arc<Semaphore>,
}

/// The rows of one part, and its share of the memory.
struct Part {
    batches: Vec<RecordBatch>,
    _share: OwnedSemaphorePermit,
}

impl Part {
    fn left(self) -> stream::BoxStream<'static, Result<RecordBatch>> {
        let Self { batches, _share: share } = self;
        let batches = batches.into_iter();
        stream::unfold((batches, share), |(mut batches, share)| async move {
            let batch = batches.next()?;
            Some((Ok(batch), (batches, share)))
        })
        .boxed()
    }
}

impl Parts {
    async fn batches(self: Arc<Self>, place: usize) -> Result<Part> {
        let (rows, bytes) = self.sizes.get(place).copied().unwrap_or_default();
        let share = u32::try_from(bytes >> 20).unwrap_or(BUDGET).clamp(1, BUDGET);
        let share = Arc::clone(&self.budget).acquire_many_owned(share).await;
        let share = share.map_err(|_| Error::new(ErrorKind::Unexpected, "the budget of a result is closed"))?;
        let mut attempt = 1;
        loop {
            let body = self.fetched(place).await?;
            let parts = Arc::clone(&self);
            let decoded = tokio::task::spawn_blocking(move || parts.decoded(&body));
            let decoded = decoded.await.unwrap_or_else(|error| Err(thread_failed(error)));
            let decoded = decoded.and_then(|batches| complete(batches, rows));
            match decoded {
                Ok(batches) => return Ok(Part { batches, _share: share }),
                Err(error) if attempt == ATTEMPTS || error.kind() != ErrorKind::Corrupt => return Err(error),
                Err(_) => attempt += 1,
            }
        }
    }

    /// The bytes of a part; where its address does not count any more, those at its new one.
    async fn fetched(&self, place: usize) -> Result<Bytes> {
        let address = self.address(place)?;
        match self.at(&address).await {
            Err(error) if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::Unauthenticated) => {
                self.readdress(&address, place)
                    .await
                    .map_err(|again| match again.kind() {
                        ErrorKind::Unavailable | ErrorKind::Timeout => again,
                        _ => error,
                    })?;
                self.at(&self.address(place)?).await
            }
            fetched => fetched,
        }
    }

    fn address(&self, place: usize) -> Result<String> {
        let addresses = self.addresses.read().unwrap_or_else(PoisonError::into_inner);
        addresses
            .get(place)
            .cloned()
            .ok_or_else(|| protocol("a part without an address"))
    }

    async fn at(&self, address: &str) -> Result<Bytes> {
        let http = self.session.http.of("the storage of a result");
        http.asked(|_| http.client.get(address).headers(self.headers.clone()))
            .await
    }

    /// Asks the server for new addresses, unless somebody else did.
    async fn readdress(&self, old: &str, place: usize) -> Result<()> {
        if self.address(place)? != old {
            return Ok(());
        }
        let answer = self.session.result_again(&self.query_id).await?;
        let chunks = parsed(&answer)?.data.and_then(|data| data.chunks).unwrap_or_default();
        let same = chunks.len() == self.sizes.len()
            && chunks
                .iter()
                .zip(&self.sizes)
                .all(|(chunk, (rows, _)): (&Chunk, _)| chunk.row_count == *rows);
        if !same {
            return Err(protocol("the parts of a result have changed"));
        }
        let mut addresses = self.addresses.write().unwrap_or_else(PoisonError::into_inner);
        *addresses = chunks.into_iter().map(|chunk| chunk.url).collect();
        Ok(())
    }

    fn decoded(&self, body: &Bytes) -> Result<Vec<RecordBatch>> {
        let body = unpacked(body)?;
        if self.json {
            // Rows with commas between them, without what would make them one array.
            let text = [b"[".as_slice(), body.as_ref(), b"]"].concat();
            let rows: Vec<Vec<Value>> = serde_json::from_slice(&text).map_err(corrupt)?;
            return Ok(vec![from_texts(&rows, &self.columns, self.decoder.schema())?]);
        }
        let mut reader = Reader::new(body);
        let mut batches = Vec::new();
        while let Some(batch) = reader.next().map_err(broken)? {
            batches.push(self.decoder.decode(&batch)?);
        }
        Ok(batches)
    }
}

/// Whatever storage says of them, parts are packed or not.
fn unpacked(body: &Bytes) -> Result<Bytes> {
    if !body.starts_with(&[0x1F, 0x8B]) {
        return Ok(body.clone());
    }
    let mut plain = Vec::new();
    MultiGzDecoder::new(body.clone().reader())
        .read_to_end(&mut plain)
        .map_err(corrupt)?;
    Ok(plain.into())
}

fn corrupt(error: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Corrupt, format!("a result cannot be read: {error}"))
}

fn complete(batches: Vec<RecordBatch>, rows: u64) -> Result<Vec<RecordBatch>> {
    let found: usize = batches.iter().map(RecordBatch::num_rows).sum();
    if found as u64 != rows {
        return Err(corrupt(format!("it has {found} rows instead of {rows}")));
    }
    Ok(batches)
}
