//! Every behaviour that a store must show, on tables of Iceberg; entity rows travel in either way. By each formulation, what
//! depends on how rows are joined.

#![allow(clippy::unwrap_used)]

mod common;

use common::{TrinoFixture, Way};
use hybrid_core::sql::Formulation;

/// What depends on how the entity rows travel.
mod embedded {
    use super::*;
    hybrid_conformance::suite!(TrinoFixture::new(Way::Embedded).await; rows, keys, times, winner, random);
}

mod staged {
    use super::*;
    hybrid_conformance::suite!(TrinoFixture::new(Way::Staged).await);
}

mod in_a_bucket {
    use super::*;
    hybrid_conformance::suite!(TrinoFixture::new(Way::InBucket).await; keys, winner, write);
}

/// Without shared storage, rows of every type go in as JSON.
mod inserted {
    use super::*;
    hybrid_conformance::suite!(TrinoFixture::new(Way::Inserted).await; keys);
}

mod ranked {
    use super::*;
    hybrid_conformance::suite!(TrinoFixture::by(Way::Staged, Some(Formulation::Ranked)).await; winner, random);
}

mod running_time {
    use super::*;
    hybrid_conformance::suite!(TrinoFixture::by(Way::Staged, Some(Formulation::RunningTime)).await; winner, random);
}
