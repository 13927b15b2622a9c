use std::path::Path;

use hybrid_core::{Error, ErrorKind, Result};

use super::BigQueryConfig;

/// The longest key or value of a label.
const LABEL: usize = 63;

/// So many labels may a job have; one is ours.
const LABELS: usize = 63;

/// Seconds; more is a mistake in the unit.
const YEAR: u64 = 366 * 86_400;

/// More streams at once are more memory, and no more speed.
const STREAMS: usize = 100;

impl BigQueryConfig {
    /// With paths that begin at the folder of feature_store.yaml.
    pub(crate) fn relative_to(mut self, folder: &Path) -> Self {
        self.credentials_file = self.credentials_file.map(|path| folder.join(path));
        self
    }

    /// Refuses what cannot work, before anything is sent.
    pub(crate) fn check(&self) -> Result<()> {
        let checks = [
            self.check_names(),
            self.check_credentials(),
            self.check_labels(),
            self.check_staging(),
            self.check_numbers(),
        ];
        let problems = checks.into_iter().filter_map(Result::err).collect();
        Error::from_problems(problems).map_or(Ok(()), Err)
    }

    fn check_names(&self) -> Result<()> {
        let letters = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if self.dataset.is_empty() || !self.dataset.chars().all(letters) {
            let message = format!("`dataset: {}` is no name of a dataset", self.dataset);
            return Err(wrong(message).with_help("a dataset's name has letters, digits and underscores"));
        }
        let named = [
            ("project_id", &self.project_id),
            ("billing_project_id", &self.billing_project_id),
            ("location", &self.location),
        ];
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':');
        for (field, value) in named {
            if let Some(value) = value
                .as_ref()
                .filter(|value| value.is_empty() || !value.chars().all(allowed))
            {
                return Err(wrong(format!("`{field}: {value}` is none")));
            }
        }
        Ok(())
    }

    fn check_credentials(&self) -> Result<()> {
        let given = self.credentials_file.is_some() || self.impersonate_service_account.is_some();
        if self.anonymous && given {
            return Err(wrong(
                "`anonymous` excludes `credentials_file` and `impersonate_service_account`",
            ));
        }
        if self.anonymous && (self.api_endpoint.is_none() || self.storage_endpoint.is_none()) {
            return Err(wrong("BigQuery itself answers nobody without credentials").with_help(
                "`anonymous` is for emulators: name theirs by `api_endpoint` and `storage_endpoint`, or leave it out",
            ));
        }
        Ok(())
    }

    fn check_labels(&self) -> Result<()> {
        let allowed = |c: char| c.is_lowercase() || c.is_numeric() || matches!(c, '_' | '-') || is_uncased(c);
        for (key, value) in &self.labels {
            let begins = key.chars().next().is_some_and(|c| c.is_lowercase() || is_uncased(c));
            let fits = |text: &str| text.chars().count() <= LABEL && text.chars().all(allowed);
            if !begins || !fits(key) || !fits(value) {
                return Err(wrong(format!("`labels`: `{key}: {value}` is no label"))
                    .with_help("lower-case letters, digits, - and _, at most 63, beginning with a letter"));
            }
        }
        if self.labels.len() > LABELS {
            return Err(wrong(format!(
                "`labels` has {} entries, at most {LABELS} are allowed",
                self.labels.len()
            )));
        }
        Ok(())
    }

    fn check_staging(&self) -> Result<()> {
        let bucket = |place: &str| {
            let rest = place.strip_prefix("gs://")?;
            rest.split('/').next().filter(|bucket| !bucket.is_empty()).map(drop)
        };
        match &self.gcs_staging_location {
            Some(place) if bucket(place).is_none() || place.contains('*') => Err(wrong(format!(
                "`gcs_staging_location: {place}` is no place in Google Cloud Storage"
            ))
            .with_help("write gs://bucket or gs://bucket/folder")),
            _ => Ok(()),
        }
    }

    fn check_numbers(&self) -> Result<()> {
        if !(1..=STREAMS).contains(&self.read_streams) {
            return Err(wrong(format!("`read_streams` must be from 1 to {STREAMS}")));
        }
        if self.expire_after < 600 {
            return Err(wrong(
                "`expire_after` is below 600 seconds: tables that are in use would go",
            ));
        }
        let seconds = [
            ("request_timeout", Some(self.request_timeout)),
            ("retry_timeout", Some(self.retry_timeout)),
            ("job_timeout", self.job_timeout),
            ("expire_after", Some(self.expire_after)),
        ];
        if let Some((field, _)) = seconds.into_iter().find(|(_, value)| *value > Some(YEAR)) {
            return Err(wrong(format!("`{field}` is more than a year: it is in seconds")));
        }
        let zero = [
            ("maximum_bytes_billed", self.maximum_bytes_billed),
            ("job_timeout", self.job_timeout),
        ];
        match zero.into_iter().find(|(_, value)| *value == Some(0)) {
            Some((field, _)) => Err(wrong(format!("`{field}: 0` lets no query run")).with_help("leave it out")),
            None => Ok(()),
        }
    }
}

/// Letters of scripts that have no case may stand in labels.
fn is_uncased(c: char) -> bool {
    c.is_alphabetic() && !c.is_uppercase() && !c.is_lowercase()
}

fn wrong(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Config, message)
}
