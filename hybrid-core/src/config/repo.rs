use std::path::{Path, PathBuf};

use super::expand::Variables;
use super::fields::Fields;
use super::node::Node;
use super::problems::Problems;
use super::read::{file_in, read_file};
use super::registry::{Around, RegistryConfig};
use super::store_type::{self, Resolve};
use super::stores::{self, Stores};
use super::{environment, registry};
use crate::store::find_backend;
use crate::{ErrorKind, Position, Result};

/// feature_store.yaml.
///
/// Its `Debug` shows no value of a store's fields, and no user of a registry's address.
#[derive(Debug, Clone)]
pub struct RepoConfig {
    /// The folder that relative paths of sources start at.
    pub repo: PathBuf,
    /// The project's name.
    pub project: String,
    /// Where the registry of definitions is.
    pub registry: RegistryConfig,
    /// The configured stores, in file order; one for a plain single store.
    pub stores: Vec<StoreConfig>,
    /// Lets one call join views of several source types.
    pub cross_source_joins: bool,
    /// `auth` as it is written: who may call a server, and how a client says who it is.
    pub auth: Option<Node>,
}

/// One configured store.
#[derive(Debug, Clone)]
pub struct StoreConfig {
    /// The store key; aliases are resolved.
    pub key: String,
    /// The type as it was written.
    pub written: String,
    /// The store's own fields, without `type`, out of `conf` where that was used.
    pub fields: Node,
    /// Where `type` stands.
    pub position: Position,
}

/// The name of the file in a repository's folder.
const FILE: &str = "feature_store.yaml";

/// The top-level keys that are read.
const READ: [&str; 3] = ["project", "registry", "offline_store"];

/// Feast's other top-level keys, old spellings among them. Variables in them are left alone: the
/// password of an online store need not be known here.
const IGNORED: [&str; 22] = [
    "provider",
    "project_description",
    "online_store",
    "auth",
    "batch_engine",
    "batch_engine_config",
    "feature_server",
    "embedding_model",
    "flags",
    "repo_path",
    "entity_key_serialization_version",
    "coerce_tz_aware",
    "materialization",
    "materialization_config",
    "openlineage",
    "openlineage_config",
    "mlflow",
    "mlflow_config",
    "data_quality_monitoring",
    "data_quality_monitoring_config",
    "go_feature_serving",
    "go_feature_retrieval",
];

impl RepoConfig {
    /// Reads `feature_store.yaml` in `repo`, expanding variables from the environment.
    ///
    /// # Errors
    /// NotFound where the file is missing; Config with every problem in it.
    pub fn load(repo: impl AsRef<Path>) -> Result<Self> {
        let file = file_in(repo.as_ref(), FILE);
        let text = read_file(&file, ErrorKind::Config).map_err(|error| match error.kind() {
            ErrorKind::NotFound => error.with_help("`hybrid init DIR` makes a project"),
            _ => error,
        })?;
        Self::parse(&text, &file, &environment)
    }

    /// Reads the text of a feature_store.yaml; `variable` gives the value of `${NAME}`. Relative
    /// paths start at the folder of `file`.
    ///
    /// # Errors
    /// Config, with every problem found.
    pub fn parse(text: &str, file: &Path, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        Self::parse_with(text, file, variable, &store_type::resolve)
    }

    pub(super) fn parse_with(text: &str, file: &Path, variable: Variables<'_>, resolve: Resolve<'_>) -> Result<Self> {
        let root = Node::parse(text, file)?;
        let mut problems = Problems::default();
        let config = read(&root, file, variable, resolve, &mut problems);
        problems.finish(config)
    }

    /// `auth`, with its variables expanded: only those who read it need them.
    ///
    /// # Errors
    /// Config, for variables that are not there.
    pub fn expanded_auth(&self, variable: &dyn Fn(&str) -> Option<String>) -> Result<Option<Node>> {
        let mut problems = Problems::default();
        let auth = self.auth.clone().map(|mut node| {
            node.expand(variable, &mut problems);
            node
        });
        problems.finish(Some(auth))
    }
}

fn read(
    root: &Node,
    file: &Path,
    variable: Variables<'_>,
    resolve: Resolve<'_>,
    problems: &mut Problems,
) -> Option<RepoConfig> {
    check_keys(root, problems)?;
    let (mut known, _) = root.split_off(&READ);
    known.expand(variable, problems);
    let mut fields = Fields::of(&known, "feature_store.yaml", problems)?;
    let project = project(&mut fields, problems);
    let repo = file.parent().map(Path::to_owned).unwrap_or_default();
    let around = Around {
        repo: &repo,
        auth: &|problems| auth(root, variable, problems),
        variable,
    };
    let registry = match fields.get("registry") {
        Some(node) => registry::read(node, &around, problems),
        None => {
            let error = root.key_error("registry", "feature_store.yaml has no `registry`");
            problems.push(error.with_help("for example registry: data/registry.db"));
            None
        }
    };
    let Stores {
        stores,
        cross_source_joins,
    } = stores::read(&known, resolve, problems);
    check_fields(&stores, problems);
    Some(RepoConfig {
        repo: if repo.as_os_str().is_empty() { ".".into() } else { repo },
        project: project?,
        registry: registry?,
        stores,
        cross_source_joins,
        auth: root.get("auth").cloned(),
    })
}

/// `auth`, whose variables only those need who read it.
fn auth(root: &Node, variable: Variables<'_>, problems: &mut Problems) -> Option<Node> {
    let mut node = root.get("auth")?.clone();
    node.expand(variable, problems);
    Some(node)
}

/// Each store's own fields, where its backend is compiled in: what is wrong there is told with
/// everything else.
fn check_fields(stores: &[StoreConfig], problems: &mut Problems) {
    for store in stores {
        if let Ok(backend) = find_backend(&store.key)
            && let Err(error) = (backend.check_config)(&store.fields)
        {
            error.into_problems().into_iter().for_each(|error| problems.push(error));
        }
    }
}

fn check_keys(root: &Node, problems: &mut Problems) -> Option<()> {
    let mut fields = Fields::of(root, "feature_store.yaml", problems)?;
    for key in READ.into_iter().chain(IGNORED) {
        fields.get(key);
    }
    fields.finish(problems);
    Some(())
}

/// Feast's rule for names of projects.
fn project(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<String> {
    let name = fields.text("project", "feature_store.yaml", problems)?;
    let valid = name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    if !valid || name.starts_with(['_', '-']) {
        let at = fields.get("project")?;
        let error = at.error(format!("{} is no name for a project", at.shown_or("this")));
        problems.push(error.with_help("letters, digits, `_` and `-`, not beginning with `_` or `-`"));
        return None;
    }
    Some(name)
}
