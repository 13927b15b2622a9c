//! The attribute registers the store under the key of its source.

use hybrid_core::DataSource;
use memory_store::MemorySource;

#[test]
fn the_store_is_registered_under_its_sources_key() {
    let found: Vec<_> = hybrid_core::backends()
        .into_iter()
        .filter(|one| one.key() == "memory")
        .collect();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].crate_name(), "memory-store");
    assert_eq!(found[0].source_type(), "MemorySource");
    assert_eq!(MemorySource::key(), "memory");
}
