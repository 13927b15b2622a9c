//! Every behaviour that a store must show, one test each.

mod common;

use common::MemoryFixture;

hybrid_conformance::suite!(MemoryFixture::new());
