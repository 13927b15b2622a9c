//! Paths: what they mean to a writer.

use std::fs;

use hybrid_core::ErrorKind;
use hybrid_store_file::FileSource;

use super::repo::{Repo, rows};

#[tokio::test]
async fn the_name_says_whether_a_new_source_is_a_file() {
    let repo = Repo::new().await;
    for path in ["x.parquet", "deep/x.csv", "x.pq"] {
        repo.create(path, &rows(&[1], &[Some("a")])).await.unwrap();
        repo.append(path, &rows(&[2], &[None])).await.unwrap();
        assert!(repo.path(path).is_file());
        assert_eq!(repo.read(path, &["k", "v"]).await, ["1 a", "2 "]);
    }
    let csv = FileSource::new("lines").with_file_format("csv");
    repo.create_as(csv, &rows(&[1], &[Some("a")])).await.unwrap();
    assert!(repo.names("lines")[0].ends_with(".csv"));
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_stays_a_link() {
    let repo = Repo::new().await;
    repo.parquet("real/x.parquet", &rows(&[1], &[Some("a")]));
    std::os::unix::fs::symlink("real/x.parquet", repo.path("link.parquet")).unwrap();
    repo.append("link.parquet", &rows(&[2], &[None])).await.unwrap();
    assert!(repo.path("link.parquet").is_symlink());
    assert_eq!(repo.read("real/x.parquet", &["k"]).await, ["1", "2"]);
    std::os::unix::fs::symlink("nowhere", repo.path("broken.parquet")).unwrap();
    let error = repo.append("broken.parquet", &rows(&[2], &[None])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[cfg(unix)]
#[tokio::test]
async fn permissions_stay() {
    use std::os::unix::fs::PermissionsExt;
    let repo = Repo::new().await;
    repo.parquet("x.parquet", &rows(&[1], &[Some("a")]));
    fs::set_permissions(repo.path("x.parquet"), fs::Permissions::from_mode(0o640)).unwrap();
    repo.append("x.parquet", &rows(&[2], &[None])).await.unwrap();
    let mode = fs::metadata(repo.path("x.parquet")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_no_file_is_refused() {
    let repo = Repo::new().await;
    let error = repo.append("/dev/null", &rows(&[2], &[None])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    repo.text("plain", "text");
    let error = repo.append("plain/x.parquet", &rows(&[2], &[None])).await.unwrap_err();
    assert!(error.to_string().contains("plain"), "{error}");
}
