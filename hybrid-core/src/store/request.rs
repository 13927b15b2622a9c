use arrow::datatypes::DataType;

use super::{DataSource, EntityRows};
use crate::{Result, Source};

/// A source with its typed options. Column names are the source's own.
#[derive(Debug, Clone)]
pub struct SourceTable<S> {
    /// The source's name, else its view's: for messages.
    pub name: String,
    /// The typed options.
    pub options: S,
    /// The column with the event time.
    pub timestamp_field: String,
    /// The column with the time a row was written.
    pub created_timestamp_column: Option<String>,
    /// The column that a partitioned table is partitioned by.
    pub date_partition_column: Option<String>,
    /// How that column writes a date, where it is text or a whole number, in strftime's terms.
    pub date_partition_column_format: Option<String>,
}

impl SourceTable<Source> {
    /// The source as a store gets it before its options are typed.
    pub(crate) fn untyped(source: &Source) -> Self {
        Self {
            name: source.name.clone(),
            timestamp_field: source.timestamp_field.clone(),
            created_timestamp_column: source.created_timestamp_column.clone(),
            date_partition_column: source.date_partition_column.clone(),
            date_partition_column_format: source.date_partition_column_format.clone(),
            options: source.clone(),
        }
    }

    pub(crate) fn typed<S: DataSource>(self) -> Result<SourceTable<S>> {
        Ok(SourceTable {
            options: self.options.to_typed()?,
            name: self.name,
            timestamp_field: self.timestamp_field,
            created_timestamp_column: self.created_timestamp_column,
            date_partition_column: self.date_partition_column,
            date_partition_column_format: self.date_partition_column_format,
        })
    }
}

/// A column that a store reads under one name and returns under another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputColumn {
    /// Its name in the source.
    pub source: String,
    /// Its name in the result.
    pub name: String,
    /// Its type in the result; a source of another type is cast, checked. `None`: as it is.
    pub data_type: Option<DataType>,
}

/// A join key of a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinKey {
    /// The column in the source.
    pub source: String,
    /// The column in the entity rows.
    pub entity: String,
    /// The canonical type of the entity rows' column.
    pub data_type: DataType,
}

/// One view of a retrieval.
#[derive(Debug, Clone)]
pub struct HistoricalView<S> {
    /// The name or alias it is used under: for messages.
    pub name: String,
    /// Where its rows are.
    pub source: SourceTable<S>,
    /// Its join keys; none: it joins on time alone.
    pub join_keys: Vec<JoinKey>,
    /// The features to return; every `data_type` is given. May name one source column twice.
    pub features: Vec<OutputColumn>,
    /// How old a value may be, in microseconds, inclusive; `None`: any age. Never 0.
    pub ttl: Option<i64>,
}

/// A point-in-time join of several views of one store.
#[derive(Debug, Clone)]
pub struct HistoricalRequest<S> {
    /// The views; output columns stand in their order, then in the order of their features.
    pub views: Vec<HistoricalView<S>>,
    /// The entity rows.
    pub entities: EntityRows,
    /// A feature row also needs `created <= E`; a NULL created is out then. Without effect on a
    /// view whose source has no created column.
    pub filter_by_created_timestamp: bool,
}

/// The latest row per join key in a window.
#[derive(Debug, Clone)]
pub struct PullLatestRequest<S> {
    /// Where the rows are.
    pub source: SourceTable<S>,
    /// Keys, first in the output; none: the single latest row.
    pub join_keys: Vec<OutputColumn>,
    /// The features, after the keys: exactly these. Where a caller names none, the router has
    /// listed every column of the source.
    pub features: Vec<OutputColumn>,
    /// The output name of the event time.
    pub timestamp_name: String,
    /// The output name of the created time, where the source has one.
    pub created_name: Option<String>,
    /// Earliest event time, microseconds, inclusive.
    pub start: i64,
    /// Latest event time, microseconds, inclusive.
    pub end: i64,
}

