//! Feast's registry server. Its call `Proto` gives everything at once, but leaves out to which project each definition
//! belongs, and runs the Python code of on-demand views to get there; the lists of one project do neither.

mod client;
mod error;
mod message;
mod tls;
mod token;

use bytes::Bytes;
use futures::future::try_join_all;
use hybrid_core::config::RemoteRegistry;
use hybrid_core::{Error, ErrorKind, Result, async_trait};

use super::backing::{Backing, Change, Loaded, Version};
use super::changes::{Applied, spec_mut};
use super::document::{Document, MAX_BYTES, RecordKind};
use crate::blocking::blocking;
use crate::proto::{self, Fields};
use client::Client;
use message::{ListRequest, ProjectsRequest};
use token::Bearer;

/// The calls that list a project's definitions. Views come before what they use, so that what is applied meanwhile is
/// there for them; what is asked for together is asked for at once.
#[rustfmt::skip]
const LISTS: [&[(RecordKind, &str)]; 2] = [
    &[
        (RecordKind::FeatureService,      "ListFeatureServices"),
        (RecordKind::FeatureView,         "ListFeatureViews"),
        (RecordKind::StreamFeatureView,   "ListStreamFeatureViews"),
        (RecordKind::OnDemandFeatureView, "ListOnDemandFeatureViews"),
        (RecordKind::LabelView,           "ListLabelViews"),
    ],
    &[
        (RecordKind::SavedDataset,        "ListSavedDatasets"),
        (RecordKind::DataSource,          "ListDataSources"),
        (RecordKind::Entity,              "ListEntities"),
        (RecordKind::Permission,          "ListPermissions"),
        (RecordKind::Project,             "ListProjects"),
    ],
];

/// Definitions of one kind, each as the bytes that it came as.
type List = (RecordKind, Vec<Bytes>);

/// A registry server. It has no version: everything is asked for on each request.
pub(crate) struct Remote {
    client: Client,
    project: String,
}

impl Remote {
    pub(crate) fn new(config: &RemoteRegistry, project: &str) -> Result<Self> {
        Ok(Self {
            client: Client::new(config)?,
            project: project.to_owned(),
        })
    }

    async fn lists(&self) -> Result<Vec<List>> {
        let bearer = self.client.bearer().await?;
        let mut lists = Vec::new();
        for together in LISTS {
            let asked = together
                .iter()
                .map(async |(kind, method)| self.list(*kind, method, bearer.as_ref()).await);
            lists.extend(try_join_all(asked).await?);
        }
        let bytes: usize = lists.iter().flat_map(|(_, items)| items).map(Bytes::len).sum();
        if bytes > MAX_BYTES {
            let message = format!(
                "registry server {} has more than {MAX_BYTES} bytes",
                self.client.place()
            );
            return Err(Error::new(ErrorKind::ResourceExhausted, message));
        }
        Ok(lists)
    }

    async fn list(&self, kind: RecordKind, method: &str, bearer: Option<&Bearer>) -> Result<List> {
        let project = self.project.clone();
        let items = match kind {
            RecordKind::Project => self.client.list(method, ProjectsRequest {}, bearer).await?,
            _ => self.client.list(method, ListRequest { project }, bearer).await?,
        };
        Ok((kind, items))
    }
}

#[async_trait]
impl Backing for Remote {
    async fn load(&self, known: Option<&Version>) -> Result<Option<Loaded>> {
        let lists = self.lists().await?;
        let (known, project, place) = (known.cloned(), self.project.clone(), self.client.place().to_owned());
        blocking(move || loaded(&lists, known.as_ref(), &project, &place)).await
    }

    async fn update(&self, _: Change) -> Result<Applied> {
        let message = format!(
            "definitions cannot be applied through the registry server {}",
            self.client.place()
        );
        Err(Error::new(ErrorKind::Unsupported, message).with_help(
            "run `hybrid apply` where feature_store.yaml names the server's own registry, or `feast apply` here",
        ))
    }
}

fn loaded(lists: &[List], known: Option<&Version>, project: &str, place: &str) -> Result<Option<Loaded>> {
    let version = version(lists);
    if known == Some(&version) {
        return Ok(None);
    }
    Ok(Some(Loaded {
        version: Some(version),
        document: document(lists, project, place)?,
        missing: None,
    }))
}

/// What came, in short: the same need not be read again.
fn version(lists: &[List]) -> Version {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    for (_, items) in lists {
        items.hash(&mut hasher);
    }
    hasher.finish().to_string()
}

fn document(lists: &[List], project: &str, place: &str) -> Result<Document> {
    let mut document = Document::decode(&[])?;
    for (kind, items) in lists {
        let (name, _, word) = kind.names();
        for item in items {
            let mut message = proto::decode(name, item, &format!("a {word} of registry server {place}"))?;
            if *kind != RecordKind::Project {
                spec_mut(&mut message, *kind)?.set_text("project", project)?;
            }
            document.put(*kind, None, &message)?;
        }
    }
    Ok(document)
}
