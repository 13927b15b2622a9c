use std::sync::Arc;
use std::time::{Duration, Instant};

use hybrid_core::Result;
use tokio::runtime::Handle;
use tonic::{Status, Streaming};
use uuid::Uuid;

use super::retry::LONG;
use super::{Patience, is_cut};
use crate::protocol::{
    Answered, Chunking, ExecuteRequest, ExecuteResponse, INTERRUPT_OPERATION, InterruptRequest, OptionKind, Plan,
    Reattach, ReattachRequest, ReleaseAll, ReleaseRequest, RequestOption, Response,
};
use crate::session::{Conversation, SOON};

/// A stream that ends sooner without an answer is not one that the server ended for its length.
const BRIEF: Duration = Duration::from_secs(1);

/// A plan that runs on the server. A cut connection is resumed where it was cut; dropping it ends the plan.
pub(crate) struct Execution {
    conversation: Arc<Conversation>,
    request: ExecuteRequest,
    operation_id: String,
    answers: Option<Streaming<ExecuteResponse>>,
    last: Option<String>,
    started: bool,
    complete: bool,
    runtime: Handle,
}

impl Execution {
    /// Starts a plan. Must be called inside a tokio runtime.
    pub(crate) fn new(conversation: Arc<Conversation>, plan: Plan) -> Self {
        let operation_id = Uuid::new_v4().to_string();
        let options = [
            OptionKind::Reattach(Reattach { reattachable: true }),
            OptionKind::Chunking(Chunking { allowed: true }),
        ];
        let request = ExecuteRequest {
            session_id: conversation.session_id().to_owned(),
            user_context: conversation.connection().user(),
            plan: Some(plan),
            client_type: conversation.connection().agent(),
            options: options.map(|kind| RequestOption { kind: Some(kind) }).into(),
            operation_id: Some(operation_id.clone()),
            observed: conversation.observed(),
        };
        Self {
            conversation,
            request,
            operation_id,
            answers: None,
            last: None,
            started: false,
            complete: false,
            runtime: Handle::current(),
        }
    }

    /// The next answer; `None` when the plan has ended well.
    ///
    /// # Errors
    /// What the server says of the plan, or that it cannot be reached any more.
    pub(crate) async fn next(&mut self) -> Result<Option<ExecuteResponse>> {
        if self.complete {
            return Ok(None);
        }
        let (mut patience, mut silent) = (Patience::long(), false);
        loop {
            let asked = Instant::now();
            match self.try_next().await {
                Ok(Some(answer)) => {
                    self.last = Some(answer.response_id.clone());
                    self.conversation.observe(&answer.server_session);
                    if !matches!(answer.response, Some(Response::Complete(_))) {
                        return Ok(Some(answer));
                    }
                    self.complete = true;
                    self.release().await;
                    return Ok(None);
                }
                // The server ends long streams by itself; there is more until it says so.
                Ok(None) if asked.elapsed() > BRIEF => {
                    (self.answers, patience, silent) = (None, Patience::long(), false)
                }
                Ok(None) => {
                    let status = Status::unavailable("the answers end before the server says that there are no more");
                    self.recover(status, &mut patience).await?;
                }
                Err(status) => {
                    // Patience begins when the connection is cut, however long the server had nothing to say before. A
                    // server that was asked again and said nothing again is not there.
                    if asked.elapsed() > LONG && !silent {
                        (patience, silent) = (Patience::long(), true);
                    }
                    self.recover(status, &mut patience).await?;
                }
            }
        }
    }

    /// Runs to the end; returns the answers that hold something.
    pub(crate) async fn finish(mut self) -> Result<Vec<Response>> {
        let mut responses = Vec::new();
        while let Some(answer) = self.next().await? {
            responses.extend(answer.response);
        }
        Ok(responses)
    }

    async fn try_next(&mut self) -> Result<Option<ExecuteResponse>, Status> {
        let answers = match &mut self.answers {
            Some(answers) => answers,
            None => {
                let opened = self.open().await?;
                self.answers.insert(opened)
            }
        };
        answers.message().await
    }

    async fn open(&mut self) -> Result<Streaming<ExecuteResponse>, Status> {
        let connection = self.conversation.connection().clone();
        if !self.started {
            self.started = true;
            return connection.stream("ExecutePlan", self.request.clone()).await;
        }
        let request = ReattachRequest {
            session_id: self.request.session_id.clone(),
            user_context: self.request.user_context.clone(),
            operation_id: self.operation_id.clone(),
            client_type: self.request.client_type.clone(),
            last_response_id: self.last.clone(),
            observed: self.request.observed.clone(),
        };
        match connection.stream("ReattachExecute", request).await {
            // What never reached the server is sent again: nothing has run twice.
            Err(status) if self.last.is_none() && status.message().contains("OPERATION_NOT_FOUND") => {
                connection.stream("ExecutePlan", self.request.clone()).await
            }
            opened => opened,
        }
    }

    async fn recover(&mut self, status: Status, patience: &mut Patience) -> Result<()> {
        self.answers = None;
        let cut = is_cut(&status);
        if cut && patience.wait().await {
            return Ok(());
        }
        let error = self.conversation.error(status).await;
        // A plan that cannot be asked after is ended when this is dropped, for which nobody waits.
        if !cut {
            self.complete = true;
            self.release().await;
        }
        Err(error)
    }

    /// Lets the server forget the answers. It does so by itself after some minutes.
    async fn release(&self) {
        let request = self.release_request();
        let connection = self.conversation.connection();
        let released = connection.call::<_, Answered>("ReleaseExecute", &request, Patience::none());
        let _ = tokio::time::timeout(SOON, released).await;
    }

    fn release_request(&self) -> ReleaseRequest {
        ReleaseRequest {
            session_id: self.request.session_id.clone(),
            user_context: self.request.user_context.clone(),
            operation_id: self.operation_id.clone(),
            client_type: self.request.client_type.clone(),
            all: Some(ReleaseAll {}),
        }
    }

    fn interrupt_request(&self) -> InterruptRequest {
        InterruptRequest {
            session_id: self.request.session_id.clone(),
            user_context: self.request.user_context.clone(),
            client_type: self.request.client_type.clone(),
            interrupt_type: INTERRUPT_OPERATION,
            operation_id: Some(self.operation_id.clone()),
        }
    }
}

impl Drop for Execution {
    /// Ends a plan that still runs.
    fn drop(&mut self) {
        if self.complete || !self.started {
            return;
        }
        let (interrupt, release) = (self.interrupt_request(), self.release_request());
        let connection = self.conversation.connection().clone();
        self.runtime.spawn(async move {
            // The session's release ends it too, and an abandoned plan ends by the server's own clock.
            let _ = connection
                .call::<_, Answered>("Interrupt", &interrupt, Patience::short())
                .await;
            let _ = connection
                .call::<_, Answered>("ReleaseExecute", &release, Patience::short())
                .await;
        });
    }
}
