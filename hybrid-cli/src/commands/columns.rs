//! Whether a view's columns are in its source, in types that become the declared ones.

use arrow::compute::can_cast_types;
use arrow::datatypes::{DataType, Schema};
use hybrid_offline_store::error::nearest;
use hybrid_offline_store::{Error, ErrorKind, FeatureRegistry, FeatureView, Source, timestamp_type};

/// A source and the views that read it.
pub struct BySource<'a> {
    pub source: &'a Source,
    pub views: Vec<&'a FeatureView>,
}

/// Each source once.
pub fn by_source<'a>(views: &[&'a FeatureView]) -> Vec<BySource<'a>> {
    let mut all: Vec<BySource<'a>> = Vec::new();
    for view in views {
        match all.iter_mut().find(|known| *known.source == view.source) {
            Some(known) => known.views.push(view),
            None => all.push(BySource {
                source: &view.source,
                views: vec![view],
            }),
        }
    }
    all
}

/// What a view's source is called in messages.
pub fn label(view: &FeatureView) -> &str {
    match view.source.name.as_str() {
        "" => &view.name,
        name => name,
    }
}

/// What feature services ask for and no view has.
pub fn services(registry: &FeatureRegistry) -> Vec<Error> {
    let mut problems = Vec::new();
    for service in &registry.feature_services {
        for projection in &service.features {
            match registry.feature_view(&projection.view) {
                Err(error) => problems.push(prefixed("feature service", &service.name, &error)),
                Ok(view) => problems.extend(missing_features(&service.name, view, &projection.features)),
            }
        }
    }
    problems
}

fn missing_features(service: &str, view: &FeatureView, features: &[String]) -> Vec<Error> {
    let known: Vec<&str> = view.schema.iter().map(|field| field.name.as_str()).collect();
    // A view without a schema gets one when it is applied.
    let missing = features
        .iter()
        .filter(|name| !known.is_empty() && view.field(name).is_none());
    let what = format!(
        "feature service `{service}`: feature view `{}` has no feature",
        view.name
    );
    missing.map(|name| absent(&what, name, &known)).collect()
}

/// What is wrong with a view over a source of that schema.
pub fn view(registry: &FeatureRegistry, view: &FeatureView, schema: &Schema) -> Vec<Error> {
    let mut problems = Vec::new();
    let mut wanted = timestamps(view);
    for name in &view.entities {
        match registry.entity(name) {
            Ok(entity) => wanted.push(Wanted {
                column: view.source.column_of(&entity.join_key).to_owned(),
                purpose: "join key",
                data_type: entity.value_type.as_ref().map(|value_type| value_type.to_arrow()),
            }),
            Err(error) => problems.push(prefixed("feature view", &view.name, &error)),
        }
    }
    wanted.extend(view.schema.iter().map(|field| Wanted {
        column: view.source.column_of(&field.name).to_owned(),
        purpose: "feature",
        data_type: Some(field.dtype.to_arrow()),
    }));
    problems.extend(wanted.iter().filter_map(|wanted| wanted.problem(view, schema)));
    problems
}

struct Wanted {
    column: String,
    purpose: &'static str,
    data_type: Option<DataType>,
}

/// Absent timestamp columns are found when the view is applied.
fn timestamps(view: &FeatureView) -> Vec<Wanted> {
    let event = Some(&view.source.timestamp_field).filter(|column| !column.is_empty());
    let all = [
        ("event timestamp", event),
        ("created timestamp", view.source.created_timestamp_column.as_ref()),
    ];
    let wanted = all.into_iter().filter_map(|(purpose, column)| {
        Some(Wanted {
            column: column?.clone(),
            purpose,
            data_type: Some(timestamp_type()),
        })
    });
    wanted.collect()
}

impl Wanted {
    fn problem(&self, view: &FeatureView, schema: &Schema) -> Option<Error> {
        let Self { column, purpose, .. } = self;
        let place = format!("feature view `{}`: source `{}`", view.name, label(view));
        let Ok(found) = schema.field_with_name(column) else {
            let known: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
            return Some(absent(
                &format!("{place} has no column for the {purpose}"),
                column,
                &known,
            ));
        };
        let declared = self.data_type.as_ref()?;
        if becomes(found.data_type(), declared) {
            return None;
        }
        let message = format!(
            "{place}: the {purpose} `{column}` is {}, which does not become {declared}",
            found.data_type()
        );
        Some(Error::new(ErrorKind::Definition, message).with_help("declare another type, or name another column"))
    }
}

