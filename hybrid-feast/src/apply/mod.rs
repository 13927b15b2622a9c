//! What happens to definitions before they reach the registry: sources get names, absent schemas
//! and types are inferred, and every reference is checked.

mod infer;
mod validate;

pub(crate) use infer::infer;
pub(crate) use validate::{problems, validate};

use hybrid_core::{Error, ErrorKind, FeatureRegistry, Source};

/// Gives sources without a name the one that Feast would give them: their path or table, else
/// their view's.
pub(crate) fn name_sources(definitions: &mut FeatureRegistry) {
    for view in &mut definitions.feature_views {
        name_source(&mut view.source, &view.name);
    }
    for source in &mut definitions.sources {
        name_source(source, "");
    }
}

fn name_source(source: &mut Source, otherwise: &str) {
    if source.name.is_empty() {
        let options = ["path", "table"].iter();
        let known = options
            .filter_map(|option| source.options.get(*option)?.as_str())
            .next();
        source.name = known.unwrap_or(otherwise).to_owned();
    }
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

/// `error` as a problem of `what`, for example of a feature view.
fn within(what: &str, error: &Error) -> Error {
    let problem = Error::new(ErrorKind::Definition, format!("{what}: {}", error.message()));
    error
        .help()
        .iter()
        .fold(problem, |problem, line| problem.with_help(line.clone()))
}
