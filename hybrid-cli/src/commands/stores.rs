//! `hybrid stores`: what is compiled in, and what is configured.

use hybrid_offline_store::config::{RepoConfig, StoreConfig};
use hybrid_offline_store::store::known_backends;
use hybrid_offline_store::{Error, ErrorKind, HybridOfflineStore, backends};

use crate::outcome::{Outcome, Stop};
use crate::output::print;
use crate::report;
use crate::session::Session;

/// Lists the stores; fails when a configured one cannot be reached.
pub async fn run(session: &Session) -> Outcome {
    print(compiled_in())?;
    if !session.repo().is_dir() {
        let message = format!("there is no folder {}", session.repo().display());
        return Err(Stop::Failed(Error::new(ErrorKind::NotFound, message)));
    }
    if !session.repo().join("feature_store.yaml").exists() {
        report::line(format_args!("no feature_store.yaml in {}", session.repo().display()));
        return Ok(());
    }
    let store = session.store()?;
    configured(store.config(), store.offline_store()).await
}

fn compiled_in() -> String {
    let mut lines = vec!["compiled in:".to_owned()];
    for backend in backends() {
        let crate_ = format!("{} {}", backend.crate_name(), backend.crate_version());
        lines.push(entry(backend.key(), &format!("{crate_}{}", also(backend.aliases()))));
    }
    let absent = known_backends().into_iter().filter(|known| !is_compiled_in(known.key));
    let absent: Vec<String> = absent
        .map(|known| match known.available {
            true => entry(
                known.key,
                &format!("cargo feature `{}` of {}", known.feature, known.package),
            ),
            false => entry(known.key, "not in this version"),
        })
        .collect();
    if !absent.is_empty() {
        lines.push("not compiled in:".to_owned());
        lines.extend(absent);
    }
    lines.join("\n")
}

async fn configured(config: &RepoConfig, router: &HybridOfflineStore) -> Outcome {
    print("configured:")?;
    let mut unreachable = 0;
    for store in &config.stores {
        match router.ping(&store.key).await {
            Ok(what) => print(entry(&store.key, &format!("{what}{}", written(store))))?,
            Err(error) => {
                unreachable += 1;
                print(entry(&store.key, &indented(&error)))?;
            }
        }
    }
    if unreachable == 0 {
        return Ok(());
    }
    let message = format!(
        "{unreachable} of {} configured stores cannot be used",
        config.stores.len()
    );
    Err(Stop::Failed(Error::new(ErrorKind::Unavailable, message)))
}

fn is_compiled_in(key: &str) -> bool {
    backends().iter().any(|backend| backend.key() == key)
}

fn entry(key: &str, text: &str) -> String {
    format!("  {key:<12}{text}")
}

fn also(aliases: &[&str]) -> String {
    match aliases {
        [] => String::new(),
        aliases => format!(", also called {}", aliases.join(", ")),
    }
}

fn written(store: &StoreConfig) -> String {
    match store.written == store.key {
        true => String::new(),
        false => format!(" (written `{}`)", store.written),
    }
}

/// The error with its further lines under its first.
fn indented(error: &Error) -> String {
    format!("unusable: {error}").replace('\n', "\n              ")
}
