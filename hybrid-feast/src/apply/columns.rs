//! Whether a view's columns are in its source, in types that become the declared ones.

use std::collections::BTreeSet;

use arrow::compute::can_cast_types;
use arrow::datatypes::{DataType, Field as Column, Schema};
use hybrid_core::canonical::{canonical_key_type, is_time};
use hybrid_core::error::nearest;
use hybrid_core::store::FROM_TEXT;
use hybrid_core::{Entity, Error, ErrorKind, FeatureView, timestamp_type};

/// Every column of `view` that its source lacks, or has in a type that does not become the
/// declared one. Entities that do not exist are left to the check of references.
pub(crate) fn problems(view: &FeatureView, entities: &[&Entity], schema: &Schema) -> Vec<Error> {
    let mut missing = BTreeSet::new();
    let found = wanted(view, entities).into_iter();
    let problems = found.filter_map(|wanted| match schema.field_with_name(wanted.column) {
        Ok(column) => wanted.unfit(view, column),
        Err(_) => missing.insert(wanted.column).then(|| wanted.absent(view, schema)),
    });
    problems.collect()
}

struct Wanted<'a> {
    column: &'a str,
    purpose: String,
    role: Role<'a>,
}

enum Role<'a> {
    Time,
    Key(&'a Entity),
    Feature(DataType),
    Mapping,
}

fn wanted<'a>(view: &'a FeatureView, entities: &[&'a Entity]) -> Vec<Wanted<'a>> {
    let source = &view.source;
    let time = |column: &'a str, purpose: &str| Wanted {
        column,
        purpose: purpose.to_owned(),
        role: Role::Time,
    };
    let event = Some(source.timestamp_field.as_str()).filter(|column| !column.is_empty());
    let mut all: Vec<Wanted<'_>> = event
        .map(|column| time(column, "the event timestamp"))
        .into_iter()
        .collect();
    let created = source.created_timestamp_column.as_deref();
    all.extend(created.map(|column| time(column, "the created timestamp")));
    all.extend(entities.iter().map(|entity| Wanted {
        column: source.column_of(&entity.join_key),
        purpose: format!("join key `{}`", entity.join_key),
        role: Role::Key(entity),
    }));
    all.extend(view.schema.iter().map(|field| Wanted {
        column: source.column_of(&field.name),
        purpose: format!("feature `{}`", field.name),
        role: Role::Feature(field.dtype.to_arrow()),
    }));
    all.extend(source.field_mapping.iter().map(|(column, name)| Wanted {
        column,
        purpose: format!("`{name}` in field_mapping"),
        role: Role::Mapping,
    }));
    all
}

impl Wanted<'_> {
    fn absent(&self, view: &FeatureView, schema: &Schema) -> Error {
        let Self { column, purpose, .. } = self;
        let message = format!("source `{}` has no column `{column}` for {purpose}", view.source.name);
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        let error = Error::new(ErrorKind::Definition, message);
        let error = match nearest(column, names.iter().copied()) {
            Some(near) => error.with_help(format!("did you mean `{near}`?")),
            None => error,
        };
        error.with_help(format!("its columns are {}", names.join(", ")))
    }

    fn unfit(&self, view: &FeatureView, column: &Column) -> Option<Error> {
        let found = column.data_type();
        let (declared, help) = match &self.role {
            Role::Time if becomes(found, &timestamp_type()) => return None,
            Role::Time => (
                "an instant".to_owned(),
                "name a column of timestamps, dates or RFC 3339 text",
            ),
            Role::Feature(declared) if becomes(found, declared) => return None,
            Role::Feature(declared) => (declared.to_string(), "declare another type, or name another column"),
            Role::Key(entity) => (key_problem(entity, column)?, KEY_HELP),
            Role::Mapping => return None,
        };
        let message = format!(
            "source `{}`: column `{}` for {} is {found}, which does not become {declared}",
            view.source.name, self.column, self.purpose
        );
        Some(Error::new(ErrorKind::Definition, message).with_help(help))
    }
}

const KEY_HELP: &str = "give the entity the column's value_type, or cast the column; integers of any width are \
                        one type, and so are strings of any encoding; floats and nested types are no keys";

/// What a join with that column would want, when it would refuse it.
fn key_problem(entity: &Entity, column: &Column) -> Option<String> {
    if column.metadata().contains_key(FROM_TEXT) {
        return None;
    }
    let Some(value_type) = &entity.value_type else {
        let usable = *column.data_type() == DataType::Null || canonical_key_type(column.data_type()).is_some();
        return (!usable).then(|| "a key".to_owned());
    };
    let declared = value_type.to_arrow();
    (!is_key(column.data_type(), &declared)).then(|| format!("{declared}, the type of entity `{}`", entity.name))
}

