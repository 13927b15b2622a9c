//! Listing and reading, against objects in memory.
#![allow(clippy::unwrap_used, clippy::single_range_in_vec_init)]

#[cfg(feature = "s3")]
mod answers;
#[cfg(feature = "s3")]
mod uploads;

use std::sync::Arc;

use hybrid_core::{Error, ErrorKind};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use super::address::parse;
use super::{Bucket, Listed, runtime};
use crate::storage::Handle;

fn bucket(store: Arc<dyn ObjectStore>, url: &str) -> Bucket {
    Bucket {
        store,
        address: parse(url).unwrap(),
    }
}

fn put(store: &Arc<InMemory>, key: &str, bytes: &'static [u8]) {
    let (store, key) = (Arc::clone(store), Path::parse(key).unwrap());
    runtime::block(async move {
        store.put(&key, bytes.into()).await.unwrap();
        Ok(())
    })
    .unwrap();
}

fn names(listed: &[Listed]) -> Vec<&str> {
    listed.iter().map(|file| file.name.as_str()).collect()
}

#[test]
fn one_object_a_folder_and_a_glob_are_listed() {
    let store = Arc::new(InMemory::new());
    for key in ["x/b.csv", "x/a=1/c.csv", "x/_success", "x", "y/b.csv"] {
        put(&store, key, b"k,v\n");
    }
    let list = |url: &str| bucket(Arc::clone(&store) as Arc<dyn ObjectStore>, url).list();
    let (files, single) = list("s3://b/y/b.csv").unwrap();
    assert!(single && names(&files) == ["s3://b/y/b.csv"]);
    assert!(
        list("s3://b/x").unwrap().1,
        "an object comes before a folder of its name"
    );
    let (files, single) = list("s3://b/x/").unwrap();
    assert!(!single);
    assert_eq!(names(&files), ["s3://b/x/a=1/c.csv", "s3://b/x/b.csv"]);
    assert_eq!(files[0].partitions[0].column, "a");
    assert_eq!(
        names(&list("s3://b/*/b.csv").unwrap().0),
        ["s3://b/x/b.csv", "s3://b/y/b.csv"]
    );
    for nothing in ["s3://b/z", "s3://b/z/", "s3://b/x/*.parquet"] {
        assert_eq!(list(nothing).unwrap_err().kind(), ErrorKind::NotFound, "{nothing}");
    }
}

#[test]
fn an_object_that_was_replaced_is_not_mixed_with_the_old_one() {
    let store = Arc::new(InMemory::new());
    put(&store, "x.csv", b"0123456789");
    let (files, _) = bucket(Arc::clone(&store) as Arc<dyn ObjectStore>, "s3://b/x.csv")
        .list()
        .unwrap();
    let Handle::Remote(object) = &files[0].handle else {
        panic!("a local file")
    };
    assert_eq!(object.fetch(&[2..4, 8..10, 3..3]).unwrap(), ["23", "89", ""]);
    put(&store, "x.csv", b"abcdefghij");
    let error = object.fetch(&[2..4]).unwrap_err().downcast::<Error>().unwrap();
    assert!(error.kind() == ErrorKind::Unavailable && error.is_retryable());
    assert!(error.to_string().contains("`s3://b/x.csv` was replaced"), "{error}");
}
