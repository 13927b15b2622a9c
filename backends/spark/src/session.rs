use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use futures::{FutureExt, StreamExt};
use hybrid_core::sql::{Append, SqlSession, Swap};
use hybrid_core::{BatchStream, Error, ErrorKind, Result, async_trait};
use tonic::Status;
use uuid::Uuid;

use crate::client::{Connection, Execution, Patience, is_cut, is_untrusted};
use crate::error::{Failure, unexpected, untrusted};
use crate::protocol::{
    Analysis, AnalyzeRequest, AnalyzeResponse, Analyzed, Answered, Checkpoint, CommandKind, ConfigKind,
    ConfigOperation, ConfigRequest, ConfigResponse, ConfigSet, DetailsRequest, DetailsResponse, EXPLAIN_FORMATTED,
    Explain, KeyValue, OfPlan, Plan, Relation, RelationKind, ReleaseSessionRequest, Response, Version, View,
};
use crate::staging::Staging;
use crate::types::{self, BatchReader};
use crate::{append, upload};

/// How long a server may take for what is no work: to set what a session begins with, to tell of an error, to end a session.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// Into how many parts a shuffle is cut, where Spark adapts plans while they run.
const PARTITIONS: &str = "spark.sql.adaptive.coalescePartitions.initialPartitionNum";
/// Spark's own `spark.sql.adaptive.advisoryPartitionSizeInBytes`.
const PART: u64 = 64 << 20;
/// Few are cheap, and keep some processors busy.
const LEAST_PARTS: u64 = 4;
/// Spark's own default.
const MOST_PARTS: u64 = 200;

/// One session of the server: its settings, views and running plans, which end with it.
pub struct SparkSession {
    pub(crate) conversation: Arc<Conversation>,
    pub(crate) staging: Option<Staging>,
    free: Free,
    /// What was put into the staging location, to be removed at the end.
    pub(crate) staged: Mutex<Vec<std::path::PathBuf>>,
    views: Mutex<Vec<String>>,
    /// Tables that are made to take the place of others, dropped in the end where they did not.
    tables: Mutex<Vec<String>>,
    swaps: Swap,
}

/// What the configuration leaves to the defaults, so that it may be set by what is known of the data.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Free {
    pub(crate) broadcasts: bool,
    pub(crate) partitions: bool,
}

/// What names a session to the server, and how it is reached.
pub(crate) struct Conversation {
    connection: Connection,
    session_id: String,
    /// The address names the session: it is shared, and not ours to end.
    shared: bool,
    /// The server's own name of the session: another one means that the server was restarted.
    server_session: OnceLock<String>,
}

impl Conversation {
    pub(crate) fn new(connection: Connection, session_id: Option<String>) -> Self {
        Self {
            connection,
            shared: session_id.is_some(),
            session_id: session_id.unwrap_or_else(|| Uuid::new_v4().to_string()),
            server_session: OnceLock::new(),
        }
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(crate) fn session_id(&self) -> &str {
        &self.session_id
    }

    pub(crate) fn observed(&self) -> Option<String> {
        self.server_session.get().cloned()
    }

    pub(crate) fn observe(&self, server_session: &str) {
        if !server_session.is_empty() {
            self.server_session.get_or_init(|| server_session.to_owned());
        }
    }

    /// The error that a status means, with all that the server tells of it.
    pub(crate) async fn error(&self, status: Status) -> Error {
        if is_untrusted(&status) {
            return untrusted(&status, self.connection.place());
        }
        let cut = is_cut(&status);
        let mut failure = Failure::of(&status);
        if let Some(error_id) = failure.id.clone() {
            let request = DetailsRequest {
                session_id: self.session_id.clone(),
                user_context: self.connection.user(),
                error_id,
                client_type: self.connection.agent(),
            };
            let details = self
                .connection
                .call::<_, DetailsResponse>("FetchErrorDetails", &request, Patience::none());
            // Without them the status says it, more briefly.
            if let Ok(Ok(details)) = tokio::time::timeout(SOON, details).await {
                failure.complete(&details);
            }
        }
        failure.into_error(status.code(), cut, self.connection.place())
    }

    async fn analyze(&self, analysis: Analysis) -> Result<Analyzed> {
        let request = AnalyzeRequest {
            session_id: self.session_id.clone(),
            user_context: self.connection.user(),
            client_type: self.connection.agent(),
            observed: self.observed(),
            analysis: Some(analysis),
        };
        let answer = self
            .connection
            .call::<_, AnalyzeResponse>("AnalyzePlan", &request, Patience::long())
            .await;
        match answer {
            Ok(answer) => {
                self.observe(&answer.server_session);
                answer
                    .analyzed
                    .ok_or_else(|| unexpected("Spark answered an analysis with nothing"))
            }
            Err(status) => Err(self.error(status).await),
        }
    }

    /// The server's version, for people.
    pub(crate) async fn version(&self) -> Result<String> {
        match self.analyze(Analysis::Version(Version {})).await? {
            Analyzed::Version(version) => Ok(version.text),
            _ => Err(unexpected("Spark did not say its version")),
        }
    }

    /// Sets settings of the session.
    pub(crate) async fn set(&self, settings: &[(String, String)]) -> Result<()> {
        let pairs = settings.iter().map(|(key, value)| KeyValue {
            key: key.clone(),
            value: Some(value.clone()),
        });
        let set = ConfigSet { pairs: pairs.collect() };
        let request = ConfigRequest {
            session_id: self.session_id.clone(),
            user_context: self.connection.user(),
            operation: Some(ConfigOperation {
                kind: Some(ConfigKind::Set(set)),
            }),
            client_type: self.connection.agent(),
            observed: self.observed(),
        };
        let call = self
            .connection
            .call::<_, ConfigResponse>("Config", &request, Patience::short());
        self.observe(&self.soon(call).await?.server_session);
        Ok(())
    }

    /// The answer to a call that is no work.
    async fn soon<T>(&self, call: impl Future<Output = Result<T, Status>>) -> Result<T> {
        match tokio::time::timeout(SOON, call).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(status)) => Err(self.error(status).await),
            Err(_) => {
                let message = format!(
                    "the Spark Connect server at {} did not answer in time",
                    self.connection.place()
                );
                Err(Error::new(ErrorKind::Timeout, message).retryable())
            }
        }
    }

    /// Ends the session: its plans, views and artifacts.
    pub(crate) async fn release(&self) -> Result<()> {
        let request = ReleaseSessionRequest {
            session_id: self.session_id.clone(),
            user_context: self.connection.user(),
            client_type: self.connection.agent(),
        };
        let call = self
            .connection
            .call::<_, Answered>("ReleaseSession", &request, Patience::short());
        // A server that is gone has ended its sessions.
        let ended = async {
            match call.await {
                Err(status) if is_cut(&status) => Ok(()),
                answer => answer.map(drop),
            }
        };
        self.soon(ended).await
    }
}

