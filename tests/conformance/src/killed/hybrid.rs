use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use super::{Retrieval, Victim};

/// More than the command gives itself for cleaning up.
const SOON: Duration = Duration::from_secs(8);

const OUTPUT: &str = "out.parquet";
const TOLD: &str = "told";

/// The command `hybrid` of HYBRID_BIN at a retrieval.
pub struct Hybrid {
    process: Victim,
    folder: PathBuf,
}

impl Hybrid {
    /// Makes a repository with the one store of that key in `folder`, and runs the command there.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(folder: &Path, key: &str, retrieval: &Retrieval) -> Self {
        for (name, text) in repository(key, retrieval) {
            fs::write(folder.join(name), text).unwrap();
        }
        let applied = hybrid(folder).arg("apply").output().unwrap();
        assert!(applied.status.success(), "{applied:?}");
        let mut command = hybrid(folder);
        command
            .args("historical --entities frame.csv --features slow:v -o".split(' '))
            .arg(OUTPUT)
            .stderr(File::create(folder.join(TOLD)).unwrap());
        Self {
            process: Victim::spawn(&mut command),
            folder: folder.to_owned(),
        }
    }

    /// Ctrl-C.
    ///
    /// # Panics
    /// When it does not end soon and in order, or leaves an output.
    pub fn interrupt(mut self) {
        let ended = self.process.signal("-INT", SOON);
        let told = fs::read_to_string(self.folder.join(TOLD)).unwrap();
        let Some(ended) = ended else {
            panic!("it has not ended after {SOON:?}: {told}")
        };
        assert_eq!(ended.code(), Some(130), "{told}");
        assert!(!told.contains("error:") && !told.contains("cleaned up"), "{told}");
        assert!(!self.folder.join(OUTPUT).exists());
    }
}

fn hybrid(folder: &Path) -> Command {
    let program = env::var("HYBRID_BIN").unwrap_or_else(|_| panic!("HYBRID_BIN is not set: run scripts/test"));
    let mut command = Command::new(program);
    command.current_dir(folder);
    command
}

/// The files of the repository, and the frame.
fn repository(key: &str, retrieval: &Retrieval) -> [(&'static str, String); 3] {
    let mut store = retrieval.fields.clone();
    store["type"] = key.into();
    let source = json!({"type": key, "query": retrieval.query, "timestamp_field": "ts"});
    let rows = (0..retrieval.rows).map(|row| format!("{},2025-01-01T00:00:00Z\n", row % 1000));
    [
        (
            "feature_store.yaml",
            format!("project: killed\nregistry: registry.db\nprovider: local\noffline_store: {store}\n"),
        ),
        (
            "features.yaml",
            format!(
                "entities: [{{name: k, value_type: Int64}}]\nfeature_views:\n  - \
                 {{name: slow, entities: [k], source: {source}, schema: [{{name: v, dtype: Float64}}]}}\n"
            ),
        ),
        ("frame.csv", format!("k,event_timestamp\n{}", rows.collect::<String>())),
    ]
}
