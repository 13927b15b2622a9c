//! Every behaviour that a store must show, on either emulator, by the default formulation; by the others what depends
//! on how rows are joined.

#![allow(clippy::unwrap_used)]

mod common;

use common::BigQueryFixture;
use hybrid_core::sql::Formulation;

mod chosen {
    use super::*;
    hybrid_conformance::suite!(BigQueryFixture::new(None).await);
}

mod ranked {
    use super::*;
    hybrid_conformance::suite!(BigQueryFixture::new(Some(Formulation::Ranked)).await; winner, random);
}

mod running_time {
    use super::*;
    hybrid_conformance::suite!(BigQueryFixture::new(Some(Formulation::RunningTime)).await; winner, random);
}