impl SparkSession {
    pub(crate) fn new(conversation: Conversation, staging: Option<Staging>, free: Free) -> Self {
        Self {
            conversation: Arc::new(conversation),
            staging,
            free,
            staged: Mutex::default(),
            views: Mutex::default(),
            tables: Mutex::default(),
            swaps: Swap::default(),
        }
    }

    /// Runs a plan to its end.
    pub(crate) async fn run(&self, plan: Plan) -> Result<Vec<Response>> {
        Execution::new(Arc::clone(&self.conversation), plan).finish().await
    }

    /// A new name for something temporary.
    pub(crate) fn fresh_name() -> String {
        format!("__hybrid_{}", Uuid::new_v4().simple())
    }

    /// Names a relation for the rest of the session.
    pub(crate) async fn name(&self, name: &str, relation: Relation) -> Result<()> {
        self.remember(name);
        let view = View {
            input: Some(relation),
            name: name.to_owned(),
            is_global: false,
            replace: true,
        };
        self.run(Plan::command(CommandKind::View(view))).await.map(drop)
    }

    pub(crate) fn remember(&self, view: &str) {
        locked(&self.views).push(format!("DROP VIEW IF EXISTS `{view}`"));
    }

    /// Notes a table, quoted, that is about to be made.
    pub(crate) fn remember_table(&self, table: &str) {
        locked(&self.tables).push(format!("DROP TABLE IF EXISTS {table}"));
    }

    /// Puts the table `new` in the place of `name`, whose old rows are called `aside` until they are dropped.
    pub(crate) async fn swap(&self, name: String, new: String, aside: String) -> Result<()> {
        let conversation = Arc::clone(&self.conversation);
        let run = move |statement: String| {
            let execution = Execution::new(Arc::clone(&conversation), Plan::statement(&statement));
            async move { execution.finish().await.map(drop) }.boxed()
        };
        self.swaps.swap(Box::new(run), name, new, aside).await
    }

    /// What was loaded looks small to the optimizer, which would send all of it to every executor: joins are then
    /// decided by what the rows turn out to be.
    pub(crate) async fn rely_on_runtime_sizes(&self) -> Result<()> {
        if !self.free.broadcasts {
            return Ok(());
        }
        let settings = [
            ("spark.sql.autoBroadcastJoinThreshold", "-1"),
            ("spark.sql.adaptive.autoBroadcastJoinThreshold", "10485760"),
        ];
        self.conversation
            .set(&settings.map(|(key, value)| (key.to_owned(), value.to_owned())))
            .await
    }

