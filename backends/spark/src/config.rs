use std::collections::BTreeMap;
use std::fmt;

use hybrid_core::sql::Formulation;
use hybrid_core::{Error, ErrorKind, Result, Secret};
use serde::Deserialize;
use serde::de::{Deserializer, Visitor};

use crate::Address;

/// The environment variable that Spark's own clients read.
const REMOTE_VARIABLE: &str = "SPARK_REMOTE";

/// What every session must have for the texts of this store to mean what they say.
pub(crate) const REQUIRED: [(&str, &str); 8] = [
    ("spark.sql.session.timeZone", "UTC"),
    ("spark.sql.ansi.enabled", "true"),
    ("spark.sql.timestampType", "TIMESTAMP_LTZ"),
    ("spark.sql.parser.escapedStringLiterals", "false"),
    ("spark.sql.parser.quotedRegexColumnNames", "false"),
    ("spark.sql.ansi.doubleQuotedIdentifiers", "false"),
    ("spark.sql.variable.substitute", "false"),
    ("spark.sql.execution.arrow.compression.codec", "none"),
];

/// The Spark store's part of feature_store.yaml, under Feast's names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SparkConfig {
    /// `spark.remote` is the server's address; everything else is set in each session.
    #[serde(default)]
    pub spark_conf: BTreeMap<String, Setting>,
    /// The server's address, `sc://host:port/;token=…`: wins over the environment's `SPARK_REMOTE`.
    #[serde(default)]
    pub connect_url: Option<Secret>,
    /// A folder that this process and the server both reach: large uploads pass through it.
    #[serde(default)]
    pub staging_location: Option<String>,
    /// The region of S3 buckets, for the server's S3 client.
    #[serde(default)]
    pub region: Option<String>,
    /// How views are joined; absent: chosen by what is known of the data.
    #[serde(default)]
    pub formulation: Option<Formulation>,
}

/// The value of a setting of Spark: a text, or a number or flag that becomes its text. Never shown: it may be a key.
#[derive(Clone, PartialEq, Eq)]
pub struct Setting(Secret);

impl Setting {
    /// A setting of this value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(Secret::new(value))
    }

    pub(crate) fn value(&self) -> &str {
        self.0.expose()
    }
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Setting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SettingVisitor)
    }
}

struct SettingVisitor;

impl Visitor<'_> for SettingVisitor {
    type Value = Setting;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a number or a flag")
    }

    fn visit_str<E>(self, value: &str) -> Result<Setting, E> {
        Ok(Setting::new(value))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Setting, E> {
        Ok(Setting::new(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Setting, E> {
        Ok(Setting::new(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Setting, E> {
        Ok(Setting::new(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Setting, E> {
        Ok(Setting::new(value.to_string()))
    }
}

impl SparkConfig {
    /// The server at this address.
    pub fn new(connect_url: impl Into<String>) -> Self {
        Self {
            connect_url: Some(Secret::new(connect_url)),
            ..Self::default()
        }
    }

    /// Where the server is: `connect_url`, else `spark.remote`, else the environment's `SPARK_REMOTE`.
    ///
    /// # Errors
    /// Config: no address, a wrong one, two different ones, or a `spark.master`.
    pub fn address(&self) -> Result<Address> {
        self.refuse_master()?;
        let remote = self.spark_conf.get("spark.remote").map(Setting::value);
        let url = self.connect_url.as_ref().map(Secret::expose);
        if let (Some(remote), Some(url)) = (remote, url)
            && remote != url
        {
            return Err(problem("`connect_url` and `spark.remote` in spark_conf differ").with_help("give one of them"));
        }
        match url.or(remote) {
            Some(url) => Address::parse(url),
            None => match std::env::var(REMOTE_VARIABLE) {
                Ok(url) => Address::parse(&url),
                Err(_) => Err(problem("the Spark store has no address").with_help(
                    "set `connect_url`, `spark.remote` in spark_conf, or the variable SPARK_REMOTE to `sc://host:port`",
                )),
            },
        }
    }

    fn refuse_master(&self) -> Result<()> {
        let Some(master) = self.spark_conf.get("spark.master") else {
            return Ok(());
        };
        let master = master.value();
        let message =
            format!("`spark.master: {master}` in spark_conf: a Rust process has no JVM and cannot be a Spark driver");
        Err(problem(&message)
            .with_help("start a Connect server with that master (start-connect-server.sh --master …)")
            .with_help("then put `spark.remote: sc://host:15002` in its place"))
    }

    /// What is set in each session, in order: the settings of `spark_conf`, then what must be.
    ///
    /// # Errors
    /// Config: a setting that this store's texts do not work with.
    pub(crate) fn settings(&self) -> Result<Vec<(String, String)>> {
        let mut settings = Vec::new();
        for (key, setting) in &self.spark_conf {
            let needed = REQUIRED.iter().find(|(name, _)| name == key);
            if let Some((_, needed)) = needed.filter(|(_, needed)| !needed.eq_ignore_ascii_case(setting.value())) {
                return Err(problem(&format!(
                    "`{key}` in spark_conf must be `{needed}`: the statements of this store rely on it"
                ))
                .with_help("leave it out: it is set in each session, and for no one else"));
            }
            if key != "spark.remote" {
                settings.push((key.clone(), setting.value().to_owned()));
            }
        }
        if let Some(region) = &self.region {
            settings.push(("fs.s3a.endpoint.region".to_owned(), region.clone()));
        }
        settings.extend(REQUIRED.map(|(key, value)| (key.to_owned(), value.to_owned())));
        Ok(settings)
    }
}

fn problem(message: &str) -> Error {
    Error::new(ErrorKind::Config, message)
}

#[cfg(test)]
mod tests;
