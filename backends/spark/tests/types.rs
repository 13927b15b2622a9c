//! Spark's types both ways, and what a description of them says.

#![allow(clippy::unwrap_used)]

mod common;
#[path = "types/plans.rs"]
mod plans;
#[path = "types/results.rs"]
mod results;
#[path = "types/sources.rs"]
mod sources;

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema};
use common::{append, config, retrieved, rows, session, shown, store};
use hybrid_conformance::formulations::join_as_configured;
use hybrid_conformance::partitioned;
use hybrid_core::sql::{Dialect, Formulation, Mode, SqlSession, SqlStore, sql_type_of};
use hybrid_core::{BatchStream, ErrorKind, Explain, OfflineStore, timestamp_type};
use hybrid_store_spark::{SparkConfig, SparkDialect, SparkSource, SparkStore};

#[tokio::test]
async fn every_type_is_described_as_it_comes() {
    let session = session().await;
    let query = "SELECT true AS b, 1Y AS i8, 2S AS i16, 3 AS i32, 4L AS i64, 1.5F AS f32, 2.5D AS f64, 12.30BD AS dec, 'x' AS s, \
        X'00FF' AS bin, DATE '2025-01-02' AS d, TIMESTAMP '2025-01-02 03:04:05.000006Z' AS ts, \
        TIMESTAMP_NTZ '2025-01-02 03:04:05.000006' AS ntz, ARRAY(1, NULL) AS l, MAP('a', 'b') AS m, \
        NAMED_STRUCT('x', 1, 'y', 'z') AS st, NULL AS n";
    let described = session.describe(query).await.unwrap();
    let batch = rows(&session, query).await.unwrap();
    assert_eq!(batch.schema(), described);
    let types: Vec<_> = described
        .fields()
        .iter()
        .map(|field| field.data_type().clone())
        .collect();
    assert_eq!(types[7], DataType::Decimal128(4, 2));
    assert_eq!(
        (&types[11], types[12].to_string()),
        (&timestamp_type(), "Timestamp(µs)".to_owned())
    );
    assert_eq!(
        shown(&batch)[0],
        "true | 1 | 2 | 3 | 4 | 1.5 | 2.5 | 12.30 | x | 00ff | 2025-01-02 | 2025-01-02T03:04:05.000006Z | \
         2025-01-02T03:04:05.000006 | [1, NULL] | {a: b} | {x: 1, y: z} | NULL"
    );
    session.close().await.unwrap();
}

#[tokio::test]
async fn what_arrow_lacks_travels_as_text() {
    let session = session().await;
    let query = "SELECT PARSE_JSON('{\"a\":1}') AS v, INTERVAL '1' DAY AS i, INTERVAL '2' YEAR AS y, ARRAY(PARSE_JSON('1')) AS l";
    let described = session.describe(query).await.unwrap();
    assert!(
        described
            .fields()
            .iter()
            .all(|field| field.data_type() == &DataType::Utf8 && !sql_type_of(field).is_empty())
    );
    let selected = described
        .fields()
        .iter()
        .map(|field| SparkDialect.selected(&SparkDialect.quote(field.name()), field));
    let selected = format!("SELECT {} FROM ({query})", selected.collect::<Vec<_>>().join(", "));
    let batch = rows(&session, &selected).await.unwrap();
    assert_eq!(
        shown(&batch)[0],
        "{\"a\":1} | INTERVAL '1 00:00:00' DAY TO SECOND | INTERVAL '2-0' YEAR TO MONTH | [1]"
            .replace("'1 00:00:00' DAY TO SECOND", "'1' DAY")
            .replace("'2-0' YEAR TO MONTH", "'2' YEAR")
    );
    session.close().await.unwrap();
}

#[tokio::test]
async fn texts_arrive_as_they_are() {
    let session = session().await;
    for text in [
        "it's",
        r"back\slash \n",
        "${env:HOME} ${spark.master}",
        "new\nline",
        "\u{1F980} é",
        "\"",
        "%_",
    ] {
        let batch = rows(&session, &format!("SELECT {} AS t", SparkDialect.text(text)))
            .await
            .unwrap();
        assert_eq!(batch.column(0).as_string::<i32>().value(0), text);
        let name = SparkDialect.quote(&format!("{text}`"));
        let batch = rows(&session, &format!("SELECT 1 AS {name}")).await.unwrap();
        assert_eq!(batch.schema().field(0).name(), &format!("{text}`"));
    }
    session.close().await.unwrap();
}

