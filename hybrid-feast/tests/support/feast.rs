//! Real Feast beside us: HYBRID_FEAST_PYTHON names a Python that has it.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use hybrid_core::HybridOfflineStore;
use hybrid_core::config::RepoConfig;
use hybrid_feast::FeatureStore;
use serde_json::{Value, json};

/// What `feast apply` is given.
pub const FEATURES: &str = r#"
from datetime import timedelta
from feast import Entity, FeatureService, FeatureView, Field, FileSource, Project, PushSource, RequestSource, ValueType
from feast.infra.offline_stores.file_source import SavedDatasetFileStorage
from feast.on_demand_feature_view import on_demand_feature_view
from feast.permissions.action import AuthzedAction
from feast.permissions.permission import Permission
from feast.permissions.policy import RoleBasedPolicy
from feast.types import Array, Float32, Float64, Int64

project = Project(name="p", description="as `feast apply` makes it")
driver = Entity(name="driver", join_keys=["driver_id"], value_type=ValueType.INT64, tags={"a": "b"})
source = FileSource(name="stats", path="data/stats.parquet", timestamp_field="ts", created_timestamp_column="made")
push = PushSource(name="pushed", batch_source=source)
stats = FeatureView(
    name="stats_view", entities=[driver], ttl=timedelta(days=1), source=source,
    schema=[Field(name="x", dtype=Float32), Field(name="y", dtype=Array(Int64))],
)
live = FeatureView(name="live_view", entities=[driver], source=push, schema=[Field(name="z", dtype=Int64)])
nobody = FeatureView(name="nobody_view", entities=[], source=source, schema=[Field(name="z", dtype=Int64)])
request = RequestSource(name="request", schema=[Field(name="factor", dtype=Float64)])

@on_demand_feature_view(sources=[stats, request], schema=[Field(name="scaled", dtype=Float64)], mode="python")
def scaled(inputs):
    return {"scaled": [x * f for x, f in zip(inputs["x"], inputs["factor"])]}

service = FeatureService(name="training", features=[stats[["x"]], live.with_name("other").with_join_key_map({"driver_id": "o"})])
readers = Permission(name="readers", types=[FeatureView], policy=RoleBasedPolicy(roles=["reader"]), actions=[AuthzedAction.DESCRIBE])
"#;

pub fn python() -> PathBuf {
    let python = std::env::var("HYBRID_FEAST_PYTHON");
    python
        .expect("HYBRID_FEAST_PYTHON names a Python that has Feast")
        .into()
}

/// The path of a file in tests/fixtures.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// Runs a script of tests/fixtures; what it prints.
pub fn run(script: &str, argument: &str) -> Vec<u8> {
    let output = Command::new(python())
        .arg(fixture(script))
        .arg(argument)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// A repository whose feature_store.yaml both Feast and we read.
pub struct FeastRepo {
    pub folder: tempfile::TempDir,
}

impl FeastRepo {
    /// A repository of project `p` with this `registry`.
    pub fn new(registry: &Value) -> Self {
        Self::of_project("p", registry)
    }

    pub fn of_project(project: &str, registry: &Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("data")).unwrap();
        let yaml = format!(
            "project: {project}\nprovider: local\nregistry: {registry}\nonline_store: {{type: sqlite, path: data/online.db}}\n\
             entity_key_serialization_version: 3\n"
        );
        std::fs::write(folder.path().join("feature_store.yaml"), yaml).unwrap();
        Self { folder }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Our feature store over it, as another process would open it.
    pub fn store(&self) -> FeatureStore {
        let config = RepoConfig::load(self.path()).unwrap();
        FeatureStore::with_stores(config, HybridOfflineStore::from_stores([]))
    }

    /// Runs `feast apply` over definitions in Python.
    pub fn apply(&self, definitions: &str) {
        std::fs::write(self.path().join("features.py"), definitions).unwrap();
        let feast = python().with_file_name("feast");
        let output = Command::new(feast)
            .args(["apply", "--skip-source-validation"])
            .current_dir(self.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// A Feast that stays: see fixtures/feast_repo.py.
    pub fn feast(&self) -> Feast {
        let mut child = Command::new(python())
            .arg(fixture("feast_repo.py"))
            .arg(".")
            .current_dir(self.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Feast {
            input: child.stdin.take().unwrap(),
            output: BufReader::new(child.stdout.take().unwrap()),
            child,
        }
    }
}

/// A process of Feast that takes commands.
pub struct Feast {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Feast {
    fn ask(&mut self, command: &Value) -> Value {
        writeln!(self.input, "{command}").unwrap();
        let mut line = String::new();
        // Feast prints what it likes beside answers.
        while !line.starts_with("{\"") {
            line.clear();
            assert_ne!(self.output.read_line(&mut line).unwrap(), 0, "Feast ended");
        }
        let answer: Value = serde_json::from_str(&line).unwrap();
        assert!(answer.get("failed").is_none(), "{command}: {answer}");
        answer["done"].clone()
    }

    /// Applies a view of this name with all that it takes.
    pub fn apply(&mut self, name: &str, ttl_hours: u32) {
        self.ask(&json!({"do": "apply", "name": name, "ttl": ttl_hours}));
    }

    /// Deletes the view of this name, and its service.
    pub fn delete(&mut self, name: &str) {
        self.ask(&json!({"do": "delete", "name": name}));
    }

    /// The names of all views that it sees.
    pub fn views(&mut self) -> Vec<String> {
        serde_json::from_value(self.ask(&json!({"do": "views"}))).unwrap()
    }
}

impl Drop for Feast {
    fn drop(&mut self) {
        // It ends with its input, but maybe not soon.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
