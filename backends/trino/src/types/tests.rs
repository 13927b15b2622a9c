#![allow(clippy::unwrap_used)]

use arrow::util::display::array_value_to_string;

use super::*;

fn decoder(columns: &str) -> Decoder {
    Decoder::new(&serde_json::from_str::<Vec<Described>>(columns).unwrap())
}

const EVERYTHING: &str = r#"[
 {"name":"i","type":"bigint","typeSignature":{"rawType":"bigint","arguments":[]}},
 {"name":"d","type":"double","typeSignature":{"rawType":"double","arguments":[]}},
 {"name":"n","type":"decimal(38,2)","typeSignature":{"rawType":"decimal","arguments":[{"kind":"LONG","value":38},{"kind":"LONG","value":2}]}},
 {"name":"t","type":"timestamp(9) with time zone","typeSignature":{"rawType":"timestamp with time zone","arguments":[{"kind":"LONG","value":9}]}},
 {"name":"b","type":"varbinary","typeSignature":{"rawType":"varbinary","arguments":[]}},
 {"name":"a","type":"array(map(varchar,boolean))","typeSignature":{"rawType":"array","arguments":[{"kind":"TYPE","value":{"rawType":"map","arguments":[{"kind":"TYPE","value":{"rawType":"varchar","arguments":[{"kind":"LONG","value":2147483647}]}},{"kind":"TYPE","value":{"rawType":"boolean","arguments":[]}}]}}]}},
 {"name":"r","type":"row(\"x\" date, varchar)","typeSignature":{"rawType":"row","arguments":[{"kind":"NAMED_TYPE","value":{"fieldName":{"name":"x"},"typeSignature":{"rawType":"date","arguments":[]}}},{"kind":"NAMED_TYPE","value":{"typeSignature":{"rawType":"varchar","arguments":[]}}}]}}]"#;

#[test]
fn every_kind_of_value_becomes_a_column() {
    let decoder = decoder(EVERYTHING);
    let rows = br#"[[-9223372036854775808,"NaN","-1234567890123456789012345678901234.50","2024-01-01 13:00:00.123456789 Europe/Paris","AP8K",[{"k":true,"l":null},null],["2024-02-29","x\"y"]],
        [null,null,null,null,null,null,null],[7,1.5E-3,"0.07","1969-12-31 23:59:59.999999999 UTC","",[],[null,null]]]"#;
    let batch = decoder.decode(rows).unwrap();
    let shown: Vec<Vec<String>> = (0..3)
        .map(|row| {
            batch
                .columns()
                .iter()
                .map(|column| array_value_to_string(column, row).unwrap())
                .collect()
        })
        .collect();
    assert_eq!(
        shown[0],
        [
            "-9223372036854775808",
            "NaN",
            "-1234567890123456789012345678901234.50",
            "2024-01-01T12:00:00.123456Z",
            "00ff0a",
            "[{k: true, l: }, ]",
            "{x: 2024-02-29, field1: x\"y}"
        ]
    );
    assert!(batch.columns().iter().all(|column| column.is_null(1)));
    assert_eq!(shown[2][..4], ["7", "0.0015", "0.07", "1969-12-31T23:59:59.999999Z"]);
}

#[test]
fn rows_that_do_not_fit_are_errors_that_name_the_column() {
    let decoder = decoder(EVERYTHING);
    for rows in [
        "[[1]]",
        "[[1,2,\"3\",null,null,null,null,null]]",
        "[[1,",
        "[1]",
        "{}",
        "",
    ] {
        assert!(decoder.decode(rows.as_bytes()).is_err(), "{rows}");
    }
    let error = decoder.decode(br#"[["x",null,null,null,null,null,null]]"#).unwrap_err();
    assert!(error.message().starts_with("column `i` of type bigint: "), "{error}");
}

#[test]
fn rows_without_columns_are_counted() {
    assert_eq!(decoder("[]").decode(b"[[],[]]").unwrap().num_rows(), 2);
}
