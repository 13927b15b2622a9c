//! Runs a command until it ends or is interrupted, and says how it ended.

use std::future::Future;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::args::{Cli, Command};
use crate::outcome::{Outcome, Stop};
use crate::session::Session;
use crate::{commands, report};

/// How long an interrupted command may take to cancel its queries and remove its files.
const GRACE: Duration = Duration::from_secs(5);

const FAILED: u8 = 1;
const INTERRUPTED: u8 = 130;
const TERMINATED: u8 = 143;

/// After so long a thread that has nothing to do ends: as long as it lives it keeps memory that it has freed.
const IDLE: Duration = Duration::from_millis(100);

/// Runs the command: 0 when it succeeded, 1 when it failed, 130 and 143 when it was stopped.
pub fn run(cli: Cli) -> ExitCode {
    let runtime = Builder::new_multi_thread().enable_all().thread_keep_alive(IDLE).build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return code(Err(Stop::from_io("cannot start threads", error))),
    };
    let session = Arc::new(Session::new(cli.repo.unwrap_or_else(|| PathBuf::from("."))));
    let code = match cli.command {
        #[cfg(feature = "serve")]
        Command::Serve(serve) => runtime.block_on(serving(serve, session)),
        command => runtime.block_on(supervise(command, session)),
    };
    finish(runtime);
    code
}

/// Dropping a runtime would wait for its blocking work without an end.
fn finish(runtime: Runtime) {
    runtime.shutdown_timeout(GRACE);
}

async fn supervise(command: Command, session: Arc<Session>) -> ExitCode {
    let mut work = tokio::spawn(commands::run(command, Arc::clone(&session)));
    tokio::select! {
        ended = &mut work => {
            let outcome = ended.unwrap_or(Err(Stop::Reported));
            let closed = session.close().await.map_err(Stop::from);
            code(outcome.and(closed))
        }
        signal = stopped() => {
            work.abort();
            tokio::select! {
                () = clean_up(work, &session) => {}
                _ = stopped() => {}
            }
            ExitCode::from(signal)
        }
    }
}

/// A server ends what runs when it is told to stop; told again, it stops at once.
#[cfg(feature = "serve")]
async fn serving(serve: commands::serve::Serve, session: Arc<Session>) -> ExitCode {
    let (stop, asked) = tokio::sync::oneshot::channel();
    let again = async {
        stopped().await;
        let _ = stop.send(());
        stopped().await
    };
    let asked = async {
        let _ = asked.await;
    };
    tokio::select! {
        outcome = commands::serve::run(&session, &serve, asked) => code(outcome),
        signal = again => ExitCode::from(signal),
    }
}

async fn clean_up(work: JoinHandle<Outcome>, session: &Session) {
    let cleaned = async {
        let _ = work.await;
        let _ = session.close().await;
    };
    if timeout(GRACE, cleaned).await.is_err() {
        report::warning("interrupted before everything was cleaned up");
    }
}

fn code(outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(()) | Err(Stop::ReaderGone) => ExitCode::SUCCESS,
        Err(Stop::Reported) => ExitCode::from(FAILED),
        Err(Stop::Failed(error)) => {
            report::error(&error);
            ExitCode::from(FAILED)
        }
    }
}

/// Waits for Ctrl-C or a request to end, and gives the exit code for it.
async fn stopped() -> u8 {
    tokio::select! {
        () = interrupted() => INTERRUPTED,
        () = terminated() => TERMINATED,
    }
}

async fn interrupted() {
    forever_unless(tokio::signal::ctrl_c()).await;
}

#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => drop(terminate.recv().await),
        Err(_) => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn terminated() {
    std::future::pending().await
}

/// A signal that cannot be listened to never comes.
async fn forever_unless(signal: impl Future<Output = std::io::Result<()>>) {
    if signal.await.is_err() {
        std::future::pending::<()>().await;
    }
}
