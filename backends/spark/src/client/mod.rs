//! The connection to a Spark Connect server: calls and their retries.

mod execution;
mod retry;

use std::sync::Arc;
use std::time::Duration;

use http::uri::PathAndQuery;
use hybrid_core::{Error, ErrorKind, Result};
use tonic::client::Grpc;
use tonic::metadata::{AsciiMetadataKey, AsciiMetadataValue};
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};
use tonic::{Request, Status, Streaming};
use tonic_prost::ProstCodec;

pub(crate) use execution::Execution;
pub(crate) use retry::{Patience, is_cut, is_untrusted};

use crate::Address;
use crate::error::AUTHORITIES;
use crate::protocol::UserContext;

/// Larger messages are refused: a server's default is the same.
const MAX_MESSAGE: usize = 128 << 20;
/// How many bytes of one answer may be under way.
const WINDOW: u32 = 4 << 20;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection that all sessions of a store share. It connects when it is first used, and again after it was cut.
#[derive(Clone)]
pub(crate) struct Connection {
    channel: Channel,
    headers: Arc<Vec<(AsciiMetadataKey, AsciiMetadataValue)>>,
    user: UserContext,
    agent: String,
    place: String,
}

impl Connection {
    /// Prepares a connection; nothing is sent yet. Must be made inside a tokio runtime.
    pub(crate) fn new(address: &Address) -> Result<Self> {
        let user = address.user_id.clone().or_else(login).unwrap_or_default();
        Ok(Self {
            channel: endpoint(address)?.connect_lazy(),
            headers: Arc::new(headers(address)?),
            user: UserContext {
                user_id: user.clone(),
                user_name: user,
            },
            agent: agent(address),
            place: address.authority(),
        })
    }

    /// Host and port, for messages.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    pub(crate) fn user(&self) -> Option<UserContext> {
        Some(self.user.clone())
    }

    pub(crate) fn agent(&self) -> Option<String> {
        Some(self.agent.clone())
    }

    /// A call with one answer that may be made twice; repeated while the connection is cut and `patience` lasts.
    pub(crate) async fn call<Q, R>(&self, method: &str, request: &Q, mut patience: Patience) -> Result<R, Status>
    where
        Q: prost::Message + Clone + 'static,
        R: prost::Message + Default + 'static,
    {
        loop {
            let failed = match self.once(method, request.clone()).await {
                Ok(answer) => return Ok(answer),
                Err(status) => status,
            };
            if !is_cut(&failed) || !patience.wait().await {
                return Err(failed);
            }
        }
    }

    async fn once<Q, R>(&self, method: &str, request: Q) -> Result<R, Status>
    where
        Q: prost::Message + 'static,
        R: prost::Message + Default + 'static,
    {
        let mut grpc = self.ready().await?;
        let answer = grpc
            .unary(self.request(request), path(method)?, ProstCodec::default())
            .await?;
        Ok(answer.into_inner())
    }

    /// A call with many answers.
    pub(crate) async fn stream<Q, R>(&self, method: &str, request: Q) -> Result<Streaming<R>, Status>
    where
        Q: prost::Message + 'static,
        R: prost::Message + Default + 'static,
    {
        let mut grpc = self.ready().await?;
        let codec = ProstCodec::default();
        let answer = grpc
            .server_streaming(self.request(request), path(method)?, codec)
            .await?;
        Ok(answer.into_inner())
    }

    /// A call that sends many messages and has one answer.
    pub(crate) async fn send<Q, R>(&self, method: &str, requests: Vec<Q>) -> Result<R, Status>
    where
        Q: prost::Message + 'static,
        R: prost::Message + Default + 'static,
    {
        let mut grpc = self.ready().await?;
        let requests = self.request(futures::stream::iter(requests));
        let answer = grpc
            .client_streaming(requests, path(method)?, ProstCodec::default())
            .await?;
        Ok(answer.into_inner())
    }

    async fn ready(&self) -> Result<Grpc<Channel>, Status> {
        let mut grpc = Grpc::new(self.channel.clone())
            .max_decoding_message_size(MAX_MESSAGE)
            .max_encoding_message_size(MAX_MESSAGE);
        grpc.ready().await.map_err(|error| Status::from_error(error.into()))?;
        Ok(grpc)
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        for (name, value) in self.headers.iter() {
            request.metadata_mut().insert(name.clone(), value.clone());
        }
        request
    }
}

fn endpoint(address: &Address) -> Result<Endpoint> {
    let (scheme, place) = (if address.use_ssl { "https" } else { "http" }, address.authority());
    let wrong = |why: &str, error| Error::new(ErrorKind::Config, format!("`{place}` {why}")).with_cause(error);
    let mut endpoint = Endpoint::from_shared(format!("{scheme}://{place}"))
        .map_err(|error| wrong("cannot be connected to", error))?
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .tcp_keepalive(Some(Duration::from_secs(60)))
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(2 * WINDOW);
    let keepalive = address.keepalive;
    if keepalive.enabled {
        endpoint = endpoint
            .http2_keep_alive_interval(keepalive.time)
            .keep_alive_timeout(keepalive.timeout)
            .keep_alive_while_idle(keepalive.without_calls);
    }
    if !address.use_ssl {
        return Ok(endpoint);
    }
    endpoint
        .tls_config(ClientTlsConfig::new().with_native_roots())
        .map_err(|error| wrong("cannot be connected to by TLS", error).with_help(AUTHORITIES))
}

fn path(method: &str) -> Result<PathAndQuery, Status> {
    PathAndQuery::try_from(format!("/spark.connect.SparkConnectService/{method}"))
        .map_err(|error| Status::internal(error.to_string()))
}

fn headers(address: &Address) -> Result<Vec<(AsciiMetadataKey, AsciiMetadataValue)>> {
    let token = address
        .token
        .as_ref()
        .map(|token| ("authorization", format!("Bearer {}", token.expose())));
    let others = address
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.expose().to_owned()));
    let header = |(name, value): (&str, String)| {
        let wrong = || {
            let message = format!("the header `{name}` of the address cannot be sent: only plain ASCII can");
            Error::new(ErrorKind::Config, message)
        };
        let key = AsciiMetadataKey::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
        let mut value = AsciiMetadataValue::try_from(value).map_err(|_| wrong())?;
        value.set_sensitive(true);
        Ok((key, value))
    };
    token.into_iter().chain(others).map(header).collect()
}

fn login() -> Option<String> {
    ["SPARK_USER", "USER", "LOGNAME"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()))
}

fn agent(address: &Address) -> String {
    let ours = concat!("hybrid-offline-store/", env!("CARGO_PKG_VERSION"));
    match &address.user_agent {
        Some(agent) => format!("{agent} {ours}"),
        None => ours.to_owned(),
    }
}
