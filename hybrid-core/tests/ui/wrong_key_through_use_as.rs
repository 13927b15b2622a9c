use hybrid_core::{OfflineStore, offline_store};

#[path = "../../../tests/fixtures/registration/operations.rs"]
mod operations;

mod sources {
    use hybrid_core::DataSource;
    use hybrid_core::serde::{Deserialize, Serialize};

    #[derive(DataSource, Serialize, Deserialize)]
    #[serde(crate = "hybrid_core::serde")]
    pub struct RedshiftSource {}
}
use sources::RedshiftSource as BigQuerySource;

struct Store;

#[offline_store("bigquery")]
impl OfflineStore for Store {
    type Source = BigQuerySource;
    type Config = operations::NoConfig;
    operations::operations!();
}

fn main() {}
