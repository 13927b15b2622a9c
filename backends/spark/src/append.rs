//! Writing: into tables of formats that commit whole, and as a single file where the format does not.

mod described;
mod target;

use hybrid_core::sql::{Append, Dialect, Mode, SqlSession, sibling};
use hybrid_core::{Error, ErrorKind, Result};

use crate::SparkDialect;
use crate::error::unsupported;
use crate::protocol::{CommandKind, Plan, Relation, SaveMode, Write};
use crate::session::SparkSession;
use crate::upload::{Uploaded, upload};
pub(crate) use described::row_estimate;
use described::{Described, number};
use target::{Files, columns, made, partition_of};

/// Appends rows, or makes a table of them.
pub(crate) async fn append(session: &SparkSession, append: Append) -> Result<u64> {
    let Append { table, rows, mode } = append;
    let files = Files::named(&table);
    match (mode, files) {
        (Mode::Append, Some(files)) => {
            let known = files.describe(session).await?;
            let uploaded = upload(session, rows).await?;
            let select = columns(&known, &uploaded, true)?;
            files.write(session, &select, SaveMode::Append).await?;
            Ok(uploaded.rows)
        }
        (_, Some(files)) => {
            if mode == Mode::Replace {
                files.refuse_replacing(session).await?;
            }
            let uploaded = upload(session, rows).await?;
            files.write(session, &made(&uploaded), SaveMode::ErrorIfExists).await?;
            Ok(uploaded.rows)
        }
        (Mode::Append, None) => insert(session, &table, rows).await,
        (Mode::Create, None) => {
            let uploaded = upload(session, rows).await?;
            create(session, &table, &uploaded).await?;
            Ok(uploaded.rows)
        }
        (Mode::Replace, None) => {
            let uploaded = upload(session, rows).await?;
            replace(session, &table, &uploaded).await?;
            Ok(uploaded.rows)
        }
    }
}

async fn insert(session: &SparkSession, table: &[String], rows: hybrid_core::BatchStream) -> Result<u64> {
    let name = quoted(table);
    let described = Described::of(session, &name).await?;
    described.check(&name)?;
    let known = session.describe(&format!("SELECT * FROM {name}")).await?;
    let uploaded = upload(session, rows).await?;
    if uploaded.rows == 0 {
        return Ok(0);
    }
    let one_file = !described.commits_whole();
    if one_file && !described.partitions.is_empty() {
        one_partition(session, &name, &described, &known, &uploaded).await?;
    }
    if one_file {
        commit_by_one_rename(session).await?;
    }
    let listed: Vec<String> = known
        .fields()
        .iter()
        .map(|field| SparkDialect.quote(field.name()))
        .collect();
    let select = columns(&known, &uploaded, one_file)?;
    session
        .execute(&format!("INSERT INTO {name} ({}) {select}", listed.join(", ")))
        .await?;
    Ok(uploaded.rows)
}

/// Without a table format each file becomes visible by itself, so that only one may be written.
async fn one_partition(
    session: &SparkSession,
    name: &str,
    described: &Described,
    known: &arrow::datatypes::Schema,
    uploaded: &Uploaded,
) -> Result<()> {
    let partitions = number(session, &partition_of(known, &described.partitions, uploaded)?).await?;
    if partitions <= 1 {
        return Ok(());
    }
    let message = format!(
        "the rows belong to {partitions} partitions of {name}, a table of plain {} files: each partition would become visible by itself",
        described.provider
    );
    Err(unsupported(message)
        .with_help("write one partition at a time, or make it a Delta or Iceberg table, which commit whole"))
}

/// One task writes one file, whose rename shows all of its rows. Writers do not clean up behind each other: the folder
/// of unfinished files is common to all of them.
async fn commit_by_one_rename(session: &SparkSession) -> Result<()> {
    let settings = [
        ("spark.sql.files.maxRecordsPerFile", "0"),
        ("mapreduce.fileoutputcommitter.algorithm.version", "2"),
        ("mapreduce.fileoutputcommitter.cleanup.skipped", "true"),
    ];
    session
        .conversation
        .set(&settings.map(|(key, value)| (key.to_owned(), value.to_owned())))
        .await
}

async fn create(session: &SparkSession, table: &[String], uploaded: &Uploaded) -> Result<()> {
    session
        .execute(&format!("CREATE TABLE {} AS {}", quoted(table), made(uploaded)))
        .await
        .map_err(|error| match error.kind() {
            ErrorKind::Unexpected if error.message().contains("already exists") => {
                Error::new(ErrorKind::InvalidInput, error.message().to_owned())
            }
            _ => error,
        })
}

/// In one step where the table's format or the catalog can, else made beside it and renamed.
async fn replace(session: &SparkSession, table: &[String], uploaded: &Uploaded) -> Result<()> {
    let name = quoted(table);
    let format = match Described::of(session, &name).await {
        Ok(described) => described.replaced_whole(),
        // Also in a catalog that renames nothing, as Iceberg's of plain folders.
        Err(error) if error.kind() == ErrorKind::NotFound => return create(session, table, uploaded).await,
        Err(error) => return Err(error),
    };
    if format.is_some() || catalog(session, table).await? != "spark_catalog" {
        let using = format.map_or_else(String::new, |format| format!("USING {format} "));
        let statement = format!("CREATE OR REPLACE TABLE {name} {using}AS {}", made(uploaded));
        return session.execute(&statement).await;
    }
    let beside = sibling(table, SparkSession::fresh_name());
    session.remember_table(&quoted(&beside));
    create(session, &beside, uploaded).await?;
    // By its own name it is found where this process ends in the middle.
    let last = table.last().map_or("", String::as_str);
    let aside = sibling(table, format!("{last}{}", SparkSession::fresh_name()));
    session.swap(name, quoted(&beside), quoted(&aside)).await
}

/// The catalog of a table: the first of three parts, else the session's.
async fn catalog(session: &SparkSession, table: &[String]) -> Result<String> {
    match table {
        [catalog, _, _, ..] => Ok(catalog.clone()),
        _ => described::text(session, "SELECT CURRENT_CATALOG()").await,
    }
}

/// A table's name as it stands in a statement.
fn quoted(table: &[String]) -> String {
    table
        .iter()
        .map(|part| SparkDialect.quote(part))
        .collect::<Vec<_>>()
        .join(".")
}

impl Files {
    async fn write(&self, session: &SparkSession, select: &str, mode: SaveMode) -> Result<()> {
        commit_by_one_rename(session).await?;
        let write = Write {
            input: Some(Relation::sql(select)),
            source: Some(self.format.clone()),
            path: Some(self.path.clone()),
            mode: mode.into(),
        };
        session.run(Plan::command(CommandKind::Write(write))).await.map(drop)
    }
}
