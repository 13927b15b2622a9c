//! Appending rows, making tables of them, and exporting them.

use super::exact::exact;
use super::table::{Table, from_text, no_rows};
use super::{Append, Mode, Relation, SqlSession, SqlStore};
use crate::store::{PersistRequest, WriteRequest, check_write_columns};
use crate::{Error, ErrorKind, Result};

/// How the names begin of what a store keeps for a while, and sweeps.
const OURS: &str = "hybrid_";

pub(super) async fn append<T: SqlStore>(
    store: &T,
    session: &T::Session,
    request: WriteRequest<T::Source>,
) -> Result<u64> {
    let source = &request.source;
    let table = table_name(store, session, &source.name, &source.options).await?;
    let existing = Table::describe(store, session, &source.name, &source.options).await?;
    check_write_columns(&request.schema, &request.required, Some(&existing.schema))?;
    let append = Append {
        table,
        rows: exact(request.rows, &source.name, &existing.schema),
        mode: Mode::Append,
    };
    session.append(append).await.map_err(|error| failed(session, error))
}

fn failed(session: &impl SqlSession, error: Error) -> Error {
    match session.may_have_written() {
        true => uncertain(error),
        false => error,
    }
}

/// What may pass may also have come after the commit, as credentials that expire while the end is waited for: a caller
/// that simply tries again could write the rows twice.
fn uncertain(error: Error) -> Error {
    if !error.is_retryable() {
        return error;
    }
    error
        .not_retryable()
        .with_help("it is not known whether the rows were written: look before trying again")
}

/// What is wrong with a destination, whatever the engine has there.
pub(super) fn check_destination<T: SqlStore>(store: &T, destination: &T::Source, overwrite: bool) -> Result<()> {
    match store.relation(destination)? {
        Relation::Table(_) => Ok(()),
        Relation::Export(folder) => check_export(&folder, overwrite),
        relation @ Relation::Query(_) => Err(no_target(store, "destination", &relation)),
    }
}

/// Makes the table that the options name, or has the engine export.
pub(super) async fn persist<T: SqlStore>(
    store: &T,
    session: &T::Session,
    request: PersistRequest<T::Source>,
) -> Result<u64> {
    if let Relation::Export(folder) = store.relation(&request.options)? {
        check_export(&folder, request.overwrite)?;
        let exported = session.export(request.rows, &folder).await;
        return exported.map_err(|error| failed(session, error));
    }
    let append = Append {
        table: table_name(store, session, "destination", &request.options).await?,
        rows: request.rows,
        mode: if request.overwrite { Mode::Replace } else { Mode::Create },
    };
    session.append(append).await.map_err(|error| failed(session, error))
}

/// Names that need quotes nowhere, below the place for exports. Over what is there an engine would not write whole: files of
/// an earlier export would stay beside the new ones.
fn check_export(folder: &str, overwrite: bool) -> Result<()> {
    let plain = |part: &str| {
        let letters = part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.=".contains(c));
        !matches!(part, "" | "." | "..") && letters
    };
    if !folder.split('/').all(plain) || folder.starts_with(OURS) {
        let message = format!("`export: {folder}` is no folder that rows are exported to");
        let help = format!(
            "write names of letters, digits, `-`, `_`, `.` and `=` with single slashes between, not beginning with `{OURS}`"
        );
        return Err(Error::new(ErrorKind::Definition, message).with_help(help));
    }
    if overwrite {
        let message = format!("an export goes over nothing, and `{folder}` may hold files of an earlier one");
        return Err(Error::new(ErrorKind::Unsupported, message).with_help("export to a folder of its own"));
    }
    Ok(())
}

/// The table that a source is; a query cannot be written to.
async fn table_name<T: SqlStore>(
    store: &T,
    session: &T::Session,
    name: &str,
    source: &T::Source,
) -> Result<Vec<String>> {
    let relation = store.relation(source)?;
    match relation {
        Relation::Table(parts) => session.resolve(parts).await,
        Relation::Query(_) => Err(no_target(store, name, &relation)),
        Relation::Export(_) => Err(no_rows()),
    }
}

/// Why a query is not written to; what is wrong with it comes first.
fn no_target<T: SqlStore>(store: &T, name: &str, query: &Relation) -> Error {
    match from_text(store.dialect(), query) {
        Ok(text) => {
            let message = format!("source `{name}` reads a query, and rows cannot be written to one: {text}");
            Error::new(ErrorKind::Unsupported, message).with_help("give the source a `table`")
        }
        Err(error) => error,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_export_has_a_folder_of_its_own() {
        for folder in ["may", "training/2024-05/day=1", "a.b_c"] {
            assert!(check_export(folder, false).is_ok(), "{folder}");
            assert_eq!(check_export(folder, true).unwrap_err().kind(), ErrorKind::Unsupported);
        }
        for folder in [
            "",
            "/a",
            "a/",
            "a//b",
            "../a",
            "a/..",
            "a b",
            "it's",
            "a*",
            "hybrid_1_a/b",
        ] {
            let error = check_export(folder, false).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Definition, "{folder}");
        }
    }

    #[test]
    fn an_append_that_may_have_succeeded_is_not_to_be_tried_again() {
        use ErrorKind as K;
        for kind in [
            K::Unavailable,
            K::Timeout,
            K::Unauthenticated,
            K::ResourceExhausted,
            K::Cancelled,
        ] {
            let error = uncertain(Error::new(kind, "lost").retryable());
            assert!(error.kind() == kind && !error.is_retryable(), "{error}");
            assert!(error.to_string().contains("not known whether"), "{error}");
        }
        let refused = uncertain(Error::new(K::InvalidInput, "refused"));
        assert!(refused.help().is_empty(), "{refused}");
    }
}
