use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use hybrid_core::{Error, ErrorKind, Result};
use reqwest::header::HeaderMap;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::metadata::{AsciiMetadataValue, MetadataMap};
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Request, Status, Streaming};
use tonic_prost::ProstCodec;

use super::access::Access;
use super::backoff::Backoff;
use super::message;
use super::rest::TableReference;
use crate::BigQueryConfig;
use crate::error::{protocol, storage_error};
use crate::protocol::{ARROW, CreateReadSession, ReadRows, Rows, Session, Stream};

const STORAGE: &str = "https://bigquerystorage.googleapis.com";

/// Larger messages are refused.
const MAX_MESSAGE: usize = 256 << 20;
/// How many bytes of one stream of rows may be under way.
const WINDOW: u32 = 2 << 20;
/// The largest that HTTP/2 has.
const CONNECTION_WINDOW: u32 = (1 << 31) - 1;
const CONNECT: Duration = Duration::from_secs(10);

/// The Storage API. It connects when it is first used, and again after it was cut.
#[derive(Clone)]
pub(crate) struct Storage {
    channel: Channel,
    access: Access,
    patience: Duration,
    /// After so long without an answer a call is given up.
    silence: Duration,
}

/// A table, divided into streams.
pub(crate) struct ReadSession {
    /// Of the rows of every stream.
    pub(crate) schema: SchemaRef,
    pub(crate) streams: Vec<String>,
}

impl Storage {
    /// Prepares a connection; nothing is sent yet. Must be made inside a tokio runtime.
    pub(crate) fn new(config: &BigQueryConfig, access: Access) -> Result<Self> {
        let place = config.storage_endpoint.as_deref().unwrap_or(STORAGE);
        let wrong = |error| {
            let message = format!("`storage_endpoint: {place}` cannot be connected to");
            Error::new(ErrorKind::Config, message).with_cause(error)
        };
        let mut endpoint = Endpoint::from_shared(place.trim_end_matches('/').to_owned())
            .map_err(wrong)?
            .connect_timeout(CONNECT)
            .tcp_nodelay(true)
            .tcp_keepalive(Some(Duration::from_secs(60)))
            .http2_keep_alive_interval(Duration::from_secs(60))
            .initial_stream_window_size(WINDOW)
            // The streams' windows bound what is under way: one that is not read must not stop the others.
            .initial_connection_window_size(CONNECTION_WINDOW);
        if place.starts_with("https") {
            endpoint = endpoint
                .tls_config(ClientTlsConfig::new().with_native_roots())
                .map_err(wrong)?;
        }
        Ok(Self {
            channel: endpoint.connect_lazy(),
            access,
            patience: Duration::from_secs(config.retry_timeout),
            silence: Duration::from_secs(config.request_timeout),
        })
    }

    /// Divides a table into at most so many streams; `project` pays. A session that nobody reads costs nothing, so that
    /// this may be asked twice.
    pub(crate) async fn session(&self, project: &str, table: &TableReference, streams: usize) -> Result<ReadSession> {
        let name = format!(
            "projects/{}/datasets/{}/tables/{}",
            table.project_id, table.dataset_id, table.table_id
        );
        let request = CreateReadSession {
            parent: format!("projects/{project}"),
            max_streams: i32::try_from(streams).unwrap_or(1),
            session: Some(Session {
                data_format: ARROW,
                table: name.clone(),
                ..Session::default()
            }),
        };
        let route = format!("read_session.table={}", escaped(&name));
        let (mut backoff, mut renewed) = (Backoff::lasting(self.patience), false);
        let session: Session = loop {
            let asked = Instant::now();
            let status = match self.unary("CreateReadSession", request.clone(), &route).await? {
                Ok(session) => break session,
                Err(status) => status,
            };
            let expired = self.renews(&status, asked, &mut renewed);
            if !(expired || passes(&status)) || !backoff.wait(None).await {
                return Err(storage_error(&status));
            }
        };
        let header = session.arrow_schema.map(|schema| schema.serialized);
        let header = header.ok_or_else(|| protocol("a read session without a schema"))?;
        Ok(ReadSession {
            schema: message::schema(&header)?,
            streams: session.streams.into_iter().map(|stream: Stream| stream.name).collect(),
        })
    }

    async fn unary<Q, R>(&self, method: &str, request: Q, route: &str) -> Result<Result<R, Status>>
    where
        Q: prost::Message + 'static,
        R: prost::Message + Default + 'static,
    {
        let request = self.request(request, route).await?;
        let call = async {
            let answer = self
                .ready()
                .await?
                .unary(request, path(method)?, ProstCodec::default())
                .await?;
            Ok(answer.into_inner())
        };
        Ok(self.answered(call).await)
    }

    async fn rows(&self, stream: &str, offset: i64) -> Result<Result<Streaming<Rows>, Status>> {
        let request = ReadRows {
            stream: stream.to_owned(),
            offset,
        };
        let request = self
            .request(request, &format!("read_stream={}", escaped(stream)))
            .await?;
        let call = async {
            let mut grpc = self.ready().await?;
            let answer = grpc
                .server_streaming(request, path("ReadRows")?, ProstCodec::default())
                .await?;
            Ok(answer.into_inner())
        };
        Ok(self.answered(call).await)
    }

