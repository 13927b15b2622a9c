//! The Flight service: Feast's two generations of clients. The newer read with one DoExchange; the older with DoPut,
//! GetFlightInfo and DoGet. Both write with DoPut.

use std::sync::Arc;
use std::time::Duration;

use arrow_flight::flight_service_server::FlightService;
use arrow_flight::{
    Action, ActionType, Criteria, Empty, FlightData, FlightDescriptor, FlightEndpoint, FlightInfo, HandshakeRequest,
    HandshakeResponse, PollInfo, PutResult, Result as ActionResult, SchemaResult, Ticket,
};
use futures::StreamExt;
use hybrid_core::retrieval::spooled;
use hybrid_core::{Error, ErrorKind};
use tokio::sync::Semaphore;
use tonic::{Request, Response, Status, Streaming};

use super::Body;
use super::answer::{Messages, messages};
use super::caller::{Caller, Origin};
use super::pending::{Pending, Waiting};
use super::rest::Rest;
use crate::auth::{Authenticator, Identity};
use crate::call::{Call, Stopped, within};
use crate::calls::Calls;
use crate::command::Command;
use crate::observe::Observer;
use crate::status::status;

type Answer<T> = Result<Response<T>, Status>;

/// The calls that may be listed: those that change something.
const ACTIONS: [(&str, &str); 3] = [
    (
        "offline_write_batch",
        "appends the rows sent to the source of a feature view",
    ),
    (
        "write_logged_features",
        "appends the rows sent to where a feature service logs",
    ),
    ("persist", "retrieves features into a new table or file"),
];

/// Who may call, and how many at once, for how long.
pub(crate) struct Gate {
    pub(crate) authenticator: Authenticator,
    pub(crate) places: Arc<Semaphore>,
    /// Of one call, from its begin to its last message.
    pub(crate) limit: Option<Duration>,
    pub(crate) observer: Observer,
    pub(crate) stopped: Stopped,
}

impl Gate {
    async fn caller<T>(&self, request: &Request<T>) -> Result<Caller, Status> {
        let who = self.authenticator.identify(request.metadata()).await;
        let who = who.map_err(|error| {
            self.observer.refused(error.kind());
            status(&error)
        })?;
        let origin = Origin::of(request.metadata());
        Ok(Caller { who, origin })
    }

    /// Waits for a place among the calls that run, at most as long as a call may take.
    async fn call(&self, api: &'static str, caller: &Caller) -> Result<Call, Status> {
        let place = Arc::clone(&self.places).acquire_owned();
        let place = within(self.limit, place).await.ok_or_else(|| {
            let error = Error::new(ErrorKind::Unavailable, "too many calls are running").retryable();
            status(&error.with_help("try again in a while"))
        })?;
        let place = place.map_err(|_| Status::unavailable("the server is stopping"))?;
        Ok(Call::new(
            api,
            caller,
            self.limit,
            self.observer.clone(),
            self.stopped.clone(),
            place,
        ))
    }
}

/// The service. It is shared by all connections.
pub(crate) struct Service {
    gate: Gate,
    calls: Calls,
    pending: Arc<Pending>,
    /// Bytes of a waiting frame that are held in memory.
    memory: usize,
}

impl Service {
    pub(crate) fn new(gate: Gate, calls: Calls, pending: Arc<Pending>, memory: usize) -> Self {
        Self {
            gate,
            calls,
            pending,
            memory,
        }
    }

    /// Runs what gives rows and sends them.
    async fn answer(&self, call: Call, who: &Identity, waiting: Waiting) -> Answer<Messages<FlightData>> {
        let Waiting { command, rows } = waiting;
        match call.limit(self.calls.answer(who, command, rows, call.left())).await {
            Ok(rows) => Ok(Response::new(messages(rows, call))),
            Err(error) => Err(refused(call, &error)),
        }
    }

    /// Runs what gives nothing back; or keeps what an older client is about to fetch.
    async fn put(&self, call: &Call, who: &Identity, body: Body, command: Command) -> hybrid_core::Result<()> {
        let Body {
            command: descriptor,
            rows,
        } = body;
        if !command.answers() {
            return call.limit(self.calls.act(who, command, rows, call.left())).await;
        }
        let keep = async {
            let rows = match rows {
                Some(rows) => Some(spooled(rows, self.memory).await?),
                None => None,
            };
            self.pending.put(&who.name, descriptor, Waiting { command, rows })
        };
        call.limit(keep).await
    }

    async fn exchange(&self, caller: &Caller, messages: Rest) -> Answer<Messages<FlightData>> {
        let (body, command) = self.open(messages).await?;
        let call = self.gate.call(command.name(), caller).await?;
        let rows = body.rows;
        self.answer(call, &caller.who, Waiting { command, rows }).await
    }

    async fn open(&self, messages: Rest) -> Result<(Body, Command), Status> {
        let opened = async {
            let body = Body::open(messages).await?;
            let command = Command::parse(&body.command)?;
            Ok((body, command))
        };
        let opened = within(self.gate.limit, opened).await.unwrap_or_else(|| {
            let message = "the request's first messages took too long";
            Err(Error::new(ErrorKind::Timeout, message))
        });
        opened.map_err(|error| status(&error))
    }
}

