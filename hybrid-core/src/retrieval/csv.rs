//! Entity frames from CSV: types are inferred, and times that say their zone are instants.

use std::fs::File;
use std::io::{BufReader, Seek};
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use arrow_csv::reader::{BufReader as Reader, Format, ReaderBuilder};

/// Rows of a CSV file whose types are inferred from.
const SAMPLE: usize = 10_000;

/// The rows of `file`, which has a header, and their types.
pub(super) fn read(mut file: File, batch: usize) -> Result<(SchemaRef, Reader<BufReader<File>>), ArrowError> {
    let format = Format::default().with_header(true);
    let (inferred, _) = format.infer_schema(BufReader::new(&file), Some(SAMPLE))?;
    file.rewind()?;
    let zoned = zoned_columns(&inferred, &file)?;
    file.rewind()?;
    let fields = inferred.fields().iter().enumerate();
    let fields: Vec<Field> = fields
        .map(|(index, field)| with_time_type(field, zoned.contains(&index)))
        .collect();
    let schema: SchemaRef = Arc::new(Schema::new(fields));
    let reader = ReaderBuilder::new(schema.clone())
        .with_header(true)
        .with_batch_size(batch)
        .build(file)?;
    Ok((schema, reader))
}

/// Microseconds at least: rows after the sample may have them where those of the sample have not.
fn with_time_type(field: &Field, zoned: bool) -> Field {
    let DataType::Timestamp(unit, _) = field.data_type() else {
        return field.clone();
    };
    let unit = match unit {
        TimeUnit::Nanosecond => TimeUnit::Nanosecond,
        _ => TimeUnit::Microsecond,
    };
    let zone = zoned.then(|| "UTC".into());
    field.clone().with_data_type(DataType::Timestamp(unit, zone))
}

/// The timestamp columns that have a zone or an offset in any row of the sample. Inference does not
/// tell, so the texts are looked at.
fn zoned_columns(inferred: &Schema, file: &File) -> Result<Vec<usize>, ArrowError> {
    let is_time = |index: &usize| matches!(inferred.field(*index).data_type(), DataType::Timestamp(..));
    let mut left: Vec<usize> = (0..inferred.fields().len()).filter(is_time).collect();
    if left.is_empty() {
        return Ok(left);
    }
    let texts = inferred.fields().iter();
    let texts: Vec<Field> = texts
        .map(|field| Field::new(field.name(), DataType::Utf8, true))
        .collect();
    let reader = ReaderBuilder::new(Arc::new(Schema::new(texts)))
        .with_header(true)
        .with_bounds(0, SAMPLE)
        .build(file)?;
    let mut zoned = Vec::new();
    for rows in reader {
        let rows = rows?;
        let (found, rest) = left.into_iter().partition(|index| has_zone(rows.column(*index)));
        zoned.extend::<Vec<usize>>(found);
        left = rest;
    }
    Ok(zoned)
}

fn has_zone(texts: &dyn Array) -> bool {
    texts.as_string::<i32>().iter().flatten().any(says_zone)
}

/// Whether anything follows the fraction of the second, in `2021-01-01T00:00:00.5Z` for example.
fn says_zone(time: &str) -> bool {
    let after = time.get("2021-01-01T00:00:00".len()..).unwrap_or_default();
    let fraction = after
        .strip_prefix('.')
        .map(|digits| digits.trim_start_matches(|c: char| c.is_ascii_digit()));
    !fraction.unwrap_or(after).trim().is_empty()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Write;

    use arrow::array::RecordBatch;
    use arrow::compute::cast;
    use arrow::datatypes::{Int64Type, TimestampMicrosecondType, TimestampNanosecondType};

    use super::*;
    use crate::timestamp_type;

    const NAIVE: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);
    const START: i64 = 1_609_459_200_000_000;

    fn rows(text: &str) -> RecordBatch {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file.rewind().unwrap();
        let (schema, mut reader) = read(file, 1 << 15).unwrap();
        let rows = reader
            .next()
            .unwrap_or_else(|| Ok(RecordBatch::new_empty(schema.clone())))
            .unwrap();
        assert_eq!(rows.schema(), schema);
        rows
    }

    fn micros(rows: &RecordBatch) -> Vec<Option<i64>> {
        let column = rows.column(0).as_primitive::<TimestampMicrosecondType>();
        column.iter().collect()
    }

    #[test]
    fn times_keep_their_zone() {
        for (text, expected) in [
            ("2021-01-01T00:00:00Z", timestamp_type()),
            ("2021-01-01 02:00:00+02:00", timestamp_type()),
            ("2020-12-31T19:00:00.000-05:00", timestamp_type()),
            ("2021-01-01T00:00:00", NAIVE),
            ("2021-01-01 00:00:00.000", NAIVE),
        ] {
            let rows = rows(&format!("time,x\n{text},1\n,2\n"));
            assert_eq!(rows.column(0).data_type(), &expected, "{text}");
            assert_eq!(micros(&rows), [Some(START), None], "{text}");
            assert_eq!(rows.column(1).as_primitive::<Int64Type>().values(), &[1, 2]);
        }
    }

    #[test]
    fn a_column_of_several_offsets_holds_instants() {
        let rows = rows(
            "time\n2021-01-01T00:00:00Z\n2021-01-01T02:00:00+02:00\n2020-12-31T19:00:00.000001-05:00\n2021-01-01T00:00:00\n",
        );
        assert_eq!(rows.column(0).data_type(), &timestamp_type());
        assert_eq!(micros(&rows), [START, START, START + 1, START].map(Some));
    }

    #[test]
    fn microseconds_after_the_sample_count() {
        let mut text = "time\n".to_owned() + &"2021-01-01T00:00:00\n".repeat(SAMPLE);
        text += "2021-01-01T00:00:00.000007\n";
        assert_eq!(micros(&rows(&text)).last(), Some(&Some(START + 7)));
    }

    #[test]
    fn nanoseconds_and_other_types_are_as_inferred() {
        let rows = rows("time,day,text\n2021-01-01T00:00:00.123456789Z,2021-01-01,a\n");
        let times = rows.column(0).as_primitive::<TimestampNanosecondType>();
        assert_eq!(times.value(0), START * 1000 + 123_456_789);
        assert_eq!(rows.column(1).data_type(), &DataType::Date32);
        assert_eq!(
            cast(rows.column(2), &DataType::Utf8)
                .unwrap()
                .as_string::<i32>()
                .value(0),
            "a"
        );
    }

    #[test]
    fn a_header_alone_is_no_rows() {
        assert_eq!(rows("time,x\n").num_rows(), 0);
    }
}
