//! Fills in what a definition leaves out, from the columns of its source.

use std::collections::BTreeMap;

use arrow::datatypes::{DataType, Schema, SchemaRef};
use hybrid_core::{Entity, Error, ErrorKind, FeatureRegistry, FeatureView, Field, Result, ValueType};

use super::columns::is_key;

/// Infers the schemas, timestamp columns and entity types that `definitions` leave out. `schemas`
/// are those of the views' sources, in order; `known` are the definitions that are there already.
/// Returns what could not be inferred from a source that told its columns.
pub(crate) fn infer(
    definitions: &mut FeatureRegistry,
    known: &FeatureRegistry,
    schemas: &[Result<SchemaRef>],
) -> Vec<Error> {
    let mut problems = Vec::new();
    let FeatureRegistry {
        entities,
        feature_views,
        ..
    } = definitions;
    for (view, schema) in feature_views.iter_mut().zip(schemas) {
        let keys = join_keys(view, entities, known);
        take_key_types(view, &keys, entities);
        if let Ok(schema) = schema {
            let found = from_schema(view, &keys, schema, entities);
            problems.extend(found.into_iter().map(|problem| problem.within(&called(view))));
        }
    }
    // What was inferred before still holds where nothing is known now.
    for entity in entities.iter_mut().filter(|entity| entity.value_type.is_none()) {
        let before = known.entities.iter().find(|other| other.name == entity.name);
        entity.value_type = before.and_then(|before| before.value_type.clone());
    }
    problems
}

/// A view whose source did not tell its columns: what that means for an apply.
pub(crate) enum Unasked {
    /// Something is missing, or the source is not there.
    Problem(Error),
    /// The definition is complete, and the store is away.
    Unchecked(Error),
}

/// What `error`, which came instead of the source's columns, means for `view`.
pub(crate) fn unasked(
    view: &FeatureView,
    definitions: &FeatureRegistry,
    known: &FeatureRegistry,
    error: Error,
) -> Unasked {
    let is_away = cannot_be_asked(error.kind());
    let error = error.within(&called(view));
    if !is_away {
        return Unasked::Problem(error);
    }
    let keys = join_keys(view, &definitions.entities, known);
    match is_incomplete(view, &keys, &definitions.entities, known) {
        true => Unasked::Problem(error.with_help(
            "give the source a timestamp_field, the view a schema and its entities a value_type, and nothing needs \
             to be inferred",
        )),
        false => Unasked::Unchecked(error),
    }
}

/// A view in messages.
pub(crate) fn called(view: &FeatureView) -> String {
    format!("feature view `{}`", view.name)
}

/// The store is away, or not here at all: that says nothing about the definition.
fn cannot_be_asked(kind: ErrorKind) -> bool {
    use ErrorKind::{Config, PermissionDenied, Timeout, Unauthenticated, Unavailable, Unsupported};
    matches!(
        kind,
        Config | PermissionDenied | Timeout | Unauthenticated | Unavailable | Unsupported
    )
}

/// Join key to entity, of the entities that exist.
type Keys = BTreeMap<String, String>;

fn join_keys(view: &FeatureView, entities: &[Entity], known: &FeatureRegistry) -> Keys {
    let find = |name: &String| {
        entities
            .iter()
            .chain(&known.entities)
            .find(|entity| entity.name == *name)
    };
    let entities = view.entities.iter().filter_map(find);
    entities
        .map(|entity| (entity.join_key.clone(), entity.name.clone()))
        .collect()
}

/// A schema may list the join keys, as Feast's does: they are no features and tell the entities' types.
fn take_key_types(view: &mut FeatureView, keys: &Keys, entities: &mut [Entity]) {
    for field in view.schema.extract_if(.., |field| keys.contains_key(&field.name)) {
        set_type(entities, &keys[&field.name], field.dtype);
    }
}

fn set_type(entities: &mut [Entity], name: &str, value_type: ValueType) {
    if let Some(entity) = entities.iter_mut().find(|entity| entity.name == name) {
        entity.value_type.get_or_insert(value_type);
    }
}

fn is_incomplete(view: &FeatureView, keys: &Keys, entities: &[Entity], known: &FeatureRegistry) -> bool {
    let typed = |name: &String, entity: &Entity| entity.name == *name && entity.value_type.is_some();
    let untyped = |name: &String| !entities.iter().chain(&known.entities).any(|entity| typed(name, entity));
    view.schema.is_empty() || view.source.timestamp_field.is_empty() || keys.values().any(untyped)
}

