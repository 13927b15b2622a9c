use hybrid_core::serde::{Deserialize, Serialize};
use hybrid_core::{DataSource, OfflineStore, offline_store};

#[path = "../../../tests/fixtures/registration/operations.rs"]
mod operations;

#[derive(DataSource, Serialize, Deserialize)]
#[serde(crate = "hybrid_core::serde")]
struct FileSource {}

#[derive(DataSource, Serialize, Deserialize)]
#[serde(crate = "hybrid_core::serde")]
struct DaskSource {}

struct Store;

#[offline_store("file", aliases("dask"))]
impl OfflineStore for Store {
    type Source = FileSource;
    type Config = operations::NoConfig;
    operations::operations!();
}

struct Dask;

#[offline_store("dask")]
impl OfflineStore for Dask {
    type Source = DaskSource;
    type Config = operations::NoConfig;
    operations::operations!();
}

fn main() {}
