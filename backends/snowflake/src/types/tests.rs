#![allow(clippy::unwrap_used)]

use arrow::array::{
    Array, ArrayRef, AsArray, Decimal128Array, Float64Array, Int8Array, Int32Array, Int64Array, RecordBatch,
    StringArray, StructArray,
};
use arrow::datatypes::{Fields, TimestampMicrosecondType};
use serde_json::json;

use super::*;

fn column(kind: &str, precision: i64, scale: i64) -> Column {
    Column {
        name: kind.to_owned(),
        kind: kind.to_owned(),
        precision: Some(precision),
        scale: Some(scale),
        ..Column::default()
    }
}

#[test]
fn types_have_their_names_and_arrow_types() {
    let micros = |zone: Option<&str>| DataType::Timestamp(TimeUnit::Microsecond, zone.map(Into::into));
    for (column, arrow, name) in [
        (column("fixed", 38, 0), DataType::Int64, "NUMBER(38,0)"),
        (column("fixed", 10, 0), DataType::Int64, "NUMBER(10,0)"),
        (column("fixed", 20, 0), DataType::Int64, "NUMBER(20,0)"),
        (column("fixed", 38, 4), DataType::Decimal128(38, 4), "NUMBER(38,4)"),
        (column("real", 0, 0), DataType::Float64, "FLOAT"),
        (column("text", 0, 0), DataType::Utf8, "VARCHAR"),
        (column("variant", 0, 0), DataType::Utf8, "VARIANT"),
        (column("timestamp_ntz", 0, 9), micros(None), "TIMESTAMP_NTZ(9)"),
        (column("timestamp_ltz", 0, 3), micros(Some("UTC")), "TIMESTAMP_LTZ(3)"),
        (column("timestamp_tz", 0, 6), micros(Some("UTC")), "TIMESTAMP_TZ(6)"),
        (column("time", 0, 9), DataType::Time64(TimeUnit::Microsecond), "TIME(9)"),
        (column("geography", 0, 0), DataType::Utf8, "GEOGRAPHY"),
    ] {
        assert_eq!(Type::of(&column).arrow(), arrow, "{name}");
        assert_eq!(name_of(&column), name);
    }
}

fn decoded(column: &Column, array: ArrayRef) -> Result<ArrayRef> {
    let batch = RecordBatch::try_from_iter_with_nullable([("x", array, true)]).unwrap();
    let decoder = Decoder::new(std::slice::from_ref(column));
    Ok(Arc::clone(decoder.decode(&batch)?.column(0)))
}

#[test]
fn numbers_come_in_any_width() {
    let narrow: ArrayRef = Arc::new(Int8Array::from(vec![Some(-7), None]));
    let whole = decoded(&column("fixed", 38, 0), Arc::clone(&narrow)).unwrap();
    assert_eq!(whole.as_ref(), &Int64Array::from(vec![Some(-7), None]));
    let scaled = decoded(&column("fixed", 10, 2), narrow).unwrap();
    let expected = Decimal128Array::from(vec![Some(-7), None])
        .with_precision_and_scale(10, 2)
        .unwrap();
    assert_eq!(scaled.as_ref(), &expected);
    let large = Decimal128Array::from(vec![i128::from(i64::MAX)])
        .with_precision_and_scale(38, 0)
        .unwrap();
    let whole = decoded(&column("fixed", 38, 0), Arc::new(large)).unwrap();
    assert_eq!(whole.as_ref(), &Int64Array::from(vec![i64::MAX]));
    let larger = Decimal128Array::from(vec![i128::from(i64::MAX) + 1])
        .with_precision_and_scale(38, 0)
        .unwrap();
    let error = decoded(&column("fixed", 38, 0), Arc::new(larger)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(decoded(&column("fixed", 38, 0), Arc::new(Float64Array::from(vec![0.5]))).is_ok_and(|_| true));
}

fn micros(array: &ArrayRef) -> Vec<Option<i64>> {
    array.as_primitive::<TimestampMicrosecondType>().iter().collect()
}

#[test]
fn timestamps_come_as_parts_and_as_units() {
    let fields = |zone: bool| {
        let mut fields = vec![
            Field::new("epoch", DataType::Int64, true),
            Field::new("fraction", DataType::Int32, true),
        ];
        fields.extend(zone.then(|| Field::new("timezone", DataType::Int32, true)));
        Fields::from(fields)
    };
    let epoch: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), Some(-1), None]));
    let fraction: ArrayRef = Arc::new(Int32Array::from(vec![Some(999_999_999), Some(1), Some(0)]));
    let zone: ArrayRef = Arc::new(Int32Array::from(vec![1_560, 1_440, 1_440]));
    let expected = vec![Some(1_999_999), Some(-1_000_000), None];
    let two = StructArray::new(fields(false), vec![Arc::clone(&epoch), Arc::clone(&fraction)], None);
    assert_eq!(
        micros(&decoded(&column("timestamp_ntz", 0, 9), Arc::new(two)).unwrap()),
        expected
    );
    let three = StructArray::new(fields(true), vec![epoch, fraction, zone.clone()], None);
    let instants = decoded(&column("timestamp_tz", 0, 9), Arc::new(three)).unwrap();
    assert_eq!(micros(&instants), expected);
    assert_eq!(*instants.data_type(), timestamp_type());
    let units: ArrayRef = Arc::new(Int64Array::from(vec![1_500, -1, 0]));
    let millis = decoded(&column("timestamp_ltz", 0, 3), Arc::clone(&units)).unwrap();
    assert_eq!(micros(&millis), vec![Some(1_500_000), Some(-1_000), Some(0)]);
    let short = vec![
        Field::new("epoch", DataType::Int64, true),
        Field::new("timezone", DataType::Int32, true),
    ];
    let short = StructArray::new(short.into(), vec![units, zone], None);
    let millis = decoded(&column("timestamp_tz", 0, 3), Arc::new(short)).unwrap();
    assert_eq!(micros(&millis), vec![Some(1_500_000), Some(-1_000), Some(0)]);
}

