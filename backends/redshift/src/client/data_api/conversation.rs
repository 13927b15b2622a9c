use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hybrid_core::{Error, ErrorKind, Result};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::{Answer, DataApi, Place, SETTLE};
use crate::client::Statements;
use crate::client::running::Unwanted;
use crate::error;
use crate::session::settings;

/// The statements of one operation. Those without temporary tables run by themselves, and at once; with the first temporary
/// table a session of the Data API begins, in which statements take turns.
pub(crate) struct Conversation {
    api: Arc<DataApi>,
    /// The session's id, once there is one; held by whoever runs in it.
    session: Arc<Mutex<Option<String>>>,
    is_open: AtomicBool,
    statements: Statements,
}

impl Conversation {
    pub(crate) fn new(api: Arc<DataApi>) -> Self {
        Self {
            api,
            session: Arc::default(),
            is_open: AtomicBool::new(false),
            statements: Statements::default(),
        }
    }

    /// Runs statements in one transaction, and gives what the last one answers. `keep`: what they make must stay.
    pub(crate) async fn run(&self, statements: Vec<String>, keep: bool) -> Result<Answer> {
        let turn = match keep || self.is_open.load(Ordering::Acquire) {
            true => {
                self.is_open.store(true, Ordering::Release);
                Some(Arc::clone(&self.session).lock_owned().await)
            }
            false => None,
        };
        let api = Arc::clone(&self.api);
        self.statements
            .run(move |unwanted| run(api, statements, turn, unwanted))
            .await
    }

    /// Ends what runs, and the session with its temporary tables.
    pub(crate) async fn close(&self, temporary: &[String]) -> Result<()> {
        self.statements.close(SETTLE).await;
        let Ok(mut turn) = tokio::time::timeout(SETTLE, self.session.lock()).await else {
            return Err(Error::new(
                ErrorKind::Timeout,
                "a statement did not end when it was cancelled; its session expires by itself",
            ));
        };
        let Some(id) = turn.take() else { return Ok(()) };
        let ending = async {
            let last = match temporary {
                [] => "SELECT 1".to_owned(),
                tables => format!("DROP TABLE IF EXISTS {}", tables.join(", ")),
            };
            let last = [last];
            let submitted = self.api.submit(&last, &Place::Ending(id)).await?;
            self.api.ended(&submitted.id, &last).await
        };
        match tokio::time::timeout(SETTLE, ending).await {
            // What has expired is gone as well.
            Ok(Err(failed)) if error::is_session_gone(&failed) => Ok(()),
            Ok(ended) => ended,
            Err(_) => Err(Error::new(
                ErrorKind::Timeout,
                "a session did not end in time; it expires by itself",
            )),
        }
    }
}

/// Whether a statement's end could not be asked for.
fn is_out_of_sight(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Unauthenticated
    )
}

/// One transaction to its end, cancelled when it is unwanted. The settings come first where a connection is new.
async fn run(
    api: Arc<DataApi>,
    statements: Vec<String>,
    mut turn: Option<OwnedMutexGuard<Option<String>>>,
    mut unwanted: Unwanted,
) -> Result<Answer> {
    let place = match &turn {
        None => Place::Alone,
        Some(turn) => turn.as_ref().map_or(Place::Opening, |id| Place::Session(id.clone())),
    };
    let is_new = !matches!(place, Place::Session(_));
    let all: Vec<String> = match is_new {
        true => settings(&api.config, true).into_iter().chain(statements).collect(),
        false => statements,
    };
    let submitted = api.submit(&all, &place).await?;
    let outcome = tokio::select! {
        outcome = api.ended(&submitted.id, &all) => outcome,
        () = unwanted.wait() => {
            api.cancel(&submitted.id).await;
            Err(Error::new(ErrorKind::Cancelled, "the statement was cancelled"))
        }
    };
    if outcome.as_ref().is_err_and(|error| is_out_of_sight(error.kind())) {
        // It may still run, and nobody would look after what it does.
        api.cancel(&submitted.id).await;
    }
    if let (true, Some(turn), Some(session)) = (is_new, &mut turn, submitted.session) {
        match outcome {
            Ok(()) => **turn = Some(session),
            // The settings were taken back with the rest: another session begins.
            Err(_) => drop(api.submit(&["SELECT 1".to_owned()], &Place::Ending(session)).await),
        }
    }
    outcome?;
    drop(turn);
    let id = match all.len() {
        1 => submitted.id,
        count => format!("{}:{count}", submitted.id),
    };
    Ok(Answer::new(api, id))
}
