use hybrid_core::sql::SQL_TYPE;

use super::*;

fn column(sql_type: &str) -> Field {
    Field::new("c", DataType::Utf8, true).with_metadata([(SQL_TYPE.to_owned(), sql_type.to_owned())].into())
}

#[test]
fn literals_prune_without_losing_a_row() {
    let micros = 1_709_209_800_123_456;
    for (sql_type, lower, upper) in [
        ("date", "DATE '2024-02-29'", "DATE '2024-02-29'"),
        (
            "timestamp(0)",
            "TIMESTAMP '2024-02-29 12:30:00'",
            "TIMESTAMP '2024-02-29 12:30:00'",
        ),
        (
            "timestamp(3)",
            "TIMESTAMP '2024-02-29 12:30:00.123'",
            "TIMESTAMP '2024-02-29 12:30:00.123'",
        ),
        (
            "timestamp(9) with time zone",
            "TIMESTAMP '2024-02-29 12:30:00.123456000 UTC'",
            "TIMESTAMP '2024-02-29 12:30:00.123456999 UTC'",
        ),
    ] {
        let literal = |upper| TrinoDialect.pruning_literal(micros, &column(sql_type), upper);
        assert_eq!(
            (literal(false).as_deref(), literal(true).as_deref()),
            (Some(lower), Some(upper))
        );
    }
    assert_eq!(TrinoDialect.pruning_literal(micros, &column("varchar(3)"), true), None);
    assert_eq!(TrinoDialect.pruning_literal(micros, &column("bigint"), true), None);
}

#[test]
fn the_blanks_of_a_char_are_none_of_its_text() {
    for (sql_type, text) in [
        ("varchar", "CAST(c AS varchar)"),
        ("varchar(5)", "CAST(c AS varchar)"),
        ("uuid", "CAST(c AS varchar)"),
        ("char(5)", "trim(TRAILING ' ' FROM CAST(c AS varchar))"),
    ] {
        let key = TrinoDialect.key("c", &column(sql_type), &DataType::Utf8);
        assert_eq!(key.ok().as_deref(), Some(text), "{sql_type}");
    }
}

#[test]
fn a_column_without_times_is_refused_by_name_and_type() {
    for sql_type in ["bigint", "time(6)", "timestamp(x)", "timestamp(3) somewhere", ""] {
        let error = TrinoDialect
            .instant("c", &column(sql_type))
            .map_err(|error| error.kind());
        assert_eq!(error, Err(ErrorKind::InvalidInput), "{sql_type}");
    }
}

#[test]
fn a_ttl_of_whole_milliseconds_is_one_comparison() {
    assert_eq!(
        TrinoDialect.within_ttl("f", "e", 1_500_000),
        "(f >= e - INTERVAL '1.500' SECOND)"
    );
    assert_eq!(TrinoDialect.within_ttl("f", "e", i64::MAX), "(f IS NOT NULL)");
}

#[test]
#[allow(clippy::expect_used)]
fn statements_are_those_that_were_reviewed() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/statements");
    let columns = hybrid_conformance::statements::columns_of(&TrinoDialect).expect("every type has a name");
    hybrid_conformance::statements::check(|| Box::new(TrinoDialect), &columns, &folder);
}
