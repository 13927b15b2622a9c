//! `hybrid check`: every problem of a repository at once.

use hybrid_offline_store::config::{RegistryConfig, RepoConfig, load_definitions};
use hybrid_offline_store::{Error, FeatureRegistry, FeatureStore};

use crate::outcome::{Outcome, Stop};
use crate::output::print;
use crate::report;
use crate::session::Session;

/// Checks configuration, definitions, sources, columns and types; fails when there is a problem.
pub async fn run(session: &Session) -> Outcome {
    let mut findings = Findings::default();
    let store = findings.take(session.store()).cloned();
    let defined = match session.definitions().exists() {
        true => findings.take(load_definitions(&configuration(session, store.as_ref()))),
        false => None,
    };
    if let Some(store) = &store {
        check_stores(store, &mut findings).await;
        check_definitions(session, store, defined, &mut findings).await;
    }
    findings.close()
}

/// Where the configuration is wrong, its folder is all that reading the definitions needs.
fn configuration(session: &Session, store: Option<&FeatureStore>) -> RepoConfig {
    match store {
        Some(store) => store.config().clone(),
        None => RepoConfig {
            repo: session.repo().to_owned(),
            project: String::new(),
            registry: RegistryConfig::File(String::new()),
            stores: Vec::new(),
            cross_source_joins: false,
            auth: None,
        },
    }
}

/// Problems and what was found to be good.
#[derive(Default)]
struct Findings {
    problems: Vec<Error>,
    good: Vec<String>,
    /// Stores that cannot be used: their sources need no error each.
    unusable: Vec<String>,
}

impl Findings {
    fn take<T>(&mut self, result: hybrid_offline_store::Result<T>) -> Option<T> {
        result.map_err(|error| self.problems.push(error)).ok()
    }

    fn close(self) -> Outcome {
        for good in &self.good {
            print(good)?;
        }
        self.problems.iter().for_each(report::error);
        match self.problems.iter().map(report::count).sum() {
            0 => print("no problems"),
            1 => Err(Stop::Reported),
            several => {
                report::line(format_args!("{several} problems"));
                Err(Stop::Reported)
            }
        }
    }
}

async fn check_stores(store: &FeatureStore, findings: &mut Findings) {
    for configured in &store.config().stores {
        match store.offline_store().ping(&configured.key).await {
            Ok(what) => findings.good.push(format!("store {}: {what}", configured.key)),
            Err(error) => {
                findings.unusable.push(configured.key.clone());
                findings.problems.push(error.at(configured.position.clone()));
            }
        }
    }
}

/// What features.yaml defines, and what only the registry knows.
async fn check_definitions(
    session: &Session,
    store: &FeatureStore,
    defined: Option<FeatureRegistry>,
    findings: &mut Findings,
) {
    session.warn_if_stale(store);
    let applied = findings.take(store.registry().await);
    let rest = applied.map(|applied| only_applied(&applied, defined.as_ref()));
    let mut named = "registry";
    if let Some(defined) = defined {
        check_registry(store, defined, "features.yaml", findings).await;
        named = "registry alone";
    }
    if let Some(rest) = rest.filter(|rest| !rest.feature_views.is_empty() || !rest.feature_services.is_empty()) {
        check_registry(store, rest, named, findings).await;
    }
}

/// What the registry holds and `defined` does not bring anew. Sources are checked with their views.
fn only_applied(applied: &FeatureRegistry, defined: Option<&FeatureRegistry>) -> FeatureRegistry {
    let mut rest = applied.clone();
    rest.sources.clear();
    if let Some(defined) = defined {
        rest.entities.retain(|entity| defined.entity(&entity.name).is_err());
        rest.feature_views
            .retain(|view| defined.feature_view(&view.name).is_err());
        rest.feature_services
            .retain(|service| defined.feature_service(&service.name).is_err());
    }
    rest
}

async fn check_registry(store: &FeatureStore, registry: FeatureRegistry, named: &str, findings: &mut Findings) {
    let counts = [
        ("entities", registry.entities.len()),
        ("feature views", registry.feature_views.len()),
        ("feature services", registry.feature_services.len()),
    ];
    let counts = counts.map(|(what, count)| format!("{what} {count}"));
    findings.good.push(format!("{named}: {}", counts.join(", ")));
    let Some(checked) = findings.take(store.check(registry).await) else {
        return;
    };
    findings.problems.extend(checked.problems);
    let sources = checked.sources.iter();
    let sources = sources.map(|(name, columns)| format!("source {name}: {columns} columns"));
    findings.good.extend(sources);
    // A store that cannot be used is one problem, whatever needs it.
    let unchecked = checked.unchecked.into_iter();
    let unexplained = unchecked.filter(|(key, _)| !findings.unusable.contains(key));
    findings.problems.extend(unexplained.map(|(_, error)| error));
}
