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
use super::message::{ListRequest, ListResponse, ProjectsRequest};
use super::tls::with_tls;
use super::token;
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

    /// The definitions of a project that `method` lists.
    pub(super) async fn list(&self, method: &str, project: &str) -> Result<Vec<Bytes>> {
        let project = project.to_owned();
        self.call(method, ListRequest { project }).await
    }

    /// The projects that `method` lists.
    pub(super) async fn projects(&self, method: &str) -> Result<Vec<Bytes>> {
        self.call(method, ProjectsRequest {}).await
    }

    async fn call<Q: Message + Clone + 'static>(&self, method: &str, request: Q) -> Result<Vec<Bytes>> {
        let mut answer = self.once(method, request.clone()).await;
        if matches!(&answer, Err(status) if is_lost(status)) {
            tokio::time::sleep(PAUSE).await;
            answer = self.once(method, request).await;
        }
        let answer = answer.map_err(|status| failed(&status, method, &self.place))?;
        Ok(answer.items)
    }

    async fn once<Q: Message + 'static>(&self, method: &str, message: Q) -> Result<ListResponse, Status> {
        let channel = self.channel.get_or_init(async || self.endpoint.connect_lazy()).await;
        let mut grpc = Grpc::new(channel.clone()).max_decoding_message_size(MAX_BYTES);
        grpc.ready().await.map_err(|error| Status::from_error(error.into()))?;
        let mut request = Request::new(message);
        if let Some(token) = token::header(&self.auth)? {
            request.metadata_mut().insert("authorization", token);
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
