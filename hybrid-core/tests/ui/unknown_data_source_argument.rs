use hybrid_core::DataSource;
use hybrid_core::serde::{Deserialize, Serialize};

#[derive(DataSource, Serialize, Deserialize)]
#[serde(crate = "hybrid_core::serde")]
#[data_source(krate = hybrid_core)]
struct BigQuerySource {}

fn main() {}
