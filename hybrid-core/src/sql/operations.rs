//! Every [`SqlStore`] is an [`OfflineStore`].

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;

use super::choose::{Choice, configured};
use super::cleanup::{Guard, close_shared, in_session};
use super::table::Table;
use super::{SqlSession, SqlStore, embed, frame, historical, pull, write};
use crate::Result;
use crate::store::{
    BatchStream, Call, Capabilities, Context, Explain, FeatureRows, HistoricalRequest, OfflineStore, PersistRequest,
    PullAllRequest, PullLatestRequest, SelectFrame, StagedFrame, WriteRequest,
};

#[async_trait]
impl<T: SqlStore> OfflineStore for T {
    type Source = T::Source;
    type Config = T::Config;

    async fn connect(config: Self::Config, context: &Context) -> Result<Self> {
        let store = <T as SqlStore>::connect(config, context).await?;
        configured(&store)?;
        Ok(store)
    }

    fn capabilities(&self) -> Capabilities {
        SqlStore::capabilities(self)
    }

    async fn ping(&self) -> Result<String> {
        SqlStore::ping(self).await
    }

    async fn source_schema(&self, source: &T::Source) -> Result<SchemaRef> {
        let guard = Guard::new(self.session().await?, self.cleanup())?;
        let described = in_session(guard, async |session| Table::describe(self, session, "", source).await).await?;
        Ok(described.schema)
    }

    async fn get_historical_features(&self, request: HistoricalRequest<T::Source>, call: &Call) -> Result<FeatureRows> {
        historical::retrieve(self, request, call).await
    }

    async fn pull_latest_from_table_or_query(
        &self,
        request: PullLatestRequest<T::Source>,
        call: &Call,
    ) -> Result<BatchStream> {
        pull::pull(self, (&request).into(), call).await
    }

    async fn pull_all_from_table_or_query(
        &self,
        request: PullAllRequest<T::Source>,
        call: &Call,
    ) -> Result<BatchStream> {
        pull::pull(self, (&request).into(), call).await
    }

    async fn offline_write_batch(&self, request: WriteRequest<T::Source>, call: &Call) -> Result<u64> {
        let guard = Guard::new(self.session().await?, self.cleanup())?;
        let written = in_session(guard, async |session| write::append(self, session, request).await).await?;
        call.progress.report(written, Some(written));
        Ok(written)
    }

    async fn explain(&self, operation: Explain<T::Source>) -> Result<String> {
        let guard = session_for(self, &operation).await?;
        let told = explain(self, &guard, operation).await;
        close_shared(guard).await;
        told
    }

    async fn to_sql(&self, operation: Explain<T::Source>) -> Result<String> {
        let guard = session_for(self, &operation).await?;
        let sql = match &operation {
            Explain::Historical(request) => embed::statement(self, &guard, request).await,
            Explain::Latest(request) => pull::statement(self, &guard, &request.into()).await.map(|(sql, _)| sql),
            Explain::All(request) => pull::statement(self, &guard, &request.into()).await.map(|(sql, _)| sql),
        };
        close_shared(guard).await;
        sql
    }

    fn check_destination(&self, destination: &T::Source, overwrite: bool) -> Result<()> {
        write::check_destination(self, destination, overwrite)
    }

    async fn persist(&self, request: PersistRequest<T::Source>, _: &Call) -> Result<u64> {
        let guard = Guard::new(self.session().await?, self.cleanup())?;
        in_session(guard, async |session| write::persist(self, session, request).await).await
    }

    async fn select_schema(&self, query: &str) -> Result<SchemaRef> {
        frame::schema(self, query).await
    }

    async fn stage_select(&self, select: SelectFrame) -> Result<StagedFrame> {
        frame::stage(self, select).await
    }

    async fn shutdown(&self) -> Result<()> {
        let cleaned = self.cleanup().finish().await;
        SqlStore::shutdown(self).await.and(cleaned)
    }
}

/// A session of its own, or the one that holds the entity rows.
async fn session_for<T: SqlStore>(store: &T, operation: &Explain<T::Source>) -> Result<Arc<Guard<T::Session>>> {
    match operation {
        Explain::Historical(request) => historical::session_of(store, request).await,
        _ => Ok(Arc::new(Guard::new(store.session().await?, store.cleanup())?)),
    }
}

/// The choices, the statement and the engine's own plan of it.
async fn explain<T: SqlStore>(store: &T, session: &T::Session, operation: Explain<T::Source>) -> Result<String> {
    let (mut told, sql) = match &operation {
        Explain::Historical(request) => {
            let asked = historical::ask(store, session, request).await?;
            let line = |(view, choice): &(String, Choice)| {
                format!("view {view}: {:?}, {}\n", choice.formulation, choice.reason)
            };
            let settings = asked.settings.map(|settings| format!("session: {settings}\n"));
            let notes = asked.notes.iter().map(|note| format!("{note}\n"));
            let told = asked.choices.iter().map(line).chain(notes).chain(settings);
            (told.collect(), asked.sql)
        }
        Explain::Latest(request) => (String::new(), pull::statement(store, session, &request.into()).await?.0),
        Explain::All(request) => (String::new(), pull::statement(store, session, &request.into()).await?.0),
    };
    let plan = session.explain(&sql).await?;
    told.push_str(&format!("\n{sql}\n\n{}", plan.trim_end()));
    Ok(told.trim_start().to_owned())
}
