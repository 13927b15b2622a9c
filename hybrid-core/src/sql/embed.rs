//! The statement of a retrieval with its entity rows in it, which runs as it stands.

use futures::TryStreamExt;

use super::choose::choose_without_asking;
use super::historical::prepare;
use super::text::{Entities, statement as text};
use super::{Dialect, SqlStore, literal};
use crate::store::{EntityRows, HistoricalRequest};
use crate::{Error, ErrorKind, Result};

/// Longer entity rows are no statement that anybody reads or an engine takes.
const MOST_BYTES: usize = 16 << 20;

pub(super) async fn statement<T: SqlStore>(
    store: &T,
    session: &T::Session,
    request: &HistoricalRequest<T::Source>,
) -> Result<String> {
    let views = prepare(store, session, request).await?;
    let entities = Entities {
        from: rows(store.dialect(), &request.entities).await?,
    };
    let chosen = views.into_iter().map(|view| {
        let formulation = choose_without_asking(store, &view)?;
        Ok((view, formulation))
    });
    let views = chosen.collect::<Result<Vec<_>>>()?;
    Ok(text(store.dialect(), &entities, &views))
}

/// The entity rows as a relation of literals.
async fn rows(dialect: &dyn Dialect, entities: &EntityRows) -> Result<String> {
    let (mut text, mut stream) = (String::from("("), entities.stream()?);
    while let Some(batch) = stream.try_next().await? {
        for row in 0..batch.num_rows() {
            let columns = batch.schema_ref().fields().iter().zip(batch.columns());
            let values = columns.map(|(field, column)| {
                Ok(format!(
                    "{} AS {}",
                    literal(dialect, column.as_ref(), row)?,
                    dialect.quote(field.name())
                ))
            });
            let values = values.collect::<Result<Vec<_>>>()?;
            text.push_str(if text.len() > 1 {
                "\n  UNION ALL SELECT "
            } else {
                "SELECT "
            });
            text.push_str(&values.join(", "));
        }
        if text.len() > MOST_BYTES {
            let message = format!("{} entity rows are too many for one statement", entities.num_rows());
            return Err(Error::new(ErrorKind::ResourceExhausted, message)
                .with_help("ask for the SQL of a few rows: it is the same for all"));
        }
    }
    text.push(')');
    Ok(text)
}
