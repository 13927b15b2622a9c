//! Feature references of a command to what a retrieval joins: aliases, and the join keys that their feature service
//! maps.

use std::collections::{BTreeMap, BTreeSet};

use hybrid_core::arrow::datatypes::Schema;
use hybrid_core::{Error, ErrorKind, FeatureProjection, FeatureReference, FeatureRegistry, FeatureView, Result};

use crate::command::Historical;
use crate::status::{FeastClass, as_feast};

type JoinKeyMap = BTreeMap<String, String>;

/// One projection per reference, in the references' order; `frame` has the entity rows' columns where they are known.
pub(super) fn projections(
    registry: &FeatureRegistry,
    command: &Historical,
    frame: Option<&Schema>,
) -> Result<Vec<FeatureProjection>> {
    let mut known: BTreeMap<String, FeatureProjection> = BTreeMap::new();
    let mut projections = Vec::with_capacity(command.feature_refs.len());
    for text in &command.feature_refs {
        let FeatureReference {
            view: used, feature, ..
        } = text.parse()?;
        let used_as = match known.get(&used) {
            Some(projection) => projection.clone(),
            None => {
                let projection = projection(registry, command, &used, frame)?;
                known.insert(used, projection.clone());
                projection
            }
        };
        projections.push(used_as.with_features([feature]));
    }
    Ok(projections)
}

/// How the name before the colon is to be understood.
fn projection(
    registry: &FeatureRegistry,
    command: &Historical,
    used: &str,
    frame: Option<&Schema>,
) -> Result<FeatureProjection> {
    let alias = |index: usize| command.name_aliases.get(index).and_then(Option::as_deref);
    let mut names = command.feature_view_names.iter().enumerate();
    let aliased = names
        .find(|(index, _)| alias(*index) == Some(used))
        .map(|(_, name)| name);
    let view = view(registry, aliased.map_or(used, String::as_str))?;
    let mut projection = FeatureProjection::new(&view.name);
    if aliased.is_some() {
        projection = projection.with_alias(used);
    }
    projection.join_key_map = join_key_map(registry, view, aliased.map(|_| used), frame)?;
    Ok(projection)
}

/// The view of that name, with Feast's own exception where there is none.
pub(super) fn view<'a>(registry: &'a FeatureRegistry, name: &str) -> Result<&'a FeatureView> {
    if let Some((plain, version)) = name.split_once("@v")
        && registry.feature_views.iter().all(|view| view.name != name)
    {
        let message = format!("`{name}`: version {version} of feature view `{plain}` cannot be asked for");
        let help = format!("ask for `{plain}`: its present version");
        return Err(Error::new(ErrorKind::Unsupported, message).with_help(help));
    }
    registry.feature_view(name).map_err(|error| match error.kind() {
        ErrorKind::NotFound => as_feast(error, FeastClass::FeatureView),
        _ => error,
    })
}

/// The mapping that a feature service gives to this use of a view: the protocol does not carry it.
fn join_key_map(
    registry: &FeatureRegistry,
    view: &FeatureView,
    alias: Option<&str>,
    frame: Option<&Schema>,
) -> Result<JoinKeyMap> {
    let has = |column: &str| frame.is_none_or(|frame| frame.fields().find(column).is_some());
    let keys = registry.join_keys(view)?;
    // The view's own keys are what a reference without alias means, where the frame has them.
    if alias.is_none() && keys.iter().all(|(key, _)| has(key)) {
        return Ok(JoinKeyMap::new());
    }
    let uses = registry.feature_services.iter().flat_map(|service| &service.features);
    let uses = uses.filter(|used| used.view == view.name && used.alias.as_deref() == alias);
    let maps: BTreeSet<&JoinKeyMap> = uses.map(|used| &used.join_key_map).collect();
    let column = |map: &JoinKeyMap, key: &String| map.get(key).unwrap_or(key).clone();
    let fits = |map: &&&JoinKeyMap| keys.iter().all(|(key, _)| has(&column(map, key)));
    let fitting: Vec<&&JoinKeyMap> = maps.iter().filter(fits).collect();
    match (fitting.as_slice(), alias) {
        ([only], _) => Ok((**only).clone()),
        // What the frame lacks is then told by name.
        ([], Some(_)) => Ok(maps.first().map(|map| (*map).clone()).unwrap_or_default()),
        ([], None) => Ok(JoinKeyMap::new()),
        (several, _) => Err(ambiguous(view, alias, several.len())),
    }
}

