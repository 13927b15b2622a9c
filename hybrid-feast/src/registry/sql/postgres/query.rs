//! What is asked of the tables.

use std::pin::pin;

use futures::TryStreamExt;
use hybrid_core::{Error, ErrorKind};
use tokio_postgres::types::{ToSql, Type};

use super::super::Settings;
use super::super::rows::{Row, Rows, no_message};
use super::super::table::{TABLES, Table};
use super::server::{Failed, Session};
use crate::registry::backing::Version;

/// The tables of definitions that are there.
pub(super) async fn tables(session: &Session) -> Result<Vec<&'static Table>, Failed> {
    let names: Vec<&str> = const { &TABLES }.iter().map(|table| table.name).collect();
    let present = present(session, &names).await?;
    Ok(present.iter().filter_map(|name| Table::named(name)).collect())
}

/// Which of the tables `names` are there.
pub(super) async fn present(session: &Session, names: &[&str]) -> Result<Vec<String>, Failed> {
    let statement = "SELECT name FROM unnest($1) AS name WHERE to_regclass(name) IS NOT NULL";
    let values: [(&(dyn ToSql + Sync), Type); 1] = [(&names, Type::TEXT_ARRAY)];
    let rows = session.connection()?.query_typed(statement, &values).await?;
    Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
}

/// Which version is there now.
pub(super) async fn version(session: &Session, tables: &[&Table], project: &str) -> Result<Version, Failed> {
    let values: [(&(dyn ToSql + Sync), Type); 1] = [(&project, Type::TEXT)];
    let row = session
        .connection()?
        .query_typed_one(&format!("SELECT {}", version_of(tables)), &values)
        .await?;
    Ok(row.try_get(0)?)
}

/// Every row of the project, and the version that they are: one statement sees one moment.
pub(super) async fn rows(
    session: &Session,
    tables: &[&'static Table],
    settings: &Settings,
) -> Result<(Version, Vec<Row>), Failed> {
    let mut statement = format!("SELECT '' AS name, {}, NULL::bytea", version_of(tables));
    for table in tables {
        let Table { name, id, message, .. } = table;
        statement += &format!(
            " UNION ALL SELECT '{name}', {id}::text, {message} FROM {name} WHERE {}",
            table.condition()
        );
    }
    let mut version = None;
    let mut all = Rows::new(&settings.place);
    let values = [(settings.project.as_str(), Type::TEXT)];
    let mut found = pin!(session.connection()?.query_typed_raw(&statement, values).await?);
    while let Some(row) = found.try_next().await? {
        let (table, name): (&str, String) = (row.try_get(0)?, row.try_get(1)?);
        match Table::named(table) {
            Some(table) => {
                let message = row.try_get(2).map_err(|_| no_message(table, &name, &settings.place))?;
                all.push(Row { table, name, message })?;
            }
            None => version = Some(name),
        }
    }
    let version = version.ok_or_else(|| Error::new(ErrorKind::Unexpected, "the server left the version out"))?;
    Ok((version, all.into_inner()))
}

/// An expression for the version. Feast's own times are whole seconds and are taken before a change is committed; where a
/// row lies and which transaction wrote it tells every change. Tables may come, and be made anew.
fn version_of(tables: &[&Table]) -> String {
    let names: Vec<String> = const { &TABLES }
        .iter()
        .map(|table| format!("'{}'", table.name))
        .collect();
    let mut parts = vec![format!(
        "(SELECT string_agg(coalesce(to_regclass(known)::oid::text, '-'), ' ' ORDER BY known) \
         FROM unnest(ARRAY[{}]) AS known)",
        names.join(", ")
    )];
    parts.extend(tables.iter().map(|table| {
        format!(
            "(SELECT count(*) || ':' || coalesce(sum(hashtextextended(ctid::text || xmin::text, 0)), 0) \
             FROM {} WHERE {})",
            table.name,
            table.condition()
        )
    }));
    format!("concat_ws('/', {})", parts.join(", "))
}
