//! One CSV file, and what both formats share.

use std::fs;

use super::repo::{Repo, leftovers, rows, with};

async fn appended(before: &str) -> String {
    let repo = Repo::new().await;
    repo.text("x.csv", before);
    repo.append("x.csv", &rows(&[2], &[Some("new")])).await.unwrap();
    assert!(leftovers(&repo.path(".")).is_empty());
    fs::read_to_string(repo.path("x.csv")).unwrap()
}

#[tokio::test]
async fn bytes_of_a_csv_file_stay_and_lines_follow() {
    let line = "new,1970-01-01T00:00:02Z,2";
    let old = "v,ts,k\n\"a \"\" b\",1970-01-01T00:00:01Z,1\n";
    assert_eq!(appended(old).await, format!("{old}{line}\n"));
}

#[tokio::test]
async fn a_missing_last_line_end_is_added() {
    assert_eq!(
        appended("k,v,ts\n1,a,1970-01-01").await,
        "k,v,ts\n1,a,1970-01-01\n2,new,1970-01-01T00:00:02Z\n"
    );
    assert_eq!(appended("k,v,ts").await, "k,v,ts\n2,new,1970-01-01T00:00:02Z\n");
}

#[tokio::test]
async fn lines_end_as_those_before() {
    let old = "\u{feff}k,v,ts\r\n1,a,1970-01-01T00:00:01Z\r\n";
    assert_eq!(appended(old).await, format!("{old}2,new,1970-01-01T00:00:02Z\r\n"));
}

#[tokio::test]
async fn columns_that_are_not_given_are_null() {
    let repo = Repo::new().await;
    repo.text("x.csv", "k,note,ts\n1,a,1970-01-01T00:00:01Z\n");
    repo.append("x.csv", &with(&[2], [])).await.unwrap();
    assert_eq!(repo.read("x.csv", &["k", "note"]).await, ["1 a", "2 "]);
}

#[tokio::test]
async fn an_empty_text_is_refused_where_it_would_become_null() {
    let repo = Repo::new().await;
    let old = "k,v,ts\n1,a,1970-01-01T00:00:01Z\n";
    repo.text("x.csv", old);
    let error = repo.append("x.csv", &rows(&[2], &[Some("")])).await.unwrap_err();
    assert!(error.to_string().contains("`v`"), "{error}");
    assert_eq!(fs::read_to_string(repo.path("x.csv")).unwrap(), old);
}

#[tokio::test]
async fn four_writers_of_one_file_lose_nothing() {
    for path in ["x.parquet", "x.csv"] {
        let repo = Repo::new().await;
        let batches: Vec<_> = (0..4)
            .map(|writer| rows(&[writer, writer], &[Some("a"), Some("b")]))
            .collect();
        let writes = batches.iter().map(|batch| repo.create(path, batch));
        for written in futures::future::join_all(writes).await {
            assert_eq!(written.unwrap(), 2);
        }
        let mut found = repo.read(path, &["k", "v"]).await;
        found.sort();
        assert_eq!(found, ["0 a", "0 b", "1 a", "1 b", "2 a", "2 b", "3 a", "3 b"]);
    }
}
