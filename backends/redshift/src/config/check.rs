use hybrid_core::{Error, ErrorKind, Result};

use super::{Bulk, RedshiftConfig, Target};

/// The longest that a session may live.
const DAY: u32 = 86_400;

/// The least age of a folder that nobody uses, in seconds.
const HOUR: u64 = 3_600;

fn wrong(what: impl AsRef<str>, right: &str) -> Error {
    Error::new(ErrorKind::Config, format!("redshift: {}", what.as_ref())).with_help(right)
}

impl RedshiftConfig {
    /// Refuses what cannot work, before anything is connected.
    ///
    /// # Errors
    /// Config, with every problem.
    pub fn check(&self) -> Result<()> {
        let mut problems: Vec<Error> = self.target().err().into_iter().collect();
        for (name, value) in [
            ("region", &self.region),
            ("database", &self.database),
            ("db_schema", &self.db_schema),
        ] {
            if value.trim().is_empty() || value.contains('\0') {
                problems.push(wrong(format!("`{name}` is empty or holds a NUL"), "give its name"));
            }
        }
        problems.extend(self.check_staging().err());
        if let Some(role) = self.iam_role.as_ref().filter(|role| !is_role(role)) {
            let what = format!("`iam_role` {role} is no ARN of a role");
            let right = "write `arn:aws:iam::<account>:role/<name>`, or leave it out for the cluster's default role";
            problems.push(wrong(what, right));
        }
        if self.session_keep_alive == 0 || self.session_keep_alive > DAY {
            problems.push(wrong("`session_keep_alive` is out of range", "give 1 to 86400 seconds"));
        }
        if self.sweep_after < HOUR {
            problems.push(wrong(
                "`sweep_after` is below an hour: what others read now would go",
                "give 3600 seconds or more",
            ));
        }
        if self.max_attempts == 0 {
            problems.push(wrong("`max_attempts` is 0", "give 1 or more"));
        }
        if self
            .statement_timeout
            .is_some_and(|seconds| seconds == 0 || seconds > 2_000_000)
        {
            problems.push(wrong(
                "`statement_timeout` is out of range",
                "give 1 to 2000000 seconds, or leave it out",
            ));
        }
        Error::from_problems(problems).map_or(Ok(()), Err)
    }

    /// Who is asked.
    ///
    /// # Errors
    /// Config, when that is nobody or several, or something is missing for it.
    pub(crate) fn target(&self) -> Result<Target> {
        let right = "give `cluster_id` and `user`, or `workgroup`, or `host`, `user` and `password`";
        match (&self.cluster_id, &self.workgroup, &self.host) {
            (Some(_), None, None) if self.user.is_none() && self.secret_arn.is_none() => {
                Err(wrong("`cluster_id` needs a `user`", right))
            }
            (Some(id), None, None) => self.without_password(Target::Cluster { id: id.clone() }),
            (None, Some(_), None) if self.user.is_some() => Err(wrong(
                "`user` is of a cluster: a workgroup knows its user by the AWS identity",
                right,
            )),
            (None, Some(name), None) => self.without_password(Target::Workgroup(name.clone())),
            (None, None, Some(_)) if self.user.is_none() || self.password.is_none() => {
                Err(wrong("`host` needs a `user` and a `password`", right))
            }
            (None, None, Some(_)) if self.secret_arn.is_some() => Err(wrong(
                "`secret_arn` belongs to the Data API, and `host` does without it",
                right,
            )),
            (None, None, Some(host)) => Ok(Target::Host(host.clone())),
            (None, None, None) => Err(wrong("there is no `cluster_id`, `workgroup` or `host`", right)),
            _ => Err(wrong("`cluster_id`, `workgroup` and `host` exclude each other", right)),
        }
    }

    fn without_password(&self, target: Target) -> Result<Target> {
        let what =
            "`password` belongs to `host`: the Data API makes temporary credentials, or takes them from `secret_arn`";
        match self.password {
            Some(_) => Err(wrong(what, "leave it out, or give `host`")),
            None => Ok(target),
        }
    }

    fn check_staging(&self) -> Result<()> {
        let right = "write `s3://bucket/folder`";
        match &self.s3_staging_location {
            Some(location) => staging_parts(location).map(drop).ok_or_else(|| {
                wrong(
                    format!("`s3_staging_location` {location} is no folder of a bucket"),
                    right,
                )
            }),
            None if self.host.is_none() => Err(wrong("`s3_staging_location` is missing", right)),
            None if self.bulk == Some(Bulk::S3) => Err(wrong("`bulk: s3` needs an `s3_staging_location`", right)),
            None => Ok(()),
        }?;
        match self.bulk {
            Some(Bulk::Connection) if self.host.is_none() => Err(wrong(
                "`bulk: connection` needs a `host`: the Data API carries no rows in bulk",
                "leave `bulk` out",
            )),
            _ => Ok(()),
        }
    }
}