#[tokio::test]
async fn moments_and_ttls_are_exact() {
    let session = session().await;
    for micros in [
        0,
        1,
        -1,
        1_735_786_800_000_001,
        -62_135_596_800_000_000,
        253_402_300_799_999_999,
    ] {
        let literal = SparkDialect.instant_literal(micros);
        let query = format!("SELECT UNIX_MICROS({literal}), {literal} = TIMESTAMP_MICROS({micros})");
        assert_eq!(
            shown(&rows(&session, &query).await.unwrap())[0],
            format!("{micros} | true")
        );
    }
    for (age, hit) in [(1_500_001, true), (1_500_002, false)] {
        let feature = SparkDialect.instant_literal(10_000_000 - age);
        let within = SparkDialect.within_ttl(&feature, &SparkDialect.instant_literal(10_000_000), 1_500_001);
        assert_eq!(
            shown(&rows(&session, &format!("SELECT {within}")).await.unwrap())[0],
            hit.to_string()
        );
    }
    session.close().await.unwrap();
}

#[tokio::test]
async fn entity_rows_come_back_from_a_view() {
    let session = session().await;
    let schema = Arc::new(Schema::new(vec![
        Field::new("__hybrid_row", DataType::UInt64, false),
        Field::new("__hybrid_time", timestamp_type(), true),
        Field::new("k`ey", DataType::Int64, true),
    ]));
    // The last is some chunks and a small rest.
    for count in [0_usize, 1, 4096, 4097, 200_000, 300_000, 600_000] {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(UInt64Array::from_iter_values(0..count as u64)),
            Arc::new(TimestampMicrosecondArray::from_iter_values(0..count as i64).with_timezone("UTC")),
            Arc::new(
                (0..count as i64)
                    .map(|n| (n % 2 == 0).then_some(n))
                    .collect::<Int64Array>(),
            ),
        ];
        let batch = RecordBatch::try_new(schema.clone(), columns).unwrap();
        let view = session
            .upload(BatchStream::from_batches(schema.clone(), vec![batch]))
            .await
            .unwrap();
        let query = format!(
            "SELECT COUNT(*), COUNT(DISTINCT `__hybrid_row`), COUNT(`k``ey`), SUM(UNIX_MICROS(`__hybrid_time`)) FROM {view}"
        );
        let n = count as i64;
        let sum = if count == 0 {
            "NULL".to_owned()
        } else {
            (n * (n - 1) / 2).to_string()
        };
        assert_eq!(
            shown(&rows(&session, &query).await.unwrap())[0],
            format!("{n} | {n} | {} | {sum}", n - n / 2)
        );
    }
    let too_large = RecordBatch::try_new(
        Arc::new(Schema::new(vec![Field::new("n", DataType::UInt64, true)])),
        vec![Arc::new(UInt64Array::from(vec![u64::MAX]))],
    );
    let too_large = too_large.unwrap();
    let stream = BatchStream::from_batches(too_large.schema(), vec![too_large]);
    assert_eq!(
        session.upload(stream).await.unwrap_err().kind(),
        ErrorKind::InvalidInput
    );
    session.close().await.unwrap();
}

#[tokio::test]
async fn a_staged_select_is_kept_and_numbered() {
    let session = session().await;
    let select = format!(
        "SELECT {} AS n, id FROM RANGE(0, 1000, 1, 4)",
        SparkDialect.row_number()
    );
    let staged = session.stage(&select).await.unwrap();
    let query = format!("SELECT COUNT(*), MIN(n), MAX(n), COUNT(IF(n = id + 1, 1, NULL)) FROM {staged}");
    assert_eq!(
        shown(&rows(&session, &query).await.unwrap())[0],
        "1000 | 1 | 1000 | 1000"
    );
    let random = session.stage("SELECT RAND() AS r FROM RANGE(10)").await.unwrap();
    let query =
        format!("SELECT a.s = b.s FROM (SELECT SUM(r) AS s FROM {random}) a, (SELECT SUM(r) AS s FROM {random}) b");
    assert_eq!(shown(&rows(&session, &query).await.unwrap())[0], "true");
    session.close().await.unwrap();
}

