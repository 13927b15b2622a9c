//! get_historical_features.

use std::time::Duration;

use hybrid_core::arrow::datatypes::DataType;
use hybrid_core::chrono::{DateTime, TimeDelta, Utc};
use hybrid_core::{
    BatchStream, EntityFrame, Error, ErrorKind, FeatureProjection, FeatureSelection, FeatureView, Result,
    RetrievalOptions, ValueType,
};

use hybrid_feast::Action;

use super::retrieved::Retrieved;
use super::{Desk, frame, selection};
use crate::command::Historical;

/// How far back entities are looked for where nothing says: Feast's own number.
const DAYS: i64 = 30;

impl Desk<'_> {
    /// The retrieval that a command asks for, checked and not yet run.
    pub(super) async fn historical(&self, mut command: Historical, rows: Option<BatchStream>) -> Result<Retrieved> {
        self.check_project(&command.project)?;
        let full_names = command.full_feature_names;
        let on_demand = self.on_demand(&mut command)?;
        if command.feature_refs.is_empty() && !on_demand.is_empty() {
            return Retrieved::of_frame(rows, on_demand, full_names);
        }
        let schema = rows.as_ref().map(|rows| rows.schema().as_ref().clone());
        let projections = selection::projections(&self.registry, &command, schema.as_ref())?;
        for view in self.views(&projections)? {
            self.may_view(view, Action::ReadOffline)?;
        }
        let entities = self.entities(&command, rows, &projections)?;
        let options = RetrievalOptions {
            full_feature_names: full_names,
            timeout: self.left,
            memory: self.calls.limits.memory,
            ..RetrievalOptions::default()
        };
        let features = FeatureSelection::Projections(projections);
        let job = self
            .calls
            .store
            .offline_store()
            .get_historical_features(&self.registry, entities, &features, options)
            .await?;
        Ok(Retrieved::new(job, on_demand, full_names))
    }

    fn check_project(&self, asked: &str) -> Result<()> {
        let own = &self.calls.store.config().project;
        if asked == own {
            return Ok(());
        }
        let message = format!("project `{asked}` is not served");
        Err(Error::new(ErrorKind::NotFound, message).with_help(format!("this server is of project `{own}`")))
    }

    fn entities(
        &self,
        command: &Historical,
        rows: Option<BatchStream>,
        projections: &[FeatureProjection],
    ) -> Result<EntityFrame> {
        if let Some(rows) = rows {
            return Ok(EntityFrame::Rows(frame::as_declared(
                "entity frame",
                rows,
                &self.keys(projections)?,
            )));
        }
        let views = self.views(projections)?;
        if let (Some(query), Some(view)) = (&command.entity_df_sql, views.first()) {
            return Ok(EntityFrame::Sql {
                store: view.source.key.clone(),
                query: query.clone(),
            });
        }
        if command.start_date.is_none() && command.end_date.is_none() {
            let message = "the call has no entity rows, no query for them, and neither start nor end";
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        let end = command.end_date.unwrap_or_else(Utc::now);
        let start = command.start_date.map_or_else(|| earliest(&views, end), Ok)?;
        Ok(EntityFrame::Between(start, end))
    }

    fn views(&self, projections: &[FeatureProjection]) -> Result<Vec<&FeatureView>> {
        let views = projections
            .iter()
            .map(|used| selection::view(&self.registry, &used.view));
        views.collect()
    }

    /// The frame's key columns with the types that entities declare.
    fn keys(&self, projections: &[FeatureProjection]) -> Result<Vec<(String, Option<DataType>)>> {
        let mut columns = Vec::new();
        for used in projections {
            let view = selection::view(&self.registry, &used.view)?;
            for (name, declared) in self.registry.join_keys(view)? {
                let column = used.join_key_map.get(&name).unwrap_or(&name).clone();
                if !columns.iter().any(|(known, _)| *known == column) {
                    columns.push((column, declared.as_ref().map(ValueType::to_arrow)));
                }
            }
        }
        Ok(columns)
    }
}

/// Where a window without start begins: the longest ttl before its end, as in Feast.
fn earliest(views: &[&FeatureView], end: DateTime<Utc>) -> Result<DateTime<Utc>> {
    let longest = views
        .iter()
        .filter_map(|view| view.ttl)
        .max()
        .filter(|ttl| !ttl.is_zero());
    let back = longest.map_or_else(|| Ok(TimeDelta::days(DAYS)), |ttl: Duration| TimeDelta::from_std(ttl));
    let start = back.ok().and_then(|back| end.checked_sub_signed(back));
    start.ok_or_else(|| {
        let message = format!("there is no time so long before {end} as the views' ttl");
        Error::new(ErrorKind::InvalidInput, message).with_help("give start_date too")
    })
}
