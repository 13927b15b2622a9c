//! Every behaviour that a store must show, on a real server; by each formulation, what depends on how rows are joined.

#![allow(clippy::unwrap_used)]

mod common;

use common::{SparkFixture, config};
use hybrid_core::sql::Formulation;

mod chosen {
    use super::*;
    hybrid_conformance::suite!(SparkFixture::new(config()).await);
}

mod ranked {
    use super::*;
    hybrid_conformance::suite!(SparkFixture::by(Formulation::Ranked).await; winner, random);
}

mod running_time {
    use super::*;
    hybrid_conformance::suite!(SparkFixture::by(Formulation::RunningTime).await; winner, random);
}

mod running_struct {
    use super::*;
    hybrid_conformance::suite!(SparkFixture::by(Formulation::RunningStruct).await; winner, random);
}
