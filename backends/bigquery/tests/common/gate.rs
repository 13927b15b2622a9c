//! A proxy of the Storage API that knows its messages: it refuses a call, at once or behind some of its answers.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::{Buf, BufMut, Bytes};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use prost::Message;
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::codegen::http::{Request as HttpRequest, Response as HttpResponse};
use tonic::codegen::{BoxFuture, Service};
use tonic::metadata::MetadataMap;
use tonic::server::ServerStreamingService;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Code, Extensions, Request, Response, Status};

/// A call that has arrived.
#[derive(Debug, Clone)]
pub struct Call {
    method: String,
    /// Who asks.
    pub authorization: String,
    /// Behind how many rows the rows of a stream are asked for.
    pub offset: i64,
}

/// Of calls of a method, so many are refused behind so many answers.
struct Refusal {
    method: &'static str,
    /// Only those of this one.
    authorization: Option<&'static str>,
    times: usize,
    after: usize,
    code: Code,
}

impl Refusal {
    fn meets(&self, call: &Call) -> bool {
        self.times > 0 && self.method == call.method && self.authorization.is_none_or(|who| who == call.authorization)
    }
}

#[derive(Clone)]
pub struct Gate {
    port: u16,
    server: Channel,
    refusals: Arc<Mutex<Vec<Refusal>>>,
    seen: Arc<Mutex<Vec<Call>>>,
}

impl Gate {
    /// Before the server at `http://host:port`.
    pub async fn start(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let gate = Self {
            port: listener.local_addr().unwrap().port(),
            server: Endpoint::from_shared(server.to_owned()).unwrap().connect_lazy(),
            refusals: Arc::default(),
            seen: Arc::default(),
        };
        let serving = Server::builder().serve_with_incoming(gate.clone(), TcpIncoming::from(listener));
        tokio::spawn(serving);
        gate
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The next `times` calls of a method are refused behind `after` answers.
    pub fn refuse(&self, method: &'static str, times: usize, after: usize, code: Code) {
        self.add(Refusal {
            method,
            authorization: None,
            times,
            after,
            code,
        });
    }

    /// The calls of a method that say who asks in these words are refused behind `after` answers.
    pub fn refuse_of(&self, method: &'static str, authorization: &'static str, after: usize, code: Code) {
        self.add(Refusal {
            method,
            authorization: Some(authorization),
            times: usize::MAX,
            after,
            code,
        });
    }

    fn add(&self, refusal: Refusal) {
        self.refusals.lock().unwrap().push(refusal);
    }

    /// The calls of a method.
    pub fn seen(&self, method: &str) -> Vec<Call> {
        let seen = self.seen.lock().unwrap();
        seen.iter().filter(|call| call.method == method).cloned().collect()
    }

    /// Notes a call. Behind how many answers it is refused, if it is, and how.
    fn arrived(&self, path: &PathAndQuery, metadata: &MetadataMap, message: &Bytes) -> Option<(usize, Code)> {
        let method = path.path().rsplit('/').next().unwrap();
        let said = metadata.get("authorization").and_then(|value| value.to_str().ok());
        let offset = match method {
            "ReadRows" => ReadRows::decode(message.clone()).unwrap().offset,
            _ => 0,
        };
        let call = Call {
            method: method.to_owned(),
            authorization: said.unwrap_or_default().to_owned(),
            offset,
        };
        self.seen.lock().unwrap().push(call.clone());
        let mut refusals = self.refusals.lock().unwrap();
        let refusal = refusals.iter_mut().find(|refusal| refusal.meets(&call))?;
        refusal.times -= 1;
        Some((refusal.after, refusal.code))
    }

    async fn pass(self, path: PathAndQuery, request: Request<Bytes>) -> Result<Response<Answers>, Status> {
        let (metadata, _, message) = request.into_parts();
        let refusal = self.arrived(&path, &metadata, &message);
        if let Some((0, code)) = refusal {
            return Err(Status::new(code, "refused"));
        }
        let request = Request::from_parts(metadata, Extensions::default(), message);
        let mut server = tonic::client::Grpc::new(self.server).max_decoding_message_size(usize::MAX);
        let unready = |error: tonic::transport::Error| Status::unavailable(error.to_string());
        server.ready().await.map_err(unready)?;
        let answers = server.server_streaming(request, path, Raw).await?.into_inner();
        Ok(Response::new(match refusal {
            Some((after, code)) => {
                let refused = async move { Err(Status::new(code, "refused in the middle")) };
                answers.take(after).chain(stream::once(refused)).boxed()
            }
            None => answers.boxed(),
        }))
    }
}

type Answers = BoxStream<'static, Result<Bytes, Status>>;

/// Of a request for the rows of a stream, behind how many.
#[derive(Clone, PartialEq, Message)]
struct ReadRows {
    #[prost(int64, tag = "2")]
    offset: i64,
}

impl Service<HttpRequest<Body>> for Gate {
    type Response = HttpResponse<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: HttpRequest<Body>) -> Self::Future {
        let path = request.uri().path_and_query().unwrap().clone();
        let passing = Passing {
            gate: self.clone(),
            path,
        };
        Box::pin(async move {
            let mut grpc = tonic::server::Grpc::new(Raw);
            Ok(grpc.server_streaming(passing, request).await)
        })
    }
}

/// A call on its way. One with a single answer is a stream of one.
struct Passing {
    gate: Gate,
    path: PathAndQuery,
}

impl ServerStreamingService<Bytes> for Passing {
    type Response = Bytes;
    type ResponseStream = Answers;
    type Future = BoxFuture<Response<Answers>, Status>;

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        Box::pin(self.gate.clone().pass(self.path.clone(), request))
    }
}

/// Messages as they are.
#[derive(Clone, Copy)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(message);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}
