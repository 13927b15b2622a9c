use hybrid_core::serde::{Deserialize, Serialize};
use hybrid_core::{DataSource, OfflineStore, offline_store};

#[path = "../../../tests/fixtures/registration/operations.rs"]
mod operations;

#[derive(DataSource, Serialize, Deserialize)]
#[serde(crate = "hybrid_core::serde")]
struct BigQuerySource {}

struct Store;

#[offline_store]
impl OfflineStore for Store {
    type Source = BigQuerySource;
    type Config = operations::NoConfig;
    operations::operations!();
}

fn main() {}
