//! The command `hybrid`: training data from many stores through one feature_store.yaml.

mod args;
mod commands;
mod destination;
mod outcome;
mod output;
mod progress;
mod report;
mod run;
mod session;
mod spared;
mod table;
#[cfg(feature = "serve")]
mod telemetry;
mod values;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    hide_guarded_panics();
    run::run(args::Cli::read())
}

/// A reader's panic on broken bytes is shown once, as the error that it becomes.
fn hide_guarded_panics() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !hybrid_offline_store::is_guarded() {
            report(panic);
        }
    }));
}
