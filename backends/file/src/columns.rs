//! Which columns an operation reads, and what they become.

use arrow::array::{ArrayRef, Int64Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use hybrid_core::canonical::canonical_key_type;
use hybrid_core::{JoinKey, OutputColumn, Result, SourceTable, timestamp_type};

use crate::FileSource;
use crate::error::invalid;
use crate::read::{RawBatch, Table};
use hybrid_core::values::{to_feature, to_instants, to_key, to_micros};

/// Columns to read, each once, whatever they are used for.
#[derive(Debug, Default)]
pub(crate) struct Columns(Vec<String>);

impl Columns {
    /// The place of `column`, which is added when it is new.
    pub(crate) fn add(&mut self, column: &str) -> usize {
        self.0.iter().position(|known| known == column).unwrap_or_else(|| {
            self.0.push(column.to_owned());
            self.0.len() - 1
        })
    }

    pub(crate) fn names(&self) -> &[String] {
        &self.0
    }
}

/// A column that is read and the type it becomes.
#[derive(Debug)]
pub(crate) struct Typed {
    at: usize,
    pub name: String,
    pub data_type: DataType,
}

impl Typed {
    /// The values as a feature.
    pub(crate) fn feature(&self, batch: &RawBatch<'_>) -> Result<ArrayRef> {
        let (column, place) = batch.column(self.at);
        to_feature(column, &self.data_type, place)
    }

    /// The values as a join key.
    pub(crate) fn key(&self, batch: &RawBatch<'_>) -> Result<ArrayRef> {
        let (column, place) = batch.column(self.at);
        to_key(column, &self.data_type, place)
    }

    /// The values as instants, Timestamp(us, UTC).
    pub(crate) fn instants(&self, batch: &RawBatch<'_>) -> Result<ArrayRef> {
        let (column, place) = batch.column(self.at);
        to_instants(column, place)
    }

    /// The values as microseconds.
    pub(crate) fn micros(&self, batch: &RawBatch<'_>) -> Result<Int64Array> {
        let (column, place) = batch.column(self.at);
        to_micros(column, place)
    }
}

/// The columns of a point-in-time join.
#[derive(Debug)]
pub(crate) struct JoinColumns {
    pub columns: Columns,
    pub keys: Vec<Typed>,
    pub timestamp: Typed,
    pub created: Option<Typed>,
    pub features: Vec<Typed>,
}

impl JoinColumns {
    pub(crate) fn new(source: &SourceTable<FileSource>, keys: &[JoinKey], features: &[OutputColumn]) -> Self {
        let mut columns = Columns::default();
        let keys = keys.iter().map(|key| Typed {
            at: columns.add(&key.source),
            name: key.source.clone(),
            data_type: key.data_type.clone(),
        });
        let keys = keys.collect();
        let timestamp = time(&mut columns, &source.timestamp_field);
        let created = source
            .created_timestamp_column
            .as_ref()
            .map(|created| time(&mut columns, created));
        let features = features.iter().map(|feature| Typed {
            at: columns.add(&feature.source),
            name: feature.name.clone(),
            data_type: feature.data_type.clone().unwrap_or(DataType::Null),
        });
        let features = features.collect();
        Self {
            columns,
            keys,
            timestamp,
            created,
            features,
        }
    }
}

fn time(columns: &mut Columns, column: &str) -> Typed {
    Typed {
        at: columns.add(column),
        name: column.to_owned(),
        data_type: timestamp_type(),
    }
}

/// What a pull asks for.
pub(crate) struct Pull<'a> {
    pub source: &'a SourceTable<FileSource>,
    pub join_keys: &'a [OutputColumn],
    pub features: &'a [OutputColumn],
    pub timestamp_name: &'a str,
    pub created_name: Option<&'a str>,
}

/// The columns of a pull: keys, features, timestamp, created.
#[derive(Debug)]
pub(crate) struct PullColumns {
    pub columns: Columns,
    /// In the order of the output.
    pub output: Vec<Typed>,
    /// How many of them, from the first, are keys.
    pub keys: usize,
    /// How many of them, from the last, are times.
    times: usize,
    pub timestamp: Typed,
    pub created: Option<Typed>,
}

