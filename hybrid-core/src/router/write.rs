use arrow::datatypes::DataType;

use super::HybridOfflineStore;
use super::operations::in_source;
use crate::store::{OutputColumn, PersistRequest, SourceTable, WriteRequest};
use crate::{
    BatchStream, Call, Error, ErrorKind, FeatureRegistry, FeatureView, Result, Source, ValueType, timestamp_type,
};

impl HybridOfflineStore {
    /// Appends rows to the source of `view`, under the source's own column names: all or none.
    /// Returns how many.
    ///
    /// # Errors
    /// InvalidInput, listing every column that is missing, unknown or of the wrong type, before
    /// anything is written; Unsupported where the store or layout cannot append atomically.
    pub async fn offline_write_batch(
        &self,
        registry: &FeatureRegistry,
        view: &FeatureView,
        rows: BatchStream,
        call: &Call,
    ) -> Result<u64> {
        let mut source = view.source.clone();
        if source.name.is_empty() {
            source.name.clone_from(&view.name);
        }
        let required = required_columns(registry, view)
            .map_err(|error| error.in_operation("offline_write_batch", "", &source.name))?;
        self.append_to("offline_write_batch", &source, required, rows, call)
            .await
    }

    /// Appends rows to a source that no view need have, under its own column names: all or none. Returns how many.
    ///
    /// # Errors
    /// As for [`offline_write_batch`](Self::offline_write_batch).
    pub async fn append(&self, source: &Source, rows: BatchStream, call: &Call) -> Result<u64> {
        let columns = rows.schema().fields().iter().map(|field| OutputColumn {
            source: field.name().clone(),
            name: field.name().clone(),
            data_type: None,
        });
        let columns = columns.collect();
        self.append_to("append", source, columns, rows, call).await
    }

    async fn append_to(
        &self,
        operation: &'static str,
        source: &Source,
        required: Vec<OutputColumn>,
        rows: BatchStream,
        call: &Call,
    ) -> Result<u64> {
        let slot = self.slot_for(operation, source)?;
        let run = async {
            let store = slot.store().await?;
            if !store.capabilities().writes {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    format!("store `{}` does not write", slot.key),
                ));
            }
            let schema = rows.schema().clone();
            let request = WriteRequest {
                source: SourceTable::untyped(source),
                required,
                rows,
                schema,
            };
            store.offline_write_batch(request, call).await
        };
        run.await.map_err(in_source(operation, slot, source))
    }

    /// Whether rows could be persisted to `destination`, as far as it tells itself: before they are made.
    ///
    /// # Errors
    /// Config, when no store is configured for its type; what its store says that cannot be used, or of the destination.
    pub async fn check_destination(&self, destination: &Source, overwrite: bool) -> Result<()> {
        let slot = self.slot_for("persist", destination)?;
        let checked = async { slot.store().await?.check_destination(destination, overwrite) };
        checked.await.map_err(in_source("persist", slot, destination))
    }

    /// Makes a new table or file of rows, where `destination` says: all or none. Returns how many.
    ///
    /// # Errors
    /// InvalidInput when it exists and `overwrite` is not set; Unsupported where the store makes none.
    pub async fn persist(&self, destination: &Source, rows: BatchStream, overwrite: bool) -> Result<u64> {
        let slot = self.slot_for("persist", destination)?;
        let run = async {
            let request = PersistRequest {
                options: destination.clone(),
                rows,
                overwrite,
            };
            slot.store().await?.persist(request, &Call::default()).await
        };
        run.await.map_err(in_source("persist", slot, destination))
    }
}

/// The source's columns that the view reads: keys, features, timestamps.
fn required_columns(registry: &FeatureRegistry, view: &FeatureView) -> Result<Vec<OutputColumn>> {
    let source = &view.source;
    let column = |name: &str, data_type: Option<DataType>| OutputColumn {
        source: source.column_of(name).to_owned(),
        name: name.to_owned(),
        data_type,
    };
    let mut required = Vec::new();
    for (name, value_type) in registry.join_keys(view)? {
        required.push(column(&name, value_type.as_ref().map(ValueType::to_arrow)));
    }
    required.extend(
        view.schema
            .iter()
            .map(|field| column(&field.name, Some(field.dtype.to_arrow()))),
    );
    let times = [Some(&source.timestamp_field), source.created_timestamp_column.as_ref()];
    required.extend(times.into_iter().flatten().map(|name| OutputColumn {
        source: name.clone(),
        name: source.name_of(name).to_owned(),
        data_type: Some(timestamp_type()),
    }));
    Ok(required)
}
