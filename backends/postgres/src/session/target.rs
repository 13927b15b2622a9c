//! What the catalog knows of a table.

use deadpool_postgres::Object;
use hybrid_core::{Error, ErrorKind, Result};
use tokio_postgres::types::Type;

use crate::error;
use crate::types::Wire;

/// From this OID on types are not the server's own.
const FIRST_OF_USERS: u32 = 16_384;

/// A column of a table that rows are appended to.
pub(super) struct Column {
    pub(super) name: String,
    /// Its type as CREATE TABLE says it.
    pub(super) sql: String,
    /// That type without the length or precision that a cast to it cuts or rounds to, where it has one.
    pub(super) whole: Option<String>,
    /// How its values are written; `None` where the server has to read them from text.
    pub(super) wire: Option<Wire>,
    /// The type below its domains and arrays.
    pub(super) base: u32,
}

/// The columns of a table, in its order.
pub(super) async fn columns(connection: &Object, table: &[String]) -> Result<Vec<Column>> {
    let name = qualified(table);
    let statement = described(&name);
    let rows = connection
        .query(&statement, &[])
        .await
        .map_err(|error| error::made(error, None))?;
    let column = |row: &tokio_postgres::Row| {
        let modifier: i32 = row.try_get(3)?;
        Ok(Column {
            name: row.try_get(0)?,
            sql: row.try_get(1)?,
            whole: row.try_get(4)?,
            wire: Type::from_oid(row.try_get(2)?).and_then(|found| Wire::of(&found, modifier)),
            base: row.try_get(5)?,
        })
    };
    let columns: Result<Vec<_>, tokio_postgres::Error> = rows.iter().map(column).collect();
    let columns = columns.map_err(|error| error::made(error, None))?;
    if columns.is_empty() {
        return Err(Error::new(
            ErrorKind::NotFound,
            format!("the table {name} has no columns"),
        ));
    }
    Ok(columns)
}

/// Goes from each column's type down to what its domains and arrays are of; the lowest that has a length says it.
/// What an extension's types make of theirs is their own affair.
fn described(table: &str) -> String {
    let table = text(table);
    format!(
        "WITH RECURSIVE found(attnum, depth, typid, modifier, arrays) AS (\
         SELECT a.attnum, 0, a.atttypid, a.atttypmod, 0 FROM pg_catalog.pg_attribute a \
         WHERE a.attrelid = {table}::pg_catalog.regclass AND a.attnum > 0 AND NOT a.attisdropped \
         UNION ALL SELECT f.attnum, f.depth + 1, CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.typelem END, \
         CASE WHEN t.typtypmod >= 0 THEN t.typtypmod ELSE f.modifier END, \
         CASE WHEN t.typtype = 'd' THEN f.arrays ELSE f.arrays + 1 END \
         FROM found f JOIN pg_catalog.pg_type t ON t.oid = f.typid WHERE t.typtype = 'd' OR \
         EXISTS (SELECT FROM pg_catalog.pg_type e WHERE e.oid = t.typelem AND e.typarray = t.oid)) \
         SELECT DISTINCT ON (a.attnum) a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), \
         a.atttypid, a.atttypmod, CASE WHEN b.oid < {FIRST_OF_USERS} AND f.modifier >= 0 THEN \
         pg_catalog.format_type(CASE f.arrays WHEN 0 THEN b.oid WHEN 1 THEN b.typarray END, -1) END, b.oid \
         FROM found f JOIN pg_catalog.pg_attribute a \
         ON a.attrelid = {table}::pg_catalog.regclass AND a.attnum = f.attnum JOIN pg_catalog.pg_type b ON b.oid = f.typid ORDER BY a.attnum, f.depth DESC"
    )
}

/// The first of these schemas that has a table of that name, and that the role may look into.
pub(super) fn schema_of(table: &str, [first, second]: [&str; 2]) -> String {
    let (table, first, second) = (text(table), text(first), text(second));
    format!(
        "SELECT n.nspname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relname = {table} AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname IN ({first}, {second}) \
         AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') ORDER BY (n.nspname = {first}) DESC LIMIT 1"
    )
}

/// How many rows the statistics of a table, or of its partitions, count. Without statistics a server before version 14
/// says 0.
pub(super) fn row_estimate(table: &[String]) -> String {
    format!(
        "SELECT NULLIF(CASE WHEN c.reltuples >= 0 AND c.relkind IN ('r', 'm') THEN c.reltuples::bigint ELSE \
         (SELECT CASE WHEN min(p.reltuples) >= 0 THEN sum(p.reltuples)::bigint END \
         FROM pg_catalog.pg_partition_tree(c.oid) t JOIN pg_catalog.pg_class p ON p.oid = t.relid WHERE t.isleaf AND c.relkind = 'p') END, 0) \
         FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass({})",
        text(&qualified(table))
    )
}

/// Whether a usable, whole B-tree index begins with these columns.
pub(super) fn has_index(table: &[String], columns: &[&str]) -> String {
    let columns: Vec<String> = columns.iter().map(|column| text(column)).collect();
    format!(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid \
         JOIN pg_catalog.pg_am m ON m.oid = c.relam \
         WHERE i.indrelid = pg_catalog.to_regclass({}) AND i.indisvalid AND i.indpred IS NULL AND m.amname = 'btree' AND \
         ARRAY(SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, at) \
         LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum AND k.attnum > 0 \
         WHERE k.at <= {} AND k.at <= i.indnkeyatts ORDER BY k.at) = ARRAY[{}]::text[])",
        text(&qualified(table)),
        columns.len(),
        columns.join(", ")
    )
}

pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

pub(super) fn qualified(table: &[String]) -> String {
    table.iter().map(|part| quoted(part)).collect::<Vec<_>>().join(".")
}

fn text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
