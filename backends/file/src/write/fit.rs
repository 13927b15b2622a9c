//! Matching the rows' columns with the source's, by name.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, new_null_array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use hybrid_core::error::nearest;
use hybrid_core::{OutputColumn, Result};

use super::convert::{csv_holds, is_convertible, stored};
use crate::error::invalid;
use crate::read::Format;
use hybrid_core::values::{Place, is_lossless, is_time};

/// What rows are matched with.
pub(super) struct Shape<'a> {
    /// The columns that are there; `None` for a new source.
    pub known: Option<&'a Schema>,
    /// The columns that must be given.
    pub required: &'a [OutputColumn],
    /// The columns that folders' names give.
    pub partitions: &'a [Field],
    pub format: Format,
    /// Whether required columns that are not there yet can be added.
    pub widens: bool,
}

/// How batches become what is stored.
#[derive(Debug)]
pub(super) struct Fit {
    /// The columns of the file.
    pub schema: SchemaRef,
    /// Where each of them stands among the rows' columns; `None` becomes NULL.
    columns: Vec<Option<usize>>,
}

impl Fit {
    /// # Errors
    /// InvalidInput, listing every column that is missing, unknown, given twice or of a wrong type.
    pub(super) fn new(given: &Schema, shape: &Shape<'_>) -> Result<Self> {
        let problems = shape.problems(given);
        if !problems.is_empty() {
            let message = format!("the rows do not fit the source: {}", problems.join("; "));
            let help = "columns are matched by the source's own names, in any order; nothing was written";
            return Err(invalid(message).with_help(help));
        }
        let fields = shape.fields(given);
        let columns = fields.iter().map(|field| given.index_of(field.name()).ok()).collect();
        Ok(Self {
            schema: Arc::new(Schema::new(fields)),
            columns,
        })
    }

    /// Whether every value and every NULL fits, whatever they are.
    pub(super) fn takes_all(&self, given: &Schema) -> bool {
        let takes = |(field, at): (&Arc<Field>, &Option<usize>)| {
            let Some(given) = at.map(|at| given.field(at)) else {
                return true;
            };
            let (from, to) = (given.data_type(), field.data_type());
            // Times of a finer unit may not fit.
            (from == to || is_lossless(from, to) && !is_time(from)) && (field.is_nullable() || !given.is_nullable())
        };
        self.schema.fields().iter().zip(&self.columns).all(takes)
    }

    /// The columns of the file; `before` rows came before these.
    pub(super) fn shaped(&self, batch: &RecordBatch, before: u64) -> Result<RecordBatch> {
        let column = |(field, at): (&Arc<Field>, &Option<usize>)| match at {
            Some(at) => filled(batch.column(*at), field, before),
            None => Ok(new_null_array(field.data_type(), batch.num_rows())),
        };
        let columns: Result<Vec<ArrayRef>> = self.schema.fields().iter().zip(&self.columns).map(column).collect();
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns?)?)
    }
}

fn filled(array: &ArrayRef, field: &Field, before: u64) -> Result<ArrayRef> {
    let place = Place {
        source: "the rows to write",
        column: field.name(),
        row: Some(before),
        csv: false,
    };
    let made = stored(array, field.data_type(), place)?;
    if !field.is_nullable() && made.null_count() > 0 {
        return Err(invalid(format!(
            "{place} has a NULL, which the source does not take there"
        )));
    }
    Ok(made)
}

impl Shape<'_> {
    fn problems(&self, given: &Schema) -> Vec<String> {
        let names: Vec<&str> = given.fields().iter().map(|field| field.name().as_str()).collect();
        let mut problems: Vec<String> = self
            .must_have()
            .into_iter()
            .filter(|name| !names.contains(name))
            .map(|name| format!("column `{name}` is missing"))
            .collect();
        for (at, field) in given.fields().iter().enumerate() {
            if names[..at].contains(&field.name().as_str()) {
                problems.push(format!("column `{}` is given twice", field.name()));
            } else {
                problems.extend(self.problem(field));
            }
        }
        problems
    }

    /// The names that must be given, each once.
    fn must_have(&self) -> Vec<&str> {
        let required = self.required.iter().map(|column| column.source.as_str());
        let partitions = self.partitions.iter().map(|field| field.name().as_str());
        let filled = self
            .known
            .into_iter()
            .flat_map(Schema::fields)
            .filter(|field| !field.is_nullable());
        let mut names: Vec<&str> = Vec::new();
        for name in required
            .chain(partitions)
            .chain(filled.map(|field| field.name().as_str()))
        {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// What is wrong with a given column.
    fn problem(&self, given: &Field) -> Option<String> {
        let name = given.name();
        let declared = self.declared(name);
        let partition = self.partitions.iter().find(|field| field.name() == name);
        let known = partition.or_else(|| self.known.and_then(|schema| schema.field_with_name(name).ok()));
        if known.is_none() && (self.known.is_some() && !self.widens || !self.is_required(name)) {
            return Some(self.unknown(name));
        }
        let text = partition.is_some() || self.format == Format::Csv;
        if text && !csv_holds(given.data_type()) {
            return Some(format!(
                "column `{name}` has type {}, which text cannot hold",
                given.data_type()
            ));
        }
        let wanted = known.map(Field::data_type).or(declared)?;
        let fits = is_convertible(given.data_type(), wanted)
            || (text && declared.is_some_and(|declared| is_convertible(given.data_type(), declared)))
            || (text && *wanted == DataType::Null);
        (!fits).then(|| {
            format!(
                "column `{name}` has type {}, the source has {wanted}",
                given.data_type()
            )
        })
    }

    fn unknown(&self, name: &str) -> String {
        let known = self
            .known
            .into_iter()
            .flat_map(Schema::fields)
            .map(|field| field.name().as_str());
        let required = self.required.iter().map(|column| column.source.as_str());
        match nearest(name, known.chain(required)) {
            Some(near) => format!("column `{name}` is unknown (did you mean `{near}`?)"),
            None => format!("column `{name}` is unknown"),
        }
    }

    fn is_required(&self, name: &str) -> bool {
        self.required.iter().any(|column| column.source == name)
    }

    fn declared(&self, name: &str) -> Option<&DataType> {
        self.required
            .iter()
            .find(|column| column.source == name)?
            .data_type
            .as_ref()
    }

    /// The columns of the file: those that are there, then new ones as they are given.
    fn fields(&self, given: &Schema) -> Vec<Field> {
        let known = self
            .known
            .into_iter()
            .flat_map(Schema::fields)
            .map(|field| self.known_field(field, given));
        let is_new = |field: &&Arc<Field>| {
            self.known
                .is_none_or(|known| known.field_with_name(field.name()).is_err())
        };
        let new = given.fields().iter().filter(is_new).map(|field| {
            let data_type = self.declared(field.name()).filter(|_| self.format == Format::Parquet);
            Field::new(
                field.name(),
                data_type.unwrap_or(&plain(field.data_type())).clone(),
                true,
            )
        });
        let in_file = |field: &Field| self.partitions.iter().all(|partition| partition.name() != field.name());
        known.chain(new).filter(in_file).collect()
    }

    /// CSV takes values as they are given: all of it is text.
    fn known_field(&self, field: &Field, given: &Schema) -> Field {
        if self.format == Format::Parquet {
            return field.clone();
        }
        let given = given
            .field_with_name(field.name())
            .map(|given| plain(given.data_type()));
        Field::new(field.name(), given.unwrap_or(DataType::Null), true)
    }
}

fn plain(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Dictionary(_, values) => plain(values),
        other => other.clone(),
    }
}
