use hybrid_core::{Error, ErrorKind, Result};

use super::DataApi;
use crate::config::Target;

/// The longest statement that the Data API takes.
const STATEMENT: usize = 100_000;

/// A statement on its way.
pub(super) struct Submitted {
    pub(super) id: String,
    pub(super) session: Option<String>,
}

/// Where statements run.
#[derive(Debug, Clone)]
pub(super) enum Place {
    /// In a connection that ends with them.
    Alone,
    /// In a session that they open.
    Opening,
    /// In a session, which goes on.
    Session(String),
    /// In a session, which ends with them.
    Ending(String),
}

/// Whom a request names: a session alone, which knows the rest, or everything but a session.
#[derive(Default)]
struct Who {
    cluster: Option<String>,
    workgroup: Option<String>,
    user: Option<String>,
    secret: Option<String>,
    database: Option<String>,
    session: Option<String>,
    keep: Option<i32>,
}

impl DataApi {
    /// Hands statements over, all in one transaction. Sent twice, they still run once: the token says that they are the same.
    pub(super) async fn submit(&self, statements: &[String], place: &Place) -> Result<Submitted> {
        if let Some(long) = statements.iter().find(|statement| statement.len() > STATEMENT) {
            let message = format!("a statement of {} bytes: the Data API takes {STATEMENT}", long.len());
            return Err(Error::new(ErrorKind::ResourceExhausted, message)
                .with_help("ask for fewer features at once, or give `host` and `password`"));
        }
        let (token, who) = (uuid::Uuid::new_v4().to_string(), self.who(place));
        let label = &self.config.query_group;
        let (id, session) = match statements {
            [statement] => {
                let request = self.client.execute_statement().sql(statement).client_token(token);
                let request = request
                    .set_cluster_identifier(who.cluster)
                    .set_workgroup_name(who.workgroup);
                let request = request
                    .set_db_user(who.user)
                    .set_secret_arn(who.secret)
                    .set_database(who.database);
                let request = request
                    .set_session_id(who.session)
                    .set_session_keep_alive_seconds(who.keep);
                let request = request.statement_name(label);
                let answer = self.asked(|| request.clone().send()).await?;
                (answer.id, answer.session_id)
            }
            all => {
                let request = self
                    .client
                    .batch_execute_statement()
                    .set_sqls(Some(all.to_vec()))
                    .client_token(token);
                let request = request
                    .set_cluster_identifier(who.cluster)
                    .set_workgroup_name(who.workgroup);
                let request = request
                    .set_db_user(who.user)
                    .set_secret_arn(who.secret)
                    .set_database(who.database);
                let request = request
                    .set_session_id(who.session)
                    .set_session_keep_alive_seconds(who.keep);
                let request = request.statement_name(label);
                let answer = self.asked(|| request.clone().send()).await?;
                (answer.id, answer.session_id)
            }
        };
        let id = id.ok_or_else(|| Error::new(ErrorKind::Corrupt, "the Data API gave a statement no id"))?;
        Ok(Submitted { id, session })
    }

    fn who(&self, place: &Place) -> Who {
        let (session, keep) = match place {
            Place::Alone => (None, None),
            Place::Opening => (None, Some(self.config.session_keep_alive)),
            Place::Session(id) => (Some(id.clone()), Some(self.config.session_keep_alive)),
            Place::Ending(id) => (Some(id.clone()), Some(1)),
        };
        let keep = keep.and_then(|seconds| i32::try_from(seconds).ok());
        if session.is_some() {
            return Who {
                session,
                keep,
                ..Who::default()
            };
        }
        let (cluster, workgroup) = match &self.target {
            Target::Cluster { id } => (Some(id.clone()), None),
            Target::Workgroup(name) => (None, Some(name.clone())),
            Target::Host(_) => (None, None),
        };
        Who {
            cluster,
            workgroup,
            user: self.config.user.clone().filter(|_| self.config.secret_arn.is_none()),
            secret: self.config.secret_arn.clone(),
            database: Some(self.config.database.clone()),
            session,
            keep,
        }
    }
}
