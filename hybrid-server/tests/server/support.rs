//! A repository with a view of files, its server, and a Flight client.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::error::FlightError;
use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::{FlightData, FlightDescriptor};
use futures::{StreamExt, TryStreamExt};
use hybrid_core::arrow::array::{
    ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use hybrid_core::arrow::compute::concat_batches;
use hybrid_core::config::RepoConfig;
use hybrid_core::{Entity, FeatureRegistry, FeatureView, Field, Source, ValueType};
use hybrid_feast::FeatureStore;
use hybrid_server::{Server, ServerConfig};
use parquet::arrow::ArrowWriter;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::Status;
use tonic::transport::Channel;

// The file store registers itself.
extern crate hybrid_store_file as _;

/// 2026-01-01, in microseconds.
pub const DAY: i64 = 1_767_225_600_000_000;
pub const HOUR: i64 = 3_600_000_000;

/// A repository of project `p` with the view `stats` over `stats.parquet`.
pub struct Repo {
    pub dir: tempfile::TempDir,
    pub store: FeatureStore,
}

impl Repo {
    /// Drivers 0 to 9 with a value each hour of a day: driver * 100 + hour.
    pub async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (drivers, hours): (Vec<i64>, Vec<i64>) = (0..24)
            .flat_map(|hour| (0..10).map(move |driver| (driver, hour)))
            .unzip();
        #[allow(clippy::cast_precision_loss)]
        let values = drivers
            .iter()
            .zip(&hours)
            .map(|(driver, hour)| (driver * 100 + hour) as f64);
        let values: ArrayRef = Arc::new(Float64Array::from_iter_values(values));
        let rows = frame(
            &drivers,
            &hours.iter().map(|hour| DAY + hour * HOUR).collect::<Vec<_>>(),
        );
        let columns = rows
            .schema()
            .fields()
            .iter()
            .map(|field| field.name().clone())
            .collect::<Vec<_>>();
        let mut all: Vec<(String, ArrayRef)> = columns.into_iter().zip(rows.columns().iter().cloned()).collect();
        all.push(("value".to_owned(), values));
        write(
            &dir.path().join("stats.parquet"),
            &RecordBatch::try_from_iter(all).unwrap(),
        );
        let store = open(dir.path());
        store.apply(definitions(), false).await.unwrap();
        Self { dir, store }
    }

    pub async fn serve(&self) -> Running {
        self.serve_with(ServerConfig::default()).await
    }

    pub async fn serve_with(&self, config: ServerConfig) -> Running {
        let config = ServerConfig {
            address: ([127, 0, 0, 1], 0).into(),
            ..config
        };
        let server = Server::bind(self.store.clone(), config).await.unwrap();
        let (stop, asked) = oneshot::channel();
        Running {
            address: server.address(),
            metrics: server.metrics(),
            stop,
            served: tokio::spawn(server.serve(async {
                let _ = asked.await;
            })),
        }
    }
}

pub fn write(path: &Path, rows: &RecordBatch) {
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), rows.schema(), None).unwrap();
    writer.write(rows).unwrap();
    writer.close().unwrap();
}

fn open(dir: &Path) -> FeatureStore {
    let text = "project: p\nregistry: registry.db\noffline_store: {type: file}\n";
    let config = RepoConfig::parse(text, &dir.join("feature_store.yaml"), &|_| None).unwrap();
    FeatureStore::new(config).unwrap()
}

fn definitions() -> FeatureRegistry {
    let mut all = FeatureRegistry::new("p");
    all.entities = vec![Entity::new("driver").with_value_type(ValueType::Int64)];
    let source = Source::with_options("file", [("path", Some("stats.parquet".to_owned()))])
        .with_name("stats_source")
        .with_timestamp_field("event_timestamp");
    all.feature_views = vec![
        FeatureView::new("stats", source)
            .with_entities(["driver"])
            .with_schema([Field::new("value", ValueType::Float64)]),
    ];
    all
}

