//! Every behaviour that a store must show, on a real server.

#![allow(clippy::unwrap_used)]

mod common;

use common::{SparkFixture, config};

mod chosen {
    use super::*;
    hybrid_conformance::suite!(SparkFixture::new(config()).await);
}
