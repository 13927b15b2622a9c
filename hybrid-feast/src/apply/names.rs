//! Sources without a name get one.

use hybrid_core::{FeatureRegistry, Source};

/// Gives sources without a name the one that Feast would give them: their path or table. Where
/// another source has that name already, and where there is neither, their view's name.
pub(crate) fn name_sources(definitions: &mut FeatureRegistry) {
    for source in &mut definitions.sources {
        if source.name.is_empty() {
            source.name = place(source).unwrap_or_default();
        }
    }
    let views = definitions.feature_views.iter().map(|view| &view.source);
    let named = definitions.sources.iter().chain(views);
    let mut named: Vec<Source> = named.filter(|source| !source.name.is_empty()).cloned().collect();
    for view in &mut definitions.feature_views {
        if view.source.name.is_empty() {
            name(&mut view.source, &view.name, &named);
            named.push(view.source.clone());
        }
    }
}

fn name(source: &mut Source, view: &str, named: &[Source]) {
    if let Some(place) = place(source) {
        source.name = place;
        let same_name = |other: &&Source| other.name == source.name;
        if named.iter().find(same_name).is_none_or(|other| other == source) {
            return;
        }
    }
    view.clone_into(&mut source.name);
}

fn place(source: &Source) -> Option<String> {
    let options = ["path", "table"].iter();
    let text = options
        .filter_map(|option| source.options.get(*option)?.as_str())
        .next();
    text.map(str::to_owned)
}

/// Lists the views' sources among the sources, as Feast does.
pub(crate) fn collect_sources(definitions: &mut FeatureRegistry) {
    for view in &definitions.feature_views {
        match definitions
            .sources
            .iter_mut()
            .find(|source| source.name == view.source.name)
        {
            Some(source) if source.timestamp_field.is_empty() => {
                source.timestamp_field.clone_from(&view.source.timestamp_field);
            }
            Some(_) => {}
            None => definitions.sources.push(view.source.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hybrid_core::FeatureView;

    fn at(path: &str, timestamp: &str) -> Source {
        let mut source = Source::new("file").with_timestamp_field(timestamp);
        source.options.insert("path".to_owned(), path.into());
        source
    }

    #[test]
    fn a_source_is_called_as_its_path_unless_another_is() {
        let mut all = FeatureRegistry::new("p");
        let named = at("b", "x").with_name("b");
        all.feature_views = vec![
            FeatureView::new("one", at("a", "x")),
            FeatureView::new("same", at("a", "x")),
            FeatureView::new("other", at("a", "y")),
            FeatureView::new("fourth", at("b", "y")),
            FeatureView::new("fifth", named),
            FeatureView::new("nowhere", Source::new("file")),
        ];
        name_sources(&mut all);
        let names: Vec<&str> = all.feature_views.iter().map(|view| view.source.name.as_str()).collect();
        assert_eq!(names, ["a", "a", "other", "fourth", "b", "nowhere"]);
    }
}
