//! On-demand feature views, which on_demand.py defines: with a Python that has Feast, which `scripts/test feast` names
//! in HYBRID_FEAST_PYTHON.

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use hybrid_core::arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use hybrid_core::arrow::datatypes::{Float64Type, Int64Type};
use hybrid_server::{ServerConfig, WorkerConfig};
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use tonic::{Code, Status};

use crate::support::{DAY, HOUR, Repo, Running, exchange, frame, historical, no_rows, pull, put};

fn python() -> String {
    std::env::var("HYBRID_FEAST_PYTHON").expect("HYBRID_FEAST_PYTHON names a Python that has Feast")
}

/// A repository whose registry Feast added the views to.
async fn repo() -> Repo {
    static REGISTRY: OnceCell<Vec<u8>> = OnceCell::const_new();
    let repo = Repo::new().await;
    let path = repo.dir.path().join("registry.db");
    let registry = REGISTRY.get_or_init(|| async {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/server/on_demand.py");
        let applied = Command::new(python())
            .arg(script)
            .arg(repo.dir.path())
            .output()
            .unwrap();
        assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
        std::fs::read(&path).unwrap()
    });
    std::fs::write(&path, registry.await).unwrap();
    repo
}

async fn serve(repo: &Repo) -> Running {
    let workers = WorkerConfig {
        command: vec![python()],
        call_time: Duration::from_secs(10),
        memory: 512 << 20,
        ..WorkerConfig::default()
    };
    repo.serve_with(ServerConfig {
        workers: Some(workers),
        ..ServerConfig::default()
    })
    .await
}

/// What Feast's clients send: the references asked for, then those that the views are made of.
fn command(references: &[&str]) -> Value {
    let mut command = historical();
    command["feature_refs"] = json!(references);
    command
}

/// Entity rows of driver 3, an hour apart, with a column `number`: 0, 1, …
fn numbered(rows: usize) -> RecordBatch {
    let numbers = Int64Array::from_iter_values((0..rows).map(|number| number as i64));
    let times: Vec<i64> = (0..rows).map(|row| DAY + (row % 24) as i64 * HOUR).collect();
    with(&frame(&vec![3; rows], &times), "number", Arc::new(numbers))
}

/// Two entity rows that ask for something to go wrong.
fn how(how: &str) -> RecordBatch {
    with(
        &frame(&[3, 3], &[DAY, DAY]),
        "how",
        Arc::new(StringArray::from(vec![how; 2])),
    )
}

fn with(rows: &RecordBatch, name: &str, column: ArrayRef) -> RecordBatch {
    let schema = rows.schema();
    let names = schema.fields().iter().map(|field| field.name().as_str());
    let columns = names.zip(rows.columns().iter().cloned());
    RecordBatch::try_from_iter(columns.chain([(name, column)])).unwrap()
}

async fn ask(server: &Running, command: &Value, rows: RecordBatch) -> Result<RecordBatch, Status> {
    exchange(&mut server.client().await, command, rows).await
}

/// What comes of it: the process's number.
async fn trouble(server: &Running, what: &str) -> Result<String, Status> {
    let found = ask(server, &command(&["trouble:done"]), how(what)).await?;
    Ok(found["done"].as_string::<i32>().value(1).to_owned())
}

async fn process(server: &Running) -> String {
    trouble(server, "nothing").await.unwrap()
}

fn names(rows: &RecordBatch) -> Vec<String> {
    rows.schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect()
}

fn doubles(rows: &RecordBatch, name: &str) -> Vec<Option<f64>> {
    rows[name].as_primitive::<Float64Type>().iter().collect()
}

#[tokio::test]
#[ignore = "needs Feast: scripts/test feast"]
async fn columns_are_those_that_feast_gives() {
    let repo = repo().await;
    let server = serve(&repo).await;
    // As the function orders them, and only those asked for.
    let pandas = ask(
        &server,
        &command(&["plus:sum", "plus:text", "stats:value"]),
        numbered(3),
    )
    .await
    .unwrap();
    assert_eq!(
        names(&pandas),
        ["driver", "event_timestamp", "number", "value", "sum", "text"]
    );
    assert_eq!(doubles(&pandas, "sum"), [Some(300.0), Some(302.0), Some(304.0)]);
    assert_eq!(pandas["text"].as_string::<i32>().value(1), "301.0");

    let two = command(&["pair:both", "plus:sum", "pair:same", "stats:value", "one:larger"]);
    let python = ask(&server, &two, numbered(3)).await.unwrap();
    assert_eq!(names(&python)[4..], ["both", "same", "sum", "larger"]);
    assert_eq!(
        python["both"]
            .as_list::<i32>()
            .value(2)
            .as_primitive::<Float64Type>()
            .values(),
        &[302.0, 302.0]
    );
    assert_eq!(
        (doubles(&python, "same"), doubles(&python, "larger")),
        (doubles(&python, "value"), doubles(&python, "value"))
    );

    let mut full = two.clone();
    full["full_feature_names"] = json!(true);
    let full = ask(&server, &full, numbered(3)).await.unwrap();
    let expected = [
        "number",
        "stats__value",
        "pair__both",
        "pair__same",
        "plus__sum",
        "one__larger",
    ];
    assert_eq!(names(&full)[2..], expected);
    assert_eq!(doubles(&full, "plus__sum"), doubles(&python, "sum"));
}