/// Whether the values of a column can be compared with keys of the declared type, by the join's rule.
pub(crate) fn is_key(found: &DataType, declared: &DataType) -> bool {
    let Some(declared) = canonical_key_type(declared) else {
        return false;
    };
    let instants = declared == timestamp_type() && !is_text(found) && is_time(found);
    *found == DataType::Null || instants || canonical_key_type(found) == Some(declared)
}

/// Arrow also makes timestamps of numbers, and lists of single values; nobody means that.
fn becomes(found: &DataType, declared: &DataType) -> bool {
    let to_time = matches!(declared, DataType::Timestamp(..));
    let is_number = found.is_numeric() || *found == DataType::Boolean;
    let to_list = declared.is_nested() && !found.is_nested() && *found != DataType::Null;
    can_cast_types(found, declared) && !(to_time && is_number) && !to_list
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hybrid_core::{Field, Source, ValueType};

    fn found(key: ValueType, columns: &[(&str, DataType)]) -> Vec<String> {
        let source = Source::new("file")
            .with_name("trips")
            .with_timestamp_field("at")
            .with_field("conv", "conv_rate");
        let fields = [
            Field::new("conv_rate", ValueType::Float32),
            Field::new("seats", ValueType::Int64),
        ];
        let view = FeatureView::new("stats", source).with_schema(fields);
        let entity = Entity::new("driver").with_join_key("driver_id").with_value_type(key);
        let columns = columns.iter().map(|(name, t)| Column::new(*name, t.clone(), true));
        let schema = Schema::new(columns.collect::<Vec<_>>());
        let found = problems(&view, &[&entity], &schema);
        found.iter().map(|error| error.message().to_owned()).collect()
    }

    fn with_key(key: ValueType, column: DataType) -> Vec<String> {
        let columns = [
            ("at", DataType::Utf8),
            ("driver_id", column),
            ("conv", DataType::Float64),
            ("seats", DataType::Int64),
        ];
        found(key, &columns)
    }

    #[test]
    fn a_fitting_source_has_no_problem() {
        for (key, column) in [
            (ValueType::Int64, DataType::Int32),
            (ValueType::Int32, DataType::UInt64),
            (ValueType::String, DataType::LargeUtf8),
            (ValueType::Uuid, DataType::Utf8View),
            (ValueType::Bytes, DataType::FixedSizeBinary(16)),
            (ValueType::UnixTimestamp, DataType::Date32),
            (ValueType::Int64, DataType::Null),
        ] {
            assert_eq!(with_key(key, column), Vec::<String>::new());
        }
    }

    #[test]
    fn a_key_of_another_kind_names_both_types() {
        assert_eq!(
            with_key(ValueType::String, DataType::Int64),
            [
                "source `trips`: column `driver_id` for join key `driver_id` is Int64, which does not become Utf8, \
                 the type of entity `driver`"
            ]
        );
        for (key, column) in [
            (ValueType::Int64, DataType::Utf8),
            (ValueType::Int64, DataType::Float64),
            (ValueType::Bool, DataType::Int64),
            (ValueType::UnixTimestamp, DataType::Utf8),
        ] {
            assert_eq!(with_key(key, column).len(), 1);
        }
    }

    #[test]
    fn what_was_text_becomes_any_key() {
        let entity = Entity::new("driver").with_value_type(ValueType::String);
        let column = Column::new("driver", DataType::Int64, true);
        assert!(key_problem(&entity, &column).is_some());
        let text = column.with_metadata([(FROM_TEXT.to_owned(), String::new())].into());
        assert!(key_problem(&entity, &text).is_none());
    }

    #[test]
    fn every_missing_or_unfit_column_is_a_problem_of_its_own() {
        let columns = [
            ("at", DataType::Int64),
            ("driver", DataType::Int64),
            ("seats", DataType::Binary),
        ];
        assert_eq!(
            found(ValueType::Int64, &columns),
            [
                "source `trips`: column `at` for the event timestamp is Int64, which does not become an instant",
                "source `trips` has no column `driver_id` for join key `driver_id`",
                "source `trips` has no column `conv` for feature `conv_rate`",
                "source `trips`: column `seats` for feature `seats` is Binary, which does not become Int64",
            ]
        );
    }
}
