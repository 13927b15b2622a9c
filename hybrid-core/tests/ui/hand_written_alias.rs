use hybrid_core::serde::{Deserialize, Serialize};
use hybrid_core::{DataSource, OfflineStore, Registration};

#[path = "../../../tests/fixtures/registration/operations.rs"]
mod operations;

#[derive(DataSource, Serialize, Deserialize)]
#[serde(crate = "hybrid_core::serde")]
struct RedshiftSource {}

struct Store;

impl OfflineStore for Store {
    type Source = RedshiftSource;
    type Config = operations::NoConfig;
    operations::operations!();
}

static REGISTRATION: Registration = Registration::of::<Store>("redshift", &["Red Shift"], "mine", "1.0.0");

fn main() {}