fn ambiguous(view: &FeatureView, alias: Option<&str>, count: usize) -> Error {
    let name = alias.unwrap_or(&view.name);
    let message = format!(
        "`{name}` stands for {count} different uses of feature view `{}` in the feature services",
        view.name
    );
    Error::new(ErrorKind::InvalidInput, message).with_help("give each use an alias of its own")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use hybrid_core::arrow::datatypes::{DataType, Field};
    use hybrid_core::{Entity, FeatureService, Source};

    use super::*;

    fn registry() -> FeatureRegistry {
        let mut registry = FeatureRegistry::new("p");
        registry.entities = vec![Entity::new("driver")];
        registry.feature_views = vec![FeatureView::new("stats", Source::new("file")).with_entities(["driver"])];
        let used = |alias: &str, column: &str| {
            FeatureProjection::new("stats")
                .with_alias(alias)
                .with_join_key("driver", column)
        };
        registry.feature_services = vec![
            FeatureService::new("trips", [used("from", "origin"), used("to", "destination")]),
            FeatureService::new("again", [used("to", "target")]),
            FeatureService::new(
                "plain",
                [FeatureProjection::new("stats").with_join_key("driver", "owner")],
            ),
        ];
        registry
    }

    fn command(views: &[(&str, Option<&str>)], references: &[&str]) -> Historical {
        Historical {
            project: "p".to_owned(),
            feature_view_names: views.iter().map(|(name, _)| (*name).to_owned()).collect(),
            feature_refs: references.iter().map(|text| (*text).to_owned()).collect(),
            full_feature_names: false,
            name_aliases: views.iter().map(|(_, alias)| alias.map(str::to_owned)).collect(),
            start_date: None,
            end_date: None,
            entity_df_sql: None,
        }
    }

    fn frame(columns: &[&str]) -> Schema {
        Schema::new(
            columns
                .iter()
                .map(|name| Field::new(*name, DataType::Int64, true))
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn aliases_are_joined_as_their_service_says() {
        let command = command(
            &[("stats", Some("from")), ("stats", Some("to"))],
            &["to:a", "from:a", "to:b"],
        );
        let found = projections(&registry(), &command, Some(&frame(&["origin", "destination"]))).unwrap();
        let shown: Vec<_> = found
            .iter()
            .map(|use_| {
                (
                    use_.name_to_use(),
                    use_.features[0].as_str(),
                    use_.join_key_map["driver"].as_str(),
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                ("to", "a", "destination"),
                ("from", "a", "origin"),
                ("to", "b", "destination")
            ]
        );
    }

    #[test]
    fn the_frame_decides_between_services_and_a_tie_is_an_error() {
        let command = command(&[("stats", Some("to"))], &["to:a"]);
        let registry = registry();
        let map = |columns: &[&str]| {
            projections(&registry, &command, Some(&frame(columns))).map(|found| found[0].join_key_map.clone())
        };
        assert_eq!(map(&["target"]).unwrap()["driver"], "target");
        assert!(
            map(&["target", "destination"])
                .unwrap_err()
                .to_string()
                .contains("2 different uses")
        );
        assert_eq!(map(&["other"]).unwrap()["driver"], "destination");
    }

    #[test]
    fn without_alias_the_views_own_key_comes_first() {
        let command = command(&[("stats", None)], &["stats:a"]);
        let map = |columns: &[&str]| {
            projections(&registry(), &command, Some(&frame(columns))).unwrap()[0]
                .join_key_map
                .clone()
        };
        assert!(map(&["driver", "owner"]).is_empty());
        assert_eq!(map(&["owner"])["driver"], "owner");
        assert!(map(&["other"]).is_empty());
        assert!(
            projections(&registry(), &command, None).unwrap()[0]
                .join_key_map
                .is_empty()
        );
    }

    #[test]
    fn unknown_views_and_versions_are_told_by_name() {
        let told = |reference: &str| projections(&registry(), &command(&[], &[reference]), None).unwrap_err();
        assert_eq!(told("stat:a").kind(), ErrorKind::NotFound);
        assert!(told("stat:a").to_string().contains("did you mean `stats`"));
        assert!(
            told("stats@v2:a")
                .to_string()
                .contains("version 2 of feature view `stats`")
        );
    }
}
