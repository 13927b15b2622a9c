//! Entity rows and intermediate results in temporary tables.

use std::pin::pin;

use arrow::datatypes::SchemaRef;
use bytes::{Bytes, BytesMut};
use deadpool_postgres::Object;
use futures::{SinkExt, TryStreamExt};
use hybrid_core::{BatchStream, Error, ErrorKind, Result};
use tokio_postgres::CopyInSink;

use super::embed::{self, Why};
use super::target::quoted;
use crate::client::Busy;
use crate::error;
use crate::types::{Cells, HEADER, TRAILER, Wire};

/// Bytes are sent in parts of about this size.
const PART: usize = 128 << 10;

/// A name that no other table has.
pub(super) fn fresh_table() -> String {
    format!("pg_temp.\"hybrid_{}\"", uuid::Uuid::new_v4().simple())
}

/// Loads rows into a temporary table by a binary COPY. Where the server only reads, they go into the statement.
pub(super) async fn upload(mut busy: Busy, rows: BatchStream) -> Result<String> {
    let table = fresh_table();
    busy.slot()?.temporary.push(table.clone());
    let outcome = fill(busy.connection()?, &table, rows).await;
    if matches!(outcome, Ok(Some(_))) {
        busy.slot()?.temporary.pop();
    }
    match ended(busy, outcome)? {
        None => Ok(table),
        Some(rows) => embed::relation(rows, Why::OnlyReads).await,
    }
}

/// Gives the rows back, untouched, where the server only reads.
async fn fill(connection: &Object, table: &str, rows: BatchStream) -> Result<Option<BatchStream>, Failed> {
    let wires = natural(rows.schema())?;
    let columns = definitions(rows.schema(), &wires);
    let create = format!("CREATE TEMPORARY TABLE {table} ({columns}) ON COMMIT PRESERVE ROWS");
    match connection.batch_execute(&create).await {
        Err(refused) if error::is_read_only(&refused) => return Ok(Some(rows)),
        created => created.map_err(|error| Failed::Here(error::made(error, Some(&create))))?,
    }
    let names = names(rows.schema());
    copy_in(
        connection,
        &format!("COPY {table} ({names}) FROM STDIN (FORMAT BINARY)"),
        rows,
        &wires,
    )
    .await?;
    // Without statistics the planner takes the frame for one row and nests loops.
    execute(connection, &format!("ANALYZE {table}")).await?;
    Ok(None)
}

/// Makes a temporary table of a SELECT.
pub(super) async fn stage(mut busy: Busy, select: &str) -> Result<String> {
    let table = fresh_table();
    busy.slot()?.temporary.push(table.clone());
    let connection = busy.connection()?;
    let create = format!("CREATE TEMPORARY TABLE {table} ON COMMIT PRESERVE ROWS AS {select}");
    let outcome = match connection.batch_execute(&create).await {
        Ok(()) => execute(connection, &format!("ANALYZE {table}")).await,
        Err(refused) => Err(not_staged(refused, &create)),
    };
    busy.done();
    outcome.map(|()| table)
}

fn not_staged(refused: tokio_postgres::Error, create: &str) -> Error {
    let only_reads = error::is_read_only(&refused);
    let refused = error::made(refused, Some(create));
    if !only_reads {
        return refused;
    }
    let message = "a SELECT as entity frame needs a temporary table, and the server only reads";
    Error::new(ErrorKind::Unsupported, message)
        .with_cause(refused)
        .with_help("give the entity rows themselves")
}

pub(super) async fn execute(connection: &Object, statement: &str) -> Result<()> {
    let outcome = connection.batch_execute(statement).await;
    outcome.map_err(|error| error::made(error, Some(statement)))
}

/// The column types that hold a schema.
pub(super) fn natural(schema: &SchemaRef) -> Result<Vec<Wire>> {
    let wire = |field: &std::sync::Arc<arrow::datatypes::Field>| {
        Wire::natural(field.data_type()).map_err(|error| error.within(&format!("column `{}`", field.name())))
    };
    schema.fields().iter().map(wire).collect()
}

pub(super) fn definitions(schema: &SchemaRef, wires: &[Wire]) -> String {
    let column = |(field, wire): (&std::sync::Arc<arrow::datatypes::Field>, &Wire)| {
        format!("{} {}", quoted(field.name()), wire.sql())
    };
    schema
        .fields()
        .iter()
        .zip(wires)
        .map(column)
        .collect::<Vec<_>>()
        .join(", ")
}

pub(super) fn names(schema: &SchemaRef) -> String {
    schema
        .fields()
        .iter()
        .map(|field| quoted(field.name()))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Why something that has a COPY FROM in it failed.
pub(super) enum Failed {
    /// The connection is idle, or has a transaction to be rolled back.
    Here(Error),
    /// The server ended the COPY. Where it did so before it had read anything, it takes the end of the rows for another
    /// request and answers once more than it was asked: the connection cannot be used any more.
    Copy(Error),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Here(error)
    }
}

/// Ends a turn by what came of it.
pub(super) fn ended<T>(busy: Busy, outcome: Result<T, Failed>) -> Result<T> {
    match outcome {
        Err(Failed::Copy(error)) => {
            busy.lost();
            Err(error)
        }
        Err(Failed::Here(error)) => {
            busy.done();
            Err(error)
        }
        Ok(value) => {
            busy.done();
            Ok(value)
        }
    }
}

/// Sends rows as values of `wires` and returns how many the server took. An error of ours ends the COPY, and
/// the connection is idle afterwards.
pub(super) async fn copy_in(connection: &Object, copy: &str, rows: BatchStream, wires: &[Wire]) -> Result<u64, Failed> {
    let by_server = |error| Failed::Copy(error::made(error, Some(copy)));
    let sink: CopyInSink<Bytes> = connection.copy_in(copy).await.map_err(by_server)?;
    let mut sink = pin!(sink);
    match send(sink.as_mut(), rows, wires).await {
        Ok(()) => sink.finish().await.map_err(by_server),
        Err(Sent::Ours(error)) => Err(Failed::Here(error)),
        // The server has closed the COPY: its reason comes with the answer.
        Err(Sent::Closed(closed)) => Err(by_server(sink.finish().await.err().unwrap_or(closed))),
    }
}

/// Why rows could not all be sent.
enum Sent {
    Ours(Error),
    Closed(tokio_postgres::Error),
}

impl From<Error> for Sent {
    fn from(error: Error) -> Self {
        Self::Ours(error)
    }
}

async fn send(
    mut sink: std::pin::Pin<&mut CopyInSink<Bytes>>,
    mut rows: BatchStream,
    wires: &[Wire],
) -> Result<(), Sent> {
    let schema = rows.schema().clone();
    let mut out = BytesMut::with_capacity(PART + (PART >> 2));
    out.extend_from_slice(&HEADER);
    while let Some(batch) = rows.try_next().await? {
        let cells = batch.columns().iter().zip(wires).zip(schema.fields());
        let cells: Vec<Cells> = cells
            .map(|((array, wire), field)| Cells::new(array, wire, field.name()))
            .collect::<Result<_>>()?;
        for row in 0..batch.num_rows() {
            out.extend_from_slice(&(cells.len() as u16).to_be_bytes());
            for cell in &cells {
                cell.write(row, &mut out)?;
            }
            if out.len() >= PART {
                sink.send(out.split().freeze()).await.map_err(Sent::Closed)?;
                out.reserve(PART + (PART >> 2));
            }
        }
    }
    out.extend_from_slice(&TRAILER);
    sink.send(out.freeze()).await.map_err(Sent::Closed)
}
