//! Types that need care, over both ways; writing; order; bulk.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;
mod types {
    mod bulk;
    mod read;
    mod write;
}
