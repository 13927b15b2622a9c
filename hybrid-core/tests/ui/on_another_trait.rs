use hybrid_core::offline_store;

struct Store;

#[offline_store("file")]
impl Clone for Store {
    fn clone(&self) -> Self {
        Store
    }
}

fn main() {}
