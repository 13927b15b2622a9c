//! pull_latest_from_table_or_query and pull_all_from_table_or_query.

use std::sync::Arc;

use hybrid_core::arrow::array::{ArrayRef, RecordBatch, StringArray};
use hybrid_core::arrow::datatypes::{DataType, Field, Schema};
use hybrid_core::{BatchStream, Call, Error, ErrorKind, Pull as Pulled, Result};

use hybrid_feast::Action;

use super::Desk;
use crate::command::Pull;

/// The column that Feast's clients look for where a view has no join keys: its text is empty.
const DUMMY: &str = "__dummy_id";

impl Desk<'_> {
    pub(super) async fn pull_latest(&self, command: Pull) -> Result<BatchStream> {
        let (Some(start), Some(end)) = (command.start_date, command.end_date) else {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "the latest rows of a window need its start and end",
            ));
        };
        let pull = self.pulled(&command)?;
        let store = self.calls.store.offline_store();
        let rows = store
            .pull_latest_from_table_or_query(&pull, start, end, &Call::default())
            .await?;
        Ok(as_feast_has_it(rows, &pull))
    }

    pub(super) async fn pull_all(&self, command: Pull) -> Result<BatchStream> {
        let pull = self.pulled(&command)?;
        let (start, end) = (command.start_date, command.end_date);
        let store = self.calls.store.offline_store();
        let rows = store
            .pull_all_from_table_or_query(&pull, start, end, &Call::default())
            .await?;
        Ok(as_feast_has_it(rows, &pull))
    }

    /// Clients ask for the source's own columns, and map their names themselves.
    fn pulled(&self, command: &Pull) -> Result<Pulled> {
        let mut source = self.source(&command.data_source_name)?;
        self.may_source(&source, Action::ReadOffline)?;
        source.field_mapping.clear();
        source.timestamp_field.clone_from(&command.timestamp_field);
        source.created_timestamp_column = command.created_timestamp_column.clone().filter(|name| !name.is_empty());
        let untyped = |names: &[String]| names.iter().map(|name| (name.clone(), None)).collect();
        Ok(Pulled {
            source,
            join_keys: untyped(&command.join_key_columns),
            features: untyped(&command.feature_name_columns),
        })
    }
}

fn as_feast_has_it(rows: BatchStream, pull: &Pulled) -> BatchStream {
    if !pull.join_keys.is_empty() || rows.schema().fields().find(DUMMY).is_some() {
        return rows;
    }
    let fields = rows.schema().fields().iter().cloned();
    let dummy = Field::new(DUMMY, DataType::Utf8, false);
    let schema = Arc::new(Schema::new(fields.chain([Arc::new(dummy)]).collect::<Vec<_>>()));
    let target = Arc::clone(&schema);
    rows.changed(schema, move |batch| {
        let dummy: ArrayRef = Arc::new(StringArray::from_iter_values(std::iter::repeat_n("", batch.num_rows())));
        let columns = batch.columns().iter().cloned().chain([dummy]).collect();
        Ok(RecordBatch::try_new(Arc::clone(&target), columns)?)
    })
}
