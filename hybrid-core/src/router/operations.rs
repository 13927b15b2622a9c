use arrow::datatypes::SchemaRef;
use chrono::{DateTime, Utc};

use super::HybridOfflineStore;
use super::pull::{Pull, PullColumns};
use super::slot::Slot;
use crate::retrieval::Frame;
use crate::store::{OutputColumn, PullAllRequest, PullLatestRequest};
use crate::{
    BatchStream, Call, EntityFrame, Error, ErrorKind, Explain, FeatureRegistry, FeatureSelection, Result, RetrievalJob,
    RetrievalOptions, Source,
};

impl HybridOfflineStore {
    /// The point-in-time join. Everything that can be checked without reading the entity rows is
    /// checked now, before a store is asked; the job runs when it is asked for rows.
    ///
    /// # Errors
    /// NotFound for unknown views, features and services; InvalidInput for a frame that lacks a key
    /// or has one of the wrong type, for views of several source types, for two outputs of one
    /// name; Config for a source type without a store.
    pub async fn get_historical_features(
        &self,
        registry: &FeatureRegistry,
        entities: EntityFrame,
        features: &FeatureSelection,
        options: RetrievalOptions,
    ) -> Result<RetrievalJob> {
        let within = |error: Error| error.in_operation("get_historical_features", "", "");
        let plan = crate::retrieval::Plan::new(registry, features, options.full_feature_names).map_err(within)?;
        let groups = self.group(plan.views()).map_err(within)?;
        let entities = Frame::new(entities, &plan, |store| self.named(store))
            .await
            .map_err(within)?;
        RetrievalJob::new(self, plan, groups, entities, options).map_err(within)
    }

    /// The latest row per join key with `start <= ts <= end`: keys, features, timestamp, created.
    ///
    /// # Errors
    /// Config, when no store is configured for the source; what the store reports.
    pub async fn pull_latest_from_table_or_query(
        &self,
        pull: &Pull,
        start: DateTime<Utc>,
        end: DateTime<Utc>,
        call: &Call,
    ) -> Result<BatchStream> {
        const OPERATION: &str = "pull_latest_from_table_or_query";
        let slot = self.slot_for(OPERATION, &pull.source)?;
        let run = async {
            let request = latest(complete(slot, pull).await?, start, end)?;
            slot.store().await?.pull_latest_from_table_or_query(request, call).await
        };
        run.await
            .map(|rows| rows.within(OPERATION, &slot.key, &pull.source.name))
            .map_err(in_source(OPERATION, slot, &pull.source))
    }

    /// Every row with `start <= ts <= end`, either end optional; columns as for the latest.
    ///
    /// # Errors
    /// Config, when no store is configured for the source; what the store reports.
    pub async fn pull_all_from_table_or_query(
        &self,
        pull: &Pull,
        start: Option<DateTime<Utc>>,
        end: Option<DateTime<Utc>>,
        call: &Call,
    ) -> Result<BatchStream> {
        const OPERATION: &str = "pull_all_from_table_or_query";
        let slot = self.slot_for(OPERATION, &pull.source)?;
        let run = async {
            let request = all(complete(slot, pull).await?, start, end)?;
            slot.store().await?.pull_all_from_table_or_query(request, call).await
        };
        run.await
            .map(|rows| rows.within(OPERATION, &slot.key, &pull.source.name))
            .map_err(in_source(OPERATION, slot, &pull.source))
    }

    /// The columns and types of a source.
    ///
    /// # Errors
    /// Config, when no store is configured for the source; what the store reports.
    pub async fn source_schema(&self, source: &Source) -> Result<SchemaRef> {
        let slot = self.slot_for("source_schema", source)?;
        let run = async { slot.store().await?.source_schema(source).await };
        run.await.map_err(in_source("source_schema", slot, source))
    }

    /// The SQL or the plan of a pull of the latest rows, for people.
    ///
    /// # Errors
    /// As for the pull itself.
    pub async fn explain_latest(&self, pull: &Pull, start: DateTime<Utc>, end: DateTime<Utc>) -> Result<String> {
        let slot = self.slot_for("explain", &pull.source)?;
        let run = async {
            let request = latest(complete(slot, pull).await?, start, end)?;
            slot.store().await?.explain(Explain::Latest(request)).await
        };
        run.await.map_err(in_source("explain", slot, &pull.source))
    }

    /// The SQL or the plan of a pull of all rows, for people.
    ///
    /// # Errors
    /// As for the pull itself.
    pub async fn explain_all(
        &self,
        pull: &Pull,
        start: Option<DateTime<Utc>>,
        end: Option<DateTime<Utc>>,
    ) -> Result<String> {
        let slot = self.slot_for("explain", &pull.source)?;
        let run = async {
            let request = all(complete(slot, pull).await?, start, end)?;
            slot.store().await?.explain(Explain::All(request)).await
        };
        run.await.map_err(in_source("explain", slot, &pull.source))
    }
}

pub(super) fn in_source<'a>(
    operation: &'static str,
    slot: &'a Slot,
    source: &'a Source,
) -> impl FnOnce(Error) -> Error + 'a {
    move |error| error.in_operation(operation, &slot.key, &source.name)
}

/// The columns of the pull, every one of the source when no features are given. So a store is
/// always told which columns to return.
async fn complete(slot: &Slot, pull: &Pull) -> Result<PullColumns> {
    let mut columns = pull.columns();
    if columns.features.is_empty() {
        let schema = slot.store().await?.source_schema(&pull.source).await?;
        let named = pull.named_columns();
        let rest = schema
            .fields()
            .iter()
            .filter(|field| !named.contains(field.name().as_str()));
        columns.features = rest
            .map(|field| OutputColumn {
                source: field.name().clone(),
                name: pull.source.name_of(field.name()).to_owned(),
                data_type: None,
            })
            .collect();
    }
    Ok(columns)
}

fn latest(columns: PullColumns, start: DateTime<Utc>, end: DateTime<Utc>) -> Result<PullLatestRequest<Source>> {
    window(Some(start), Some(end))?;
    Ok(PullLatestRequest {
        source: columns.table,
        join_keys: columns.join_keys,
        features: columns.features,
        timestamp_name: columns.timestamp_name,
        created_name: columns.created_name,
        start: start.timestamp_micros(),
        end: end.timestamp_micros(),
    })
}

fn all(
    columns: PullColumns,
    start: Option<DateTime<Utc>>,
    end: Option<DateTime<Utc>>,
) -> Result<PullAllRequest<Source>> {
    window(start, end)?;
    Ok(PullAllRequest {
        source: columns.table,
        join_keys: columns.join_keys,
        features: columns.features,
        timestamp_name: columns.timestamp_name,
        created_name: columns.created_name,
        start: start.map(|time| time.timestamp_micros()),
        end: end.map(|time| time.timestamp_micros()),
    })
}

pub(crate) fn window(start: Option<DateTime<Utc>>, end: Option<DateTime<Utc>>) -> Result<()> {
    match (start, end) {
        (Some(start), Some(end)) if start > end => {
            let message = format!("the window is empty: it starts at {start:?} and ends at {end:?}");
            Err(Error::new(ErrorKind::InvalidInput, message)
                .with_help("start must not be after end; both are inclusive"))
        }
        _ => Ok(()),
    }
}
