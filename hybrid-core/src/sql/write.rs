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
    let table = table_name(store, &source.name, &source.options)?;
    let existing = Table::describe(store, session, &source.name, &source.options).await?;
    check_write_columns(&request.schema, &request.required, Some(&existing.schema))?;
    let append = Append {
        table,
        rows: exact(request.rows, &source.name, &existing.schema),
        mode: Mode::Append,
    };
    session.append(append).await.map_err(uncertain)
}

/// An engine that went away may have committed before: a caller that simply tries again could write
/// the rows twice.
fn uncertain(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Unavailable | ErrorKind::Timeout if error.is_retryable() => error
            .not_retryable()
            .with_help("it is not known whether the rows were written: look before trying again"),
        _ => error,
    }
}

/// Makes the table that the options name.
pub(super) async fn persist<T: SqlStore>(
    store: &T,
    session: &T::Session,
    request: PersistRequest<T::Source>,
) -> Result<u64> {
    let append = Append {
        table: table_name(store, "destination", &request.options)?,
        rows: request.rows,
        mode: if request.overwrite { Mode::Replace } else { Mode::Create },
    };
    session.append(append).await.map_err(uncertain)
}

/// The table that a source is; a query cannot be written to.
pub(super) fn table_name<T: SqlStore>(store: &T, name: &str, source: &T::Source) -> Result<Vec<String>> {
    let relation = store.relation(source)?;
    match relation {
        Relation::Table(parts) => Ok(parts),
        Relation::Query(_) => {
            let text = from_text(store.dialect(), &relation)?;
            let message = format!("source `{name}` reads a query, and rows cannot be written to one: {text}");
            Err(Error::new(ErrorKind::Unsupported, message).with_help("give the source a `table`"))
        }
    }
}
