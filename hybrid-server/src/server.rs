use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arrow_flight::flight_service_server::FlightServiceServer;
use futures::TryStreamExt;
use futures::future::BoxFuture;
use hybrid_core::{Error, ErrorKind, Result};
use hybrid_feast::FeatureStore;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::task::JoinSet;
use tonic::transport::server::{Router, TcpIncoming};
use tonic::transport::{Identity, Server as Transport, ServerTlsConfig};

use crate::ServerConfig;
use crate::call::Stopped;
use crate::calls::{Calls, Limits};
use crate::flight::{Gate, Pending, Service};
use crate::linger::Lingering;
use crate::observe::Observer;
use crate::reflection;
use crate::status_page::{self, Ready};
use crate::worker::Workers;

/// What the health service calls the Flight service.
const FLIGHT: &str = "arrow.flight.protocol.FlightService";
/// Bytes that a stream, and a connection, may be ahead of its reader.
const STREAM_WINDOW: u32 = 4 << 20;
const CONNECTION_WINDOW: u32 = 16 << 20;
/// Bytes of a frame that waits to be fetched; more of it is in a temporary file.
const WAITING_MEMORY: usize = 1 << 20;
/// How long clients may take to hear that their calls were ended, lingering connections included.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// A client that does not answer so long after it was asked is gone.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Feast's remote offline store over a feature store.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    router: Router,
    pending: Arc<Pending>,
    store: FeatureStore,
    workers: Option<Workers>,
    grace: Duration,
    observer: Observer,
    /// Told when what still runs has to end.
    ending: watch::Sender<bool>,
    status_page: Option<TcpListener>,
    ready: Ready,
}

