//! offline_write_batch.

use std::collections::BTreeMap;
use std::sync::Arc;

use hybrid_core::arrow::array::RecordBatch;
use hybrid_core::arrow::datatypes::{DataType, Field, Schema};
use hybrid_core::{BatchStream, Call, Error, ErrorKind, Result};

use hybrid_feast::Action;

use super::{Desk, frame, selection};
use crate::command::Write;
use crate::flight::Body;

impl Desk<'_> {
    pub(super) async fn write(&self, command: &Write, rows: Option<BatchStream>) -> Result<()> {
        let [name] = command.feature_view_names.as_slice() else {
            let message = format!(
                "rows go to one feature view, not to {}",
                command.feature_view_names.len()
            );
            return Err(Error::new(ErrorKind::InvalidInput, message));
        };
        let view = selection::view(&self.registry, name)?;
        self.may_view(view, Action::WriteOffline)?;
        let rows = as_the_source_names_them(Body::required(rows)?, &view.source.field_mapping);
        let store = self.calls.store.offline_store();
        // A source without rows has no types yet: those of the rows are then checked against the view's.
        let rows = match store.source_schema(&view.source).await {
            Ok(schema) => frame::as_declared("rows", rows, &types(&schema)),
            Err(_) => rows,
        };
        store
            .offline_write_batch(&self.registry, view, rows, &Call::default())
            .await?;
        Ok(())
    }
}

fn types(schema: &Schema) -> Vec<(String, Option<DataType>)> {
    let fields = schema.fields().iter();
    fields
        .map(|field| (field.name().clone(), Some(field.data_type().clone())))
        .collect()
}

/// Feast's clients have already given columns the names that features know them by; `mapping` leads from the source's
/// names to those.
fn as_the_source_names_them(rows: BatchStream, mapping: &BTreeMap<String, String>) -> BatchStream {
    let schema = rows.schema();
    let source_name = |field: &Field| {
        let mapped = mapping
            .iter()
            .find(|(column, name)| *name == field.name() && *column != *name);
        mapped
            .map(|(column, _)| column)
            .filter(|column| schema.fields().find(column).is_none())
    };
    if schema.fields().iter().all(|field| source_name(field).is_none()) {
        return rows;
    }
    let renamed = schema.fields().iter().map(|field| match source_name(field) {
        Some(column) => Arc::new(field.as_ref().clone().with_name(column)),
        None => Arc::clone(field),
    });
    let schema = Arc::new(Schema::new_with_metadata(
        renamed.collect::<Vec<_>>(),
        schema.metadata().clone(),
    ));
    let target = Arc::clone(&schema);
    rows.changed(schema, move |batch| {
        Ok(RecordBatch::try_new(Arc::clone(&target), batch.columns().to_vec())?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn renamed(columns: &[&str]) -> Vec<String> {
        let fields = columns.iter().map(|name| Field::new(*name, DataType::Int64, true));
        let rows = BatchStream::from_batches(Arc::new(Schema::new(fields.collect::<Vec<_>>())), Vec::new());
        let mapping = BTreeMap::from([("cr".to_owned(), "conv_rate".to_owned())]);
        let rows = as_the_source_names_them(rows, &mapping);
        rows.schema()
            .fields()
            .iter()
            .map(|field| field.name().clone())
            .collect()
    }

    #[test]
    fn columns_get_the_sources_names_back() {
        assert_eq!(renamed(&["a", "conv_rate"]), ["a", "cr"]);
        assert_eq!(renamed(&["cr", "a"]), ["cr", "a"]);
        assert_eq!(renamed(&["cr", "conv_rate"]), ["cr", "conv_rate"]);
    }
}
