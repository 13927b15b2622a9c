//! Writes that fail, are cancelled, or whose process died: nothing of them is there.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use futures::StreamExt;
use hybrid_core::{BatchStream, Call, Error, ErrorKind, OfflineStore, Progress, Result};
use hybrid_store_file::FileSource;

use super::repo::{Repo, first_request, leftovers, names_in, request, rows, store_in, stream_of, with};

const PATHS: [&str; 4] = ["x.parquet", "x.csv", "log", "lines/*.csv"];

async fn repo() -> Repo {
    let repo = Repo::new().await;
    for path in PATHS {
        repo.create(path, &rows(&[1], &[Some("old")])).await.unwrap();
    }
    repo
}

async fn assert_untouched(repo: &Repo, path: &str) {
    assert_eq!(repo.read(path, &["k", "v"]).await, ["1 old"], "{path}");
    for folder in [".", "log", "lines"] {
        assert!(
            leftovers(&repo.path(folder)).is_empty(),
            "{path}: {:?}",
            repo.names(folder)
        );
    }
}

#[tokio::test]
async fn the_streams_error_comes_back_as_it_is() {
    let repo = repo().await;
    for path in PATHS {
        let good = rows(&[2], &[Some("new")]);
        let broken = Error::new(ErrorKind::Unavailable, "the rows broke off").with_help("call them");
        let stream = stream_of(good.schema(), vec![Ok(good), Err(broken)]);
        let error = repo.stream(FileSource::new(path), stream).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.message()),
            (ErrorKind::Unavailable, "the rows broke off")
        );
        assert_eq!(error.help(), ["call them"]);
        assert_untouched(&repo, path).await;
    }
}

#[tokio::test]
async fn a_dropped_write_leaves_nothing() {
    let repo = repo().await;
    for path in PATHS {
        let good = rows(&[2], &[Some("new")]);
        let batches = futures::stream::iter([Ok(good.clone())]).chain(futures::stream::pending());
        let stream = BatchStream::new(good.schema(), batches);
        let write = repo.stream(FileSource::new(path), stream);
        tokio::time::timeout(Duration::from_millis(50), write)
            .await
            .unwrap_err();
        wait_until(|| {
            [".", "log", "lines"]
                .iter()
                .all(|folder| leftovers(&repo.path(folder)).is_empty())
        });
        assert_untouched(&repo, path).await;
    }
}

#[tokio::test]
async fn a_writer_that_waits_for_another_can_be_cancelled() {
    let repo = repo().await;
    let lock = File::open(repo.path(".x.parquet.lock")).unwrap();
    lock.lock().unwrap();
    let new = rows(&[2], &[Some("new")]);
    let waiting = repo.append("x.parquet", &new);
    tokio::time::timeout(Duration::from_millis(100), waiting)
        .await
        .unwrap_err();
    drop(lock);
    std::thread::sleep(Duration::from_millis(100));
    assert_untouched(&repo, "x.parquet").await;
}

#[tokio::test]
async fn a_writer_that_has_failed_does_not_wait_for_rows() {
    let repo = repo().await;
    let rows = with(&[2], [("surplus", super::repo::numbers(&[1]))]);
    let stream = BatchStream::new(rows.schema(), futures::stream::pending());
    let write = repo.stream(FileSource::new("log"), stream);
    let error = tokio::time::timeout(Duration::from_secs(20), write)
        .await
        .unwrap()
        .unwrap_err();
    assert!(error.to_string().contains("`surplus`"), "{error}");
}

#[tokio::test]
async fn what_killed_writers_left_is_swept_and_what_is_written_is_not() {
    let repo = repo().await;
    let abandoned = repo.path("log/.hybrid-write-0000000000000001.tmp");
    let held = repo.path("log/.hybrid-write-0000000000000002.tmp");
    fs::write(&abandoned, "half").unwrap();
    fs::write(&held, "half").unwrap();
    let writer = File::open(&held).unwrap();
    writer.lock().unwrap();
    assert_eq!(repo.read("log", &["k"]).await, ["1"]);
    repo.append("log", &rows(&[2], &[None])).await.unwrap();
    assert!(!abandoned.exists() && held.exists());
    drop(writer);
    repo.append("log", &rows(&[3], &[None])).await.unwrap();
    assert!(!held.exists());
    assert_eq!(repo.read("log", &["k"]).await, ["1", "2", "3"]);
}

#[tokio::test]
async fn progress_counts_the_rows() {
    let repo = repo().await;
    for path in PATHS {
        let (last, calls) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let (told, counted) = (Arc::clone(&last), Arc::clone(&calls));
        let call = Call {
            progress: Progress::new(move |rows, total| {
                assert!(total.is_none());
                assert!(told.swap(rows, Ordering::Relaxed) <= rows);
                counted.fetch_add(1, Ordering::Relaxed);
            }),
        };
        let all = rows(&[1, 2, 3], &[None; 3]);
        let batches = vec![all.slice(0, 1), all.slice(0, 0), all.slice(1, 2)];
        let stream = BatchStream::from_batches(all.schema(), batches);
        let written = repo
            .store()
            .offline_write_batch(request(FileSource::new(path), stream), &call)
            .await;
        assert_eq!(written.unwrap(), 3);
        assert_eq!(
            (last.load(Ordering::Relaxed), calls.load(Ordering::Relaxed)),
            (3, 2),
            "{path}"
        );
    }
}

