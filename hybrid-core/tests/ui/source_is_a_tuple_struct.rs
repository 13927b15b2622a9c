use hybrid_core::DataSource;
use hybrid_core::serde::{Deserialize, Serialize};

#[derive(DataSource, Serialize, Deserialize)]
#[serde(crate = "hybrid_core::serde")]
struct BigQuerySource(String);

fn main() {}
