//! Every behaviour that a store must show, on local-bigquery.

#![allow(clippy::unwrap_used)]

mod common;

use common::BigQueryFixture;

mod chosen {
    use super::*;
    hybrid_conformance::suite!(BigQueryFixture::new(None).await);
}
