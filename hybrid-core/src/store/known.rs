use super::Registration;
use crate::error::nearest;
use crate::{Error, ErrorKind};

/// A store that the facade knows, compiled in or not: what an error names the cargo feature by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownBackend {
    /// The store key.
    pub key: &'static str,
    /// Other names for it in YAML and in source types.
    pub aliases: &'static [&'static str],
    /// The cargo feature that compiles it in.
    pub feature: &'static str,
    /// The package that has the feature.
    pub package: &'static str,
    /// Whether this version has the backend at all.
    pub available: bool,
}

/// The facade's lines, as one submission.
pub struct KnownTable(pub &'static [KnownBackend]);

inventory::collect!(KnownTable);

impl KnownBackend {
    /// Key and aliases: every name it answers to.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.key).chain(self.aliases.iter().copied())
    }
}

/// Every store that the facade knows, sorted by key.
pub fn known_backends() -> Vec<&'static KnownBackend> {
    let tables = inventory::iter::<KnownTable>.into_iter();
    let mut known: Vec<_> = tables.flat_map(|table| table.0).collect();
    known.sort_by_key(|known| known.key);
    known
}

/// Why there is no compiled-in backend `key`, and what helps.
pub(super) fn absent(key: &str, compiled: &[&'static Registration], known: &[&'static KnownBackend]) -> Error {
    let error = match known.iter().find(|known| known.key == key) {
        Some(known) => not_compiled_in(known),
        None => unknown(key, compiled, known),
    };
    error.with_help(match compiled {
        [] => "no store is compiled in".to_owned(),
        _ => format!(
            "compiled in: {}",
            list(compiled.iter().map(|registration| registration.key))
        ),
    })
}

fn not_compiled_in(known: &KnownBackend) -> Error {
    let KnownBackend {
        key, feature, package, ..
    } = known;
    let error = Error::new(ErrorKind::Config, format!("store `{key}` is not compiled in"));
    if known.available {
        error.with_help(format!(
            "turn on the cargo feature `{feature}` of `{package}`: cargo add {package} --features {feature}"
        ))
    } else {
        error.with_help(format!("this version of `{package}` has no `{key}` backend yet"))
    }
}

fn unknown(key: &str, compiled: &[&'static Registration], known: &[&'static KnownBackend]) -> Error {
    let names = compiled
        .iter()
        .flat_map(|store| store.names())
        .chain(known.iter().flat_map(|store| store.names()));
    let error = Error::new(ErrorKind::Config, format!("unknown store `{key}`"));
    match nearest(key, names) {
        Some(name) => error.with_help(format!("did you mean `{name}`?")),
        None => error.with_help(
            "a store of another crate registers itself once the program names that crate: `extern crate its_crate as _;`",
        ),
    }
}

fn list<'a>(keys: impl Iterator<Item = &'a str>) -> String {
    keys.map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    #[derive(serde::Serialize, serde::Deserialize)]
    struct MemorySource {}

    /// A registration that no rule has seen.
    pub(crate) fn registration(
        key: &'static str,
        aliases: &'static [&'static str],
        crate_name: &'static str,
    ) -> &'static Registration {
        Box::leak(Box::new(Registration {
            key,
            aliases,
            crate_name,
            crate_version: "1.0.0",
            source_type: "MemorySource",
            declared_source: std::any::type_name::<MemorySource>,
            source_key: || "memory".to_owned(),
            check_config: |_| Ok(()),
            check_source: |_| Ok(()),
            check_options: |_| Ok(()),
            connect: |_, _| Box::pin(async { Err(Error::new(ErrorKind::Unsupported, "a test")) }),
        }))
    }

    const KNOWN: [&KnownBackend; 2] = [&backend("bigquery", true), &backend("trino", false)];

    const fn backend(key: &'static str, available: bool) -> KnownBackend {
        KnownBackend {
            key,
            aliases: &[],
            feature: key,
            package: "hybrid-offline-store",
            available,
        }
    }

    #[test]
    fn a_store_behind_a_feature_names_the_feature() {
        let error = absent("bigquery", &[registration("file", &["dask"], "files")], &KNOWN);
        assert_eq!(error.kind(), ErrorKind::Config);
        assert_eq!(
            error.to_string(),
            "store `bigquery` is not compiled in\n  \
             help: turn on the cargo feature `bigquery` of `hybrid-offline-store`: cargo add hybrid-offline-store --features bigquery\n  \
             help: compiled in: `file`"
        );
    }

    #[test]
    fn a_store_that_does_not_exist_yet_names_no_feature() {
        let error = absent("trino", &[], &KNOWN);
        assert_eq!(error.message(), "store `trino` is not compiled in");
        assert_eq!(
            error.help(),
            [
                "this version of `hybrid-offline-store` has no `trino` backend yet",
                "no store is compiled in"
            ]
        );
    }

    #[test]
    fn an_unknown_store_gets_the_nearest_name_or_the_way_to_link_it() {
        let file = registration("file", &["duckdb"], "files");
        assert_eq!(absent("bigqury", &[file], &KNOWN).message(), "unknown store `bigqury`");
        assert_eq!(absent("bigqury", &[file], &KNOWN).help()[0], "did you mean `bigquery`?");
        assert_eq!(absent("dukdb", &[file], &KNOWN).help()[0], "did you mean `duckdb`?");
        assert!(absent("clickhouse", &[file], &KNOWN).help()[0].contains("extern crate"));
    }
}
