use std::time::Instant;

use futures::future::join_all;
use hybrid_conformance::signal;
use hybrid_core::arrow::array::AsArray;
use hybrid_core::arrow::datatypes::Float64Type;
use tonic::Code;

use super::{ask, command, numbered, process, repo, serve, trouble};

#[tokio::test]
#[ignore = "needs Feast: scripts/test feast"]
async fn a_function_that_fails_says_how() {
    let repo = repo().await;
    let server = serve(&repo).await;
    for (what, words) in [
        ("raise", "ValueError: no such thing as ümlaut"),
        ("raise", "in trouble"),
        ("quit", "SystemExit: enough"),
        ("fewer", "gives 0 rows for 2"),
        ("other", "no column `done`"),
    ] {
        let told = trouble(&server, what).await.unwrap_err();
        assert_eq!(told.code(), Code::InvalidArgument);
        assert!(
            told.message().contains("`trouble`") && told.message().contains(words),
            "{told}"
        );
    }
    // All of that in one process, which what is printed does not disturb.
    assert_eq!(trouble(&server, "print").await.unwrap(), process(&server).await);
}

#[tokio::test]
#[ignore = "needs Feast: scripts/test feast"]
async fn a_process_that_a_function_ruins_is_replaced() {
    let repo = repo().await;
    let server = serve(&repo).await;
    for (what, code, words) in [
        ("exit", Code::Internal, "the last words"),
        ("eat", Code::ResourceExhausted, "536870912 bytes"),
        ("sleep", Code::DeadlineExceeded, "longer than 10 s"),
        ("spin", Code::DeadlineExceeded, "longer than 10 s"),
    ] {
        let before = process(&server).await;
        let told = trouble(&server, what).await.unwrap_err();
        assert_eq!(told.code(), code, "{told}");
        assert!(
            told.message().contains("`trouble`") && told.message().contains(words),
            "{told}"
        );
        assert_ne!(process(&server).await, before, "{what}");
    }
    let with_thread = trouble(&server, "thread").await.unwrap();
    let next = process(&server).await;
    assert_ne!(next, with_thread);
    assert!(signal("-9", &next));
    assert_ne!(process(&server).await, next);
}

#[tokio::test]
#[ignore = "needs Feast: scripts/test feast"]
async fn many_calls_share_two_processes_and_a_hung_one_holds_up_no_other() {
    let repo = repo().await;
    let server = serve(&repo).await;
    tokio::join!(process(&server), process(&server));
    let hung = trouble(&server, "sleep");
    let calls = join_all((0..40).map(|n| {
        let server = &server;
        async move {
            let found = ask(server, &command(&["plus:sum", "stats:value"]), numbered(n))
                .await
                .unwrap();
            let sums = found["sum"].as_primitive::<Float64Type>();
            assert!((0..n).all(|row| sums.value(row) == 300.0 + (row % 24) as f64 + row as f64));
            Instant::now()
        }
    }));
    let hung = async { (hung.await.unwrap_err(), Instant::now()) };
    let (calls, (told, late)) = tokio::join!(calls, hung);
    assert_eq!(told.code(), Code::DeadlineExceeded);
    assert!(
        calls.iter().any(|ended| *ended < late),
        "all waited for the process that hung"
    );
}

#[tokio::test]
#[ignore = "needs Feast: scripts/test feast"]
async fn without_a_python_they_are_refused_by_name() {
    let repo = repo().await;
    let server = repo.serve().await;
    let told = ask(&server, &command(&["stats:value", "plus:sum"]), numbered(1))
        .await
        .unwrap_err();
    assert_eq!(told.code(), Code::Unimplemented);
    assert!(
        told.message().contains("`plus`") && told.message().contains("--python-worker"),
        "{told}"
    );
    let other = command(&["plus@v2:sum"]);
    assert!(
        ask(&server, &other, numbered(1))
            .await
            .unwrap_err()
            .message()
            .contains("version 2")
    );
}