/// A server under way.
pub struct Running {
    pub address: std::net::SocketAddr,
    pub metrics: hybrid_server::Metrics,
    pub stop: oneshot::Sender<()>,
    pub served: JoinHandle<hybrid_core::Result<()>>,
}

impl Running {
    pub async fn client(&self) -> FlightServiceClient<Channel> {
        let channel = Channel::from_shared(format!("http://{}", self.address))
            .unwrap()
            .connect()
            .await
            .unwrap();
        FlightServiceClient::new(channel)
    }

    /// Waits until the metrics have that line.
    pub async fn counted(&self, line: &str) {
        let found = async {
            while !self.metrics.text().unwrap().lines().any(|found| found == line) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(30), found).await;
        assert!(waited.is_ok(), "{line} is not in\n{}", self.metrics.text().unwrap());
    }
}

/// Entity rows: a driver and a time each.
pub fn frame(drivers: &[i64], times: &[i64]) -> RecordBatch {
    let drivers: ArrayRef = Arc::new(Int64Array::from(drivers.to_vec()));
    let times: ArrayRef = Arc::new(TimestampMicrosecondArray::from(times.to_vec()).with_timezone("UTC"));
    RecordBatch::try_from_iter([("driver", drivers), ("event_timestamp", times)]).unwrap()
}

pub fn historical() -> Value {
    json!({
        "command_id": "1", "api": "get_historical_features", "project": "p", "feature_view_names": ["stats"],
        "feature_refs": ["stats:value"], "full_feature_names": false, "name_aliases": [null],
    })
}

pub fn pull(api: &str, start: Option<&str>, end: Option<&str>) -> Value {
    json!({
        "command_id": "1", "api": api, "data_source_name": "stats_source", "join_key_columns": ["driver"],
        "feature_name_columns": ["value"], "timestamp_field": "event_timestamp", "created_timestamp_column": "",
        "start_date": start, "end_date": end,
    })
}

/// The messages of a call's body.
pub async fn body(command: &Value, rows: RecordBatch) -> Vec<FlightData> {
    let descriptor = FlightDescriptor::new_cmd(command.to_string());
    FlightDataEncoderBuilder::new()
        .with_max_flight_data_size(1 << 30)
        .with_flight_descriptor(Some(descriptor))
        .build(futures::stream::iter([Ok(rows)]))
        .try_collect()
        .await
        .unwrap()
}

/// What Feast's clients send in place of no table.
pub fn no_rows() -> RecordBatch {
    let key: ArrayRef = Arc::new(StringArray::from(vec!["m"]));
    RecordBatch::try_from_iter([("key", key)]).unwrap()
}

/// A call as the newer clients read.
pub async fn exchange(
    client: &mut FlightServiceClient<Channel>,
    command: &Value,
    rows: RecordBatch,
) -> Result<RecordBatch, Status> {
    let sent = body(command, rows).await;
    let answer = client.do_exchange(futures::stream::iter(sent)).await?;
    read(answer.into_inner().map_err(FlightError::from)).await
}

/// A call as all clients write.
pub async fn put(client: &mut FlightServiceClient<Channel>, command: &Value, rows: RecordBatch) -> Result<(), Status> {
    let sent = body(command, rows).await;
    let mut answer = client.do_put(futures::stream::iter(sent)).await?.into_inner();
    while answer.message().await?.is_some() {}
    Ok(())
}

pub async fn read(
    messages: impl futures::Stream<Item = Result<FlightData, FlightError>> + Send + 'static,
) -> Result<RecordBatch, Status> {
    let mut rows = FlightRecordBatchStream::new_from_flight_data(messages);
    let mut batches = Vec::new();
    while let Some(batch) = rows.next().await {
        batches.push(batch.map_err(|error| match error {
            FlightError::Tonic(status) => *status,
            other => Status::internal(other.to_string()),
        })?);
    }
    let schema = rows.schema().cloned().unwrap();
    Ok(concat_batches(&schema, &batches).unwrap())
}