/// Arrow also makes timestamps of numbers, and lists of single values; nobody means that.
fn becomes(found: &DataType, declared: &DataType) -> bool {
    let to_time = matches!(declared, DataType::Timestamp(..));
    let is_number = found.is_numeric() || *found == DataType::Boolean;
    let to_list = declared.is_nested() && !found.is_nested();
    can_cast_types(found, declared) && !(to_time && is_number) && !to_list
}

fn absent(what: &str, name: &str, known: &[&str]) -> Error {
    let error = Error::new(ErrorKind::NotFound, format!("{what} `{name}`"));
    let error = match nearest(name, known.iter().copied()) {
        Some(near) => error.with_help(format!("did you mean `{near}`?")),
        None => error,
    };
    error.with_help(format!("what exists: {}", known.join(", ")))
}

fn prefixed(what: &str, name: &str, error: &Error) -> Error {
    let prefixed = Error::new(error.kind(), format!("{what} `{name}`: {}", error.message()));
    error
        .help()
        .iter()
        .fold(prefixed, |prefixed, help| prefixed.with_help(help))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::datatypes::Field as Column;
    use hybrid_offline_store::{Entity, FeatureProjection, FeatureService, Field, ValueType};

    use super::*;

    fn registry() -> FeatureRegistry {
        let source = Source::new("file")
            .with_name("trips")
            .with_timestamp_field("at")
            .with_field("conv", "conv_rate");
        let fields = [
            Field::new("conv_rate", ValueType::Float32),
            Field::new("seats", ValueType::Int64),
        ];
        let view = FeatureView::new("stats", source)
            .with_entities(["driver"])
            .with_schema(fields);
        let mut registry = FeatureRegistry::new("p");
        registry.entities = vec![
            Entity::new("driver")
                .with_join_key("driver_id")
                .with_value_type(ValueType::Int64),
        ];
        registry.feature_views = vec![view];
        registry
    }

    fn schema(columns: &[(&str, DataType)]) -> Schema {
        let fields = columns
            .iter()
            .map(|(name, data_type)| Column::new(*name, data_type.clone(), true));
        Schema::new(fields.collect::<Vec<_>>())
    }

    fn problems(columns: &[(&str, DataType)]) -> Vec<String> {
        let registry = registry();
        let found = view(&registry, &registry.feature_views[0], &schema(columns));
        found.iter().map(|error| error.message().to_owned()).collect()
    }

    #[test]
    fn a_fitting_source_has_no_problem() {
        let columns = [
            ("at", DataType::Utf8),
            ("driver_id", DataType::Int32),
            ("conv", DataType::Float64),
            ("seats", DataType::Int64),
        ];
        assert_eq!(problems(&columns), Vec::<String>::new());
    }

    #[test]
    fn every_missing_or_unfit_column_is_a_problem_of_its_own() {
        let found = problems(&[
            ("at", DataType::Int64),
            ("driver", DataType::Int64),
            ("seats", DataType::Binary),
        ]);
        assert_eq!(
            found,
            [
                "feature view `stats`: source `trips`: the event timestamp `at` is Int64, which does not become Timestamp(µs, \"UTC\")",
                "feature view `stats`: source `trips` has no column for the join key `driver_id`",
                "feature view `stats`: source `trips` has no column for the feature `conv`",
                "feature view `stats`: source `trips`: the feature `seats` is Binary, which does not become Int64",
            ]
        );
    }

    #[test]
    fn services_are_checked_against_the_views() {
        let mut registry = registry();
        let features = [
            FeatureProjection::new("stats").with_features(["conv_rate", "seat"]),
            FeatureProjection::new("stat"),
        ];
        registry.feature_services = vec![FeatureService::new("training", features)];
        let found: Vec<String> = services(&registry).iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 2);
        assert!(
            found[0].contains("has no feature `seat`") && found[0].contains("did you mean `seats`?"),
            "{found:?}"
        );
        assert!(found[1].contains("feature view `stat` does not exist"), "{found:?}");
    }
}