#[tokio::test]
#[ignore = "needs Feast: scripts/test feast"]
async fn what_a_client_leaves_out_is_added() {
    let repo = repo().await;
    let server = serve(&repo).await;
    // No client of Feast's: it does not say what the view is made of.
    let found = ask(&server, &command(&["pair:same"]), numbered(2)).await.unwrap();
    assert_eq!(names(&found)[3..], ["value", "same"]);
    let mut request_alone = command(&["twice:twice"]);
    request_alone["feature_view_names"] = json!([]);
    let found = ask(&server, &request_alone, numbered(3)).await.unwrap();
    assert_eq!(found["twice"].as_primitive::<Int64Type>().values(), &[0, 2, 4]);
    let refused = ask(&server, &request_alone, no_rows()).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
    let refused = ask(&server, &request_alone, frame(&[3], &[DAY])).await.unwrap_err();
    assert!(
        refused.message().contains("`twice`") && refused.message().contains("no column `number`"),
        "{refused}"
    );
    let refused = ask(&server, &command(&["plus:summ"]), numbered(1)).await.unwrap_err();
    assert!(
        refused.code() == Code::NotFound && refused.message().contains("did you mean `sum`"),
        "{refused}"
    );
    let mut window = command(&["pair:same", "stats:value"]);
    window["start_date"] = json!("2026-01-01T00:00:00");
    window["end_date"] = json!("2026-01-01T02:30:00");
    let found = ask(&server, &window, no_rows()).await.unwrap();
    assert_eq!(
        (found.num_rows(), doubles(&found, "same")),
        (10, doubles(&found, "value"))
    );
}

#[tokio::test]
#[ignore = "needs Feast: scripts/test feast"]
async fn any_number_of_rows_has_the_same_columns() {
    let repo = repo().await;
    let server = serve(&repo).await;
    let views = [
        "plus:text",
        "pair:both",
        "twice:twice",
        "uneven:late",
        "uneven:half",
        "uneven:gone",
        "stats:value",
    ];
    let some = ask(&server, &command(&views), numbered(2)).await.unwrap();
    let none = ask(&server, &command(&views), numbered(0)).await.unwrap();
    assert_eq!(some.schema(), none.schema());
    // More than a function sees at once.
    let many = ask(&server, &command(&views), numbered(200_000)).await.unwrap();
    assert_eq!(some.schema(), many.schema());
    let twice = many["twice"].as_primitive::<Int64Type>().values();
    assert!((0..200_000).all(|row| twice[row] == 2 * row as i64));
    let late = many["late"].as_primitive::<Float64Type>();
    assert!(late.is_null(0) && late.value(199_999) == 99_999.5);
    let half = many["half"].as_primitive::<Float64Type>();
    assert_eq!((half.value(1), half.value(199_999)), (1.0, 99_999.5));
    let gone = many["gone"].as_primitive::<Int64Type>();
    assert!(gone.value(1) == 1 && gone.is_null(199_999));
    assert!(ask(&server, &command(&["mixed:mixed"]), numbered(10)).await.is_ok());
    let told = ask(&server, &command(&["mixed:mixed"]), numbered(100_000))
        .await
        .unwrap_err();
    assert!(
        told.message()
            .contains("`mixed` is string here, and int64 in rows before"),
        "{told}"
    );
}

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
    assert!(Command::new("kill").args(["-9", &next]).status().unwrap().success());
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
async fn results_are_kept() {
    let repo = repo().await;
    let server = serve(&repo).await;
    let mut kept = command(&["plus:sum", "stats:value"]);
    for (name, value) in [
        ("api", json!("persist")),
        ("retrieve_func", json!("get_historical_features")),
        ("data_source_name", json!("kept.parquet")),
        ("allow_overwrite", json!(false)),
    ] {
        kept[name] = value;
    }
    put(&mut server.client().await, &kept, numbered(3)).await.unwrap();
    let mut all = pull("pull_all_from_table_or_query", None, None);
    all["data_source_name"] = json!("kept.parquet");
    all["feature_name_columns"] = json!(["sum"]);
    let mut sums = doubles(&ask(&server, &all, no_rows()).await.unwrap(), "sum");
    sums.sort_by(|a, b| a.partial_cmp(b).unwrap());
    assert_eq!(sums, [Some(300.0), Some(302.0), Some(304.0)]);
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
