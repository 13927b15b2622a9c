//! Feast's registry server. Its call `Proto` gives everything at once, but leaves out to which project each definition
//! belongs, and runs the Python code of on-demand views to get there; the lists of one project do neither.

mod apply;
mod client;
mod error;
mod message;
mod tls;
mod token;

use bytes::Bytes;
use futures::future::try_join_all;
use hybrid_core::config::{ClientAuth, RemoteRegistry};
use hybrid_core::{Error, ErrorKind, Result, async_trait};

use super::backing::{Backing, Change, Loaded, Version};
use super::changes::{Applied, spec_mut};
use super::document::{Document, MAX_BYTES, RecordKind};
use crate::blocking::blocking;
use crate::proto::{self, Fields};
use apply::{Contents, Step};
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

/// How often what a server did not keep is applied again, should somebody else have been faster.
const ATTEMPTS: usize = 3;

/// Definitions of one kind, each as the bytes that it came as.
type List = (RecordKind, Vec<Bytes>);

/// A registry server. It has no version: everything is asked for on each request.
pub(crate) struct Remote {
    client: Client,
    project: String,
    /// Whether the server knows who asks, and shows each what they may see.
    hides: bool,
}

impl Remote {
    pub(crate) fn new(config: &RemoteRegistry, project: &str) -> Result<Self> {
        Ok(Self {
            client: Client::new(config)?,
            project: project.to_owned(),
            hides: !matches!(config.auth, ClientAuth::None),
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

    /// The server takes one definition at a time, so that an error may come after some changes, and who reads meanwhile
    /// may see some of them. It also says that all is well where it kept nothing: what there is afterwards is compared.
    async fn update(&self, change: Change) -> Result<Applied> {
        let (mut change, told, mut steps) = self.plan(change).await?;
        let applied = apply::only(told, &steps);
        if self.hides && steps.iter().any(Step::deletes) {
            return Err(self.cannot_prune());
        }
        for _ in 0..ATTEMPTS {
            if steps.is_empty() {
                return Ok(applied);
            }
            let bearer = self.client.bearer().await?;
            apply::run(&self.client, &self.project, &steps, bearer.as_ref()).await?;
            (change, _, steps) = self.plan(change).await?;
        }
        match steps.is_empty() {
            true => Ok(applied),
            false => Err(apply::not_kept(&steps, self.client.place())),
        }
    }
}

impl Remote {
    /// What `change` would change of what there is now, and the calls that do it.
    async fn plan(&self, change: Change) -> Result<(Change, Applied, Vec<Step>)> {
        let lists = self.lists().await?;
        let (project, place) = (self.project.clone(), self.client.place().to_owned());
        blocking(move || planned(&lists, &project, &place, change)).await
    }

    fn cannot_prune(&self) -> Error {
        let message = format!("registry server {} may not show everything", self.client.place());
        Error::new(
            ErrorKind::Unsupported,
            format!("{message}, so that nothing can be deleted through it"),
        )
        .with_help("it shows a user what the user may see, and what is hidden may use what would be deleted")
        .with_help("apply without `--prune`, or where feature_store.yaml names the server's own registry")
    }
}

fn planned(lists: &[List], project: &str, place: &str, mut change: Change) -> Result<(Change, Applied, Vec<Step>)> {
    let mut document = document(lists, project, place)?;
    let before = Contents::of(&document, project)?;
    let (applied, _) = change(&mut document)?;
    let steps = apply::steps(&before, &Contents::of(&document, project)?);
    Ok((change, applied, steps))
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
