//! Appending in one transaction: all rows are there afterwards, or none.

use arrow::datatypes::Field;
use deadpool_postgres::Object;
use hybrid_core::sql::{Append, Mode};
use hybrid_core::{Error, ErrorKind, Result};
use tokio_postgres::types::Type;

use super::load::{Failed, copy_in, definitions, ended, execute, fresh_table, names, natural};
use super::target::{Column, columns, qualified, quoted};
use crate::client::Busy;
use crate::error;
use crate::types::{Scalar, Wire};

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
    for planned in &plan {
        refuse_changed(connection, &staged, planned).await?;
    }
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
    /// How the server casts it.
    cast: Option<Cast>,
}

struct Cast {
    /// The type that it is cast to.
    to: String,
    /// The same without what it cuts or rounds to.
    whole: Option<String>,
}

impl Planned {
    fn selected(&self) -> String {
        match &self.cast {
            Some(cast) => format!("{}::{}", quoted(&self.name), cast.to),
            None => quoted(&self.name),
        }
    }
}

/// A cast that is asked for cuts and rounds without a word.
async fn refuse_changed(connection: &Object, staged: &str, planned: &Planned) -> Result<()> {
    let cut = planned
        .cast
        .as_ref()
        .and_then(|cast| Some((&cast.to, cast.whole.as_ref()?)));
    let Some((to, whole)) = cut else {
        return Ok(());
    };
    let name = quoted(&planned.name);
    // A fresh table has its rows in the order in which they came. Arrays of a domain compare with their own kind only.
    let statement = format!(
        "SELECT pg_catalog.count(*) FROM {staged} WHERE ctid <= (SELECT ctid FROM {staged} \
         WHERE {name}::{whole} IS DISTINCT FROM {name}::{to}::{whole} ORDER BY ctid LIMIT 1)"
    );
    let failed = |error| error::made(error, Some(&statement));
    let counted = connection.query_one(&statement, &[]).await.map_err(failed)?;
    match counted.try_get::<_, i64>(0).map_err(failed)? {
        0 => Ok(()),
        row => {
            let message = format!("column `{}`, row {row}: {to} would keep another value", planned.name);
            Err(Error::new(ErrorKind::InvalidInput, message)
                .with_help("shorten or round it first, or widen the table's column; nothing was written"))
        }
    }
}

/// A cast of an instant to a time of day would forget the day.
fn check_day(field: &Field, wire: &Wire, column: &Column) -> Result<()> {
    let is_instant = matches!(wire.scalar, Scalar::Timestamp | Scalar::TimestampTz);
    let is_time_of_day = [Type::TIME.oid(), Type::TIMETZ.oid()].contains(&column.base);
    if is_instant && is_time_of_day {
        let message = format!(
            "column `{}` has instants, and the table's {} keeps no day",
            field.name(),
            column.sql
        );
        return Err(Error::new(ErrorKind::InvalidInput, message).with_help("give the time of day as text: 12:30:00"));
    }
    Ok(())
}

fn plan(append: &Append, known: &[Column]) -> Result<Vec<Planned>> {
    let planned = |field: &std::sync::Arc<Field>| {
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
            _ => {
                let wire =
                    Wire::natural(field.data_type()).map_err(|error| error.within(&format!("column `{name}`")))?;
                check_day(field, &wire, column)?;
                let (to, whole) = (column.sql.clone(), column.whole.clone());
                Planned {
                    name: name.clone(),
                    wire,
                    cast: Some(Cast { to, whole }),
                }
            }
        })
    };
    append.rows.schema().fields().iter().map(planned).collect()
}
