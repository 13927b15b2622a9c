//! The command `hybrid`: training data from many stores through one feature_store.yaml.

mod args;
mod commands;
mod outcome;
mod output;
mod progress;
mod report;
mod run;
mod session;
mod table;
mod values;

use std::process::ExitCode;

fn main() -> ExitCode {
    run::run(args::Cli::read())
}
