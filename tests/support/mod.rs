//! Two stores made for the tests of routing: they answer each entity row with its own number, and
//! misbehave when told to.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use futures::StreamExt;
use hybrid_offline_store::arrow::array::{
    ArrayRef, AsArray, Int64Array, RecordBatch, TimestampMicrosecondArray, UInt64Array,
};
use hybrid_offline_store::arrow::datatypes::{DataType, Field as ArrowField, Schema, SchemaRef, UInt64Type};
use hybrid_offline_store::config::RepoConfig;
use hybrid_offline_store::store::ROW_NUMBER;
use hybrid_offline_store::{
    BatchStream, Call, Context, DataSource, Entity, EntityFrame, Error, ErrorKind, Explain, FeatureRegistry,
    FeatureRows, FeatureView, Field, HistoricalRequest, HybridOfflineStore, OfflineStore, PullAllRequest,
    PullLatestRequest, Result, ValueType, WriteRequest, async_trait, offline_store,
};
use serde::{Deserialize, Serialize};

/// How a store behaves; the counters are the test's own.
#[derive(Clone)]
pub struct Behaviour {
    pub connects: Arc<AtomicUsize>,
    pub dropped: Arc<AtomicUsize>,
    pub failing_connects: usize,
    pub in_order: bool,
    pub loses_a_row: bool,
    pub fails_after: Option<usize>,
    pub delay: Duration,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            connects: Arc::default(),
            dropped: Arc::default(),
            failing_connects: 0,
            in_order: true,
            loses_a_row: false,
            fails_after: None,
            delay: Duration::ZERO,
        }
    }
}

/// A configuration can only hold text, so it names its behaviour by number.
static BEHAVIOURS: LazyLock<Mutex<Vec<Behaviour>>> = LazyLock::new(Mutex::default);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestConfig {
    behaviour: usize,
}

#[derive(DataSource, Serialize, Deserialize)]
pub struct EchoSource {
    factor: i64,
}

#[derive(DataSource, Serialize, Deserialize)]
pub struct OtherSource {
    factor: i64,
}

struct Echo(Behaviour);

impl Echo {
    async fn open(config: TestConfig) -> Result<Self> {
        let behaviour = BEHAVIOURS.lock().unwrap()[config.behaviour].clone();
        let attempt = behaviour.connects.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        if attempt < behaviour.failing_connects {
            return Err(Error::new(ErrorKind::Unavailable, "not yet").retryable());
        }
        Ok(Self(behaviour))
    }

    /// One feature column per name: the row number times what the name says.
    fn answer(&self, batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
        let numbers = batch.column(0).as_primitive::<UInt64Type>();
        let numbers: Vec<u64> = match self.0.in_order {
            true => numbers.values().to_vec(),
            false => numbers.values().iter().rev().copied().collect(),
        };
        let factor = |name: &str| {
            [("one", 1), ("ten", 10), ("hundred", 100)]
                .iter()
                .find(|(n, _)| *n == name)
                .unwrap()
                .1
        };
        let columns = schema.fields().iter().skip(1).map(|field| {
            Arc::new(Int64Array::from_iter_values(
                numbers.iter().map(|n| *n as i64 * factor(field.name())),
            )) as ArrayRef
        });
        let columns = std::iter::once(Arc::new(UInt64Array::from(numbers.clone())) as ArrayRef)
            .chain(columns)
            .collect();
        let batch = RecordBatch::try_new(schema.clone(), columns)?;
        Ok(if self.0.loses_a_row {
            batch.slice(0, batch.num_rows() - 1)
        } else {
            batch
        })
    }

    fn features(self: &Echo, names: Vec<String>, entities: BatchStream) -> Result<FeatureRows> {
        let fields = names.iter().map(|name| ArrowField::new(name, DataType::Int64, true));
        let number = ArrowField::new(ROW_NUMBER, DataType::UInt64, false);
        let schema: SchemaRef = Arc::new(Schema::new(std::iter::once(number).chain(fields).collect::<Vec<_>>()));
        let guard = Guard(self.0.dropped.clone());
        let (store, delay, answer_schema) = (Echo(self.0.clone()), self.0.delay, schema.clone());
        let mut count = 0;
        let rows = entities.then(move |batch| {
            let answered = batch.and_then(|batch| store.answer(&batch, &answer_schema));
            count += 1;
            let failed = store.0.fails_after.is_some_and(|after| count > after);
            let _ = &guard;
            async move {
                tokio::time::sleep(delay).await;
                if failed {
                    Err(Error::new(ErrorKind::Unavailable, "gone"))
                } else {
                    answered
                }
            }
        });
        Ok(FeatureRows {
            rows: BatchStream::new(schema, rows),
            in_order: self.0.in_order,
        })
    }
}