/// Every row in a window, columns as for [`PullLatestRequest`].
#[derive(Debug, Clone)]
pub struct PullAllRequest<S> {
    /// Where the rows are.
    pub source: SourceTable<S>,
    /// Keys, first in the output.
    pub join_keys: Vec<OutputColumn>,
    /// The features, after the keys: exactly these. Where a caller names none, the router has
    /// listed every column of the source.
    pub features: Vec<OutputColumn>,
    /// The output name of the event time.
    pub timestamp_name: String,
    /// The output name of the created time, where the source has one.
    pub created_name: Option<String>,
    /// Earliest event time, microseconds, inclusive; `None`: from the beginning.
    pub start: Option<i64>,
    /// Latest event time, microseconds, inclusive; `None`: to the end.
    pub end: Option<i64>,
}

/// Rows to append to a source, all or none.
pub struct WriteRequest<S> {
    /// Where they go.
    pub source: SourceTable<S>,
    /// The source's columns that must be there: the view's keys, features and timestamps.
    pub required: Vec<OutputColumn>,
    /// The rows, under the source's column names, in any order of columns.
    pub rows: super::BatchStream,
    /// The schema of `rows`.
    pub schema: arrow::datatypes::SchemaRef,
}

/// Rows to make a new table of, all or none.
pub struct PersistRequest<S> {
    /// The options of what is made.
    pub options: S,
    /// The rows.
    pub rows: super::BatchStream,
    /// What is there already is replaced; otherwise it is an error.
    pub overwrite: bool,
}

/// A SELECT whose rows are the entity rows of a retrieval.
#[derive(Debug, Clone)]
pub struct SelectFrame {
    /// The SELECT.
    pub query: String,
    /// Its column with the time as of which features are wanted.
    pub time: String,
    /// Its key columns and their canonical types.
    pub keys: Vec<(String, DataType)>,
}

/// What [`OfflineStore::explain`](super::OfflineStore::explain) tells about.
#[derive(Debug, Clone)]
pub enum Explain<S> {
    /// A point-in-time join.
    Historical(HistoricalRequest<S>),
    /// The latest rows.
    Latest(PullLatestRequest<S>),
    /// All rows.
    All(PullAllRequest<S>),
}

impl HistoricalRequest<Source> {
    pub(crate) fn typed<S: DataSource>(self) -> Result<HistoricalRequest<S>> {
        let typed = |view: HistoricalView<Source>| {
            Ok(HistoricalView {
                source: view.source.typed()?,
                name: view.name,
                join_keys: view.join_keys,
                features: view.features,
                ttl: view.ttl,
            })
        };
        Ok(HistoricalRequest {
            views: self.views.into_iter().map(typed).collect::<Result<_>>()?,
            entities: self.entities,
            filter_by_created_timestamp: self.filter_by_created_timestamp,
        })
    }
}

impl PersistRequest<Source> {
    pub(crate) fn typed<S: DataSource>(self) -> Result<PersistRequest<S>> {
        Ok(PersistRequest {
            options: self.options.to_typed()?,
            rows: self.rows,
            overwrite: self.overwrite,
        })
    }
}

impl PullLatestRequest<Source> {
    pub(crate) fn typed<S: DataSource>(self) -> Result<PullLatestRequest<S>> {
        Ok(PullLatestRequest {
            source: self.source.typed()?,
            join_keys: self.join_keys,
            features: self.features,
            timestamp_name: self.timestamp_name,
            created_name: self.created_name,
            start: self.start,
            end: self.end,
        })
    }
}

impl PullAllRequest<Source> {
    pub(crate) fn typed<S: DataSource>(self) -> Result<PullAllRequest<S>> {
        Ok(PullAllRequest {
            source: self.source.typed()?,
            join_keys: self.join_keys,
            features: self.features,
            timestamp_name: self.timestamp_name,
            created_name: self.created_name,
            start: self.start,
            end: self.end,
        })
    }
}

impl WriteRequest<Source> {
    pub(crate) fn typed<S: DataSource>(self) -> Result<WriteRequest<S>> {
        Ok(WriteRequest {
            source: self.source.typed()?,
            required: self.required,
            rows: self.rows,
            schema: self.schema,
        })
    }
}

impl Explain<Source> {
    pub(crate) fn typed<S: DataSource>(self) -> Result<Explain<S>> {
        Ok(match self {
            Self::Historical(request) => Explain::Historical(request.typed()?),
            Self::Latest(request) => Explain::Latest(request.typed()?),
            Self::All(request) => Explain::All(request.typed()?),
        })
    }
}
