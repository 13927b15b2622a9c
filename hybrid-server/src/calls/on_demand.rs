//! On-demand feature views in a command: their references are taken out, and what they are made of is put in.

use std::collections::BTreeMap;

use hybrid_core::error::nearest;
use hybrid_core::{Error, ErrorKind, FeatureReference, FeatureRegistry, Result};
use hybrid_feast::OnDemandView;

use super::Desk;
use crate::command::Historical;
use crate::worker::Asked;

type Views = BTreeMap<String, OnDemandView>;

impl Desk<'_> {
    /// Takes the references of on-demand feature views out of a command.
    pub(super) fn on_demand(&self, command: &mut Historical) -> Result<Vec<Asked>> {
        let views = split(&self.registry, &self.on_demand, command)?;
        if let (Some(view), None) = (views.first(), &self.calls.workers) {
            let message = format!(
                "on-demand feature view `{}` is a Python function, and this server runs none",
                view.name
            );
            let help = "`hybrid serve --python-worker python3` runs them, with a Python that has `feast` and `pyarrow`";
            return Err(Error::new(ErrorKind::Unsupported, message).with_help(help));
        }
        Ok(views)
    }
}

/// The on-demand feature views that `command` asks for. Their references are no longer in it, and what they are made of
/// is, as Feast's clients have it.
fn split(registry: &FeatureRegistry, known: &Views, command: &mut Historical) -> Result<Vec<Asked>> {
    let (mut views, mut others) = (Vec::<Asked>::new(), Vec::new());
    for text in std::mem::take(&mut command.feature_refs) {
        let FeatureReference { view: used, feature } = text.parse()?;
        match found(registry, known, command, &used) {
            Some(view) => ask(&mut views, view, used, feature)?,
            None => others.push(text),
        }
    }
    for (view, feature) in views.iter().flat_map(|view| &known[&view.name].sources) {
        let reference = format!("{view}:{feature}");
        if !others.contains(&reference) {
            others.push(reference);
        }
    }
    command.feature_refs = others;
    Ok(views)
}

/// The on-demand feature view that a name stands for: its own, or one that a feature service gives it.
fn found<'a>(
    registry: &FeatureRegistry,
    known: &'a Views,
    command: &Historical,
    used: &str,
) -> Option<&'a OnDemandView> {
    let is_alias = command.name_aliases.iter().flatten().any(|alias| alias == used);
    if is_alias || registry.feature_views.iter().any(|view| view.name == used) {
        return None;
    }
    let mut uses = registry.feature_services.iter().flat_map(|service| &service.features);
    let aliased = || uses.find_map(|it| known.get(&it.view).filter(|_| it.alias.as_deref() == Some(used)));
    known.get(used).or_else(aliased)
}

fn ask(views: &mut Vec<Asked>, view: &OnDemandView, used: String, feature: String) -> Result<()> {
    if !view.features.contains(&feature) {
        return Err(no_feature(view, &feature));
    }
    let alias = Some(used).filter(|used| *used != view.name);
    match views
        .iter_mut()
        .find(|asked| asked.name == view.name && asked.alias == alias)
    {
        Some(asked) if asked.features.contains(&feature) => {}
        Some(asked) => asked.features.push(feature),
        None => views.push(Asked {
            name: view.name.clone(),
            alias,
            features: vec![feature],
            message: view.message.clone(),
        }),
    }
    Ok(())
}

fn no_feature(view: &OnDemandView, feature: &str) -> Error {
    let message = format!("on-demand feature view `{}` has no feature `{feature}`", view.name);
    let error = Error::new(ErrorKind::NotFound, message);
    let error = match nearest(feature, view.features.iter().map(String::as_str)) {
        Some(near) => error.with_help(format!("did you mean `{near}`?")),
        None => error,
    };
    error.with_help(format!("its features are {}", view.features.join(", ")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use hybrid_core::{FeatureProjection, FeatureService, FeatureView, Source};

    use super::*;

    fn registry() -> FeatureRegistry {
        let mut registry = FeatureRegistry::new("p");
        registry.feature_views = vec![FeatureView::new("stats", Source::new("file"))];
        registry.feature_services = vec![FeatureService::new(
            "s",
            [FeatureProjection::new("sums").with_alias("totals")],
        )];
        registry
    }

    fn known() -> Views {
        let sums = OnDemandView {
            name: "sums".to_owned(),
            features: vec!["a".to_owned(), "b".to_owned()],
            sources: vec![
                ("stats".to_owned(), "x".to_owned()),
                ("stats".to_owned(), "y".to_owned()),
            ],
            message: vec![1],
        };
        BTreeMap::from([(sums.name.clone(), sums)])
    }

    fn command(references: &[&str], alias: Option<&str>) -> Historical {
        Historical {
            project: "p".to_owned(),
            feature_view_names: vec!["stats".to_owned()],
            feature_refs: references.iter().map(|text| (*text).to_owned()).collect(),
            full_feature_names: false,
            name_aliases: vec![alias.map(str::to_owned)],
            start_date: None,
            end_date: None,
            entity_df_sql: None,
        }
    }

    #[test]
    fn what_a_view_is_made_of_takes_its_place() {
        let mut asked = command(&["sums:b", "stats:y", "sums:a", "sums:b"], None);
        let views = split(&registry(), &known(), &mut asked).unwrap();
        assert_eq!(asked.feature_refs, ["stats:y", "stats:x"]);
        assert_eq!(
            (views.len(), views[0].features.as_slice()),
            (1, ["b".to_owned(), "a".to_owned()].as_slice())
        );
    }

    #[test]
    fn a_service_may_give_it_another_name() {
        let mut asked = command(&["totals:a", "sums:a"], None);
        let views = split(&registry(), &known(), &mut asked).unwrap();
        let names: Vec<_> = views
            .iter()
            .map(|view| (view.name.as_str(), view.alias.as_deref()))
            .collect();
        assert_eq!(names, [("sums", Some("totals")), ("sums", None)]);
        // Here it is the name of a use of a feature view.
        let mut asked = command(&["totals:a"], Some("totals"));
        assert!(split(&registry(), &known(), &mut asked).unwrap().is_empty());
        assert_eq!(asked.feature_refs, ["totals:a"]);
    }

    #[test]
    fn unknown_features_are_told_with_those_that_are_known() {
        let told = split(&registry(), &known(), &mut command(&["sums:c"], None)).unwrap_err();
        assert_eq!(told.kind(), ErrorKind::NotFound);
        assert!(told.to_string().contains("its features are a, b"), "{told}");
    }
}
