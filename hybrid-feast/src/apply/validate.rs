//! Checks definitions against each other and against what the registry holds.

use std::collections::BTreeSet;

use hybrid_core::{Error, ErrorKind, FeatureProjection, FeatureRegistry, FeatureService, FeatureView, Result, Source};

use crate::registry::number_of;

/// One error with every problem of `definitions`; `merged` is what references are resolved in.
pub(crate) fn validate(definitions: &FeatureRegistry, merged: &FeatureRegistry) -> Result<()> {
    Error::from_problems(problems(definitions, merged)).map_or(Ok(()), Err)
}

/// Every problem of `definitions`.
pub(crate) fn problems(definitions: &FeatureRegistry, merged: &FeatureRegistry) -> Vec<Error> {
    let mut problems = Vec::new();
    problems.extend(names("entity", definitions.entities.iter().map(|entity| &entity.name)));
    problems.extend(names(
        "feature view",
        definitions.feature_views.iter().map(|view| &view.name),
    ));
    problems.extend(names(
        "feature service",
        definitions.feature_services.iter().map(|service| &service.name),
    ));
    problems.extend(sources(definitions));
    for entity in &definitions.entities {
        if let Some(Err(error)) = entity.value_type.as_ref().map(number_of) {
            problems.push(error.within(&format!("entity `{}`", entity.name)));
        }
    }
    for view in &definitions.feature_views {
        let found = view_problems(view, merged).into_iter();
        problems.extend(found.map(|problem| problem.within(&format!("feature view `{}`", view.name))));
    }
    for service in &definitions.feature_services {
        let found = service_problems(service, merged).into_iter();
        problems.extend(found.map(|problem| problem.within(&format!("feature service `{}`", service.name))));
    }
    problems
}

fn wrong(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Definition, message)
}

/// Names that are empty, that a reference `view:feature` could not say, or that come twice.
fn names<'a>(what: &str, names: impl Iterator<Item = &'a String>) -> Vec<Error> {
    let mut seen = BTreeSet::new();
    let mut problem = |name: &'a String| {
        if name.is_empty() {
            Some(wrong(format!("a {what} has no name")))
        } else if name.contains(':') {
            Some(wrong(format!("the name of {what} `{name}` contains a colon")))
        } else if !seen.insert(name) {
            Some(wrong(format!("{what} `{name}` is defined twice")))
        } else {
            None
        }
    };
    names.filter_map(&mut problem).collect()
}

/// A source may be defined once and used by many views, but it is one source.
fn sources(definitions: &FeatureRegistry) -> Vec<Error> {
    let mut seen: Vec<&Source> = Vec::new();
    let mut problems = Vec::new();
    for source in definitions
        .sources
        .iter()
        .chain(definitions.feature_views.iter().map(|view| &view.source))
    {
        match seen.iter().find(|other| other.name == source.name) {
            Some(other) if **other != *source => {
                let message = format!("two different sources are called `{}`", source.name);
                problems.push(wrong(message).with_help("give one a `name` of its own"));
            }
            Some(_) => {}
            None => seen.push(source),
        }
        if source.name.is_empty() {
            problems.push(wrong(format!("a source of type {} has no name", source.key)));
        }
    }
    problems
}

fn view_problems(view: &FeatureView, merged: &FeatureRegistry) -> Vec<Error> {
    let mut problems = Vec::new();
    if let Some(reason) = merged.unsupported_views.get(&view.name) {
        problems.push(wrong(format!("the registry has a view of that name: {reason}")));
    }
    let mut keys = BTreeSet::new();
    for name in &view.entities {
        match merged.entity(name) {
            Ok(entity) if !keys.insert(&entity.join_key) => {
                problems.push(wrong(format!(
                    "two of its entities share the join key {}",
                    entity.join_key
                )));
            }
            Ok(_) => {}
            Err(error) => problems.push(error),
        }
    }
    let mut features = BTreeSet::new();
    for field in &view.schema {
        if !features.insert(&field.name) {
            problems.push(wrong(format!("feature `{}` is defined twice", field.name)));
        }
        if let Err(error) = number_of(&field.dtype) {
            problems.push(error.within(&format!("feature `{}`", field.name)));
        }
    }
    problems
}

fn service_problems(service: &FeatureService, merged: &FeatureRegistry) -> Vec<Error> {
    let mut problems = Vec::new();
    let mut used = BTreeSet::new();
    for projection in &service.features {
        let name = projection.name_to_use();
        if !used.insert(name) {
            problems.push(wrong(format!("`{name}` is used twice")).with_help("give one of them an alias"));
        }
        match merged.feature_view(&projection.view) {
            Ok(view) => problems.extend(projection_problems(projection, view, merged)),
            Err(error) => problems.push(error),
        }
    }
    problems
}

fn projection_problems(projection: &FeatureProjection, view: &FeatureView, merged: &FeatureRegistry) -> Vec<Error> {
    let unknown = |what: &str, name: &String, known: Vec<&str>| {
        wrong(format!("feature view `{}` has no {what} `{name}`", view.name))
            .with_help(format!("it has {}", known.join(", ")))
    };
    let features = || view.schema.iter().map(|field| field.name.as_str()).collect();
    let keys: Vec<&str> = view
        .entities
        .iter()
        .filter_map(|name| merged.entity(name).ok())
        .map(|entity| entity.join_key.as_str())
        .collect();
    let absent = projection.features.iter().filter(|name| view.field(name).is_none());
    let unmapped = projection
        .join_key_map
        .keys()
        .filter(|key| !keys.contains(&key.as_str()));
    absent
        .map(|name| unknown("feature", name, features()))
        .chain(unmapped.map(|key| unknown("join key", key, keys.clone())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hybrid_core::{Entity, Field, ValueType};

    #[test]
    fn every_problem_is_reported_at_once() {
        let mut all = FeatureRegistry::new("p");
        all.entities = vec![Entity::new("driver"), Entity::new("driver")];
        let view = |name: &str| FeatureView::new(name, Source::new("file").with_name("s"));
        all.feature_views = vec![
            view("a")
                .with_entities(["drivr"])
                .with_schema([Field::new("x", ValueType::Int64)]),
            view("b:c"),
            view("d").with_schema([Field::new("x", ValueType::Array(Box::new(ValueType::PdfBytes)))]),
        ];
        let used = || FeatureProjection::new("a");
        all.feature_services = vec![FeatureService::new(
            "s",
            [
                used().with_features(["y"]),
                used().with_join_key("driver", "buyer"),
                FeatureProjection::new("z"),
            ],
        )];
        let text: Vec<String> = problems(&all, &all).iter().map(ToString::to_string).collect();
        for expected in [
            "entity `driver` is defined twice",
            "`b:c` contains a colon",
            "feature view `a`: entity `drivr` does not exist\n  help: did you mean `driver`?",
            "no value type for Array(PdfBytes)",
            "feature service `s`: feature view `a` has no feature `y`",
            "has no join key `driver`",
            "`a` is used twice",
            "feature view `z` does not exist",
        ] {
            assert!(text.iter().any(|line| line.contains(expected)), "{expected}: {text:#?}");
        }
        assert_eq!(text.len(), 8, "{text:#?}");
    }
}
