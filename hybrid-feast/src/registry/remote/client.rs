use std::time::Duration;

use bytes::Bytes;
use http::Uri;
use http::uri::PathAndQuery;
use hybrid_core::config::{ClientAuth, RemoteRegistry};
use hybrid_core::{Error, ErrorKind, Result};
use prost::Message;
use tonic::client::Grpc;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use tonic_prost::ProstCodec;

use super::error::{failed, is_lost};
use super::message::ListResponse;
use super::tls::with_tls;
use super::token::{self, Bearer};
use crate::blocking::blocking;
use crate::registry::document::MAX_BYTES;

const CONNECT_PATIENCE: Duration = Duration::from_secs(10);
/// How long one call may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Before the one attempt after a connection was lost.
const PAUSE: Duration = Duration::from_millis(100);

/// A connection to a registry server: it connects when it is first used, and again after it was lost.
pub(super) struct Client {
    endpoint: Endpoint,
    channel: tokio::sync::OnceCell<Channel>,
    auth: ClientAuth,
    place: String,
}

impl Client {
    pub(super) fn new(config: &RemoteRegistry) -> Result<Self> {
        Ok(Self {
            endpoint: endpoint(config)?,
            channel: tokio::sync::OnceCell::new(),
            auth: config.auth.clone(),
            place: config.address.clone(),
        })
    }

    /// Host and port.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// What tells the server who asks.
    pub(super) async fn bearer(&self) -> Result<Option<Bearer>> {
        let auth = self.auth.clone();
        blocking(move || token::header(&auth)).await
    }

    /// What `method` lists.
    pub(super) async fn list<Q>(&self, method: &str, request: Q, bearer: Option<&Bearer>) -> Result<Vec<Bytes>>
    where
        Q: Message + Clone + 'static,
    {
        let mut answer = self.once::<_, ListResponse>(method, request.clone(), bearer).await;
        if matches!(&answer, Err(status) if is_lost(status)) {
            tokio::time::sleep(PAUSE).await;
            answer = self.once(method, request, bearer).await;
        }
        let answer = answer.map_err(|status| failed(&status, method, &self.place))?;
        Ok(answer.items)
    }

    /// Has `method` change something. It is not tried again: what was deleted cannot be deleted twice.
    pub(super) async fn change<Q>(&self, method: &str, request: Q, bearer: Option<&Bearer>) -> Result<()>
    where
        Q: Message + 'static,
    {
        let answer = self.once::<_, ()>(method, request, bearer).await;
        answer.map_err(|status| failed(&status, method, &self.place))
    }

    async fn once<Q, A>(&self, method: &str, message: Q, bearer: Option<&Bearer>) -> Result<A, Status>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let channel = self.channel.get_or_init(async || self.endpoint.connect_lazy()).await;
        let mut grpc = Grpc::new(channel.clone()).max_decoding_message_size(MAX_BYTES);
        grpc.ready().await.map_err(|error| Status::from_error(error.into()))?;
        let mut request = Request::new(message);
        if let Some(bearer) = bearer {
            request.metadata_mut().insert("authorization", bearer.clone());
        }
        let path = PathAndQuery::try_from(format!("/feast.registry.RegistryServer/{method}"))
            .map_err(|error| Status::internal(error.to_string()))?;
        Ok(grpc.unary(request, path, ProstCodec::default()).await?.into_inner())
    }
}

fn endpoint(config: &RemoteRegistry) -> Result<Endpoint> {
    let place = &config.address;
    let wrong = |error| {
        Error::new(
            ErrorKind::Config,
            format!("registry server {place} cannot be connected to"),
        )
        .with_cause(error)
    };
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    let endpoint = Endpoint::from_shared(format!("{scheme}://{place}"))
        .map_err(wrong)?
        .connect_timeout(CONNECT_PATIENCE)
        .timeout(PATIENCE)
        .tcp_nodelay(true)
        .tcp_keepalive(Some(Duration::from_secs(60)));
    let Some(tls) = &config.tls else {
        return Ok(endpoint);
    };
    let endpoint = with_tls(endpoint, tls)?;
    match tls
        .authority
        .as_ref()
        .map(|name| format!("https://{name}").parse::<Uri>())
    {
        None => Ok(endpoint),
        Some(Ok(origin)) => Ok(endpoint.origin(origin)),
        Some(Err(_)) => Err(Error::new(ErrorKind::Config, "`authority` of the registry is no host")),
    }
}
