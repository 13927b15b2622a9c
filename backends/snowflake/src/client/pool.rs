use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hybrid_core::Result;

use super::conversation::Conversation;
use super::http::{Http, connections};
use super::login::login;
use super::session::Session;
use crate::config::Settings;

/// So many sessions wait for the next operation.
const IDLE: usize = 4;

/// A session that waited longer is asked for a sign of life first.
const FRESH: Duration = Duration::from_secs(60);

/// The sessions of an account.
pub(crate) struct Client {
    pub(crate) settings: Settings,
    http: Http,
    idle: Mutex<Vec<(Arc<Session>, Instant)>>,
}

impl Client {
    /// Connects to nothing yet.
    pub(crate) fn new(settings: Settings) -> Result<Self> {
        let http = Http {
            client: connections(settings.request_timeout)?,
            whom: format!("Snowflake at {}", settings.address()),
            retry: settings.retry_timeout,
        };
        Ok(Self {
            settings,
            http,
            idle: Mutex::default(),
        })
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<(Arc<Session>, Instant)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A session that nobody else has.
    pub(crate) async fn session(&self) -> Result<Conversation> {
        loop {
            let waiting = self.idle().pop();
            let Some((session, since)) = waiting else { break };
            if since.elapsed() < FRESH || session.heartbeat().await.is_ok() {
                return Ok(self.conversation(session));
            }
        }
        let tokens = login(&self.http, &self.settings).await?;
        let session = Arc::new(Session::new(self.http.clone(), self.settings.base.clone(), tokens));
        keep_alive(&session);
        Ok(self.conversation(session))
    }

    fn conversation(&self, session: Arc<Session>) -> Conversation {
        Conversation::new(session, self.settings.fetch_threads)
    }

    /// Another conversation in the same session.
    pub(crate) fn same(&self, conversation: &Conversation) -> Conversation {
        self.conversation(Arc::clone(&conversation.session))
    }

    /// Takes a session back: for the next operation, or to end it.
    pub(crate) async fn give_back(&self, conversation: &Conversation, clean: bool) {
        let session = Arc::clone(&conversation.session);
        let kept = clean && !session.is_gone() && {
            let mut idle = self.idle();
            let room = idle.len() < IDLE;
            if room {
                idle.push((Arc::clone(&session), Instant::now()));
            }
            room
        };
        if !kept {
            session.end().await;
        }
    }

    /// What the server calls itself.
    pub(crate) fn version(conversation: &Conversation) -> String {
        conversation.session.tokens().server
    }

    /// Ends the sessions that wait.
    pub(crate) async fn shutdown(&self) {
        let idle = std::mem::take(&mut *self.idle());
        futures::future::join_all(idle.iter().map(|(session, _)| session.end())).await;
    }
}

/// Gives signs of life as long as somebody has the session: it would end while a long result is read.
fn keep_alive(session: &Arc<Session>) {
    let pause = Duration::from_secs((session.tokens().validity / 4).clamp(60, 3_600));
    let weak = Arc::downgrade(session);
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(pause).await;
            let Some(session) = weak.upgrade().filter(|session| !session.is_gone()) else {
                return;
            };
            // The next statement tells what is wrong.
            let _ = session.heartbeat().await;
        }
    });
}
