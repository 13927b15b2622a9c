use hybrid_core::arrow::array::{Array, AsArray};
use hybrid_core::arrow::datatypes::{Float64Type, Int64Type};
use serde_json::json;
use tonic::Code;

use super::{ask, command, doubles, names, numbered, repo, serve};
use crate::support::{DAY, frame, no_rows, pull, put};

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
