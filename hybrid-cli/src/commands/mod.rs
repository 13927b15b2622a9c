//! One file per sub-command; `pull` has two of them.

mod apply;
mod check;
mod csv;
mod explain;
mod historical;
mod init;
mod pull;
mod sample;
#[cfg(feature = "serve")]
pub mod serve;
mod stores;
mod write;

use std::sync::Arc;

use crate::args::Command;
use crate::outcome::Outcome;
use crate::session::Session;

/// Runs a command.
pub async fn run(command: Command, session: Arc<Session>) -> Outcome {
    match command {
        Command::Init { dir } => init::run(&dir).await,
        Command::Stores => stores::run(&session).await,
        Command::Check => check::run(&session).await,
        Command::Apply { prune } => apply::run(&session, prune).await,
        Command::Historical { retrieval, to } => historical::run(&session, &retrieval, &to).await,
        Command::Latest { window, to } => pull::latest(&session, &window, &to).await,
        Command::All { window, to } => pull::all(&session, &window, &to).await,
        Command::Write { view, file } => write::run(&session, &view, &file).await,
        Command::Explain { pull: None, retrieval } => explain::historical(&session, &retrieval).await,
        Command::Explain { pull: Some(pull), .. } => explain::pull(&session, &pull).await,
        #[cfg(feature = "serve")]
        Command::Serve(serve) => serve::run(&session, &serve, std::future::pending()).await,
    }
}
