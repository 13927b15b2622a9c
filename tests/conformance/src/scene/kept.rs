//! A retrieval that is persisted, and read back from where it was put.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::{cast, concat_batches, sort_to_indices, take_record_batch};
use arrow::datatypes::{DataType, Field, Schema};
use hybrid_core::{Call, FeatureRegistry, Pull, Result, Source, Summary, ValueType};

use super::{Answer, Scene};
use crate::{Fixture, Miss, Verdict};

/// The frame's column with the places of its rows, by which rows that are read back are put in its order.
pub(crate) const PLACE: &str = "place";

impl Scene {
    /// Runs the retrieval into `destination`.
    pub(crate) async fn persist(
        &self,
        fixture: &dyn Fixture,
        registry: &FeatureRegistry,
        destination: &Source,
        overwrite: bool,
    ) -> Verdict<Result<Summary>> {
        Ok(match self.ask(fixture, registry, self.entity_frame()?).await {
            Ok(job) => job.persist(destination, overwrite).await,
            Err(error) => Err(error),
        })
    }

    /// Reads what is in `destination` and compares it with the oracle as what the retrieval itself answers.
    pub(crate) async fn check_persisted(&self, fixture: &dyn Fixture, destination: &Source) -> Verdict {
        let answer = self.pulled(fixture, destination).await?;
        self.check_answer(&answer, fixture.capabilities().stable_ties).map(drop)
    }

    /// Every row, by pull_all, in the declared types.
    async fn pulled(&self, fixture: &dyn Fixture, destination: &Source) -> Verdict<Answer> {
        let features = self.outputs()?;
        let others = self.frame.columns.iter().filter(|(name, _)| *name != self.entity_time);
        let others = others.map(|(name, data_type)| (name.clone(), ValueType::from_arrow(data_type)));
        let declared = features.iter().map(|(name, dtype)| (name.clone(), Some(dtype.clone())));
        let pull = Pull {
            source: destination.clone().with_timestamp_field(&self.entity_time),
            join_keys: Vec::new(),
            features: others.chain(declared).collect(),
        };
        let call = Call::default();
        let stream = fixture
            .store()
            .pull_all_from_table_or_query(&pull, None, None, &call)
            .await?;
        let schema = stream.schema().clone();
        let rows = concat_batches(&schema, &stream.collect().await?)?;
        let features = features.iter().map(|(name, dtype)| (name.clone(), dtype.to_arrow()));
        self.as_answered(&rows, self.frame.columns.iter().cloned().chain(features).collect())
    }

    /// The rows with these columns, in the frame's order.
    fn as_answered(&self, rows: &RecordBatch, columns: Vec<(String, DataType)>) -> Verdict<Answer> {
        let column = |(name, data_type): &(String, DataType)| {
            let column = named(rows, name)?;
            // The event time comes as an instant, whatever type the table has for it.
            match *name == self.entity_time {
                true => Ok(cast(column, data_type)?),
                false => Ok(column.clone()),
            }
        };
        let arrays = columns.iter().map(column).collect::<Verdict<Vec<ArrayRef>>>()?;
        let fields = columns
            .iter()
            .map(|(name, data_type)| Field::new(name, data_type.clone(), true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let rows = RecordBatch::try_new(schema.clone(), arrays)?;
        let order = sort_to_indices(named(&rows, PLACE)?, None, None)?;
        Ok(Answer {
            schema,
            batches: vec![take_record_batch(&rows, &order)?],
        })
    }
}

fn named<'a>(rows: &'a RecordBatch, name: &str) -> Verdict<&'a ArrayRef> {
    let column = rows.column_by_name(name);
    column.ok_or_else(|| Miss::Failed(format!("what was persisted comes back without its column `{name}`")))
}
