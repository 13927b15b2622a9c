//! What can be written on the command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand};
use hybrid_offline_store::FeatureReference;
use hybrid_offline_store::chrono::{DateTime, Utc};

use crate::destination::Place;
use crate::values::{SqlFrame, parse_time, parse_timeout};

/// Training data from many stores through one feature_store.yaml.
#[derive(Debug, Parser)]
#[command(name = "hybrid", version, propagate_version = true)]
pub struct Cli {
    /// The folder of feature_store.yaml; the current one by default.
    #[arg(long, global = true, value_name = "DIR")]
    pub repo: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// The command line, or the end of the process: with 2 when it is wrong.
    pub fn read() -> Self {
        let cli = Self::parse();
        if let Some(conflict) = cli.conflict() {
            Self::command().error(ErrorKind::ArgumentConflict, conflict).exit();
        }
        cli
    }

    /// What clap's own rules cannot say without forbidding `--repo` too.
    fn conflict(&self) -> Option<&'static str> {
        match &self.command {
            Command::Init { .. } if self.repo.is_some() => Some("`init` makes a repository in DIR and takes no --repo"),
            Command::Explain {
                retrieval,
                pull: Some(_),
            } if !retrieval.is_empty() => {
                Some("`explain latest` and `explain all` take a view and a window, and nothing of a retrieval")
            }
            _ => None,
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a small project with sample data, ready to run.
    Init {
        /// The project's folder: new, or empty.
        dir: PathBuf,
    },
    /// List the stores that are compiled in, and the configured ones: reachable, or why not.
    Stores,
    /// Check configuration, definitions, sources, columns and types; report every problem at once.
    Check,
    /// Bring the definitions of features.yaml into the registry.
    Apply {
        /// Also delete what features.yaml does not define.
        #[arg(long)]
        prune: bool,
    },
    /// Join features to entity rows, each as of the row's own time.
    Historical {
        #[command(flatten)]
        retrieval: Retrieval,
        #[command(flatten)]
        to: To,
    },
    /// The latest row per key of a feature view in a window, both ends inclusive.
    Latest {
        #[command(flatten)]
        window: Window,
        #[command(flatten)]
        to: To,
    },
    /// Every row of a feature view in a window, both ends inclusive; either end may be left out.
    All {
        #[command(flatten)]
        window: OpenWindow,
        #[command(flatten)]
        to: To,
    },
    /// Append the rows of a file to the source of a feature view: all of them or none.
    Write {
        /// The feature view.
        view: String,
        /// Parquet, CSV or Arrow, by extension; columns under the source's names, in any order.
        file: PathBuf,
    },
    /// Show the SQL or the plan, per store, without running it: of `historical`, `latest` or `all`.
    #[command(subcommand_negates_reqs = true)]
    Explain {
        #[command(flatten)]
        retrieval: Retrieval,
        #[command(subcommand)]
        pull: Option<Pulled>,
    },
    /// Serve Feast's own clients: the remote offline store, over Arrow Flight.
    #[cfg(feature = "serve")]
    Serve(crate::commands::serve::Serve),
}

/// What `explain` can tell about, beside a retrieval.
#[derive(Debug, Subcommand)]
pub enum Pulled {
    /// The latest row per key of a feature view in a window.
    Latest(Window),
    /// Every row of a feature view in a window.
    All(OpenWindow),
}

/// Entity rows, features, and how they are joined.
#[derive(Debug, Args)]
#[group(skip)]
pub struct Retrieval {
    #[command(flatten)]
    pub frame: Frame,
    #[command(flatten)]
    pub features: Features,
    /// Name the features view__feature.
    #[arg(long)]
    pub full_feature_names: bool,
    /// A feature row must also have been created at or before the entity row's time.
    #[arg(long)]
    pub filter_by_created_timestamp: bool,
    /// Give up after this long, for example 90s, 10m or 1h30m.
    #[arg(long, value_name = "DURATION", value_parser = parse_timeout)]
    pub timeout: Option<Duration>,
}

impl Retrieval {
    /// Whether nothing of it was given.
    fn is_empty(&self) -> bool {
        let Self { frame, features, .. } = self;
        let flags = self.full_feature_names || self.filter_by_created_timestamp || self.timeout.is_some();
        let frame = frame.entities.is_some() || frame.entities_sql.is_some() || frame.start.is_some();
        !(flags || frame || features.service.is_some() || !features.features.is_empty())
    }
}

/// The entity rows: a file, a SELECT, or a window.
#[derive(Debug, Args)]
#[group(id = "frame", required = true, multiple = true)]
pub struct Frame {
    /// The entity rows: a Parquet, CSV or Arrow file, by extension.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["entities_sql", "start", "end"])]
    pub entities: Option<PathBuf>,
    /// The entity rows: a SELECT that runs in the store of that key, for example 'bigquery:SELECT …'.
    #[arg(long, value_name = "KEY:QUERY", conflicts_with_all = ["start", "end"])]
    pub entities_sql: Option<SqlFrame>,
    /// Without entity rows: every key set seen from here on …
    #[arg(long, value_name = "TIME", value_parser = parse_time, requires = "end")]
    pub start: Option<DateTime<Utc>>,
    /// … until here, both inclusive, as of this time.
    #[arg(long, value_name = "TIME", value_parser = parse_time, requires = "start")]
    pub end: Option<DateTime<Utc>>,
}

/// Which features.
#[derive(Debug, Args)]
#[group(id = "which", required = true, multiple = false)]
pub struct Features {
    /// The features, in output order, for example driver_stats:conv_rate,driver_stats:acc_rate.
    #[arg(long, value_name = "VIEW:FEATURE,…", value_delimiter = ',')]
    pub features: Vec<FeatureReference>,
    /// The features of this feature service.
    #[arg(long, value_name = "NAME")]
    pub service: Option<String>,
}

/// A feature view and a closed window. Times are RFC 3339, or a date: its midnight, UTC.
#[derive(Debug, Args)]
pub struct Window {
    /// The feature view.
    pub view: String,
    /// The earliest event time: RFC 3339, or a date, which means its midnight in UTC.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub start: DateTime<Utc>,
    /// The latest event time.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub end: DateTime<Utc>,
}

/// A feature view and a window whose ends may be open.
#[derive(Debug, Args)]
pub struct OpenWindow {
    /// The feature view.
    pub view: String,
    /// The earliest event time: RFC 3339, or a date, which means its midnight in UTC.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub start: Option<DateTime<Utc>>,
    /// The latest event time.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub end: Option<DateTime<Utc>>,
}

/// Where the rows go.
#[derive(Debug, Args)]
pub struct To {
    /// A Parquet, CSV or Arrow file, by extension, or an object (s3://…, gs://…, az://…); `-` prints a table.
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    pub output: Place,
    /// Or a source of the definitions: a table or file is made of the rows, or the warehouse of an `export` writes them.
    #[arg(long, value_name = "SOURCE", conflicts_with = "output")]
    pub persist: Option<String>,
    /// Put them in the place of what the source holds.
    #[arg(long, requires = "persist")]
    pub overwrite: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
