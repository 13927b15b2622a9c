//! A retrieval in a process of its own, for tests of what stays of a process that is stopped in the middle of it.

#![allow(clippy::unwrap_used)]

mod hybrid;
mod rows;
mod victim;

use std::env;

use arrow::datatypes::DataType;
use futures::StreamExt;
use hybrid_core::{Call, HistoricalRequest, HistoricalView, JoinKey, OfflineStore, OutputColumn, SourceTable};
use serde_json::{Value, json};

pub use hybrid::Hybrid;
pub use rows::entity_rows;
pub use victim::Victim;

/// The variable in which a process finds what it is to retrieve.
const GIVEN: &str = "HYBRID_KILLED";

/// What is retrieved: `v` by the key `k`.
#[derive(Debug, Clone)]
pub struct Retrieval {
    /// The store's fields in feature_store.yaml.
    pub fields: Value,
    /// The SELECT of the feature rows: `k`, the time `ts`, and `v`, a double.
    pub query: String,
    /// How many entity rows there are.
    pub rows: usize,
    /// Whether neither more rows nor an end come after those: their upload lasts until the process is killed.
    pub stops: bool,
}

impl Retrieval {
    /// What this process is to retrieve, if its parent started it for that.
    ///
    /// # Panics
    /// When the parent has written something else.
    pub fn given() -> Option<Self> {
        let given: Value = serde_json::from_str(&env::var(GIVEN).ok()?).unwrap();
        Some(Self {
            fields: given["fields"].clone(),
            query: given["query"].as_str().unwrap().to_owned(),
            rows: serde_json::from_value(given["rows"].clone()).unwrap(),
            stops: given["stops"].as_bool().unwrap(),
        })
    }

    fn written(&self) -> String {
        json!({"fields": self.fields, "query": self.query, "rows": self.rows, "stops": self.stops}).to_string()
    }

    /// Reads all that the store answers; `source` is the query as its source.
    ///
    /// # Panics
    /// When the store fails.
    pub async fn run<T: OfflineStore>(&self, store: &T, source: T::Source) {
        let request = HistoricalRequest {
            views: vec![view(source)],
            entities: entity_rows(self.rows, self.stops),
            filter_by_created_timestamp: false,
        };
        let answer = store.get_historical_features(request, &Call::default()).await;
        let mut rows = answer.unwrap().rows;
        while let Some(batch) = rows.next().await {
            batch.unwrap();
        }
    }
}

fn view<S>(source: S) -> HistoricalView<S> {
    HistoricalView {
        name: "slow".to_owned(),
        source: SourceTable {
            name: "slow".to_owned(),
            options: source,
            timestamp_field: "ts".to_owned(),
            created_timestamp_column: None,
            date_partition_column: None,
            date_partition_column_format: None,
        },
        join_keys: vec![JoinKey {
            source: "k".to_owned(),
            entity: "k".to_owned(),
            data_type: DataType::Int64,
        }],
        features: vec![OutputColumn {
            source: "v".to_owned(),
            name: "v".to_owned(),
            data_type: Some(DataType::Float64),
        }],
        ttl: None,
    }
}
