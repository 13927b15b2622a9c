//! One retrieval to be checked: views with their rows, an entity frame, and what is asked for.

mod asked;
mod check;
mod kept;
mod view;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use hybrid_core::{
    Entity, EntityFrame, FeatureProjection, FeatureReference, FeatureRegistry, FeatureSelection, FeatureService,
    Result, RetrievalJob, RetrievalOptions,
};

pub(crate) use check::shown;
pub(crate) use kept::PLACE;
pub use view::View;
pub(crate) use view::{at, time, unique};

use crate::verdict::ensure;
use crate::{Fixture, Table, Verdict};

/// The name of the feature service that a scene asks for.
const SERVICE: &str = "asked";

/// One retrieval.
#[derive(Debug, Clone)]
pub struct Scene {
    /// The views and their rows.
    pub views: Vec<View>,
    /// The entity frame.
    pub frame: Table,
    /// The frame's column with the time.
    pub entity_time: String,
    /// What is asked for, as `view:feature`; empty: every feature of every view, in order.
    pub references: Vec<String>,
    /// What is asked for through a feature service; wins over references where it is not empty.
    pub service: Vec<FeatureProjection>,
    /// Names the outputs `view__feature`.
    pub full_feature_names: bool,
    /// Asks for `created <= E`.
    pub created_filter: bool,
    /// How many rows of the frame travel in one batch.
    pub batch_rows: usize,
}

/// What a store gave.
#[derive(Debug)]
pub struct Answer {
    /// As the batches have it.
    pub schema: SchemaRef,
    /// In the frame's order.
    pub batches: Vec<RecordBatch>,
}

impl Scene {
    /// A scene that asks for every feature of these views.
    pub fn new(views: impl IntoIterator<Item = View>, frame: Table) -> Self {
        Self {
            views: views.into_iter().collect(),
            frame,
            entity_time: "event_timestamp".to_owned(),
            references: Vec::new(),
            service: Vec::new(),
            full_feature_names: false,
            created_filter: false,
            batch_rows: 1000,
        }
    }

    /// Asks for these references, in this order.
    #[must_use]
    pub fn asking(mut self, references: &[&str]) -> Self {
        self.references = references.iter().map(|reference| (*reference).to_owned()).collect();
        self
    }

    /// Asks through a feature service of these projections.
    #[must_use]
    pub fn through(mut self, projections: impl IntoIterator<Item = FeatureProjection>) -> Self {
        self.service = projections.into_iter().collect();
        self
    }

    /// Asks for names of the form `view__feature`.
    #[must_use]
    pub fn with_full_names(mut self) -> Self {
        self.full_feature_names = true;
        self
    }

    /// Names the frame's column with the time.
    #[must_use]
    pub fn with_entity_time(mut self, column: &str) -> Self {
        self.entity_time = column.to_owned();
        self
    }

    /// Makes the tables and returns the definitions that read them.
    ///
    /// # Errors
    /// NotRun, when the engine has no such type.
    pub async fn deploy(&self, fixture: &dyn Fixture) -> Verdict<FeatureRegistry> {
        let mut registry = self.entities();
        for view in &self.views {
            let source = view.create(fixture).await?;
            registry.feature_views.push(view.definition(source));
        }
        registry.feature_services = vec![FeatureService::new(SERVICE, self.service.clone())];
        Ok(registry)
    }

    /// The registry with the entities alone.
    pub(crate) fn entities(&self) -> FeatureRegistry {
        let mut registry = FeatureRegistry::new("conformance");
        for view in &self.views {
            for entity in view.entities() {
                if !registry.entities.iter().any(|known: &Entity| known.name == entity.name) {
                    registry.entities.push(entity);
                }
            }
        }
        registry
    }

    /// Asks for the retrieval, without running it.
    ///
    /// # Errors
    /// The router's.
    pub async fn ask(
        &self,
        fixture: &dyn Fixture,
        registry: &FeatureRegistry,
        frame: EntityFrame,
    ) -> Result<RetrievalJob> {
        let options = RetrievalOptions {
            full_feature_names: self.full_feature_names,
            filter_by_created_timestamp: self.created_filter,
            ..RetrievalOptions::default()
        };
        let selection = self.selection()?;
        fixture
            .store()
            .get_historical_features(registry, frame, &selection, options)
            .await
    }

    fn selection(&self) -> Result<FeatureSelection> {
        if !self.service.is_empty() {
            return Ok(FeatureSelection::Service(SERVICE.to_owned()));
        }
        let references = self.asked_references();
        let parsed = references.iter().map(|text| text.parse::<FeatureReference>());
        Ok(FeatureSelection::References(parsed.collect::<Result<_>>()?))
    }

    /// The frame as the router takes it.
    ///
    /// # Errors
    /// Failed: a mistake in a test.
    pub fn entity_frame(&self) -> Verdict<EntityFrame> {
        Ok(EntityFrame::from_batches(
            self.frame.schema(),
            self.frame.batches(self.batch_rows)?,
        ))
    }

    /// Makes the tables, asks and reads everything.
    ///
    /// # Errors
    /// Failed, for any error of the store.
    pub async fn answer(&self, fixture: &dyn Fixture) -> Verdict<Answer> {
        let registry = self.deploy(fixture).await?;
        let job = self.ask(fixture, &registry, self.entity_frame()?).await?;
        let promised = job.schema().clone();
        let stream = job.stream().await?;
        let schema = stream.schema().clone();
        ensure(schema == promised, || {
            format!("the job promised {promised:?} and gave {schema:?}")
        })?;
        let batches = stream.collect().await?;
        for batch in &batches {
            ensure(batch.schema() == schema, || {
                format!("a batch has the schema {:?}, the stream {schema:?}", batch.schema())
            })?;
        }
        Ok(Answer { schema, batches })
    }
}
