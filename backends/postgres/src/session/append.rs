//! Appending in one transaction: all rows are there afterwards, or none.

use deadpool_postgres::Object;
use hybrid_core::sql::{Append, Mode};
use hybrid_core::{Error, ErrorKind, Result};

use super::load::{Failed, copy_in, definitions, ended, execute, fresh_table, names, natural};
use super::target::{Column, columns, qualified, quoted};
use crate::client::Busy;
use crate::types::Wire;

/// Dropping the future rolls back.
pub(super) async fn append(busy: Busy, append: Append) -> Result<u64> {
    let outcome = transaction(busy.connection()?, append).await;
    ended(busy, outcome)
}

async fn transaction(connection: &Object, append: Append) -> Result<u64, Failed> {
    execute(connection, "BEGIN").await?;
    let written = match written(connection, append).await {
        Err(Failed::Here(error)) => {
            // A connection that is gone has rolled back as well.
            let _ = execute(connection, "ROLLBACK").await;
            return Err(error.into());
        }
        outcome => outcome?,
    };
    commit(connection).await?;
    Ok(written)
}

async fn commit(connection: &Object) -> Result<()> {
    match execute(connection, "COMMIT").await {
        Err(error) if error.kind() == ErrorKind::Unavailable => Err(Error::new(
            ErrorKind::Unavailable,
            "the connection was lost while committing: it is not known whether the rows are there",
        )
        .with_cause(error)),
        committed => committed,
    }
}

async fn written(connection: &Object, append: Append) -> Result<u64, Failed> {
    let table = qualified(&append.table);
    if append.mode == Mode::Replace {
        execute(connection, &format!("DROP TABLE IF EXISTS {table}")).await?;
    }
    if append.mode != Mode::Append {
        let wires = natural(append.rows.schema())?;
        let columns = definitions(append.rows.schema(), &wires);
        execute(connection, &format!("CREATE TABLE {table} ({columns})")).await?;
    }
    let known = columns(connection, &append.table).await?;
    let plan = plan(&append, &known)?;
    let wires: Vec<Wire> = plan.iter().map(|planned| planned.wire.clone()).collect();
    let names = names(append.rows.schema());
    if plan.iter().all(|planned| planned.cast.is_none()) {
        return copy_in(
            connection,
            &format!("COPY {table} ({names}) FROM STDIN (FORMAT BINARY)"),
            append.rows,
            &wires,
        )
        .await;
    }
    let staged = fresh_table();
    let columns = definitions(append.rows.schema(), &wires);
    execute(
        connection,
        &format!("CREATE TEMPORARY TABLE {staged} ({columns}) ON COMMIT DROP"),
    )
    .await?;
    let selected: Vec<String> = plan.iter().map(Planned::selected).collect();
    let count = copy_in(
        connection,
        &format!("COPY {staged} ({names}) FROM STDIN (FORMAT BINARY)"),
        append.rows,
        &wires,
    )
    .await?;
    execute(
        connection,
        &format!(
            "INSERT INTO {table} ({names}) SELECT {} FROM {staged}",
            selected.join(", ")
        ),
    )
    .await?;
    execute(connection, &format!("DROP TABLE {staged}")).await?;
    Ok(count)
}

/// How a column of the rows gets into the table.
struct Planned {
    name: String,
    wire: Wire,
    /// The type that the server casts it to.
    cast: Option<String>,
}

impl Planned {
    fn selected(&self) -> String {
        match &self.cast {
            Some(cast) => format!("{}::{cast}", quoted(&self.name)),
            None => quoted(&self.name),
        }
    }
}

fn plan(append: &Append, known: &[Column]) -> Result<Vec<Planned>> {
    let planned = |field: &std::sync::Arc<arrow::datatypes::Field>| {
        let name = field.name();
        let column = known.iter().find(|column| column.name == *name).ok_or_else(|| {
            let message = format!("the table {} has no column `{name}`", qualified(&append.table));
            let known: Vec<&str> = known.iter().map(|column| column.name.as_str()).collect();
            Error::new(ErrorKind::InvalidInput, message).with_help(format!("it has: {}", known.join(", ")))
        })?;
        Ok(match &column.wire {
            Some(wire) if wire.takes(field.data_type()) => Planned {
                name: name.clone(),
                wire: wire.clone(),
                cast: None,
            },
            _ => Planned {
                name: name.clone(),
                wire: Wire::natural(field.data_type()).map_err(|error| error.within(&format!("column `{name}`")))?,
                cast: Some(column.sql.clone()),
            },
        })
    };
    append.rows.schema().fields().iter().map(planned).collect()
}