#[test]
fn texts_are_read_by_their_types() {
    let columns = [
        column("fixed", 38, 0),
        column("fixed", 10, 2),
        column("real", 0, 0),
        column("boolean", 0, 0),
        column("binary", 0, 0),
        column("date", 0, 0),
        column("time", 0, 9),
        column("timestamp_ntz", 0, 9),
        column("timestamp_tz", 0, 9),
        column("text", 0, 0),
    ];
    let row = json!([
        "12",
        "1.25",
        "1.5",
        "1",
        "00FF",
        "19000",
        "3723.456789000",
        "-1.500000000",
        "1.000001999 1500",
        "x"
    ]);
    let rows: Vec<Vec<serde_json::Value>> = vec![
        row.as_array().unwrap().clone(),
        vec![serde_json::Value::Null; columns.len()],
    ];
    let batch = from_texts(&rows, &columns, &described(&columns)).unwrap();
    let shown = |place: usize| arrow::util::display::array_value_to_string(batch.column(place), 0).unwrap();
    let shown: Vec<String> = (0..columns.len()).map(shown).collect();
    assert_eq!(
        shown,
        [
            "12",
            "1.25",
            "1.5",
            "true",
            "00ff",
            "2022-01-08",
            "01:02:03.456789",
            "1969-12-31T23:59:58.500",
            "1970-01-01T00:00:01.000001Z",
            "x"
        ]
    );
    assert!(batch.columns().iter().all(|column| column.is_null(1)));
    let wrong = [vec![json!("many")]];
    assert!(from_texts(&wrong, &columns[..1], &described(&columns[..1])).is_err());
    assert!(from_texts(&wrong, &columns[..2], &described(&columns[..2])).is_err());
}

#[test]
fn rows_are_sent_in_few_types() {
    let batch = RecordBatch::try_from_iter([
        ("a", Arc::new(Int8Array::from(vec![1])) as ArrayRef),
        ("b", Arc::new(StringArray::from(vec!["x"])) as ArrayRef),
    ])
    .unwrap();
    let schema = normal_schema(&batch.schema()).unwrap();
    let sent = normal_batch(&batch, &schema).unwrap();
    assert_eq!(sent.schema().field(0).name(), "c0");
    assert_eq!(*sent.column(0).data_type(), DataType::Int64);
    let negative = DataType::Decimal128(5, -2);
    let odd = Schema::new(vec![Field::new("d", negative, true)]);
    assert_eq!(normal_schema(&odd).unwrap_err().kind(), ErrorKind::Unsupported);
}
