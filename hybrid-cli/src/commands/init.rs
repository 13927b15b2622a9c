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

/// Makes the project, applies it, and prints what to run next. What it made is gone when it fails
/// or is interrupted.
pub async fn run(dir: &Path) -> Outcome {
    let mut folder = Folder::claim(dir)?;
    fill(dir).await?;
    folder.is_done = true;
    print(next(dir))
}

/// A folder that was empty or not there, and is again unless all is done.
struct Folder<'a> {
    dir: &'a Path,
    existed: bool,
    is_done: bool,
}

impl<'a> Folder<'a> {
    fn claim(dir: &'a Path) -> Outcome<Self> {
        let failed = |error| Stop::from_io(format_args!("cannot make a project in {}", dir.display()), error);
        let existed = dir.exists();
        if !existed {
            fs::create_dir_all(dir).map_err(failed)?;
        }
        if fs::read_dir(dir).map_err(failed)?.next().is_some() {
            let message = format!("{} is not empty", dir.display());
            let error = Error::new(ErrorKind::InvalidInput, message).with_help("name a folder that is new or empty");
            return Err(Stop::Failed(error));
        }
        Ok(Self {
            dir,
            existed,
            is_done: false,
        })
    }
}

impl Drop for Folder<'_> {
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        // It was empty before, so all that is in it is ours; the failure that led here is the one to tell.
        for entry in fs::read_dir(self.dir).into_iter().flatten().flatten() {
            let _ = fs::remove_dir_all(entry.path()).or_else(|_| fs::remove_file(entry.path()));
        }
        if !self.existed {
            let _ = fs::remove_dir(self.dir);
        }
    }
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
    let shown = dir.display();
    let (dir, entities) = (quoted(dir), quoted(&dir.join("entities.parquet")));
    format!(
        "{shown} holds a project with sample data. Next:\n\
         \x20 hybrid historical --repo {dir} --entities {entities} --features driver_stats:conv_rate,driver_stats:acc_rate\n\
         \x20 hybrid latest driver_stats --repo {dir} --start 2025-01-01 --end 2025-01-08\n\
         \x20 hybrid check --repo {dir}"
    )
}

/// A path as one word of a shell.
fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+,@%".contains(c);
    match text.chars().all(is_plain) && !text.starts_with('-') {
        true => text.into_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_done_is_gone() {
        let place = tempfile::tempdir().unwrap();
        for (dir, remains) in [(place.path().join("new"), false), (place.path().to_owned(), true)] {
            let folder = Folder::claim(&dir).unwrap();
            fs::create_dir(dir.join("data")).unwrap();
            fs::write(dir.join("data/file"), "x").unwrap();
            fs::write(dir.join("file"), "x").unwrap();
            drop(folder);
            assert_eq!(dir.exists(), remains);
        }
        assert!(fs::read_dir(place.path()).unwrap().next().is_none());
    }

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
