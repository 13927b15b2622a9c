//! What the server knows of its catalogs, and which of them a text names.

use std::collections::BTreeSet;

use arrow::array::{AsArray, RecordBatch};
use hybrid_core::sql::sqlparser::dialect::GenericDialect;
use hybrid_core::sql::sqlparser::tokenizer::{Token, Tokenizer};
use hybrid_core::{Error, ErrorKind, Result};

use crate::names::text;
use crate::session::TrinoSession;

/// The session property with which the Hive connector knows timestamps to the microsecond, instead of cutting them.
pub(crate) fn micros_of(catalog: &str) -> (String, &'static str) {
    let name = format!("{}.timestamp_precision", catalog.to_lowercase());
    (name, "MICROSECONDS")
}

impl TrinoSession {
    /// Has timestamps read to the microsecond in the catalogs of Hive that a text names beside the configured ones: the
    /// connectors of those are known.
    pub(crate) async fn keep_micros(&self, sql: &str) -> Result<()> {
        let config = self.config();
        let mut others = named(sql);
        let staging = config.staging.iter().map(|staging| &staging.catalog);
        for known in staging.chain([&config.catalog]) {
            others.remove(&known.to_lowercase());
        }
        if others.is_empty() {
            return Ok(());
        }
        let hives = match self.shared().hives.get_or_try_init(|| self.hives()).await {
            // None are known where this user may not look, or not now: it is asked again.
            Err(error) if is_refused(&error) => return Ok(()),
            known => known?,
        };
        for catalog in hives.iter().filter(|catalog| others.contains(*catalog)) {
            self.to_micros(catalog);
        }
        Ok(())
    }

    /// The catalogs of the Hive connector.
    async fn hives(&self) -> Result<Vec<String>> {
        let catalogs = "SELECT catalog_name FROM system.metadata.catalogs WHERE connector_name = 'hive'";
        Ok(texts(&self.rows(catalogs).await?).map(str::to_owned).collect())
    }

    /// What connector a catalog is of, as the server knows it; the configuration may be wrong.
    pub(crate) async fn connector(&self, catalog: &str) -> Result<String> {
        let own = *catalog == self.config().catalog;
        let configured = || Ok(self.config().connector.kind.clone());
        let catalogs = "SELECT connector_name FROM system.metadata.catalogs WHERE catalog_name =";
        let known = self
            .rows(&format!("{catalogs} {}", text(&catalog.to_lowercase())))
            .await;
        let known = match known {
            Ok(known) => known,
            Err(error) if own && is_refused(&error) => return configured(),
            Err(error) => return Err(error),
        };
        match texts(&known).next() {
            Some(name) => Ok(name.to_owned()),
            None if own => configured(),
            None => Err(Error::new(
                ErrorKind::NotFound,
                format!("Trino has no catalog `{catalog}`"),
            )),
        }
    }
}

/// Whether the server lets this user not look at its catalogs: not everybody may.
fn is_refused(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::NotFound)
}

/// The texts of an answer's first column.
fn texts(batches: &[RecordBatch]) -> impl Iterator<Item = &str> {
    let columns = batches
        .iter()
        .filter_map(|batch| batch.columns().first()?.as_string_opt::<i32>());
    columns.flat_map(|column| column.iter().flatten())
}

/// What may be catalogs in a text: the first parts of names of three parts or more, in lower case as the server has
/// them.
fn named(sql: &str) -> BTreeSet<String> {
    let tokens = Tokenizer::new(&GenericDialect {}, sql).tokenize().unwrap_or_default();
    let tokens: Vec<&Token> = tokens
        .iter()
        .filter(|token| !matches!(token, Token::Whitespace(_)))
        .collect();
    let first = |five: &[&Token]| match five {
        [
            Token::Word(first),
            Token::Period,
            Token::Word(_),
            Token::Period,
            Token::Word(_),
        ] => Some(first.value.to_lowercase()),
        _ => None,
    };
    tokens.windows(5).filter_map(first).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn catalogs_are_named_by_names_of_three_parts() {
        for (sql, catalogs) in [
            ("SELECT * FROM \"hive\".\"raw\".\"events\" AS \"s\"", vec!["hive"]),
            (
                "SELECT t.x FROM Hive . raw.\"a.b.c\" t JOIN raw.\"Events$files\" USING (x)",
                vec!["hive"],
            ),
            (
                "SELECT 1 FROM a.b.c, \"d-e\".f.g -- h.i.j\n WHERE x = 'k.l.m'",
                vec!["a", "d-e"],
            ),
            ("SELECT s.x, 1.5 FROM raw.events s", vec![]),
            ("SELECT 'no end", vec![]),
        ] {
            let found = named(sql);
            assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), catalogs, "{sql}");
        }
    }
}
