use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use futures::StreamExt;
use hybrid_core::sql::{Append, Cleanup, Dialect, Formulation, Relation, SqlSession, SqlStore};
use hybrid_core::{BatchStream, Context, DataSource, Error, ErrorKind, Result, async_trait};
use serde::{Deserialize, Serialize};

/// A source of a [`Recorder`].
#[derive(DataSource, Debug, Clone, Serialize, Deserialize)]
pub struct RecordedSource {
    /// A table, or a query when it begins with SELECT.
    pub table: String,
}

/// A store that runs nothing and keeps the statements.
pub struct Recorder {
    dialect: Box<dyn Dialect>,
    formulation: Option<Formulation>,
    session: RecordedSession,
    cleanup: Cleanup,
}

/// What a [`Recorder`] is asked and answers.
#[derive(Clone)]
pub struct RecordedSession {
    columns: SchemaRef,
    /// What an estimate finds: feature rows, pairs.
    counts: [i64; 2],
    rows: Option<u64>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Recorder {
    /// A store of that dialect whose sources all have these columns.
    pub fn new(dialect: Box<dyn Dialect>, columns: SchemaRef) -> Self {
        Self {
            dialect,
            formulation: None,
            session: RecordedSession {
                columns,
                counts: [0, 0],
                rows: None,
                asked: Arc::default(),
            },
            cleanup: Cleanup::default(),
        }
    }

    /// Joins every view by that formulation.
    #[must_use]
    pub fn with_formulation(mut self, formulation: Option<Formulation>) -> Self {
        self.formulation = formulation;
        self
    }

    /// Answers an estimate with so many feature rows and pairs, and says that tables have so many rows.
    #[must_use]
    pub fn with_counts(mut self, features: i64, pairs: i64, rows: Option<u64>) -> Self {
        self.session.counts = [features, pairs];
        self.session.rows = rows;
        self
    }

    /// What was run and staged besides the statement itself.
    pub fn asked(&self) -> Vec<String> {
        self.session
            .asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl RecordedSession {
    /// Returns how many there are.
    fn keep(&self, statement: &str) -> usize {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.push(statement.to_owned());
        asked.len()
    }
}

#[async_trait]
impl SqlStore for Recorder {
    type Source = RecordedSource;
    type Config = ();
    type Session = RecordedSession;

    async fn connect((): (), _: &Context) -> Result<Self> {
        Err(Error::new(ErrorKind::Unsupported, "a recorder is made, not configured"))
    }

    async fn ping(&self) -> Result<String> {
        Ok("a recorder".to_owned())
    }

    fn dialect(&self) -> &dyn Dialect {
        &*self.dialect
    }

    fn cleanup(&self) -> &Cleanup {
        &self.cleanup
    }

    fn relation(&self, source: &RecordedSource) -> Result<Relation> {
        Ok(match source.table.starts_with("SELECT") {
            true => Relation::Query(source.table.clone()),
            false => Relation::Table(source.table.split('.').map(str::to_owned).collect()),
        })
    }

    fn formulation(&self) -> Option<Formulation> {
        self.formulation
    }

    async fn session(&self) -> Result<RecordedSession> {
        Ok(self.session.clone())
    }
}

#[async_trait]
impl SqlSession for RecordedSession {
    async fn describe(&self, _: &str) -> Result<SchemaRef> {
        Ok(self.columns.clone())
    }

    async fn query(&self, query: &str) -> Result<BatchStream> {
        self.keep(query);
        let schema = Arc::new(Schema::new(vec![
            Field::new("features", DataType::Int64, true),
            Field::new("pairs", DataType::Int64, true),
        ]));
        let [features, pairs] = self.counts.map(|count| Arc::new(Int64Array::from(vec![count])));
        let batch = RecordBatch::try_new(schema.clone(), vec![features, pairs])?;
        Ok(BatchStream::from_batches(schema, vec![batch]))
    }

    async fn execute(&self, _: &str) -> Result<()> {
        Ok(())
    }

    async fn upload(&self, mut rows: BatchStream) -> Result<String> {
        while let Some(batch) = rows.next().await {
            batch?;
        }
        Ok("entity_rows".to_owned())
    }

    async fn stage(&self, select: &str) -> Result<String> {
        Ok(format!("staged_{}", self.keep(select)))
    }

    async fn append(&self, _: Append) -> Result<u64> {
        Err(Error::new(ErrorKind::Unsupported, "a recorder keeps no rows"))
    }

    async fn explain(&self, _: &str) -> Result<String> {
        Ok(String::new())
    }

    async fn row_estimate(&self, _: &[String]) -> Result<Option<u64>> {
        Ok(self.rows)
    }

    async fn close(&self) -> Result<()> {
        Ok(())
    }
}
