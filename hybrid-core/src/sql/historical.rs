//! The point-in-time join: describe the sources, upload the entity rows, choose, ask.

use std::sync::Arc;

use futures::future::{try_join, try_join_all};
use tokio::sync::OnceCell;

use super::choose::{Choice, choose, moved};
use super::cleanup::{Guard, closing};
use super::fit::{Wanted, fitted};
use super::frame::StagedRows;
use super::prepare::{Frame, View};
use super::text::{Entities, statement};
use super::{SqlSession, SqlStore};
use crate::store::{Call, EntityRows, FeatureRows, HistoricalRequest};
use crate::{Error, ErrorKind, Result};

/// A statement, and how it came about.
pub(super) struct Asked {
    pub sql: String,
    pub wanted: Vec<Wanted>,
    /// Each view's name and choice.
    pub choices: Vec<(String, Choice)>,
    /// What makes it slow and need not, for people.
    pub notes: Vec<String>,
    /// What the session was told for it, for people.
    pub settings: Option<String>,
}

pub(super) async fn retrieve<T: SqlStore>(
    store: &T,
    request: HistoricalRequest<T::Source>,
    call: &Call,
) -> Result<FeatureRows> {
    let guard = session_of(store, &request).await?;
    let asked = ask(store, &guard, &request).await?;
    let rows = guard.query(&asked.sql).await?;
    let rows = fitted(rows, asked.wanted, call.progress.clone())?;
    Ok(FeatureRows {
        rows: closing(rows, guard),
        in_order: false,
    })
}

/// The session that the entity rows are staged in, else a new one.
pub(super) async fn session_of<T: SqlStore>(
    store: &T,
    request: &HistoricalRequest<T::Source>,
) -> Result<Arc<Guard<T::Session>>> {
    match staged::<T>(request) {
        Some(staged) => Ok(Arc::clone(&staged.guard)),
        None => Ok(Arc::new(Guard::new(store.session().await?, store.cleanup())?)),
    }
}

fn staged<T: SqlStore>(request: &HistoricalRequest<T::Source>) -> Option<Arc<StagedRows<T::Session>>> {
    request.entities.staged()?.kept()
}

/// Everything before the statement itself runs.
pub(super) async fn ask<T: SqlStore>(
    store: &T,
    session: &T::Session,
    request: &HistoricalRequest<T::Source>,
) -> Result<Asked> {
    let views = prepare(store, session, request).await?;
    let staging = Staging::new(session, request, staged::<T>(request).map(|staged| staged.from.clone()));
    let choices = views.iter().map(|view| choose(store, view, &staging));
    // What is known of the data is asked for while the entity rows travel.
    let (staged, choices) = try_join(staging.entities(), try_join_all(choices)).await?;
    let settings = match moved(&choices) {
        Some(bytes) => session.expect(bytes).await?,
        None => None,
    };
    let wanted = wanted(&views, request);
    let note = |view: &View| {
        let why = view.unpruned.as_ref()?;
        Some(format!("view {}: no partition is passed over, {why}", view.name))
    };
    let notes = views.iter().filter_map(note).collect();
    let names: Vec<String> = views.iter().map(|view| view.name.clone()).collect();
    let views: Vec<_> = views
        .into_iter()
        .zip(choices.iter().map(|choice| choice.formulation))
        .collect();
    Ok(Asked {
        sql: statement(store.dialect(), staged, &views),
        wanted,
        choices: names.into_iter().zip(choices).collect(),
        notes,
        settings,
    })
}

/// The entity rows on their way into the engine: the first who asks for them sends them.
pub(super) struct Staging<'a, S, O> {
    pub session: &'a S,
    request: &'a HistoricalRequest<O>,
    entities: OnceCell<Entities>,
}

impl<'a, S: SqlSession, O> Staging<'a, S, O> {
    fn new(session: &'a S, request: &'a HistoricalRequest<O>, there: Option<String>) -> Self {
        let entities = OnceCell::new_with(there.map(|from| Entities { from }));
        Self {
            session,
            request,
            entities,
        }
    }

    /// They as they are here.
    pub(super) fn rows(&self) -> &EntityRows {
        &self.request.entities
    }

    /// They as the engine has them.
    pub(super) async fn entities(&self) -> Result<&Entities> {
        let upload = || async {
            let from = self.session.upload(self.request.entities.stream()?).await?;
            Ok(Entities { from })
        };
        self.entities.get_or_try_init(upload).await
    }
}

/// Describes every source before anything is uploaded, so that what is wrong is known early.
pub(super) async fn prepare<T: SqlStore>(
    store: &T,
    session: &T::Session,
    request: &HistoricalRequest<T::Source>,
) -> Result<Vec<View>> {
    let Some(times) = request.entities.time_range() else {
        return Err(Error::new(
            ErrorKind::Unexpected,
            "a store was asked for no entity rows",
        ));
    };
    let frame = Frame {
        times,
        filter_by_created: request.filter_by_created_timestamp,
    };
    let views = request
        .views
        .iter()
        .map(|view| View::prepare(store, session, view, &frame));
    try_join_all(views).await
}

fn wanted<S>(views: &[View], request: &HistoricalRequest<S>) -> Vec<Wanted> {
    let features = views.iter().zip(&request.views).flat_map(|(view, asked)| {
        asked
            .features
            .iter()
            .map(|feature| Wanted::output(&view.table.name, feature))
    });
    std::iter::once(Wanted::row_number()).chain(features).collect()
}
