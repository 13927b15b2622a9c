//! What an engine would round on the way into a table is an error, and never another value.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Field, Int64Type, Schema, TimeUnit};

use super::sql_type_of;
use crate::{BatchStream, Error, ErrorKind, Result};

/// The types of times that say how many digits of a second they keep.
const TIMES: [&str; 7] = [
    "datetime",
    "timestamp",
    "timestamptz",
    "timestampntz",
    "timestamp_ltz",
    "timestamp_ntz",
    "timestamp_tz",
];

/// What a table's column keeps.
#[derive(Debug, Clone, Copy)]
enum Kept {
    /// Of finer values so many digits: multiples of so much of the rows' own unit.
    Digits { digits: u32, unit: i128 },
    /// The whole numbers that a double is.
    Doubles,
}

impl Kept {
    fn keeps(self, value: i128) -> bool {
        match self {
            Self::Digits { unit, .. } => value % unit == 0,
            #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)] // to compare with what is left
            Self::Doubles => (value as f64) as i128 == value,
        }
    }
}

/// The rows, ended by an error at the first value that `table`, of the columns `target`, would round.
pub fn exact(rows: BatchStream, table: &str, target: &Schema) -> BatchStream {
    let schema = rows.schema().clone();
    let fields = schema.fields().iter().enumerate();
    let checks: Vec<(usize, Kept)> = fields
        .filter_map(|(at, field)| Some((at, kept(field, target.field_with_name(field.name()).ok()?)?)))
        .collect();
    if checks.is_empty() {
        return rows;
    }
    let (table, mut first) = (table.to_owned(), 0);
    rows.changed(schema, move |batch| {
        for (at, kept) in &checks {
            if let Some(lost) = first_lost(batch.column(*at), *kept)? {
                return Err(rounded(
                    batch.schema_ref().field(*at),
                    *kept,
                    &table,
                    first + lost as u64,
                ));
            }
        }
        first += batch.num_rows() as u64;
        Ok(batch)
    })
}

/// What is to be checked, if anything.
fn kept(given: &Field, target: &Field) -> Option<Kept> {
    let (has, digits) = match (given.data_type(), target.data_type()) {
        (DataType::Decimal128(_, has), DataType::Decimal128(_, scale)) => (*has, u32::try_from(*scale).ok()?),
        (DataType::Timestamp(unit, _), DataType::Timestamp(..)) => {
            let has = match unit {
                TimeUnit::Second => 0,
                TimeUnit::Millisecond => 3,
                TimeUnit::Microsecond => 6,
                TimeUnit::Nanosecond => 9,
            };
            (has, fraction(sql_type_of(target))?)
        }
        (given, DataType::Float64) if given.is_integer() => return Some(Kept::Doubles),
        (DataType::List(given), DataType::List(target)) => return kept(given, target),
        _ => return None,
    };
    let dropped = u32::try_from(has)
        .ok()?
        .checked_sub(digits)
        .filter(|dropped| *dropped > 0)?;
    let unit = 10_i128.checked_pow(dropped)?;
    Some(Kept::Digits { digits, unit })
}

/// The digits in `timestamp(3) with time zone`.
fn fraction(sql_type: &str) -> Option<u32> {
    let (name, rest) = sql_type.split_once('(')?;
    let name = name.trim().to_ascii_lowercase();
    let digits = rest.split_once(')')?.0.trim().parse().ok()?;
    TIMES.contains(&name.as_str()).then_some(digits)
}

/// The first row whose value, or one of whose elements, is not kept.
fn first_lost(column: &ArrayRef, kept: Kept) -> Result<Option<usize>> {
    if let Some(list) = column.as_list_opt::<i32>() {
        return first_lost_in(list, kept);
    }
    let lost = |i: usize, value: i128| column.is_valid(i) && !kept.keeps(value);
    let wide = match column.data_type() {
        // Those above the signed ones, too.
        DataType::UInt64 => cast(column, &DataType::Decimal128(20, 0))?,
        DataType::Decimal128(..) => Arc::clone(column),
        _ => cast(column, &DataType::Int64)?,
    };
    if let Some(values) = wide.as_primitive_opt::<Decimal128Type>() {
        return Ok((0..values.len()).find(|&i| lost(i, values.value(i))));
    }
    let values = wide.as_primitive::<Int64Type>();
    Ok((0..values.len()).find(|&i| lost(i, values.value(i).into())))
}

fn first_lost_in(list: &ListArray, kept: Kept) -> Result<Option<usize>> {
    // One look at all elements, which nearly always is enough.
    if first_lost(list.values(), kept)?.is_none() {
        return Ok(None);
    }
    for row in (0..list.len()).filter(|row| list.is_valid(*row)) {
        if first_lost(&list.value(row), kept)?.is_some() {
            return Ok(Some(row));
        }
    }
    Ok(None)
}

