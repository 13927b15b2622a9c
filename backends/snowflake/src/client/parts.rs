//! The parts of a result on object storage.

use std::io::Read;
use std::sync::{Arc, PoisonError, RwLock};

use arrow::array::RecordBatch;
use bytes::{Buf, Bytes};
use flate2::read::MultiGzDecoder;
use futures::{StreamExt, stream};
use hybrid_core::{Error, ErrorKind, Result};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};

use super::ipc::Reader;
use super::message::{Chunk, Column, QueryData};
use super::session::{Session, parsed};
use crate::error::protocol;
use crate::types::{Decoder, from_texts};

/// How many MiB of parts, unpacked, are on their way or wait for the reader: one may be larger.
const BUDGET: u32 = 256;

/// How often a part is fetched that comes broken.
const ATTEMPTS: usize = 3;

/// The parts of a result.
pub(super) struct Parts {
    session: Arc<Session>,
    query_id: String,
    headers: HeaderMap,
    json: bool,
    /// Rows and bytes of each.
    sizes: Vec<(u64, u64)>,
    /// They are signed, and count for some hours.
    addresses: RwLock<Vec<String>>,
    /// Held while new ones are asked for.
    renewing: Mutex<()>,
    pub(super) decoder: Decoder,
    pub(super) columns: Arc<[Column]>,
    budget: Arc<Semaphore>,
}

/// The rows of one part, and its share of the memory.
pub(super) struct Part {
    batches: Vec<RecordBatch>,
    _share: OwnedSemaphorePermit,
}

impl Part {
    /// The rows, which keep their share until the last is taken.
    pub(super) fn left(self) -> stream::BoxStream<'static, Result<RecordBatch>> {
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
    /// What an answer says of them.
    pub(super) fn of(session: Arc<Session>, data: &mut QueryData<'_>) -> Result<Self> {
        let columns: Arc<[Column]> = data.rowtype.take().unwrap_or_default().into();
        let chunks = data.chunks.take().unwrap_or_default();
        Ok(Self {
            session,
            query_id: data.query_id.take().unwrap_or_default(),
            headers: headers(data)?,
            json: data.query_result_format.as_deref() == Some("json"),
            sizes: chunks
                .iter()
                .map(|chunk| (chunk.row_count, chunk.uncompressed_size))
                .collect(),
            addresses: RwLock::new(chunks.into_iter().map(|chunk| chunk.url).collect()),
            renewing: Mutex::default(),
            decoder: Decoder::new(&columns),
            columns,
            budget: Arc::new(Semaphore::new(BUDGET as usize)),
        })
    }

    pub(super) fn len(&self) -> usize {
        self.sizes.len()
    }

    /// The rows of one.
    pub(super) async fn batches(self: Arc<Self>, place: usize) -> Result<Part> {
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
            Err(error) if is_refused(&error) => {
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
        let _one = self.renewing.lock().await;
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

/// Whether a storage says that it has not given the right to do this, or not any more: one by 400, others by 401 or 403.
pub(super) fn is_refused(error: &Error) -> bool {
    use ErrorKind as K;
    matches!(error.kind(), K::PermissionDenied | K::Unauthenticated | K::InvalidInput)
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

pub(super) fn corrupt(error: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Corrupt, format!("a result cannot be read: {error}"))
}

fn complete(batches: Vec<RecordBatch>, rows: u64) -> Result<Vec<RecordBatch>> {
    let found: usize = batches.iter().map(RecordBatch::num_rows).sum();
    if found as u64 != rows {
        return Err(corrupt(format!("it has {found} rows instead of {rows}")));
    }
    Ok(batches)
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

pub(super) fn broken(error: arrow::error::ArrowError) -> Error {
    Error::new(ErrorKind::Corrupt, format!("a result's rows cannot be read: {error}"))
}

pub(super) fn thread_failed(error: tokio::task::JoinError) -> Error {
    Error::new(ErrorKind::Unexpected, "a decoding thread failed").with_cause(error)
}