fn refused(call: Call, error: &Error) -> Status {
    call.failed(error);
    status(error)
}

/// Whether a client may make an exception of Feast's of it, for which it has to have sent everything.
fn may_be_feasts(refused: &Status) -> bool {
    use tonic::Code as C;
    matches!(
        refused.code(),
        C::InvalidArgument | C::NotFound | C::PermissionDenied | C::Unimplemented
    )
}

fn info(descriptor: FlightDescriptor, ticket: uuid::Uuid) -> FlightInfo {
    let endpoint = FlightEndpoint::new().with_ticket(Ticket::new(ticket.to_string()));
    FlightInfo::new().with_descriptor(descriptor).with_endpoint(endpoint)
}

fn unsupported<T>(call: &str) -> Answer<T> {
    let error = Error::new(ErrorKind::Unsupported, format!("Feast's protocol has no {call}"));
    Err(status(
        &error.with_help("it has DoExchange, DoPut, GetFlightInfo and DoGet"),
    ))
}

#[tonic::async_trait]
impl FlightService for Service {
    type HandshakeStream = Messages<HandshakeResponse>;
    type ListFlightsStream = Messages<FlightInfo>;
    type DoGetStream = Messages<FlightData>;
    type DoPutStream = Messages<PutResult>;
    type DoExchangeStream = Messages<FlightData>;
    type DoActionStream = Messages<ActionResult>;
    type ListActionsStream = Messages<ActionType>;

    async fn do_exchange(&self, request: Request<Streaming<FlightData>>) -> Answer<Self::DoExchangeStream> {
        let caller = self.gate.caller(&request).await?;
        let messages = Rest::of(request.into_inner());
        let answered = self.exchange(&caller, messages.clone()).await;
        if answered.as_ref().is_err_and(may_be_feasts) {
            messages.drain().await;
        }
        answered
    }

    async fn do_put(&self, request: Request<Streaming<FlightData>>) -> Answer<Self::DoPutStream> {
        let caller = self.gate.caller(&request).await?;
        let (body, command) = self.open(Rest::of(request.into_inner())).await?;
        let call = self.gate.call(command.name(), &caller).await?;
        match self.put(&call, &caller.who, body, command).await {
            Ok(()) => {
                call.succeeded();
                Ok(Response::new(futures::stream::empty().boxed()))
            }
            Err(error) => Err(refused(call, &error)),
        }
    }

    async fn get_flight_info(&self, request: Request<FlightDescriptor>) -> Answer<FlightInfo> {
        let Caller { who, .. } = self.gate.caller(&request).await?;
        let descriptor = request.into_inner();
        let ticket = self.pending.ticket(&who.name, &descriptor.cmd);
        let ticket =
            ticket.ok_or_else(|| Status::not_found("nothing was put under this descriptor, or it has expired"))?;
        Ok(Response::new(info(descriptor, ticket)))
    }

    async fn do_get(&self, request: Request<Ticket>) -> Answer<Self::DoGetStream> {
        let caller = self.gate.caller(&request).await?;
        let waiting = self.pending.take(&caller.who.name, &request.into_inner().ticket);
        let waiting = waiting.ok_or_else(|| Status::not_found("the ticket was used, or has expired"))?;
        let call = self.gate.call(waiting.command.name(), &caller).await?;
        self.answer(call, &caller.who, waiting).await
    }

    async fn list_flights(&self, request: Request<Criteria>) -> Answer<Self::ListFlightsStream> {
        let Caller { who, .. } = self.gate.caller(&request).await?;
        let own = self.pending.of(&who.name).into_iter();
        let own = own.map(|(descriptor, ticket)| Ok(info(FlightDescriptor::new_cmd(descriptor), ticket)));
        Ok(Response::new(futures::stream::iter(own.collect::<Vec<_>>()).boxed()))
    }

    async fn list_actions(&self, request: Request<Empty>) -> Answer<Self::ListActionsStream> {
        self.gate.caller(&request).await?;
        let actions = ACTIONS.map(|(name, what)| {
            Ok(ActionType {
                r#type: name.to_owned(),
                description: what.to_owned(),
            })
        });
        Ok(Response::new(futures::stream::iter(actions).boxed()))
    }

    async fn handshake(&self, _: Request<Streaming<HandshakeRequest>>) -> Answer<Self::HandshakeStream> {
        unsupported("Handshake")
    }

    async fn poll_flight_info(&self, _: Request<FlightDescriptor>) -> Answer<PollInfo> {
        unsupported("PollFlightInfo")
    }

    async fn get_schema(&self, _: Request<FlightDescriptor>) -> Answer<SchemaResult> {
        unsupported("GetSchema")
    }

    async fn do_action(&self, _: Request<Action>) -> Answer<Self::DoActionStream> {
        unsupported("DoAction")
    }
}