    /// Drops what was noted.
    async fn drop_all(&self, noted: &Mutex<Vec<String>>) -> Result<()> {
        let drops = std::mem::take(&mut *locked(noted));
        for drop in drops {
            self.execute(&drop).await?;
        }
        Ok(())
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl SqlSession for SparkSession {
    async fn describe(&self, query: &str) -> Result<SchemaRef> {
        let plan = OfPlan {
            plan: Some(Plan::query(query)),
        };
        match self.conversation.analyze(Analysis::Schema(plan)).await? {
            Analyzed::Schema(answer) => types::schema(answer.schema.as_ref()),
            _ => Err(unexpected("Spark did not describe the query")),
        }
    }

    async fn query(&self, query: &str) -> Result<BatchStream> {
        let mut execution = Execution::new(Arc::clone(&self.conversation), Plan::query(query));
        // The columns come before any rows; before them may come how far a slow server is.
        let first = loop {
            let answer = execution
                .next()
                .await?
                .ok_or_else(|| unexpected("Spark answered a query with nothing"))?;
            if answer.schema.is_some() || matches!(answer.response, Some(Response::Batch(_))) {
                break answer;
            }
        };
        let schema = types::schema(first.schema.as_ref())?;
        let mut reader = BatchReader::new(schema.clone());
        let early = match first.response {
            Some(Response::Batch(batch)) => reader.read(batch)?,
            _ => Vec::new(),
        };
        let rest = futures::stream::try_unfold((execution, reader), |(mut execution, mut reader)| async move {
            while let Some(answer) = execution.next().await? {
                if let Some(Response::Batch(batch)) = answer.response {
                    let batches = reader.read(batch)?;
                    return Ok(Some((batches, (execution, reader))));
                }
            }
            Ok::<_, Error>(None)
        });
        let batches = futures::stream::once(async { Ok(early) }).chain(rest);
        let flat = batches.flat_map(|batches| {
            let batches: Vec<Result<_>> = match batches {
                Ok(batches) => batches.into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error)],
            };
            futures::stream::iter(batches)
        });
        Ok(BatchStream::new(schema, flat))
    }

    async fn execute(&self, statement: &str) -> Result<()> {
        self.run(Plan::statement(statement)).await.map(drop)
    }

    /// By default Spark cuts whatever is shuffled into 200 parts, each of which costs as much as some ten thousand rows.
    async fn expect(&self, bytes: u64) -> Result<Option<String>> {
        let parts = (bytes / PART).max(LEAST_PARTS);
        if !self.free.partitions || parts >= MOST_PARTS {
            return Ok(None);
        }
        let setting = (PARTITIONS.to_owned(), parts.to_string());
        self.conversation.set(&[setting]).await?;
        Ok(Some(format!("{PARTITIONS}={parts}")))
    }

    async fn upload(&self, rows: BatchStream) -> Result<String> {
        let uploaded = upload::upload(self, rows).await?;
        Ok(format!("`{}`", uploaded.view))
    }

    async fn stage(&self, select: &str) -> Result<String> {
        let checkpoint = Checkpoint {
            relation: Some(Relation::sql(select)),
            local: true,
            eager: true,
        };
        let responses = self.run(Plan::command(CommandKind::Checkpoint(checkpoint))).await?;
        let seen = format!("{responses:?}");
        let kept = responses.into_iter().find_map(|response| match response {
            Response::Checkpointed(kept) => kept.relation,
            _ => None,
        });
        let kept = kept.ok_or_else(|| unexpected(format!("Spark kept no rows of a SELECT, but answered {seen}")))?;
        let name = Self::fresh_name();
        self.name(&name, RelationKind::Remote(kept).into()).await?;
        self.rely_on_runtime_sizes().await?;
        Ok(format!("`{name}`"))
    }

    async fn append(&self, append: Append) -> Result<u64> {
        append::append(self, append).await
    }

    async fn explain(&self, query: &str) -> Result<String> {
        let explain = Explain {
            plan: Some(Plan::query(query)),
            mode: EXPLAIN_FORMATTED,
        };
        match self.conversation.analyze(Analysis::Explain(explain)).await? {
            Analyzed::Explain(plan) => Ok(plan.text),
            _ => Err(unexpected("Spark did not explain the query")),
        }
    }

    async fn row_estimate(&self, table: &[String]) -> Result<Option<u64>> {
        append::row_estimate(self, table).await
    }

    async fn close(&self) -> Result<()> {
        self.swaps.end().await;
        let dropped = self.drop_all(&self.tables).await;
        let released = match self.conversation.shared {
            true => self.drop_all(&self.views).await,
            false => self.conversation.release().await,
        };
        let staged = std::mem::take(&mut *locked(&self.staged));
        let removed = match &self.staging {
            Some(staging) => staging.remove(staged).await,
            None => Ok(()),
        };
        dropped.and(released).and(removed)
    }
}