/// A row of the right time in the wrong partition is not found: that partition is not looked into.
#[tokio::test]
async fn the_date_partition_column_prunes_what_the_event_time_cannot() {
    let store = store(config()).await;
    let session = store.session().await.unwrap();
    for (day, format, january, april) in [
        ("DATE", None, "2024-01-15", "2024-04-30"),
        ("STRING", None, "2024-01-15", "2024-04-30"),
        ("STRING", Some("%Y%m%d"), "20240115", "20240430"),
    ] {
        session.execute("DROP TABLE IF EXISTS t_days").await.unwrap();
        let create = format!(
            "CREATE TABLE t_days USING parquet PARTITIONED BY (day) AS \
             SELECT 7L AS id, TIMESTAMP '2024-05-01 00:00:00Z' AS ts, 1L AS v, CAST('{january}' AS {day}) AS day \
             UNION ALL SELECT 7L, TIMESTAMP '2024-04-30 12:00:00Z', 2L, CAST('{april}' AS {day})"
        );
        session.execute(&create).await.unwrap();
        for (partition, pruned, right) in [(None, false, 1), (Some("day"), true, 2)] {
            let asked = || partitioned::retrieval(SparkSource::table("t_days"), partition, format);
            let plan = OfflineStore::explain(&store, Explain::Historical(asked()))
                .await
                .unwrap();
            let filtered = plan.lines().any(|line| {
                line.contains("PartitionFilters: [") && line.contains(&format!(">= {april})")) && line.contains("day#")
            });
            assert_eq!(filtered, pruned, "{day} {format:?}: {plan}");
            let few = "\nsession: spark.sql.adaptive.coalescePartitions.initialPartitionNum=4\n";
            assert!(plan.contains(few), "{plan}");
            let found = shown(&retrieved(&store, asked()).await.unwrap());
            assert_eq!(found, [format!("0 | {right}")], "{day} {format:?}");
        }
    }
    session.execute("DROP TABLE t_days").await.unwrap();
    session.close().await.unwrap();
}

#[tokio::test]
async fn views_are_joined_by_the_formulation_and_no_other() {
    let query = "SELECT CAST(7 AS BIGINT) AS id, TIMESTAMP '2024-04-30 12:00:00Z' AS ts, CAST(2 AS BIGINT) AS v";
    let by = |formulation| SparkConfig {
        formulation: Some(formulation),
        ..config()
    };
    let offered = [
        Formulation::RunningTime,
        Formulation::RunningStruct,
        Formulation::Ranked,
    ];
    join_as_configured::<SparkStore>(by, SparkSource::query(query), &offered).await;
}

#[tokio::test]
async fn the_blanks_of_a_char_key_do_not_count() {
    let session = session().await;
    for statement in [
        "DROP TABLE IF EXISTS t_char",
        "CREATE TABLE t_char (id CHAR(5), ts TIMESTAMP, v BIGINT) USING parquet",
        "INSERT INTO t_char VALUES ('ab', TIMESTAMP '2024-04-30 12:00:00Z', 1), \
         (' ab', TIMESTAMP '2024-04-30 13:00:00Z', 2)",
    ] {
        session.execute(statement).await.unwrap();
    }
    let described = session.describe("SELECT * FROM t_char AS s").await.unwrap();
    assert_eq!(sql_type_of(described.field(0)), "char");
    // The rows of a SELECT that gives the entity rows are kept with what is noted of their columns.
    let frame = "SELECT 0 AS n, q.* FROM (SELECT id, ts AS event_timestamp FROM t_char\n) AS q";
    let kept = session.stage(frame).await.unwrap();
    let described = session.describe(&format!("SELECT * FROM {kept}")).await.unwrap();
    assert_eq!(sql_type_of(described.field(1)), "char");
    for formulation in [
        Formulation::RunningStruct,
        Formulation::RunningTime,
        Formulation::Ranked,
    ] {
        let mut config = config();
        config.formulation = Some(formulation);
        let mut asked = partitioned::retrieval(SparkSource::table("t_char"), None, None);
        asked.views[0].join_keys[0].data_type = DataType::Utf8;
        asked.entities = partitioned::one_row_of("id", Arc::new(StringArray::from(vec!["ab"])));
        let spark = store(config).await;
        let found = shown(&retrieved(&spark, asked).await.unwrap());
        assert_eq!(found, ["0 | 1"], "{formulation:?}");
    }
    session.execute("DROP TABLE t_char").await.unwrap();
    session.close().await.unwrap();
}

