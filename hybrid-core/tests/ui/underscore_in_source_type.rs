use hybrid_core::DataSource;
use hybrid_core::serde::{Deserialize, Serialize};

#[derive(DataSource, Serialize, Deserialize)]
#[serde(crate = "hybrid_core::serde")]
#[allow(non_camel_case_types)]
struct Big_QuerySource {}

fn main() {}
