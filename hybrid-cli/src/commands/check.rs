//! `hybrid check`: every problem of a repository at once.

use hybrid_offline_store::config::{RepoConfig, load_definitions};
use hybrid_offline_store::{Error, FeatureRegistry, FeatureStore, FeatureView};

use super::columns::{self, BySource};
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
        check_definitions(session, store, defined.as_ref(), &mut findings).await;
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
            registry: String::new(),
            stores: Vec::new(),
            cross_source_joins: false,
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
    defined: Option<&FeatureRegistry>,
    findings: &mut Findings,
) {
    session.warn_if_stale(store);
    if let Some(defined) = defined {
        check_registry(
            store,
            defined,
            "features.yaml",
            &defined.feature_views.iter().collect::<Vec<_>>(),
            findings,
        )
        .await;
    }
    let Some(applied) = findings.take(store.registry().await) else {
        return;
    };
    let is_new = |view: &&FeatureView| defined.is_none_or(|defined| defined.feature_view(&view.name).is_err());
    let views: Vec<&FeatureView> = applied.feature_views.iter().filter(is_new).collect();
    check_registry(store, &applied, "registry", &views, findings).await;
}

async fn check_registry(
    store: &FeatureStore,
    registry: &FeatureRegistry,
    named: &str,
    views: &[&FeatureView],
    findings: &mut Findings,
) {
    findings.good.push(format!(
        "{named}: entities {}, feature views {}, feature services {}",
        registry.entities.len(),
        registry.feature_views.len(),
        registry.feature_services.len()
    ));
    findings.problems.extend(columns::services(registry));
    for BySource { source, views } in columns::by_source(views) {
        if findings.unusable.contains(&source.key) {
            continue;
        }
        if let Some(schema) = findings.take(store.offline_store().source_schema(source).await) {
            let problems = views.iter().flat_map(|view| columns::view(registry, view, &schema));
            findings.problems.extend(problems);
            findings.good.push(format!(
                "source {}: {} columns",
                columns::label(views[0]),
                schema.fields().len()
            ));
        }
    }
}
