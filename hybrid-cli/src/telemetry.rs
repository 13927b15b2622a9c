//! Logs and traces of a server: to standard error, and to a collector of OpenTelemetry where one is named.

use std::env;

use clap::ValueEnum;
use hybrid_offline_store::{Error, ErrorKind, Result};
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

const SERVICE: &str = "hybrid";
/// What is logged, in the words of tracing's filters: `info`, or `hybrid_server=debug,info`.
const FILTER: &str = "HYBRID_LOG";
/// OpenTelemetry's own variables: the first for all signals, the second for traces.
const COLLECTORS: [&str; 2] = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];

/// How lines of the log look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What still has to be sent when the server ends.
pub struct Telemetry(Option<SdkTracerProvider>);

impl Telemetry {
    /// Begins to log, and to trace where the environment names a collector.
    ///
    /// # Errors
    /// Config, when the filter or the collector's address is wrong.
    pub fn begin(format: LogFormat) -> Result<Self> {
        let filter = EnvFilter::builder().with_default_directive(tracing_subscriber::filter::LevelFilter::INFO.into());
        let filter = filter
            .with_env_var(FILTER)
            .from_env()
            .map_err(|error| wrong(FILTER, error))?;
        let lines = tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(false);
        let lines = match format {
            LogFormat::Text => lines.boxed(),
            LogFormat::Json => lines.json().flatten_event(true).boxed(),
        };
        let provider = match COLLECTORS.iter().find(|name| env::var_os(name).is_some()) {
            Some(name) => Some(provider().map_err(|error| wrong(name, error))?),
            None => None,
        };
        // Spans of callers are continued.
        opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
        let tracer = provider.as_ref().map(|provider| provider.tracer(SERVICE));
        let traces = tracer.map(|tracer| tracing_opentelemetry::layer().with_tracer(tracer));
        let log = tracing_subscriber::registry().with(filter).with(lines).with(traces);
        log.try_init()
            .map_err(|error| Error::new(ErrorKind::Unexpected, "the log cannot be set up").with_cause(error))?;
        Ok(Self(provider))
    }

    /// Sends what is left.
    pub fn end(self) {
        if let Some(provider) = self.0
            && let Err(error) = provider.shutdown()
        {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}

fn provider() -> std::result::Result<SdkTracerProvider, opentelemetry_otlp::ExporterBuildError> {
    let exporter = SpanExporter::builder().with_tonic().build()?;
    let resource = Resource::builder().with_service_name(SERVICE).build();
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(resource)
        .build())
}

fn wrong(variable: &str, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Config, format!("{variable} is wrong: {error}")).with_cause(error)
}
