//! What an engine would round on the way into a table is an error, and never another value.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, GenericListArray, OffsetSizeTrait, StructArray};
use arrow::compute::{cast, is_null, nullif};
use arrow::datatypes::{DataType, Decimal128Type, Field, Int64Type, Schema, TimeUnit};

use super::{SQL_TYPE, sql_type_of};
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
    /// Of finer values so many digits `after` something: multiples of so much of the rows' own unit.
    Digits {
        digits: u32,
        unit: i128,
        after: &'static str,
    },
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

/// One step from a column to values inside of it.
#[derive(Debug, Clone, Copy)]
enum Step {
    Elements,
    Field(usize),
}

/// Values of a column, or inside of it.
#[derive(Debug, Clone)]
struct Place {
    column: usize,
    steps: Vec<Step>,
    /// For messages: `column.field`.
    name: String,
}

impl Place {
    fn inside(&self, step: Step, name: String) -> Self {
        let steps = self.steps.iter().copied().chain([step]).collect();
        Self {
            column: self.column,
            steps,
            name,
        }
    }
}

/// The rows, ended by an error at the first value that `table`, of the columns `target`, would round.
pub fn exact(rows: BatchStream, table: &str, target: &Schema) -> BatchStream {
    let schema = rows.schema().clone();
    let mut checks = Vec::new();
    for (column, field) in schema.fields().iter().enumerate() {
        let place = Place {
            column,
            steps: Vec::new(),
            name: field.name().clone(),
        };
        if let Ok(target) = target.field_with_name(field.name()) {
            add_checks(&place, field.data_type(), target, &mut checks);
        }
    }
    if checks.is_empty() {
        return rows;
    }
    let (table, mut first) = (table.to_owned(), 0);
    rows.changed(schema, move |batch| {
        for (place, kept) in &checks {
            if let Some(lost) = first_lost(batch.column(place.column), &place.steps, *kept)? {
                return Err(rounded(&place.name, *kept, &table, first + lost as u64));
            }
        }
        first += batch.num_rows() as u64;
        Ok(batch)
    })
}

/// What is to be checked at a place or inside of it, if anything.
fn add_checks(place: &Place, given: &DataType, target: &Field, checks: &mut Vec<(Place, Kept)>) {
    use DataType as T;
    match (given, target.data_type()) {
        (T::List(given) | T::LargeList(given), T::List(element) | T::LargeList(element)) => {
            let elements = place.inside(Step::Elements, place.name.clone());
            add_checks(&elements, given.data_type(), &element_of(target, element), checks);
        }
        (T::Struct(given), T::Struct(target)) => {
            for (at, field) in given.iter().enumerate() {
                let inner = place.inside(Step::Field(at), format!("{}.{}", place.name, field.name()));
                if let Some((_, target)) = target.find(field.name()) {
                    add_checks(&inner, field.data_type(), target, checks);
                }
            }
        }
        (T::Dictionary(_, values), _) => add_checks(place, values, target, checks),
        _ => checks.extend(kept(given, target).map(|kept| (place.clone(), kept))),
    }
}

/// A list's elements, with the engine's name of their type where only the list's says it: `timestamptz(3)[]`.
fn element_of(list: &Field, element: &Field) -> Field {
    match sql_type_of(list).strip_suffix("[]") {
        Some(name) if sql_type_of(element).is_empty() => {
            let said = HashMap::from([(SQL_TYPE.to_owned(), name.to_owned())]);
            element.clone().with_metadata(said)
        }
        _ => element.clone(),
    }
}

/// What a column keeps of such values, if not all.
fn kept(given: &DataType, target: &Field) -> Option<Kept> {
    let (has, digits, after) = match (given, target.data_type()) {
        (DataType::Decimal128(_, has), DataType::Decimal128(_, scale)) => {
            (*has, u32::try_from(*scale).ok()?, "after the point")
        }
        (DataType::Timestamp(unit, _), DataType::Timestamp(..)) => {
            let has = match unit {
                TimeUnit::Second => 0,
                TimeUnit::Millisecond => 3,
                TimeUnit::Microsecond => 6,
                TimeUnit::Nanosecond => 9,
            };
            (has, fraction(sql_type_of(target))?, "of a second")
        }
        // Days, but in milliseconds, and nothing keeps the time of day out.
        (DataType::Date64, DataType::Timestamp(..)) => (3, fraction(sql_type_of(target))?, "of a second"),
        (given, DataType::Float64) if given.is_integer() => return Some(Kept::Doubles),
        _ => return None,
    };
    let dropped = u32::try_from(has)
        .ok()?
        .checked_sub(digits)
        .filter(|dropped| *dropped > 0)?;
    let unit = 10_i128.checked_pow(dropped)?;
    Some(Kept::Digits { digits, unit, after })
}

/// The digits in `timestamp(3) with time zone`.
fn fraction(sql_type: &str) -> Option<u32> {
    let (name, rest) = sql_type.split_once('(')?;
    let name = name.trim().to_ascii_lowercase();
    let digits = rest.split_once(')')?.0.trim().parse().ok()?;
    TIMES.contains(&name.as_str()).then_some(digits)
}

/// The first row that holds, at the end of the steps, a value that is not kept.
fn first_lost(column: &ArrayRef, steps: &[Step], kept: Kept) -> Result<Option<usize>> {
    let Some((step, rest)) = steps.split_first() else {
        return first_lost_value(column, kept);
    };
    match step {
        Step::Field(at) => first_lost(&field_of(column.as_struct(), *at)?, rest, kept),
        Step::Elements => match column.as_list_opt::<i32>() {
            Some(list) => first_lost_element(list, rest, kept),
            None => first_lost_element(column.as_list::<i64>(), rest, kept),
        },
    }
}

/// What a field holds under a NULL is no value.
fn field_of(rows: &StructArray, at: usize) -> Result<ArrayRef> {
    match rows.null_count() {
        0 => Ok(Arc::clone(rows.column(at))),
        _ => Ok(nullif(rows.column(at), &is_null(rows)?)?),
    }
}

fn first_lost_element<O: OffsetSizeTrait>(
    list: &GenericListArray<O>,
    steps: &[Step],
    kept: Kept,
) -> Result<Option<usize>> {
    // One look at all elements, which nearly always is enough.
    if first_lost(list.values(), steps, kept)?.is_none() {
        return Ok(None);
    }
    for row in (0..list.len()).filter(|row| list.is_valid(*row)) {
        if first_lost(&list.value(row), steps, kept)?.is_some() {
            return Ok(Some(row));
        }
    }
    Ok(None)
}

fn first_lost_value(column: &ArrayRef, kept: Kept) -> Result<Option<usize>> {
    let column = match column.data_type() {
        DataType::Dictionary(_, values) => &cast(column, values)?,
        _ => column,
    };
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

fn rounded(name: &str, kept: Kept, table: &str, row: u64) -> Error {
    let keeps = match kept {
        Kept::Digits { digits, after, .. } => format!("finer than the {digits} digits {after}"),
        Kept::Doubles => "larger than the whole numbers of the doubles".to_owned(),
    };
    let message = format!(
        "column `{name}`, row {}: the value is {keeps} that `{table}` keeps",
        row + 1
    );
    Error::new(ErrorKind::InvalidInput, message)
        .with_help("round it first, or widen the table's column; nothing was written")
}

#[cfg(test)]
mod tests;
