use arrow::datatypes::{DataType, Schema};
use hybrid_core::sql::{Append, Mode, SqlSession, sibling, sql_type_of};
use hybrid_core::{Error, ErrorKind, Result};

use crate::names::{list, quoted, table, temporary};
use crate::session::TrinoSession;
use crate::types::{normal_schema, sql_type};

/// Connectors that commit a statement's rows all at once, in one step that readers see whole.
const ATOMIC: [&str; 2] = ["iceberg", "delta_lake"];

/// Connectors whose timestamps have no zone (Hive), or with one end at the millisecond (Delta), and which know one
/// precision: instants are stored in UTC, without a zone, to the microsecond. Neither has times of day.
const ZONELESS: [&str; 2] = ["hive", "delta_lake"];

/// Whether rows can be appended to tables of a connector.
fn commits_atomically(connector: &str) -> bool {
    ATOMIC.contains(&connector)
}

impl TrinoSession {
    /// Rows into a table: staged first, then one statement.
    pub(crate) async fn write(&self, append: Append) -> Result<u64> {
        let Append {
            table: parts,
            rows,
            mode,
        } = append;
        let catalog = parts
            .first()
            .map_or_else(|| self.config().catalog.clone(), Clone::clone);
        let connector = self.connector(&catalog).await?;
        if connector == "hive" {
            self.to_micros(&catalog);
        }
        let schema = rows.schema().clone();
        let name = table(&parts);
        let written = match mode {
            Mode::Append => {
                refuse_unless_atomic(&connector, &catalog)?;
                let columns = list(schema.fields().iter().map(|field| field.name().as_str()));
                let target = self.describe(&format!("SELECT {columns} FROM {name}")).await?;
                let select = format!("{} FROM {}", stored(&schema, &target)?, self.incoming(rows).await?);
                self.writes();
                self.run(&format!("INSERT INTO {name} ({columns}) SELECT {select}"))
                    .await?
            }
            Mode::Create | Mode::Replace => {
                let values = made(&schema, &connector)?;
                let select = format!("SELECT {values} FROM {}", self.incoming(rows).await?);
                self.writes();
                self.create(&parts, &connector, mode, &select).await?
            }
        };
        Ok(written.unwrap_or_default())
    }

    async fn create(&self, parts: &[String], connector: &str, mode: Mode, select: &str) -> Result<Option<u64>> {
        let name = table(parts);
        let own = parts.first().is_some_and(|catalog| *catalog == self.config().catalog);
        let options = if own { self.table_options() } else { String::new() };
        let create = match mode {
            Mode::Replace if commits_atomically(connector) => "CREATE OR REPLACE TABLE",
            Mode::Replace => return self.replace(parts, &options, select).await,
            _ => "CREATE TABLE",
        };
        self.in_schema(parts, &format!("{create} {name}{options} AS {select}"))
            .await
    }

    /// Makes the table beside the old one, which goes when the new one is in its place.
    async fn replace(&self, parts: &[String], options: &str, select: &str) -> Result<Option<u64>> {
        let (name, new) = (table(parts), table(&sibling(parts, temporary())));
        self.made_table(&new);
        let written = self
            .in_schema(parts, &format!("CREATE TABLE {new}{options} AS {select}"))
            .await?;
        // No temporary name: what was there is never swept.
        let last = parts.last().map_or("", String::as_str);
        let aside = table(&sibling(parts, format!("{last}_{}", uuid::Uuid::new_v4().simple())));
        self.swap(name, new, aside).await?;
        Ok(written)
    }
}

fn refuse_unless_atomic(connector: &str, catalog: &str) -> Result<()> {
    if commits_atomically(connector) {
        return Ok(());
    }
    let reason = match connector {
        "hive" => {
            "it moves a statement's files into the table one after the other, so that readers can see half of them"
        }
        "memory" => "its rows are seen, and stay, before their statement is done",
        _ => "it is not known to commit the rows of a statement all at once",
    };
    let message = format!("catalog `{catalog}` of the connector `{connector}` takes no appends: {reason}");
    Err(Error::new(ErrorKind::Unsupported, message).with_help(format!("append to a table of {}", ATOMIC.join(" or "))))
}

/// The staged columns as the types of the table's.
fn stored(schema: &Schema, target: &Schema) -> Result<String> {
    let columns = schema.fields().iter().map(|field| {
        let (name, column) = (quoted(field.name()), target.field_with_name(field.name())?);
        Ok(match sql_type_of(column) {
            "json" => format!("json_parse({name})"),
            // A cast would cut texts that are too long; INSERT refuses them.
            written if written.starts_with("varchar(") || written.starts_with("char(") => name,
            written => format!("CAST({name} AS {written})"),
        })
    });
    Ok(columns.collect::<Result<Vec<_>>>()?.join(", "))
}

/// The staged columns as the types that a new table gets.
pub(crate) fn made(schema: &Schema, connector: &str) -> Result<String> {
    let zoneless = ZONELESS
        .contains(&connector)
        .then(|| normal_schema(schema))
        .transpose()?;
    let schema = zoneless.as_deref().unwrap_or(schema);
    let timed = schema.fields().iter().find(|field| has_times(field.data_type()));
    if let Some(field) = timed.filter(|_| zoneless.is_some()) {
        let message = format!(
            "column `{}`: tables of `{connector}` have no times of day",
            field.name()
        );
        return Err(Error::new(ErrorKind::Unsupported, message).with_help("make it text, or a timestamp"));
    }
    let columns = schema.fields().iter().map(|field| {
        let name = quoted(field.name());
        let made = match field.data_type() {
            DataType::Null => "varchar".to_owned(),
            other => sql_type(other)?,
        };
        Ok(format!("CAST({name} AS {made}) AS {name}"))
    });
    Ok(columns.collect::<Result<Vec<_>>>()?.join(", "))
}

/// Whether values of a normal type are times of day, or hold some.
fn has_times(data_type: &DataType) -> bool {
    match data_type {
        DataType::Time64(_) => true,
        DataType::List(inner) | DataType::Map(inner, _) => has_times(inner.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| has_times(field.data_type())),
        _ => false,
    }
}
