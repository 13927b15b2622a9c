mod check;

pub(crate) use check::staging_parts;

use hybrid_core::Secret;
use hybrid_core::sql::Formulation;
use hybrid_store_postgres::SslMode;
use serde::Deserialize;

/// The Redshift store's part of feature_store.yaml: Feast's fields, then our own.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedshiftConfig {
    /// The AWS region of the cluster or workgroup, and of the bucket.
    pub region: String,
    /// The database.
    pub database: String,
    /// Where results and rows on their way lie for a moment: `s3://bucket/folder`. May be left out where `host` is given.
    #[serde(default)]
    pub s3_staging_location: Option<String>,
    /// The role by which Redshift reaches that place; absent: the cluster's default role.
    #[serde(default)]
    pub iam_role: Option<String>,
    /// A provisioned cluster.
    #[serde(default)]
    pub cluster_id: Option<String>,
    /// The database user: of `cluster_id`, or of `host`.
    #[serde(default)]
    pub user: Option<String>,
    /// A serverless workgroup, instead of a cluster.
    #[serde(default)]
    pub workgroup: Option<String>,
    /// The secret of AWS Secrets Manager that holds user and password, instead of temporary credentials.
    #[serde(default)]
    pub secret_arn: Option<String>,
    /// The endpoint's name or address, to speak to it directly instead of over the Data API.
    #[serde(default)]
    pub host: Option<String>,
    /// Its port.
    #[serde(default = "redshift_port")]
    pub port: u16,
    /// The user's password, with `host`.
    #[serde(default)]
    pub password: Option<Secret>,
    /// How much of TLS is asked for, with `host`.
    #[serde(default)]
    pub sslmode: SslMode,
    /// The authorities that may have signed the endpoint's certificate, a PEM file, with `host`.
    #[serde(default)]
    pub sslrootcert_path: Option<String>,
    /// The schema of tables that are named without one.
    #[serde(default = "public")]
    pub db_schema: String,
    /// How rows travel with `host`: absent, through `s3_staging_location` where that is given.
    #[serde(default)]
    pub bulk: Option<Bulk>,
    /// The AWS profile; absent: AWS_PROFILE, then the default.
    #[serde(default)]
    pub profile: Option<String>,
    /// What queries are labelled with, and by which a workload queue may choose them.
    #[serde(default = "ourselves")]
    pub query_group: String,
    /// Seconds after which Redshift gives a statement up.
    #[serde(default)]
    pub statement_timeout: Option<u64>,
    /// Seconds for which a session without statements keeps its temporary tables.
    #[serde(default = "hour")]
    pub session_keep_alive: u32,
    /// How often a request is sent at most, with growing pauses between.
    #[serde(default = "eight")]
    pub max_attempts: u32,
    /// Seconds after which what a killed process left in `s3_staging_location` is deleted.
    #[serde(default = "day")]
    pub sweep_after: u64,
    /// Another endpoint of the Data API.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// Another endpoint of S3.
    #[serde(default)]
    pub s3_endpoint: Option<String>,
    /// How every view is joined; absent: chosen by what is known of the data.
    #[serde(default)]
    pub formulation: Option<Formulation>,
}

/// How rows travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bulk {
    /// In Parquet through `s3_staging_location`, by UNLOAD and COPY.
    S3,
    /// Over the connection: results row by row, entity rows in INSERTs.
    Connection,
}

/// Who is asked, and by what name it is known there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    Cluster { id: String },
    Workgroup(String),
    Host(String),
}

impl RedshiftConfig {
    /// Over the Data API, to a cluster as one of its users.
    pub fn cluster(
        region: impl Into<String>,
        cluster: impl Into<String>,
        user: impl Into<String>,
        database: impl Into<String>,
        staging: impl Into<String>,
    ) -> Self {
        Self {
            cluster_id: Some(cluster.into()),
            user: Some(user.into()),
            s3_staging_location: Some(staging.into()),
            ..Self::of(region.into(), database.into())
        }
    }

    /// Over the Data API, to a serverless workgroup.
    pub fn workgroup(
        region: impl Into<String>,
        workgroup: impl Into<String>,
        database: impl Into<String>,
        staging: impl Into<String>,
    ) -> Self {
        Self {
            workgroup: Some(workgroup.into()),
            s3_staging_location: Some(staging.into()),
            ..Self::of(region.into(), database.into())
        }
    }

    /// Directly, with a password.
    pub fn host(
        region: impl Into<String>,
        host: impl Into<String>,
        user: impl Into<String>,
        password: impl Into<Secret>,
        database: impl Into<String>,
    ) -> Self {
        Self {
            host: Some(host.into()),
            user: Some(user.into()),
            password: Some(password.into()),
            ..Self::of(region.into(), database.into())
        }
    }

    fn of(region: String, database: String) -> Self {
        Self {
            region,
            database,
            s3_staging_location: None,
            iam_role: None,
            cluster_id: None,
            user: None,
            workgroup: None,
            secret_arn: None,
            host: None,
            port: redshift_port(),
            password: None,
            sslmode: SslMode::default(),
            sslrootcert_path: None,
            db_schema: public(),
            bulk: None,
            profile: None,
            query_group: ourselves(),
            statement_timeout: None,
            session_keep_alive: hour(),
            max_attempts: eight(),
            sweep_after: day(),
            endpoint: None,
            s3_endpoint: None,
            formulation: None,
        }
    }

    /// How rows travel, as configured or as follows from the rest.
    pub(crate) fn bulk(&self) -> Bulk {
        self.bulk.unwrap_or(match &self.s3_staging_location {
            Some(_) => Bulk::S3,
            None => Bulk::Connection,
        })
    }

    /// The role's part of UNLOAD and COPY.
    pub(crate) fn authorization(&self) -> String {
        match &self.iam_role {
            Some(role) => format!("IAM_ROLE '{role}'"),
            None => "IAM_ROLE default".to_owned(),
        }
    }
}

fn redshift_port() -> u16 {
    5439
}

fn public() -> String {
    "public".to_owned()
}

fn ourselves() -> String {
    "hybrid-offline-store".to_owned()
}

fn hour() -> u32 {
    3600
}

fn day() -> u64 {
    86_400
}

fn eight() -> u32 {
    8
}
