//! Every behaviour that a store must show, on tables of Iceberg; entity rows travel in either way.

#![allow(clippy::unwrap_used)]

mod common;

use common::{TrinoFixture, Way};

/// What depends on how the entity rows travel.
mod embedded {
    use super::*;
    hybrid_conformance::suite!(TrinoFixture::new(Way::Embedded).await; rows, keys, times, winner, random);
}

mod staged {
    use super::*;
    hybrid_conformance::suite!(TrinoFixture::new(Way::Staged).await);
}
