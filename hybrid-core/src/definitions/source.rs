use std::collections::BTreeMap;
use std::fmt;

use super::Tags;
use crate::config::redacted;
use crate::{DataSource, Error, ErrorKind, Result};

/// A source type's own fields, as YAML and Feast's registry hold them.
pub type Options = serde_json::Map<String, serde_json::Value>;

/// Where a view's rows are: the type of the source, its own options, and the columns that every
/// source has. The column names here are the source's own, before [`field_mapping`](Self::field_mapping).
///
/// Made from a typed source, `FileSource::new("a.parquet").timestamp_field("ts")`, or from YAML. Its
/// `Debug` hides the options that have a secret's name.
#[derive(Clone, PartialEq)]
pub struct Source {
    /// Unique within a project; empty: the view's name stands in.
    pub name: String,
    /// The store key its type routes to, for example `bigquery`. Aliases are resolved.
    pub key: String,
    /// The source type's own fields, for example `path`.
    pub options: Options,
    /// The column with the event time; empty: inferred when applied.
    pub timestamp_field: String,
    /// The column with the time a row was written, which breaks ties of the event time.
    pub created_timestamp_column: Option<String>,
    /// The column that a partitioned table is partitioned by.
    pub date_partition_column: Option<String>,
    /// How that column writes a date, where it is text or a whole number, in strftime's terms: `%Y%m%d`. Without it
    /// nothing is pruned by such a column, unless the store has a format of its own.
    pub date_partition_column_format: Option<String>,
    /// From a source column to the name by which features, keys and timestamps know it.
    pub field_mapping: BTreeMap<String, String>,
    /// For people.
    pub description: String,
    /// For people.
    pub owner: String,
    /// For people and tools.
    pub tags: Tags,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("name", &self.name)
            .field("key", &self.key)
            .field("options", &redacted(&self.options))
            .field("timestamp_field", &self.timestamp_field)
            .field("created_timestamp_column", &self.created_timestamp_column)
            .field("date_partition_column", &self.date_partition_column)
            .field("date_partition_column_format", &self.date_partition_column_format)
            .field("field_mapping", &self.field_mapping)
            .field("description", &self.description)
            .field("owner", &self.owner)
            .field("tags", &self.tags)
            .finish()
    }
}

impl Source {
    /// A source of type `key` without options.
    pub fn new(key: impl Into<String>) -> Self {
        Self {
            name: String::new(),
            key: key.into(),
            options: Options::new(),
            timestamp_field: String::new(),
            created_timestamp_column: None,
            date_partition_column: None,
            date_partition_column_format: None,
            field_mapping: BTreeMap::new(),
            description: String::new(),
            owner: String::new(),
            tags: Tags::new(),
        }
    }

    /// A source of type `key` with those of the options that are there.
    pub fn with_options<const N: usize>(key: impl Into<String>, options: [(&str, Option<String>); N]) -> Self {
        let mut source = Self::new(key);
        for (name, value) in options {
            if let Some(value) = value {
                source.options.insert(name.to_owned(), value.into());
            }
        }
        source
    }

    /// A source with the options of the typed `source`.
    ///
    /// # Errors
    /// Definition, when `source` does not serialize to named fields.
    pub fn from_typed<S: DataSource>(source: &S) -> Result<Self> {
        let value = serde_json::to_value(source).map_err(|error| {
            Error::new(ErrorKind::Definition, format!("{} cannot be serialized", S::TYPE_NAME)).with_cause(error)
        })?;
        let serde_json::Value::Object(options) = value else {
            let message = format!("{} is not a struct with named fields", S::TYPE_NAME);
            return Err(Error::new(ErrorKind::Definition, message));
        };
        let mut made = Self::new(S::key());
        made.options = options.into_iter().filter(|(_, value)| !value.is_null()).collect();
        Ok(made)
    }

    /// The options as the typed source.
    ///
    /// # Errors
    /// Definition, naming the source and the field that is wrong.
    pub fn to_typed<S: DataSource>(&self) -> Result<S> {
        S::deserialize(&self.options).map_err(|error| {
            let name = match self.name.is_empty() {
                true => "the source".to_owned(),
                false => format!("source `{}`", self.name),
            };
            let message = format!("{name} is no valid {}: {error}", S::TYPE_NAME);
            Error::new(ErrorKind::Definition, message)
        })
    }

    /// Sets the name.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets the column with the event time.
    #[must_use]
    pub fn with_timestamp_field(mut self, column: impl Into<String>) -> Self {
        self.timestamp_field = column.into();
        self
    }

    /// Sets the column with the event time, under the older of Feast's two names for it.
    #[must_use]
    pub fn with_event_timestamp_column(self, column: impl Into<String>) -> Self {
        self.with_timestamp_field(column)
    }

    /// Sets the column with the time a row was written.
    #[must_use]
    pub fn with_created_timestamp_column(mut self, column: impl Into<String>) -> Self {
        self.created_timestamp_column = Some(column.into());
        self
    }

    /// Sets the column that a partitioned table is partitioned by.
    #[must_use]
    pub fn with_date_partition_column(mut self, column: impl Into<String>) -> Self {
        self.date_partition_column = Some(column.into());
        self
    }

    /// Sets how that column writes a date, in strftime's terms: `%Y%m%d`.
    #[must_use]
    pub fn with_date_partition_column_format(mut self, format: impl Into<String>) -> Self {
        self.date_partition_column_format = Some(format.into());
        self
    }

    /// Knows the source column `column` as `name`.
    #[must_use]
    pub fn with_field(mut self, column: impl Into<String>, name: impl Into<String>) -> Self {
        self.field_mapping.insert(column.into(), name.into());
        self
    }

    /// The source column that `name` is mapped from, or `name` itself.
    pub fn column_of<'a>(&'a self, name: &'a str) -> &'a str {
        self.field_mapping
            .iter()
            .find(|(_, mapped)| *mapped == name)
            .map_or(name, |(column, _)| column)
    }

    /// The name that the source column `column` is known by.
    pub fn name_of<'a>(&'a self, column: &'a str) -> &'a str {
        self.field_mapping.get(column).map_or(column, String::as_str)
    }
}