/// A folder of 256 KiB: unmounted when dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// `None` where this user may not mount.
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=256k", "none"])
            .arg(folder.path())
            .output();
        mount.is_ok_and(|done| done.status.success()).then(|| Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

/// Rows that do not compress.
fn incompressible(count: i64) -> RecordBatch {
    let keys: Vec<i64> = (0..count).collect();
    let mix = |key: &i64| {
        format!(
            "{:x}",
            (*key as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(17)
        )
    };
    with(
        &keys,
        [(
            "v",
            Arc::new(StringArray::from_iter_values(keys.iter().map(mix))) as ArrayRef,
        )],
    )
}

#[tokio::test]
async fn a_full_disk_is_said_and_leaves_nothing() {
    let Some(disk) = SmallDisk::mount() else {
        eprintln!("not run: this user may not mount a small disk");
        return;
    };
    let store = store_in(disk.0.path()).await;
    let append = |path: &str, rows: RecordBatch| {
        let stream = BatchStream::from_batches(rows.schema(), vec![rows]);
        let (store, source) = (Arc::clone(&store), FileSource::new(path));
        async move {
            store
                .offline_write_batch(first_request(source, stream), &Call::default())
                .await
        }
    };
    for path in PATHS {
        append(path, rows(&[1], &[Some("old")])).await.unwrap();
    }
    let before = everything(disk.0.path());
    for path in PATHS {
        let error = append(path, incompressible(50_000)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ResourceExhausted, "{path}: {error}");
        assert!(error.to_string().contains("free some disk space"), "{error}");
        assert_eq!(everything(disk.0.path()), before, "{path}");
    }
}

fn everything(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let files = |folder: &Path| {
        let names = names_in(folder).into_iter().filter(|name| folder.join(name).is_file());
        names
            .map(|name| (name.clone(), fs::read(folder.join(&name)).unwrap()))
            .collect::<Vec<_>>()
    };
    ["", "log", "lines"]
        .iter()
        .flat_map(|below| files(&folder.join(below)))
        .collect()
}

/// The kernel's own folders take no files, from the administrator neither.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_folder_that_takes_no_files_is_said() {
    let repo = Repo::new().await;
    for path in ["/sys/hybrid.parquet", "/sys/hybrid/", "/sys/kernel/"] {
        let error = repo.create(path, &rows(&[1], &[None])).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{path}: {error}");
        assert!(error.to_string().contains("/sys"), "{error}");
    }
}

#[tokio::test]
async fn what_another_program_writes_meanwhile_is_not_lost() {
    let repo = repo().await;
    let (path, other) = (repo.path("x.csv"), "k,v,ts\n7,theirs,1970-01-01T00:00:07Z\n");
    let new = rows(&[2], &[Some("new")]);
    let batches = futures::stream::iter([new.clone(), new.clone(), new.clone(), new.clone(), new.clone()])
        .enumerate()
        .map(move |(at, batch)| {
            if at == 4 {
                std::thread::sleep(Duration::from_millis(200));
                fs::write(&path, other).unwrap();
            }
            Ok(batch)
        });
    let error = repo
        .stream(FileSource::new("x.csv"), BatchStream::new(new.schema(), batches))
        .await
        .unwrap_err();
    assert!(
        error.is_retryable() && error.kind() == ErrorKind::Unavailable,
        "{error}"
    );
    assert_eq!(repo.read("x.csv", &["k", "v"]).await, ["7 theirs"]);
}

#[tokio::test]
async fn a_read_only_file_stays_as_it_is() {
    let repo = repo().await;
    for path in ["x.parquet", "x.csv"] {
        let mut permissions = fs::metadata(repo.path(path)).unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(repo.path(path), permissions).unwrap();
        let error = repo.append(path, &rows(&[2], &[None])).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
        assert_untouched(&repo, path).await;
    }
}

#[tokio::test]
async fn a_broken_file_is_not_replaced() {
    let repo = Repo::new().await;
    repo.text("x.parquet", "PAR1 this is no Parquet file PAR1");
    repo.text("x.csv", "");
    for path in ["x.parquet", "x.csv"] {
        let before = fs::read(repo.path(path)).unwrap();
        let error = repo.append(path, &rows(&[1], &[None])).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{path}: {error}");
        assert_eq!(fs::read(repo.path(path)).unwrap(), before);
    }
}

#[tokio::test]
async fn folders_made_for_a_write_that_fails_are_gone() {
    let repo = Repo::new().await;
    let good = rows(&[2], &[Some("new")]);
    for path in ["a/b/log/", "a/b/x.parquet"] {
        let batches: Vec<Result<RecordBatch>> = vec![Ok(good.clone()), Err(Error::new(ErrorKind::Timeout, "late"))];
        let write = first_request(FileSource::new(path), stream_of(good.schema(), batches));
        repo.store()
            .offline_write_batch(write, &Call::default())
            .await
            .unwrap_err();
        let left = repo.names(".");
        assert!(left.is_empty() || path.ends_with("parquet"), "{left:?}");
    }
}

fn wait_until(condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(20), "it does not come true");
        std::thread::sleep(Duration::from_millis(5));
    }
}