fn rounded(field: &Field, kept: Kept, table: &str, row: u64) -> Error {
    let keeps = match (kept, field.data_type()) {
        (Kept::Digits { digits, .. }, DataType::Timestamp(..)) => format!("finer than the {digits} digits of a second"),
        (Kept::Digits { digits, .. }, _) => format!("finer than the {digits} digits after the point"),
        (Kept::Doubles, _) => "larger than the whole numbers of the doubles".to_owned(),
    };
    let message = format!(
        "column `{}`, row {}: the value is {keeps} that `{table}` keeps",
        field.name(),
        row + 1,
    );
    Error::new(ErrorKind::InvalidInput, message)
        .with_help("round it first, or widen the table's column; nothing was written")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Arc;

    use arrow::array::{Decimal128Array, RecordBatch, TimestampMicrosecondArray};

    use super::*;
    use crate::sql::SQL_TYPE;

    fn times(values: Vec<Option<i64>>) -> ArrayRef {
        Arc::new(TimestampMicrosecondArray::from(values).with_timezone("UTC"))
    }

    fn decimals(values: Vec<Option<i128>>) -> ArrayRef {
        Arc::new(Decimal128Array::from(values).with_precision_and_scale(20, 4).unwrap())
    }

    async fn through(column: ArrayRef, target: Field) -> Result<usize> {
        let batch = RecordBatch::try_from_iter([("c", column)]).unwrap();
        let rows = BatchStream::from_batches(batch.schema(), vec![batch]);
        let rows = exact(rows, "t", &Schema::new(vec![target]));
        let batches = rows.collect().await?;
        Ok(batches.iter().map(RecordBatch::num_rows).sum())
    }

    fn named(data_type: DataType, sql_type: &str) -> Field {
        let said = HashMap::from([(SQL_TYPE.to_owned(), sql_type.to_owned())]);
        Field::new("c", data_type, true).with_metadata(said)
    }

    #[tokio::test]
    async fn what_is_kept_whole_passes() {
        let time = crate::timestamp_type();
        let millis = times(vec![Some(1_700_000_000_123_000), None]);
        assert_eq!(
            through(millis.clone(), named(time.clone(), "timestamp(3) with time zone"))
                .await
                .unwrap(),
            2
        );
        let micros = times(vec![Some(1), Some(-1)]);
        assert_eq!(
            through(micros.clone(), named(time.clone(), "timestamp(6)"))
                .await
                .unwrap(),
            2
        );
        assert_eq!(through(micros, named(time, "")).await.unwrap(), 2);
        let target = Field::new("c", DataType::Decimal128(10, 2), true);
        assert_eq!(
            through(decimals(vec![Some(12_300), None, Some(-100)]), target)
                .await
                .unwrap(),
            3
        );
    }

    #[tokio::test]
    async fn what_would_be_rounded_is_an_error_with_its_row() {
        let time = named(crate::timestamp_type(), "TIMESTAMP_NTZ(0)");
        let error = through(times(vec![Some(0), None, Some(1)]), time).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("column `c`, row 3"), "{error}");
        let target = Field::new("c", DataType::Decimal128(10, 2), true);
        let error = through(decimals(vec![Some(12_345)]), target).await.unwrap_err();
        assert!(
            error
                .to_string()
                .contains("finer than the 2 digits after the point that `t` keeps"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn whole_numbers_that_no_double_is_are_errors() {
        let double = || Field::new("c", DataType::Float64, true);
        let column = |values: Vec<i64>| -> ArrayRef { Arc::new(arrow::array::Int64Array::from(values)) };
        let exact = vec![0, -7, 1 << 53, 1 << 60, i64::MIN];
        assert_eq!(through(column(exact), double()).await.unwrap(), 5);
        for lost in [(1 << 53) + 1, i64::MAX, -(1 << 53) - 1] {
            let error = through(column(vec![1, lost]), double()).await.unwrap_err();
            assert!(error.to_string().contains("column `c`, row 2"), "{error}");
        }
    }

    #[tokio::test]
    async fn elements_are_looked_at_too() {
        let doubles = || Field::new("c", DataType::new_list(DataType::Float64, true), true);
        let lists = |last: i64| {
            let rows = [Some(vec![Some(1), Some(2)]), None, Some(vec![None, Some(last)])];
            Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(rows)) as ArrayRef
        };
        assert_eq!(through(lists(1 << 53), doubles()).await.unwrap(), 3);
        let error = through(lists((1 << 53) + 1), doubles()).await.unwrap_err();
        assert!(error.to_string().contains("column `c`, row 3"), "{error}");
    }
}
