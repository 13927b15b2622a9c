use std::sync::Arc;

use hybrid_core::arrow::array::{ArrayRef, RecordBatch, new_null_array};
use hybrid_core::arrow::compute::concat_batches;
use hybrid_core::arrow::datatypes::{Field, Schema, SchemaRef};
use hybrid_core::store::{ROW_NUMBER, check_write_columns};
use hybrid_core::{
    BatchStream, Call, Capabilities, Context, Error, ErrorKind, Explain, FeatureRows, HistoricalRequest, OfflineStore,
    PersistRequest, PullAllRequest, PullLatestRequest, Result, WriteRequest, async_trait, offline_store,
};

use crate::columns::{cast, column, output};
use crate::tables::Tables;
use crate::{MemoryConfig, MemorySource, join, pull};

/// A store that keeps its tables in memory. Clones share their tables.
#[derive(Debug, Clone)]
pub struct MemoryStore {
    tables: Tables,
}

impl MemoryStore {
    /// A store of that configuration.
    pub fn new(config: &MemoryConfig) -> Self {
        Self {
            tables: Tables::of(config.database.as_deref()),
        }
    }

    /// Makes a table, or replaces it.
    pub fn create_table(&self, name: &str, schema: SchemaRef, batches: Vec<RecordBatch>) {
        self.tables.create(name, schema, batches);
    }

    /// Drops a table.
    ///
    /// # Errors
    /// NotFound.
    pub fn drop_table(&self, name: &str) -> Result<()> {
        self.tables.drop(name)
    }
}

#[offline_store("memory")]
#[async_trait]
impl OfflineStore for MemoryStore {
    type Source = MemorySource;
    type Config = MemoryConfig;

    async fn connect(config: MemoryConfig, _: &Context) -> Result<Self> {
        Ok(Self::new(&config))
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default().with_stable_ties(true)
    }

    async fn ping(&self) -> Result<String> {
        Ok(format!("{} tables in memory", self.tables.names().len()))
    }

    async fn source_schema(&self, source: &MemorySource) -> Result<SchemaRef> {
        self.tables.schema(&source.table)
    }

    async fn get_historical_features(
        &self,
        request: HistoricalRequest<MemorySource>,
        call: &Call,
    ) -> Result<FeatureRows> {
        let stream = request.entities.stream()?;
        let schema = stream.schema().clone();
        let entities = concat_batches(&schema, &stream.collect().await?)?;
        // The row numbers go back as they came, so the answer is in the frame's order.
        let numbers = column(&entities, ROW_NUMBER)?;
        let mut fields = vec![Field::new(ROW_NUMBER, numbers.data_type().clone(), false)];
        let mut columns: Vec<ArrayRef> = vec![numbers.clone()];
        for view in &request.views {
            let rows = self.tables.rows(&view.source.options.table)?;
            call.progress
                .report(rows.num_rows() as u64, Some(rows.num_rows() as u64));
            let picked = join::winners(&entities, view, &rows, request.filter_by_created_timestamp)?;
            for feature in &view.features {
                let (field, values) = output(&rows, feature, &picked)?;
                fields.push(field);
                columns.push(values);
            }
        }
        let schema = Arc::new(Schema::new(fields));
        let batch = RecordBatch::try_new(schema.clone(), columns)?;
        Ok(FeatureRows {
            rows: BatchStream::from_batches(schema, vec![batch]),
            in_order: true,
        })
    }

    async fn pull_latest_from_table_or_query(
        &self,
        request: PullLatestRequest<MemorySource>,
        _: &Call,
    ) -> Result<BatchStream> {
        pull::latest(&request, &self.tables.rows(&request.source.options.table)?)
    }

    async fn pull_all_from_table_or_query(
        &self,
        request: PullAllRequest<MemorySource>,
        _: &Call,
    ) -> Result<BatchStream> {
        pull::all(&request, &self.tables.rows(&request.source.options.table)?)
    }

    async fn offline_write_batch(&self, request: WriteRequest<MemorySource>, call: &Call) -> Result<u64> {
        let table = &request.source.options.table;
        check_write_columns(&request.schema, &request.required, Some(&*self.tables.schema(table)?))?;
        // Read to the end first: a stream that breaks off must leave nothing behind.
        let rows = concat_batches(&request.schema, &request.rows.collect().await?)?;
        let rows = fitted(&rows, &self.tables.schema(table)?)?;
        let written = rows.num_rows() as u64;
        self.tables.append(table, rows)?;
        call.progress.report(written, Some(written));
        Ok(written)
    }

    async fn persist(&self, request: PersistRequest<MemorySource>, _: &Call) -> Result<u64> {
        let schema = request.rows.schema().clone();
        // Read to the end first, as above.
        let rows = concat_batches(&schema, &request.rows.collect().await?)?;
        let made = rows.num_rows() as u64;
        self.tables.make(&request.options.table, rows, request.overwrite)?;
        Ok(made)
    }

    async fn explain(&self, operation: Explain<MemorySource>) -> Result<String> {
        Ok(match operation {
            Explain::Historical(request) => {
                let tables = request.views.iter().map(|view| view.source.options.table.as_str());
                format!(
                    "for each entity row the best row of its key in {}",
                    tables.collect::<Vec<_>>().join(", ")
                )
            }
            Explain::Latest(request) => format!("the latest row per key of {}", request.source.options.table),
            Explain::All(request) => format!("the rows of {} between start and end", request.source.options.table),
        })
    }
}

/// The rows with the table's columns: matched by name, cast where the type differs, NULL where
/// the rows have no such column. The router has refused unknown columns already.
fn fitted(rows: &RecordBatch, table: &SchemaRef) -> Result<RecordBatch> {
    let fit = |field: &Arc<Field>| match rows.column_by_name(field.name()) {
        Some(values) => cast(values, field.data_type()),
        None => Ok(new_null_array(field.data_type(), rows.num_rows())),
    };
    let columns = table.fields().iter().map(fit).collect::<Result<Vec<_>>>()?;
    RecordBatch::try_new(table.clone(), columns)
        .map_err(|error| Error::new(ErrorKind::InvalidInput, "the rows do not fit the table").with_cause(error))
}
