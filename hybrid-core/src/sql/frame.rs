//! A SELECT as entity frame: it runs in the store, and stays there.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{FieldRef, Schema, SchemaRef};

use super::cleanup::{Guard, in_session};
use super::select::{Ordering, checked_select};
use super::table::{SOURCE, Table};
use super::{Dialect, SqlSession, SqlStore, check_select};
use crate::store::{ENTITY_TIME, ROW_NUMBER, SelectFrame, Staged, StagedFrame};
use crate::{BatchStream, Error, ErrorKind, Result};

/// Entity rows in an engine, and the session that they live in.
pub(super) struct StagedRows<S: SqlSession> {
    pub guard: Arc<Guard<S>>,
    /// The rows as they stand in FROM.
    pub from: String,
}

/// The columns of the SELECT.
pub(super) async fn schema<T: SqlStore>(store: &T, query: &str) -> Result<SchemaRef> {
    let query = check_select(query, &*store.dialect().grammar())?;
    let guard = Guard::new(store.session().await?, store.cleanup())?;
    let described = in_session(guard, async |session| session.describe(query).await).await?;
    Ok(without_types(&described))
}

/// Numbers rows in the SELECT's own order, which an engine may drop from what is not outermost.
fn numbering(dialect: &dyn Dialect, order: Ordering<'_>, columns: &Schema, alias: &str) -> Result<String> {
    let quoted = |name: &str| format!("{}.{}", dialect.quote(alias), dialect.quote(name));
    let keys = order.keys(columns, quoted).map_err(|key| {
        let message = format!("the entity rows are ordered by `{key}`, which is none of the SELECT's columns");
        Error::new(ErrorKind::InvalidInput, message)
            .with_help("select it too, or leave ORDER BY out: each row keeps its columns, in whatever order")
    })?;
    Ok(format!("ROW_NUMBER() OVER (ORDER BY {keys})"))
}

/// Keeps the SELECT's rows, numbered, and beside them what a join needs.
pub(super) async fn stage<T: SqlStore>(store: &T, frame: SelectFrame) -> Result<StagedFrame> {
    let dialect = store.dialect();
    let checked = checked_select(&frame.query, &*dialect.grammar())?;
    let (query, order) = (checked.query, checked.ordering()?);
    let guard = Arc::new(Guard::new(store.session().await?, store.cleanup())?);
    let (q, row) = (dialect.quote("q"), dialect.quote(ROW_NUMBER));
    let columns = match order {
        None => None,
        Some(_) => Some(guard.describe(query).await?),
    };
    let number = match order.zip(columns.as_deref()) {
        None => dialect.row_number(),
        Some((order, columns)) => numbering(dialect, order, columns, "q")?,
    };
    let kept = guard.stageable(query, columns).await?;
    let numbered = format!("SELECT {number} - 1 AS {row}, {q}.* FROM ({kept}\n) AS {q}");
    let whole = guard.stage(&numbered).await?;
    let described = guard.describe(&format!("SELECT * FROM {whole}")).await?;
    let table = Table {
        name: "entity frame".to_owned(),
        from: whole.clone(),
        table: None,
        schema: described.clone(),
        hidden: None,
    };
    let mut columns = vec![
        format!("{}.{row}", dialect.quote(SOURCE)),
        format!(
            "{} AS {}",
            table.instant(dialect, &frame.time)?,
            dialect.quote(ENTITY_TIME)
        ),
    ];
    for (name, data_type) in &frame.keys {
        let key = dialect.key(&table.expr(dialect, name)?, table.column(name)?, data_type)?;
        columns.push(format!("{key} AS {}", dialect.quote(name)));
    }
    let keys = format!(
        "SELECT {} FROM {whole} AS {}",
        columns.join(", "),
        dialect.quote(SOURCE)
    );
    let from = guard.stage(&keys).await?;
    let names = described.fields().iter().filter(|field| field.name() != ROW_NUMBER);
    let names: Vec<String> = names
        .map(|field| {
            Ok(format!(
                "{} AS {}",
                dialect.selected(&table.expr(dialect, field.name())?, field),
                dialect.quote(field.name())
            ))
        })
        .collect::<Result<_>>()?;
    let rows = format!(
        "SELECT {} FROM {whole} AS {s} ORDER BY {s}.{row}",
        names.join(", "),
        s = dialect.quote(SOURCE)
    );
    let rows = without_metadata(guard.query(&rows).await?);
    Ok(StagedFrame {
        rows,
        staged: Staged::new(Arc::new(StagedRows { guard, from })),
    })
}

fn without_metadata(rows: BatchStream) -> BatchStream {
    let schema = without_types(rows.schema());
    let plain = schema.clone();
    rows.changed(schema, move |batch| {
        Ok(RecordBatch::try_new(plain.clone(), batch.columns().to_vec())?)
    })
}

/// What the engine calls the types is none of the output's business.
fn without_types(schema: &Schema) -> SchemaRef {
    let plain = |field: &FieldRef| field.as_ref().clone().with_metadata(Default::default());
    Arc::new(Schema::new(schema.fields().iter().map(plain).collect::<Vec<_>>()))
}