fn is_role(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "+=,.@_-:/".contains(c);
    // Several chained roles are separated by commas.
    text.starts_with("arn:") && text.contains(":role/") && text.chars().all(plain)
}

/// Bucket and folder of an `s3://bucket/folder`; nothing in them needs quoting.
pub(crate) fn staging_parts(location: &str) -> Option<(&str, &str)> {
    let rest = location.strip_prefix("s3://")?;
    let (bucket, folder) = rest.split_once('/').unwrap_or((rest, ""));
    let plain = |text: &str| {
        text.chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.!*()/=+@".contains(c))
    };
    let folder = folder.trim_matches('/');
    (!bucket.is_empty() && plain(bucket) && plain(folder) && !folder.contains("//")).then_some((bucket, folder))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<RedshiftConfig> {
        let config: RedshiftConfig =
            serde_json::from_str(text).map_err(|e| Error::new(ErrorKind::Config, e.to_string()))?;
        config.check().map(|()| config)
    }

    #[test]
    fn the_reference_documents_configuration_is_taken() {
        let config = read(
            r#"{"cluster_id": "my_redshift_cluster", "region": "us-west-2", "user": "admin", "database": "feast",
                "s3_staging_location": "s3://feast-bucket/staging"}"#,
        )
        .unwrap();
        assert_eq!(config.authorization(), "IAM_ROLE default");
        assert_eq!(
            config.target().unwrap(),
            Target::Cluster {
                id: "my_redshift_cluster".to_owned()
            }
        );
        assert_eq!(config.bulk(), Bulk::S3);
    }

    #[test]
    fn what_cannot_work_is_refused_by_name() {
        let base = r#""region": "r", "database": "d""#;
        let staged = r#""region": "r", "database": "d", "s3_staging_location": "s3://b/f""#;
        for (text, said) in [
            (format!("{{{staged}}}"), "no `cluster_id`, `workgroup` or `host`"),
            (
                format!(r#"{{{staged}, "cluster_id": "c"}}"#),
                "`cluster_id` needs a `user`",
            ),
            (
                format!(r#"{{{staged}, "cluster_id": "c", "user": "u", "workgroup": "w"}}"#),
                "exclude each other",
            ),
            (
                format!(r#"{{{staged}, "workgroup": "w", "user": "u"}}"#),
                "`user` is of a cluster",
            ),
            (
                format!(r#"{{{staged}, "workgroup": "w", "password": "topsecret"}}"#),
                "`password` belongs to `host`",
            ),
            (
                format!(r#"{{{base}, "workgroup": "w"}}"#),
                "`s3_staging_location` is missing",
            ),
            (
                format!(r#"{{{base}, "workgroup": "w", "s3_staging_location": "gs://b/f"}}"#),
                "gs://b/f is no folder",
            ),
            (
                format!(r#"{{{base}, "workgroup": "w", "s3_staging_location": "s3://b/f'"}}"#),
                "is no folder",
            ),
            (
                format!(r#"{{{staged}, "workgroup": "w", "iam_role": "x' y"}}"#),
                "no ARN of a role",
            ),
            (
                format!(r#"{{{staged}, "workgroup": "w", "bulk": "connection"}}"#),
                "needs a `host`",
            ),
            (
                format!(r#"{{{base}, "host": "h", "user": "u"}}"#),
                "`host` needs a `user` and a `password`",
            ),
            (
                format!(r#"{{{base}, "host": "h", "user": "u", "password": "topsecret", "bulk": "s3"}}"#),
                "needs an `s3_staging_location`",
            ),
            (
                format!(r#"{{{staged}, "workgroup": "w", "nope": 1}}"#),
                "unknown field `nope`",
            ),
        ] {
            let error = read(&text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config, "{text}");
            assert!(error.to_string().contains(said), "{text}: {error}");
            assert!(!error.to_string().contains("topsecret"), "{error}");
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        let config = RedshiftConfig::host("r", "h", "u", "topsecret", "d");
        config.check().unwrap();
        assert_eq!(config.bulk(), Bulk::Connection);
        assert!(!format!("{config:?}").contains("topsecret"));
    }
}
