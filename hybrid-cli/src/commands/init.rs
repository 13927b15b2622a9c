//! `hybrid init`: a small project that runs.

use std::fs;
use std::path::Path;

use hybrid_offline_store::config::load_definitions;
use hybrid_offline_store::retrieval::write_stream;
use hybrid_offline_store::{Error, ErrorKind, FeatureStore};

use super::sample;
use crate::outcome::{Outcome, Stop};
use crate::output::print;

const CONFIGURATION: &str = include_str!("sample/feature_store.yaml");
const DEFINITIONS: &str = include_str!("sample/features.yaml");

/// Makes the project, applies it, and prints what to run next. What it made is gone when it fails.
pub async fn run(dir: &Path) -> Outcome {
    let existed = claim(dir)?;
    if let Err(stop) = fill(dir).await {
        remove(dir, existed);
        return Err(stop);
    }
    print(next(dir))
}

/// Makes sure that there is an empty folder; tells whether it was there before.
fn claim(dir: &Path) -> Outcome<bool> {
    let failed = |error| Stop::from_io(format_args!("cannot make a project in {}", dir.display()), error);
    if !dir.exists() {
        fs::create_dir_all(dir).map_err(failed)?;
        return Ok(false);
    }
    if fs::read_dir(dir).map_err(failed)?.next().is_none() {
        return Ok(true);
    }
    let message = format!("{} is not empty", dir.display());
    Err(Stop::Failed(
        Error::new(ErrorKind::InvalidInput, message).with_help("name a folder that is new or empty"),
    ))
}

async fn fill(dir: &Path) -> Outcome {
    let project = CONFIGURATION.replace("PROJECT", &project_name(dir));
    for (name, text) in [("feature_store.yaml", project.as_str()), ("features.yaml", DEFINITIONS)] {
        let failed = |error| Stop::from_io(format_args!("cannot write {}", dir.join(name).display()), error);
        fs::write(dir.join(name), text).map_err(failed)?;
    }
    let data = dir.join("data");
    fs::create_dir(&data).map_err(|error| Stop::from_io(format_args!("cannot make {}", data.display()), error))?;
    write_stream(sample::driver_stats()?, data.join("driver_stats.parquet")).await?;
    write_stream(sample::trips()?, dir.join("entities.parquet")).await?;
    let store = FeatureStore::open(dir)?;
    store.apply(load_definitions(store.config())?, false).await?;
    Ok(())
}

/// The folder was empty before, so all that is in it is ours.
fn remove(dir: &Path, keep: bool) {
    // The failure that led here is the one to tell.
    let _ = fs::remove_dir_all(dir);
    if keep {
        let _ = fs::create_dir(dir);
    }
}

/// The folder's name, in the letters that Feast allows for a project.
fn project_name(dir: &Path) -> String {
    let full = dir.canonicalize().unwrap_or_else(|_| dir.to_path_buf());
    let name = full
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let allowed = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '_'
        }
    };
    let name: String = name.chars().map(allowed).collect();
    match name.trim_matches('_') {
        "" => "features".to_owned(),
        name if name.starts_with(|c: char| c.is_ascii_digit()) => format!("project_{name}"),
        name => name.to_owned(),
    }
}

fn next(dir: &Path) -> String {
    let dir = dir.display();
    format!(
        "{dir} holds a project with sample data. Next:\n\
         \x20 hybrid historical --repo {dir} --entities {dir}/entities.parquet --features driver_stats:conv_rate,driver_stats:acc_rate\n\
         \x20 hybrid latest driver_stats --repo {dir} --start 2025-01-01 --end 2025-01-08\n\
         \x20 hybrid check --repo {dir}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_named_after_its_folder() {
        for (dir, name) in [
            ("/nowhere/demo", "demo"),
            ("/nowhere/My Demo-2", "my_demo_2"),
            ("/nowhere/2025", "project_2025"),
            ("/nowhere/__", "features"),
        ] {
            assert_eq!(project_name(Path::new(dir)), name);
        }
    }
}
