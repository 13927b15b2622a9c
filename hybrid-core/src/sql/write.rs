//! Appending rows, and making tables of them.

use super::exact::exact;
use super::table::{Table, from_text};
use super::{Append, Mode, Relation, SqlSession, SqlStore};
use crate::store::{PersistRequest, WriteRequest, check_write_columns};
use crate::{Error, ErrorKind, Result};

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
    session.append(append).await.map_err(uncertain)
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

/// Makes the table that the options name.
pub(super) async fn persist<T: SqlStore>(
    store: &T,
    session: &T::Session,
    request: PersistRequest<T::Source>,
) -> Result<u64> {
    let append = Append {
        table: table_name(store, session, "destination", &request.options).await?,
        rows: request.rows,
        mode: if request.overwrite { Mode::Replace } else { Mode::Create },
    };
    session.append(append).await.map_err(uncertain)
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
        Relation::Query(_) => {
            let text = from_text(store.dialect(), &relation)?;
            let message = format!("source `{name}` reads a query, and rows cannot be written to one: {text}");
            Err(Error::new(ErrorKind::Unsupported, message).with_help("give the source a `table`"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
