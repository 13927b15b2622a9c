//! Every behaviour that a store must show, on tables of Iceberg, by each way that entity rows travel.

#![allow(clippy::unwrap_used)]

mod common;

use common::{TrinoFixture, Way};

mod embedded {
    use super::*;
    hybrid_conformance::suite!(TrinoFixture::new(Way::Embedded).await);
}

mod staged {
    use super::*;
    hybrid_conformance::suite!(TrinoFixture::new(Way::Staged).await);
}