/// Rows that are larger than what goes inside a plan, so that they take the ways that many rows take.
fn every_type() -> RecordBatch {
    use arrow::array::*;
    let day = |days| Date32Array::from(vec![Some(days), None]);
    let structs = StructArray::from(vec![
        (
            Arc::new(Field::new("a", DataType::Date32, true)),
            Arc::new(day(-1)) as ArrayRef,
        ),
        (
            Arc::new(Field::new("b", DataType::Binary, true)),
            Arc::new(BinaryArray::from_opt_vec(vec![Some(b"\x00\xff"), None])),
        ),
    ]);
    let mut map = MapBuilder::new(None, StringBuilder::new(), Date32Builder::new());
    map.keys().append_value("it's");
    map.values().append_value(1);
    map.append(true).unwrap();
    map.append(false).unwrap();
    let list = [Some(vec![Some(-1), None]), None];
    let list = ListArray::from_iter_primitive::<arrow::datatypes::Date32Type, _, _>(list);
    let decimals = Decimal128Array::from(vec![Some(-12_345), None]).with_precision_and_scale(38, 2);
    let seconds = TimestampSecondArray::from(vec![Some(253_402_300_799), None]).with_timezone("UTC");
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("i8", Arc::new(Int8Array::from(vec![Some(-128), None]))),
        ("u32", Arc::new(UInt32Array::from(vec![Some(u32::MAX), None]))),
        ("f32", Arc::new(Float32Array::from(vec![Some(0.1), None]))),
        ("bo", Arc::new(BooleanArray::from(vec![Some(true), None]))),
        ("dec", Arc::new(decimals.unwrap())),
        ("d", Arc::new(day(19_000))),
        ("ns", Arc::new(TimestampNanosecondArray::from(vec![Some(-1), None]))),
        ("tz", Arc::new(seconds)),
        (
            "bin",
            Arc::new(BinaryArray::from_opt_vec(vec![Some(b"\x00\xff"), None])),
        ),
        ("l", Arc::new(list)),
        ("st", Arc::new(structs)),
        ("m", Arc::new(map.finish())),
        ("no", Arc::new(NullArray::new(2))),
        ("large", Arc::new(StringArray::from(vec!["x".repeat(3 << 20); 2]))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true))).unwrap()
}

#[tokio::test]
async fn every_arrow_type_goes_in_by_each_way() {
    let staged = tempfile::tempdir().unwrap();
    for location in [None, staged.path().to_str()] {
        let mut config = config();
        config.staging_location = location.map(str::to_owned);
        let session = store(config).await.session().await.unwrap();
        session.execute("DROP TABLE IF EXISTS t_every").await.unwrap();
        let written = session.append(append(&["t_every"], every_type(), Mode::Create)).await;
        assert_eq!(written.unwrap(), 2, "{location:?}");
        let query = "SELECT i8, u32, f32, bo, dec, d, ns, tz, bin, l, st, m, no, LENGTH(large) FROM t_every ORDER BY i8 NULLS LAST";
        let found = shown(&rows(&session, query).await.unwrap());
        assert_eq!(
            found[0],
            "-128 | 4294967295 | 0.1 | true | -123.45 | 2022-01-08 | 1969-12-31T23:59:59.999999 | 9999-12-31T23:59:59Z | 00ff | \
             [1969-12-31, NULL] | {a: 1969-12-31, b: 00ff} | {it's: 1970-01-02} | NULL | 3145728",
            "{location:?}"
        );
        assert!(
            found[1].starts_with("NULL | NULL | NULL | NULL | NULL | NULL | NULL"),
            "{found:?}"
        );
        session.execute("DROP TABLE t_every").await.unwrap();
        session.close().await.unwrap();
    }
}
