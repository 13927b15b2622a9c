use arrow::datatypes::SchemaRef;
use futures::{Stream, TryStreamExt, stream};
use hybrid_core::Result;
use hybrid_core::sql::{Dialect, SqlSession, sql_type_of};

use super::chunk::{Chunk, Shape, row_too_long};
use super::{Incoming, STATEMENT};
use crate::dialect::{TrinoDialect, is_char, text_of};
use crate::error::name_of;
use crate::session::TrinoSession;
use crate::{error, names};

/// How many INSERTs run at once.
const AT_ONCE: usize = 4;

/// The connectors whose tables have char(n): in those of others it becomes varchar, and its blanks would count.
const WITH_CHAR: [&str; 2] = ["hive", "memory"];

/// How often an INSERT is tried again that met another one.
const ATTEMPTS: usize = 5;

impl TrinoSession {
    /// The rows in a temporary table, by INSERTs of as much JSON as a statement takes.
    pub(super) async fn inserted(&self, shape: &Shape, incoming: Incoming) -> Result<String> {
        let mut selects = Box::pin(selects(shape, incoming));
        let first = match selects.try_next().await? {
            Some(first) => first,
            None => Chunk::new(shape).select(shape),
        };
        let table = self.create_temporary(&first).await?;
        let inserts = selects.map_ok(|select| self.insert(&table, select));
        inserts.try_buffer_unordered(AT_ONCE).try_collect::<()>().await?;
        Ok(table)
    }

    /// A query whose values of char(n) have no blanks, where a temporary table would not tell them from others.
    pub(crate) async fn without_chars(&self, query: &str, columns: Option<SchemaRef>) -> Result<String> {
        if WITH_CHAR.contains(&self.config().connector.kind.as_str()) {
            return Ok(query.to_owned());
        }
        let described = match columns {
            Some(columns) => columns,
            None => self.describe(query).await?,
        };
        if !described.fields().iter().any(|field| is_char(sql_type_of(field))) {
            return Ok(query.to_owned());
        }
        let columns = described.fields().iter().map(|field| {
            let name = TrinoDialect.quote(field.name());
            match sql_type_of(field) {
                written if is_char(written) => format!("{} AS {name}", text_of(&name, written)),
                _ => name,
            }
        });
        let columns: Vec<String> = columns.collect();
        Ok(format!("SELECT {} FROM ({query}\n) AS q", columns.join(", ")))
    }

    /// A new temporary table of a SELECT's rows.
    pub(crate) async fn create_temporary(&self, select: &str) -> Result<String> {
        let config = self.config();
        let parts = [config.catalog.clone(), config.dataset.clone(), names::temporary()];
        let table = names::table(&parts);
        self.made_table(&table);
        let statement = format!("CREATE TABLE {table}{} AS {select}", self.table_options());
        self.in_schema(&parts, &statement).await?;
        Ok(table)
    }

    /// Runs a statement that makes a table; its schema is made when it is missing, as Feast does.
    pub(crate) async fn in_schema(&self, table: &[String], statement: &str) -> Result<Option<u64>> {
        match self.run(statement).await {
            Err(error) if matches!(name_of(&error), Some("SCHEMA_NOT_FOUND" | "NOT_FOUND")) => {
                let schema = names::table(table.get(..2).unwrap_or_default());
                match self.run(&format!("CREATE SCHEMA IF NOT EXISTS {schema}")).await {
                    // Somebody else made it at the same time.
                    Err(error) if name_of(&error).is_some_and(|name| name.ends_with("ALREADY_EXISTS")) => {}
                    made => drop(made?),
                }
                self.run(statement).await
            }
            done => done,
        }
    }

    /// Two writers of one table may be in each other's way; what failed has written nothing.
    async fn insert(&self, table: &str, select: String) -> Result<()> {
        let statement = format!("INSERT INTO {table} {select}");
        let mut attempt = 1;
        loop {
            match self.run(&statement).await {
                Err(error) if attempt < ATTEMPTS && error::is_conflict(&error) => attempt += 1,
                done => return done.map(drop),
            }
        }
    }
}

/// The rows as SELECTs, each as long as a statement may be.
fn selects(shape: &Shape, incoming: Incoming) -> impl Stream<Item = Result<String>> {
    let state = Some((incoming, None));
    stream::try_unfold(state, move |state| async move {
        let Some((mut incoming, mut left)) = state else {
            return Ok(None);
        };
        let mut chunk = Chunk::new(shape);
        loop {
            let (batch, start) = match left.take() {
                Some(left) => left,
                None => match incoming.next().await? {
                    Some(batch) => (batch, 0),
                    None => break,
                },
            };
            let end = chunk.fill(&batch, start, STATEMENT)?;
            if end < batch.num_rows() {
                if chunk.is_empty() {
                    return Err(row_too_long(STATEMENT));
                }
                return Ok(Some((chunk.select(shape), Some((incoming, Some((batch, end)))))));
            }
        }
        Ok((!chunk.is_empty()).then(|| (chunk.select(shape), None)))
    })
}