struct Guard(Arc<AtomicUsize>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn unsupported<T>() -> Result<T> {
    Err(Error::new(
        ErrorKind::Unsupported,
        "a test of routing does not ask for this",
    ))
}

macro_rules! test_store {
    ($store:ident, $source:ident, $key:literal) => {
        pub struct $store(Echo);

        #[offline_store($key)]
        #[async_trait]
        impl OfflineStore for $store {
            type Source = $source;
            type Config = TestConfig;

            async fn connect(config: TestConfig, _context: &Context) -> Result<Self> {
                Ok(Self(Echo::open(config).await?))
            }

            async fn ping(&self) -> Result<String> {
                Ok($key.to_owned())
            }

            async fn source_schema(&self, _source: &$source) -> Result<SchemaRef> {
                unsupported()
            }

            async fn get_historical_features(
                &self,
                request: HistoricalRequest<$source>,
                _call: &Call,
            ) -> Result<FeatureRows> {
                let names = request
                    .views
                    .iter()
                    .flat_map(|view| view.features.iter().map(|feature| feature.name.clone()))
                    .collect();
                self.0.features(names, request.entities.stream()?)
            }

            async fn pull_latest_from_table_or_query(
                &self,
                _request: PullLatestRequest<$source>,
                _call: &Call,
            ) -> Result<BatchStream> {
                unsupported()
            }

            async fn pull_all_from_table_or_query(
                &self,
                _request: PullAllRequest<$source>,
                _call: &Call,
            ) -> Result<BatchStream> {
                unsupported()
            }

            async fn offline_write_batch(&self, _request: WriteRequest<$source>, _call: &Call) -> Result<u64> {
                unsupported()
            }

            async fn explain(&self, _operation: Explain<$source>) -> Result<String> {
                unsupported()
            }
        }
    };
}

test_store!(EchoStore, EchoSource, "echo");
test_store!(OtherStore, OtherSource, "other");

pub fn router() -> HybridOfflineStore {
    router_with(Behaviour::default())
}

/// A router over both stores, configured as a feature_store.yaml would, `echo` behaving as told.
pub fn router_with(behaviour: Behaviour) -> HybridOfflineStore {
    let mut behaviours = BEHAVIOURS.lock().unwrap();
    let number = behaviours.len();
    behaviours.extend([behaviour, Behaviour::default()]);
    drop(behaviours);
    let yaml = format!(
        "project: routing\nregistry: registry.db\nprovider: local\noffline_store:\n  type: hybrid\n  offline_stores:\n    - type: echo\n      behaviour: {number}\n    - type: other\n      behaviour: {}\n",
        number + 1
    );
    let config = RepoConfig::parse(&yaml, "feature_store.yaml".as_ref(), &|_| None).unwrap();
    HybridOfflineStore::new(&config, Context::default()).unwrap()
}

pub fn registry() -> FeatureRegistry {
    let view = |name: &str, source: hybrid_offline_store::Source, features: &[&str]| {
        let fields = features.iter().map(|name| Field::new(*name, ValueType::Int64));
        FeatureView::new(name, source.with_timestamp_field("ts"))
            .with_entities(["driver_id"])
            .with_schema(fields)
    };
    let mut registry = FeatureRegistry::new("routing");
    registry.entities = vec![Entity::new("driver_id").with_value_type(ValueType::Int64)];
    registry.feature_views = vec![
        view("echo_view", EchoSource { factor: 1 }.into_source().unwrap(), &["one"]),
        view(
            "other_view",
            OtherSource { factor: 10 }.into_source().unwrap(),
            &["ten", "hundred"],
        ),
        view("lost_view", hybrid_offline_store::Source::new("lost"), &["one"]),
    ];
    registry
}

/// An entity frame of that many rows, a batch each.
pub fn frame(rows: i64) -> EntityFrame {
    let batch = |row: i64| {
        let times = TimestampMicrosecondArray::from(vec![row]).with_timezone("UTC");
        let keys: ArrayRef = Arc::new(Int64Array::from(vec![row]));
        RecordBatch::try_from_iter([("driver_id", keys), ("event_timestamp", Arc::new(times) as ArrayRef)]).unwrap()
    };
    let batches: Vec<RecordBatch> = (0..rows).map(batch).collect();
    EntityFrame::from_batches(batches[0].schema(), batches)
}
