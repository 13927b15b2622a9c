//! get_table_column_names_and_types_from_data_source and validate_data_source.

use std::sync::Arc;

use hybrid_core::arrow::array::{ArrayRef, RecordBatch, StringArray};
use hybrid_core::{BatchStream, ErrorKind, Result};

use hybrid_feast::Action;

use super::Desk;
use super::sources::FILE;
use super::type_names::type_name;
use crate::command::SourceText;

impl Desk<'_> {
    /// Two columns, `name` and `type`; a row for each column of the source.
    pub(super) async fn columns(&self, source: &SourceText) -> Result<BatchStream> {
        let source = self.described(source)?;
        self.may_source(&source, Action::ReadOffline)?;
        let schema = self.calls.store.offline_store().source_schema(&source).await?;
        let fields = schema.fields().iter();
        let names: ArrayRef = Arc::new(StringArray::from_iter_values(fields.clone().map(|field| field.name())));
        let types = fields.map(|field| type_name(&source.key, field.data_type()));
        let types: ArrayRef = Arc::new(StringArray::from_iter_values(types));
        let batch = RecordBatch::try_from_iter([("name", names), ("type", types)])?;
        Ok(BatchStream::from_batches(batch.schema(), vec![batch]))
    }

    /// Looks whether the source can be read. A file may come later, as in Feast, whose `apply` asks this first.
    pub(super) async fn validate(&self, source: &SourceText) -> Result<()> {
        let source = self.described(source)?;
        self.may_source(&source, Action::ReadOffline)?;
        match self.calls.store.offline_store().source_schema(&source).await {
            Err(error) if error.kind() == ErrorKind::NotFound && source.key == FILE => {
                tracing::warn!(source = source.name, %error, "a source was validated that is not there yet");
                Ok(())
            }
            looked => looked.map(drop),
        }
    }
}
