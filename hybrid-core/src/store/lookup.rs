use super::known::{absent, known_backends};
use super::registration::Submitted;
use super::{KnownBackend, Registration};
use crate::{Error, ErrorKind, Result};

/// Every compiled-in backend, sorted by key.
pub fn backends() -> Vec<&'static Registration> {
    // inventory's order is unspecified.
    let mut all: Vec<_> = inventory::iter::<Submitted>
        .into_iter()
        .map(|submitted| submitted.0)
        .collect();
    all.sort_by_key(|registration| (registration.key, registration.crate_name));
    all
}

/// The compiled-in backend of a key; aliases are not resolved here.
///
/// # Errors
/// Config, when it is not compiled in: the error names the cargo feature. Config, when two crates
/// register the same name; Unexpected, when a registration is false: whichever key was asked for.
pub fn find_backend(key: &str) -> Result<&'static Registration> {
    let compiled = backends();
    verify(&compiled)?;
    compiled
        .iter()
        .find(|registration| registration.key == key)
        .copied()
        .ok_or_else(|| absent(key, &compiled, &known_backends()))
}

/// The store key that a name in YAML or in a source type stands for: a key or an alias of a
/// backend that is compiled in, or that this version knows.
pub fn resolve_key(written: &str) -> Option<&'static str> {
    let compiled = backends()
        .into_iter()
        .find(|registration| registration.names().any(|name| name == written));
    let known = || {
        known_backends()
            .into_iter()
            .find(|known| known.names().any(|name| name == written))
    };
    compiled
        .map(|registration| registration.key)
        .or_else(|| known().map(|known: &KnownBackend| known.key))
}

fn verify(compiled: &[&'static Registration]) -> Result<()> {
    for (index, registration) in compiled.iter().enumerate() {
        registration.verify()?;
        for other in &compiled[index + 1..] {
            if let Some(name) = registration
                .names()
                .find(|name| other.names().any(|taken| taken == *name))
            {
                return Err(taken_twice(name, registration, other));
            }
        }
    }
    Ok(())
}

fn taken_twice(name: &str, first: &Registration, second: &Registration) -> Error {
    let message = format!(
        "two stores are named `{name}`: `{}` of {first} and `{}` of {second}",
        first.source_type, second.source_type
    );
    Error::new(ErrorKind::Config, message)
        .with_help("keys and aliases share one namespace: leave one of the two crates out of the program")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::store::known::tests::registration;

    fn problem(stores: &[&'static Registration]) -> Error {
        verify(stores).unwrap_err()
    }

    #[test]
    fn two_crates_with_one_key_are_both_named() {
        let stores = [registration("memory", &[], "one"), registration("memory", &[], "two")];
        assert_eq!(
            problem(&stores).message(),
            "two stores are named `memory`: `MemorySource` of crate `one` 1.0.0 and `MemorySource` of crate `two` 1.0.0"
        );
    }

    #[test]
    fn an_alias_collides_with_aliases_and_keys() {
        let memory = registration("memory", &["ram"], "one");
        for other in [
            registration("other", &["a", "ram"], "two"),
            registration("other", &["memory"], "two"),
        ] {
            assert!(
                problem(&[memory, other])
                    .message()
                    .contains("of crate `one` 1.0.0 and `MemorySource` of crate `two`")
            );
            assert!(
                problem(&[other, memory])
                    .message()
                    .contains("of crate `two` 1.0.0 and `MemorySource` of crate `one`")
            );
        }
        assert!(verify(&[memory, registration("other", &["a"], "two")]).is_ok());
    }

    #[test]
    fn a_false_name_is_found_and_shown() {
        let store: &'static Registration = Box::leak(Box::new(Registration {
            source_type: "FileSource",
            ..*registration("file", &[], "liar")
        }));
        let error = problem(&[store]);
        assert_eq!(error.kind(), ErrorKind::Unexpected);
        assert!(
            error
                .message()
                .starts_with("store `file` of crate `liar` 1.0.0: its source type `hybrid_core::")
        );
        assert!(
            error.message().ends_with("::MemorySource` calls itself `FileSource`"),
            "{error}"
        );
    }

    #[test]
    fn a_false_key_is_found_and_shown() {
        let store: &'static Registration = Box::leak(Box::new(Registration {
            source_key: || "file".to_owned(),
            ..*registration("memory", &[], "liar")
        }));
        assert!(problem(&[store]).message().ends_with("gives `file` as its key"));
    }
}