impl PullColumns {
    /// # Errors
    /// NotFound for a column that the source does not have.
    pub(crate) fn new(table: &Table, pull: &Pull<'_>) -> Result<Self> {
        let source = pull.source;
        let created = source.created_timestamp_column.as_deref();
        let named = pull
            .join_keys
            .iter()
            .chain(pull.features)
            .map(|column| column.source.as_str());
        table.require(named.chain([source.timestamp_field.as_str()]).chain(created))?;
        let schema = if needs_types(pull) { Some(table.schema()?) } else { None };
        let features = match (&schema, pull.features.is_empty()) {
            (Some(schema), true) => others(schema, pull, created),
            _ => pull.features.to_vec(),
        };
        let mut columns = Columns::default();
        let mut output: Vec<Typed> = Vec::new();
        for (at, column) in pull.join_keys.iter().chain(&features).enumerate() {
            let data_type = match type_of(column, schema.as_ref()) {
                // Keys of which there is no value are of any type.
                DataType::Null if at < pull.join_keys.len() => DataType::Utf8,
                data_type => data_type,
            };
            output.push(Typed {
                at: columns.add(&column.source),
                name: column.name.clone(),
                data_type,
            });
        }
        let timestamp = time(&mut columns, &source.timestamp_field);
        let created = created.map(|created| time(&mut columns, created));
        output.push(renamed(&timestamp, pull.timestamp_name));
        output.extend(
            created
                .as_ref()
                .map(|created| renamed(created, pull.created_name.unwrap_or(&created.name))),
        );
        Ok(Self {
            columns,
            times: 1 + usize::from(created.is_some()),
            output,
            keys: pull.join_keys.len(),
            timestamp,
            created,
        })
    }

    pub(crate) fn schema(&self) -> SchemaRef {
        let field = |column: &Typed| Field::new(&column.name, column.data_type.clone(), true);
        std::sync::Arc::new(Schema::new(self.output.iter().map(field).collect::<Vec<_>>()))
    }

    /// The types that the keys are compared in.
    ///
    /// # Errors
    /// InvalidInput, naming the column, for a type that cannot be a key.
    pub(crate) fn canonical_keys(&self) -> Result<Vec<DataType>> {
        let canonical = |key: &Typed| {
            canonical_key_type(&key.data_type).ok_or_else(|| {
                let message = format!(
                    "join key `{}` has type {}, which cannot be a key",
                    key.name, key.data_type
                );
                invalid(message).with_help("keys are whole numbers, text, booleans, bytes, dates, times or decimals")
            })
        };
        self.output[..self.keys].iter().map(canonical).collect()
    }

    /// The output's columns of a batch.
    pub(crate) fn arrays(&self, batch: &RawBatch<'_>) -> Result<Vec<ArrayRef>> {
        let times = self.output.len() - self.times;
        let column = |(at, column): (usize, &Typed)| {
            if at >= times {
                column.instants(batch)
            } else {
                column.feature(batch)
            }
        };
        self.output.iter().enumerate().map(column).collect()
    }
}

fn needs_types(pull: &Pull<'_>) -> bool {
    pull.features.is_empty()
        || pull
            .join_keys
            .iter()
            .chain(pull.features)
            .any(|column| column.data_type.is_none())
}

/// Every column that is no key and no timestamp, as it is.
fn others(schema: &SchemaRef, pull: &Pull<'_>, created: Option<&str>) -> Vec<OutputColumn> {
    let taken = |name: &str| {
        pull.join_keys.iter().any(|key| key.source == name)
            || pull.source.timestamp_field == name
            || created == Some(name)
    };
    let fields = schema.fields().iter().filter(|field| !taken(field.name()));
    fields
        .map(|field| OutputColumn {
            source: field.name().clone(),
            name: field.name().clone(),
            data_type: None,
        })
        .collect()
}

fn type_of(column: &OutputColumn, schema: Option<&SchemaRef>) -> DataType {
    let inferred = || {
        schema?
            .field_with_name(&column.source)
            .ok()
            .map(|field| field.data_type().clone())
    };
    column.data_type.clone().or_else(inferred).unwrap_or(DataType::Null)
}

fn renamed(column: &Typed, name: &str) -> Typed {
    Typed {
        at: column.at,
        name: name.to_owned(),
        data_type: column.data_type.clone(),
    }
}