fn from_schema(view: &mut FeatureView, keys: &Keys, schema: &Schema, entities: &mut [Entity]) -> Vec<Error> {
    let mut problems = Vec::new();
    if view.source.timestamp_field.is_empty() {
        match timestamp_column(view, schema) {
            Ok(column) => view.source.timestamp_field = column,
            Err(error) => problems.push(error),
        }
    }
    for (key, entity) in keys {
        if let Ok(column) = schema.field_with_name(view.source.column_of(key)) {
            match ValueType::from_arrow(column.data_type()) {
                // Decimals are keys, and no value type says so: Feast's are text.
                Some(value_type) if !is_key(column.data_type(), &value_type.to_arrow()) => {}
                Some(value_type) => set_type(entities, entity, value_type),
                None => problems.push(no_type(column.name(), column.data_type())),
            }
        }
    }
    if view.schema.is_empty() {
        match features(view, keys, schema) {
            Ok(fields) => view.schema = fields,
            Err(error) => problems.push(error),
        }
    }
    problems
}

fn timestamp_column(view: &FeatureView, schema: &Schema) -> Result<String> {
    let created = view.source.created_timestamp_column.as_deref();
    let is_time = |data_type: &DataType| matches!(data_type, DataType::Timestamp(..));
    let columns = schema.fields().iter().filter(|column| is_time(column.data_type()));
    let candidates: Vec<&str> = columns
        .map(|column| column.name().as_str())
        .filter(|name| Some(*name) != created)
        .collect();
    if let [only] = candidates.as_slice() {
        return Ok((*only).to_owned());
    }
    let found = match candidates.as_slice() {
        [] => format!("it has no timestamp column among {}", names(schema).join(", ")),
        several => format!("several columns are timestamps: {}", several.join(", ")),
    };
    let message = format!("source `{}` has no timestamp_field, and {found}", view.source.name);
    Err(Error::new(ErrorKind::Definition, message).with_help("name one with timestamp_field"))
}

/// Every column that is no key, no timestamp and, by Feast's rule, not of somebody's internal use.
fn features(view: &FeatureView, keys: &Keys, schema: &Schema) -> Result<Vec<Field>> {
    let source = &view.source;
    let times = [
        Some(source.timestamp_field.as_str()),
        source.created_timestamp_column.as_deref(),
    ];
    let mut fields = Vec::new();
    for column in schema.fields() {
        let name = source.name_of(column.name());
        if times.contains(&Some(column.name())) || keys.contains_key(name) || column.name().starts_with("__") {
            continue;
        }
        let data_type = column.data_type();
        let value_type = ValueType::from_arrow(data_type).ok_or_else(|| no_type(column.name(), data_type))?;
        fields.push(Field::new(name, value_type));
    }
    if fields.is_empty() {
        let message = format!("source `{}` has no column that could be a feature", source.name);
        return Err(Error::new(ErrorKind::Definition, message));
    }
    Ok(fields)
}

fn no_type(column: &str, data_type: &DataType) -> Error {
    let message = format!("column {column} is {data_type}, which no value type holds");
    Error::new(ErrorKind::Definition, message).with_help("give the view a schema that leaves it out")
}

