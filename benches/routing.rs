//! What routing adds to a call: from a source to its store's key, to the store, and the operation to it.
//!
//! Fails when that is a microsecond or more.
#![allow(clippy::print_stdout)]

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use hybrid_core::chrono::DateTime;
use hybrid_core::store::DynOfflineStore;
use hybrid_core::{
    BatchStream, Call, Capabilities, Explain, FeatureRows, HistoricalRequest, HybridOfflineStore, PersistRequest, Pull,
    PullAllRequest, PullLatestRequest, Result, SelectFrame, Source, Staged, StagedFrame, WriteRequest, async_trait,
};

const LIMIT: Duration = Duration::from_micros(1);
const CALLS: u32 = 200_000;
const ROUNDS: usize = 5;
const KEYS: [&str; 7] = [
    "bigquery",
    "file",
    "postgres",
    "redshift",
    "snowflake",
    "spark",
    "trino",
];

/// Answers at once, so that what is measured is the way to it.
struct Instantaneous(SchemaRef);

impl Instantaneous {
    fn no_rows(&self) -> BatchStream {
        BatchStream::from_batches(self.0.clone(), Vec::new())
    }
}

#[async_trait]
impl DynOfflineStore for Instantaneous {
    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }
    async fn ping(&self) -> Result<String> {
        Ok(String::new())
    }
    async fn source_schema(&self, _: &Source) -> Result<SchemaRef> {
        Ok(self.0.clone())
    }
    async fn get_historical_features(&self, _: HistoricalRequest<Source>, _: &Call) -> Result<FeatureRows> {
        Ok(FeatureRows {
            rows: self.no_rows(),
            in_order: true,
        })
    }
    async fn pull_latest_from_table_or_query(&self, _: PullLatestRequest<Source>, _: &Call) -> Result<BatchStream> {
        Ok(self.no_rows())
    }
    async fn pull_all_from_table_or_query(&self, _: PullAllRequest<Source>, _: &Call) -> Result<BatchStream> {
        Ok(self.no_rows())
    }
    async fn offline_write_batch(&self, _: WriteRequest<Source>, _: &Call) -> Result<u64> {
        Ok(0)
    }
    async fn explain(&self, _: Explain<Source>) -> Result<String> {
        Ok(String::new())
    }
    async fn to_sql(&self, _: Explain<Source>) -> Result<String> {
        Ok(String::new())
    }
    async fn persist(&self, _: PersistRequest<Source>, _: &Call) -> Result<u64> {
        Ok(0)
    }
    async fn select_schema(&self, _: &str) -> Result<SchemaRef> {
        Ok(self.0.clone())
    }
    async fn stage_select(&self, _: SelectFrame) -> Result<StagedFrame> {
        Ok(StagedFrame {
            rows: self.no_rows(),
            staged: Staged::new(Arc::new(())),
        })
    }
    async fn shutdown(&self) -> Result<()> {
        Ok(())
    }
}

/// The shortest time per call of several rounds.
async fn time_per_call<T>(call: impl AsyncFn() -> Result<T>) -> Result<Duration> {
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..CALLS {
            std::hint::black_box(call().await?);
        }
        best = best.min(start.elapsed() / CALLS);
    }
    Ok(best)
}

/// Prints one line; whether routing stayed under the limit.
fn report(operation: &str, direct: Duration, routed: Duration) -> bool {
    let added = routed.saturating_sub(direct);
    println!("{operation}: {added:?} added by routing ({routed:?} routed, {direct:?} direct)");
    added < LIMIT
}

async fn measure() -> Result<bool> {
    let schema = Arc::new(Schema::new(vec![Field::new("conv_rate", DataType::Float32, true)]));
    let store: Arc<dyn DynOfflineStore> = Arc::new(Instantaneous(schema));
    let router = HybridOfflineStore::from_stores(KEYS.map(|key| (key.to_owned(), Arc::clone(&store))));
    let source = Source::new("snowflake")
        .with_name("driver_stats")
        .with_timestamp_field("event_timestamp");

    let direct = time_per_call(async || store.source_schema(&source).await).await?;
    let routed = time_per_call(async || router.source_schema(&source).await).await?;
    let under = report("source_schema", direct, routed);

    let pull = Pull {
        source,
        join_keys: vec![("driver_id".to_owned(), None)],
        features: vec![("conv_rate".to_owned(), None)],
    };
    let (start, end, call) = (DateTime::UNIX_EPOCH, DateTime::UNIX_EPOCH, Call::default());
    let whole = time_per_call(async || router.pull_latest_from_table_or_query(&pull, start, end, &call).await).await?;
    println!("pull_latest_from_table_or_query: {whole:?}, making the store's request included");
    Ok(under)
}

fn main() -> ExitCode {
    let measured = tokio::runtime::Builder::new_current_thread()
        .build()
        .map_err(|error| error.to_string())
        .and_then(|runtime| runtime.block_on(measure()).map_err(|error| error.to_string()));
    match measured {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            println!("routing costs {LIMIT:?} a call or more");
            ExitCode::FAILURE
        }
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}
