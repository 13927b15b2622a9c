//! The project, where the configuration names none.

use std::path::{Path, PathBuf};
use std::time::Duration;

use hybrid_core::{Error, ErrorKind, Result};
use serde_json::Value;

use crate::BigQueryConfig;

/// Where a machine of Google's tells its project.
const METADATA: &str = "http://metadata.google.internal/computeMetadata/v1/project/project-id";

/// A file of credentials.
pub(super) struct Described {
    pub(super) json: Value,
}

impl Described {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let wrong = |what: String| {
            let message = format!("`credentials_file`: `{}` {what}", path.display());
            Error::new(ErrorKind::Config, message)
        };
        let text = std::fs::read_to_string(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
        let json = serde_json::from_str(&text)
            // Where, but not what: the text is a secret.
            .map_err(|error| wrong(format!("is no JSON: line {}, column {}", error.line(), error.column())))?;
        Ok(Self { json })
    }

    fn project(&self) -> Option<String> {
        let named = ["project_id", "quota_project_id"].into_iter();
        named
            .filter_map(|name| self.json.get(name)?.as_str())
            .next()
            .map(str::to_owned)
    }
}

/// As Google's own clients look for it: the configuration, the environment, the credentials, gcloud's configuration,
/// the machine.
///
/// # Errors
/// Config, when nothing names one.
pub(crate) async fn project_of(config: &BigQueryConfig) -> Result<String> {
    if let Some(project) = &config.project_id {
        return Ok(project.clone());
    }
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    if let Some(project) = set("GOOGLE_CLOUD_PROJECT").or_else(|| set("GCLOUD_PROJECT")) {
        return Ok(project);
    }
    let file = config.credentials_file.clone().or_else(default_file);
    if let Some(project) = file.and_then(|file| Described::read(&file).ok()?.project()) {
        return Ok(project);
    }
    if let Some(project) = gcloud_project() {
        return Ok(project);
    }
    match config.anonymous {
        false => of_the_machine().await,
        true => None,
    }
    .ok_or_else(|| {
        Error::new(
            ErrorKind::Config,
            "no project is named, and none is found in the credentials",
        )
        .with_help("add `project_id`, or set GOOGLE_CLOUD_PROJECT")
    })
}

fn gcloud_folder() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("CLOUDSDK_CONFIG") {
        return Some(folder.into());
    }
    let (home, inside) = match cfg!(windows) {
        true => ("APPDATA", "gcloud"),
        false => ("HOME", ".config/gcloud"),
    };
    Some(Path::new(&std::env::var_os(home)?).join(inside))
}

fn default_file() -> Option<PathBuf> {
    let named = std::env::var_os("GOOGLE_APPLICATION_CREDENTIALS").map(PathBuf::from);
    named.or_else(|| Some(gcloud_folder()?.join("application_default_credentials.json")))
}

fn gcloud_project() -> Option<String> {
    let folder = gcloud_folder()?;
    let active = std::fs::read_to_string(folder.join("active_config")).unwrap_or_else(|_| "default".to_owned());
    let text = std::fs::read_to_string(folder.join(format!("configurations/config_{}", active.trim()))).ok()?;
    project_in(&text)
}

/// `project` of the section `core`.
fn project_in(text: &str) -> Option<String> {
    let mut core = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            core = line == "[core]";
        } else if let Some((name, value)) = line.split_once('=').filter(|_| core)
            && name.trim() == "project"
            && !value.trim().is_empty()
        {
            return Some(value.trim().to_owned());
        }
    }
    None
}

async fn of_the_machine() -> Option<String> {
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(2))
        .no_proxy()
        .build()
        .ok()?;
    let answer = client
        .get(METADATA)
        .header("Metadata-Flavor", "Google")
        .send()
        .await
        .ok()?;
    let project = answer.error_for_status().ok()?.text().await.ok()?;
    Some(project.trim().to_owned()).filter(|project| !project.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gclouds_configuration_names_a_project() {
        let text = "[compute]\nproject = other\n[core]\naccount = a@b\nproject = mine\n";
        assert_eq!(project_in(text).as_deref(), Some("mine"));
        assert_eq!(project_in("[core]\nproject =\n"), None);
    }

    #[test]
    fn a_broken_file_is_told_without_its_text() {
        let folder = std::env::temp_dir().join(format!("hybrid-bigquery-{}", uuid::Uuid::new_v4()));
        let written = std::fs::write(&folder, "{\"private_key\": \"secret-words\" oops").is_ok();
        let error = Described::read(&folder)
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        let _ = std::fs::remove_file(&folder);
        assert!(
            written && error.contains("line 1") && !error.contains("secret-words"),
            "{error}"
        );
    }
}