fn names(schema: &Schema) -> Vec<&str> {
    schema.fields().iter().map(|column| column.name().as_str()).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::Prepared;
    use super::*;
    use arrow::datatypes::Field as Column;
    use hybrid_core::{Source, timestamp_type};
    use std::sync::Arc;

    fn schema() -> SchemaRef {
        Arc::new(Schema::new(vec![
            Column::new("driver", DataType::Int64, true),
            Column::new("at", timestamp_type(), true),
            Column::new("created", timestamp_type(), true),
            Column::new("rate", DataType::Float32, true),
            Column::new("__hidden", DataType::Float32, true),
        ]))
    }

    fn definitions(view: FeatureView) -> FeatureRegistry {
        let mut definitions = FeatureRegistry::new("p");
        definitions.entities.push(Entity::new("driver_id"));
        definitions.feature_views.push(view.with_entities(["driver_id"]));
        definitions
    }

    fn source() -> Source {
        Source::new("file")
            .with_name("s")
            .with_created_timestamp_column("created")
            .with_field("driver", "driver_id")
    }

    fn run(definitions: &mut FeatureRegistry, schema: Result<SchemaRef>) -> Vec<Error> {
        run_over(definitions, &FeatureRegistry::new("p"), schema)
    }

    fn run_over(definitions: &mut FeatureRegistry, known: &FeatureRegistry, schema: Result<SchemaRef>) -> Vec<Error> {
        let prepared = Prepared::new(std::mem::take(definitions), known, vec![schema]);
        *definitions = prepared.definitions;
        prepared.checked.problems
    }

    #[test]
    fn what_is_left_out_comes_from_the_source() {
        let mut found = definitions(FeatureView::new("v", source()));
        assert!(run(&mut found, Ok(schema())).is_empty());
        let view = &found.feature_views[0];
        assert_eq!(view.source.timestamp_field, "at");
        assert_eq!(view.schema, [Field::new("rate", ValueType::Float32)]);
        assert_eq!(found.entities[0].value_type, Some(ValueType::Int64));
    }

    #[test]
    fn a_schema_that_lists_the_key_tells_its_type() {
        let fields = [
            Field::new("driver_id", ValueType::String),
            Field::new("rate", ValueType::Float64),
        ];
        let mut found = definitions(FeatureView::new("v", source().with_timestamp_field("at")).with_schema(fields));
        assert!(run(&mut found, Err(Error::new(ErrorKind::Unavailable, "away"))).is_empty());
        assert_eq!(found.entities[0].value_type, Some(ValueType::String));
        assert_eq!(found.feature_views[0].schema, [Field::new("rate", ValueType::Float64)]);
    }

    #[test]
    fn a_store_that_is_away_matters_only_where_something_is_inferred() {
        let mut found = definitions(FeatureView::new("v", source()));
        let problems = run(&mut found, Err(Error::new(ErrorKind::Config, "no such store")));
        assert!(
            problems[0]
                .to_string()
                .contains("feature view `v`: no such store\n  help: give the source"),
            "{problems:?}"
        );
        let complete = [
            Field::new("driver_id", ValueType::Int64),
            Field::new("rate", ValueType::Float64),
        ];
        let mut complete =
            definitions(FeatureView::new("v", source().with_timestamp_field("at")).with_schema(complete));
        let problems = run(&mut complete, Err(Error::new(ErrorKind::NotFound, "no such file")));
        assert_eq!(problems.len(), 1, "a source that is not there is a mistake");
        let mut left_out = definitions(FeatureView::new("v", source()));
        let problems = run(&mut left_out, Err(Error::new(ErrorKind::NotFound, "no such file")));
        assert_eq!(
            problems[0].to_string(),
            "feature view `v`: no such file",
            "said once, and inference is not what failed"
        );
    }

    #[test]
    fn a_type_inferred_before_serves_while_the_store_is_away() {
        let fields = [Field::new("rate", ValueType::Float64)];
        let mut found = definitions(FeatureView::new("v", source().with_timestamp_field("at")).with_schema(fields));
        let mut known = FeatureRegistry::new("p");
        known
            .entities
            .push(Entity::new("driver_id").with_value_type(ValueType::String));
        let away = Err(Error::new(ErrorKind::Unavailable, "away"));
        assert!(run_over(&mut found, &known, away).is_empty());
        assert_eq!(found.entities[0].value_type, Some(ValueType::String));
    }

    #[test]
    fn columns_that_are_not_there_are_named_with_the_nearest() {
        let view = FeatureView::new("v", source().with_timestamp_field("att"))
            .with_schema([Field::new("rates", ValueType::Float32)]);
        let problems = run(&mut definitions(view), Ok(schema()));
        let text: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert!(
            text[0].contains("source `s` has no column `att`") && text[0].contains("did you mean `at`?"),
            "{text:?}"
        );
        assert!(
            text[1].contains("source `s` has no column `rates`") && text[1].contains("did you mean `rate`?"),
            "{text:?}"
        );
    }

    #[test]
    fn two_candidates_for_the_timestamp_are_an_error_that_lists_them() {
        let mut source = source();
        source.created_timestamp_column = None;
        let problems = run(&mut definitions(FeatureView::new("v", source)), Ok(schema()));
        assert!(
            problems[0]
                .to_string()
                .contains("several columns are timestamps: at, created"),
            "{problems:?}"
        );
    }

    #[test]
    fn a_decimal_key_stays_without_a_type() {
        let columns = [
            Column::new("driver", DataType::Decimal128(10, 2), true),
            Column::new("at", timestamp_type(), true),
            Column::new("created", timestamp_type(), true),
            Column::new("rate", DataType::Float32, true),
        ];
        let mut found = definitions(FeatureView::new("v", source()));
        assert!(run(&mut found, Ok(Arc::new(Schema::new(columns.to_vec())))).is_empty());
        assert_eq!(found.entities[0].value_type, None);
    }
}
