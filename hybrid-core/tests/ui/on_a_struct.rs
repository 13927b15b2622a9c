use hybrid_core::offline_store;

#[offline_store("file")]
struct Store;

fn main() {}
