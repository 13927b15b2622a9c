//! Uploads to a server that `scripts/test s3` starts.

use std::io::Write;
use std::time::Duration;

use hybrid_core::ErrorKind;
use object_store::ObjectStoreExt;
use object_store::aws::AmazonS3Builder;
use object_store::path::Path;

use super::super::{Bucket, Existing, put_file};
use crate::storage::Handle;

/// A finished local file of `size` bytes.
fn finished(size: u64) -> std::fs::File {
    let mut file = tempfile::tempfile().unwrap();
    let bytes: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
    file.write_all(&bytes).unwrap();
    file
}

#[tokio::test]
#[ignore = "needs an S3 server: scripts/test s3"]
async fn files_are_uploaded_whole_and_never_over_another() {
    let variable = |name: &str| std::env::var(name).unwrap();
    let endpoint = variable("HYBRID_S3_ENDPOINT");
    let unique = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos();
    let url = format!("s3://{}/upload-{unique}/", variable("HYBRID_S3_BUCKET"));
    let put = |name: &'static str, size| put_file(&url, Some(&endpoint), name, finished(size), Existing::Stays);
    let large = 40 << 20;
    put("a=1/small.csv", 1000).await.unwrap();
    put("large.csv", large).await.unwrap();
    put("empty.csv", 0).await.unwrap();
    // The same bytes again: the answer to the first request may have been lost.
    put("a=1/small.csv", 1000).await.unwrap();
    let error = put("a=1/small.csv", 1001).await.unwrap_err();
    assert!(
        error.kind() == ErrorKind::InvalidInput && error.to_string().contains("small.csv"),
        "{error}"
    );

    let (files, _) = Bucket::open(&url, Some(&endpoint)).unwrap().list().unwrap();
    let sizes: Vec<u64> = files
        .iter()
        .map(|file| file.handle.open(&file.name).unwrap().size())
        .collect();
    assert_eq!(sizes, [1000, 0, large]);
    let Handle::Remote(object) = &files[2].handle else {
        panic!("a local file")
    };
    let whole = object.fetch(&[0..large]).unwrap().remove(0);
    assert!(whole.iter().enumerate().all(|(at, byte)| *byte == (at % 251) as u8));
}

#[tokio::test]
#[ignore = "needs an S3 server: scripts/test s3"]
async fn an_upload_whose_caller_goes_away_leaves_nothing() {
    let bucket = std::env::var("HYBRID_S3_BUCKET").unwrap();
    let endpoint = std::env::var("HYBRID_S3_ENDPOINT").unwrap();
    let url = format!("s3://{bucket}/dropped");
    let upload = put_file(&url, Some(&endpoint), "x.csv", finished(64 << 20), Existing::Stays);
    let _ = tokio::time::timeout(Duration::from_millis(20), upload).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let store = AmazonS3Builder::from_env().with_bucket_name(&bucket).build().unwrap();
    assert!(store.head(&Path::from("dropped/x.csv")).await.is_err());
}