    /// Whether the token has ended on its way, or been withdrawn, for the first time: the next request has another.
    fn renews(&self, status: &Status, asked: Instant, renewed: &mut bool) -> bool {
        let expired = status.code() == Code::Unauthenticated && !std::mem::replace(renewed, true);
        if expired {
            self.access.renew(asked);
        }
        expired
    }

    /// A server that answers pings and nothing else is not waited for.
    async fn answered<T>(&self, call: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
        let answer = tokio::time::timeout(self.silence, call).await;
        answer.unwrap_or_else(|_| Err(Status::deadline_exceeded("there was no answer in time")))
    }

    async fn ready(&self) -> Result<Grpc<Channel>, Status> {
        let mut grpc = Grpc::new(self.channel.clone()).max_decoding_message_size(MAX_MESSAGE);
        grpc.ready()
            .await
            .map_err(|error| Status::unavailable(error.to_string()))?;
        Ok(grpc)
    }

    /// A message with who asks, as of now, and what the service routes by.
    async fn request<T>(&self, message: T, route: &str) -> Result<Request<T>> {
        let mut headers: HeaderMap = self.access.headers().await?;
        for value in headers.values_mut() {
            value.set_sensitive(true);
        }
        let mut metadata = MetadataMap::from_headers(headers);
        let route = AsciiMetadataValue::try_from(route).map_err(protocol)?;
        metadata.insert("x-goog-request-params", route);
        Ok(Request::from_parts(metadata, tonic::Extensions::default(), message))
    }
}

/// One stream of rows; after a break it goes on behind the last row that has come.
pub(crate) struct Reader {
    storage: Storage,
    stream: String,
    schema: SchemaRef,
    answers: Option<Streaming<Rows>>,
    /// When they were asked for.
    asked: Instant,
    offset: i64,
}

impl Reader {
    pub(crate) fn new(storage: &Storage, schema: &SchemaRef, stream: String) -> Self {
        Self {
            storage: storage.clone(),
            stream,
            schema: Arc::clone(schema),
            answers: None,
            asked: Instant::now(),
            offset: 0,
        }
    }

    /// The next rows; `None` at the end.
    ///
    /// # Errors
    /// What the service says, after it was tried again for as long as configured.
    pub(crate) async fn next(&mut self) -> Result<Option<RecordBatch>> {
        let mut backoff = Backoff::lasting(self.storage.patience);
        let mut renewed = false;
        loop {
            let status = match self.try_next().await? {
                Ok(None) => return Ok(None),
                Ok(Some(rows)) => match self.decode(rows)? {
                    Some(batch) => return Ok(Some(batch)),
                    None => continue,
                },
                Err(status) => status,
            };
            self.answers = None;
            let expired = self.storage.renews(&status, self.asked, &mut renewed);
            if !(expired || passes(&status)) || !backoff.wait(None).await {
                return Err(storage_error(&status));
            }
        }
    }

    async fn try_next(&mut self) -> Result<Result<Option<Rows>, Status>> {
        let answers = match &mut self.answers {
            Some(answers) => answers,
            None => {
                self.asked = Instant::now();
                match self.storage.rows(&self.stream, self.offset).await? {
                    Ok(opened) => self.answers.insert(opened),
                    Err(status) => return Ok(Err(status)),
                }
            }
        };
        Ok(self.storage.answered(answers.message()).await)
    }

    fn decode(&mut self, rows: Rows) -> Result<Option<RecordBatch>> {
        let Some(batch) = rows.batch else { return Ok(None) };
        let batch = message::rows(&batch.serialized, &self.schema)?;
        let count = i64::try_from(batch.num_rows()).map_err(protocol)?;
        if rows.row_count != 0 && rows.row_count != count {
            return Err(protocol(format!("{count} rows where {} were said", rows.row_count)));
        }
        self.offset += count;
        Ok(Some(batch))
    }
}

/// Whether the connection failed or the service was not ready, and not what was asked.
fn passes(status: &Status) -> bool {
    use std::error::Error as _;
    matches!(
        status.code(),
        Code::Unavailable
            | Code::Aborted
            | Code::Internal
            | Code::Unknown
            | Code::DeadlineExceeded
            | Code::ResourceExhausted
    ) || status.source().is_some()
}

fn path(method: &str) -> Result<PathAndQuery, Status> {
    PathAndQuery::try_from(format!("/google.cloud.bigquery.storage.v1.BigQueryRead/{method}"))
        .map_err(|error| Status::internal(error.to_string()))
}

/// As it stands in the header that requests are routed by.
fn escaped(name: &str) -> String {
    let mut text = String::new();
    for byte in name.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => text.push(char::from(byte)),
            other => text.push_str(&format!("%{other:02X}")),
        }
    }
    text
}
