//! BigQuery's REST API and its Storage API: calls, retries, jobs, uploads, reads.

mod access;
mod backoff;
mod cancel;
mod ended;
mod http;
mod jobs;
mod live;
mod message;
mod project;
mod rest;
mod storage;
mod tables;
mod upload;

pub(crate) use access::Access;
pub(crate) use http::Http;
pub(crate) use jobs::Jobs;
pub(crate) use live::LiveJobs;
pub(crate) use project::project_of;
pub(crate) use rest::{FieldSchema, Job, Table, TableReference, TimePartitioning};
pub(crate) use storage::{Reader, Storage};
pub(crate) use upload::PART;