impl Server {
    /// Opens the port. Clients are answered from [`serve`](Self::serve) on.
    ///
    /// # Errors
    /// Config, for a configuration that is not safe, and for files of TLS that cannot be used; Unavailable and others,
    /// when the port cannot be had.
    pub fn bind(store: FeatureStore, config: ServerConfig) -> BoxFuture<'static, Result<Self>> {
        // Boxed as `serve` is: an async function is compiled again in each crate that awaits it.
        Box::pin(Self::bound(store, config))
    }

    async fn bound(store: FeatureStore, config: ServerConfig) -> Result<Self> {
        config.check()?;
        let mut transport = Transport::builder()
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .http2_keepalive_interval(Some(KEEPALIVE))
            .http2_keepalive_timeout(Some(KEEPALIVE));
        if let Some(files) = &config.tls {
            let identity = Identity::from_pem(read(&files.certificate)?, read(&files.key)?);
            let tls = transport.tls_config(ServerTlsConfig::new().identity(identity));
            transport = tls.map_err(|error| {
                let message = format!("TLS cannot be set up with {}", files.certificate.display());
                Error::new(ErrorKind::Config, message).with_cause(error)
            })?;
        }
        let listener = listen(config.address).await?;
        let status_page = match config.status_address {
            Some(address) => Some(listen(address).await?),
            None => None,
        };
        let address = listener.local_addr()?;
        let observer = Observer::new();
        let pending = Arc::new(Pending::new(config.waiting, config.waiting_time));
        let (ending, ended) = watch::channel(false);
        let workers = config.workers.clone();
        let workers = workers.map(|workers| Workers::new(workers, store.config().repo.clone()));
        let workers = workers.transpose()?;
        let calls = Calls::new(store.clone(), limits(&config), workers.clone());
        let gate = gate(&config, observer.clone(), ended);
        let service = Service::new(
            gate,
            calls,
            Arc::clone(&pending),
            config.call_memory.min(WAITING_MEMORY),
        );
        let flight = FlightServiceServer::new(service)
            .max_decoding_message_size(config.message_size)
            .max_encoding_message_size(usize::MAX);
        let (reporter, health) = tonic_health::server::health_reporter();
        reporter
            .set_service_status(FLIGHT, tonic_health::ServingStatus::Serving)
            .await;
        let reflection = reflection::service()?;
        let router = transport
            .add_service(health)
            .add_service(reflection)
            .add_service(flight);
        Ok(Self {
            listener,
            address,
            router,
            pending,
            store,
            workers,
            grace: config.grace,
            observer,
            ending,
            status_page,
            ready: Ready::default(),
        })
    }

    /// Where its state and its metrics are answered over HTTP, if anywhere.
    pub fn status_address(&self) -> Option<SocketAddr> {
        self.status_page
            .as_ref()
            .and_then(|listener| listener.local_addr().ok())
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What was counted, in the text format of Prometheus.
    pub fn metrics(&self) -> Metrics {
        Metrics(self.observer.clone())
    }

    /// Answers clients until `stop` ends; then takes no more calls, and lets those that run end in the time
    /// allowed.
    ///
    /// # Errors
    /// Unexpected, when the transport fails; what the stores report when they are closed.
    pub fn serve(self, stop: impl Future<Output = ()> + Send + 'static) -> BoxFuture<'static, Result<()>> {
        self.serve_until(Box::pin(stop))
    }

    fn serve_until(self, stop: BoxFuture<'static, ()>) -> BoxFuture<'static, Result<()>> {
        Box::pin(self.run(stop))
    }

    async fn run(self, stop: BoxFuture<'static, ()>) -> Result<()> {
        let incoming = TcpIncoming::from(self.listener)
            .with_nodelay(Some(true))
            .map_ok(Lingering::new);
        let (stopping, stopped) = oneshot::channel();
        let ready = self.ready.clone();
        let stop = async move {
            stop.await;
            ready.set(false);
            let _ = stopping.send(());
        };
        let mut beside = JoinSet::new();
        beside.spawn(async move { self.pending.sweep().await });
        if let Some(workers) = self.workers {
            beside.spawn(workers.prepare());
        }
        if let Some(listener) = self.status_page {
            beside.spawn(status_page::answer(listener, self.observer, self.ready.clone()));
        }
        self.ready.set(true);
        let late = async {
            let _ = stopped.await;
            tokio::time::sleep(self.grace).await;
        };
        let mut serving = Box::pin(self.router.serve_with_incoming_shutdown(incoming, stop));
        let served = tokio::select! {
            served = &mut serving => served,
            () = late => {
                tracing::warn!(seconds = self.grace.as_secs_f64(), "calls that did not end in time are ended");
                self.ending.send_replace(true);
                tokio::time::timeout(LAST_WORDS, serving).await.unwrap_or(Ok(()))
            }
        };
        beside.shutdown().await;
        self.store.offline_store().shutdown().await?;
        served.map_err(|error| Error::new(ErrorKind::Unexpected, "the server failed").with_cause(error))
    }
}

/// What a server counts. Cheap to clone.
#[derive(Clone)]
pub struct Metrics(Observer);

impl Metrics {
    /// Everything counted so far, as Prometheus reads it.
    ///
    /// # Errors
    /// Unexpected: none in practice.
    pub fn text(&self) -> Result<String> {
        let text = self.0.text();
        text.map_err(|error| Error::new(ErrorKind::Unexpected, "the metrics cannot be written").with_cause(error))
    }
}

fn gate(config: &ServerConfig, observer: Observer, stopped: Stopped) -> Gate {
    Gate {
        authenticator: config.authenticator.clone(),
        places: Arc::new(Semaphore::new(config.concurrent_calls)),
        limit: config.call_time,
        observer,
        stopped,
    }
}

fn limits(config: &ServerConfig) -> Limits {
    Limits {
        memory: config.call_memory,
        permissions: config.authenticator.asks(),
        folders: config.folders.clone(),
    }
}

fn read(file: &std::path::Path) -> Result<Vec<u8>> {
    std::fs::read(file)
        .map_err(|error| Error::new(ErrorKind::Config, format!("{} cannot be read", file.display())).with_cause(error))
}

async fn listen(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .map_err(|error| cannot_listen(address, error))
}

fn cannot_listen(address: SocketAddr, error: std::io::Error) -> Error {
    let kind = match error.kind() {
        std::io::ErrorKind::AddrInUse => ErrorKind::Unavailable,
        _ => Error::from(std::io::Error::from(error.kind())).kind(),
    };
    Error::new(kind, format!("cannot listen on {address}: {error}")).with_help("another --port may be free")
}
