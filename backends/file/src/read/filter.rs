//! The values of the entity rows' keys, against which files, row groups and rows are tested.

use std::ops::ControlFlow;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::datatypes::{DataType, Date32Type, Int64Type, TimestampMicrosecondType};
use hashbrown::HashSet;

/// More distinct values than this are known by their range alone.
const MAX_DISTINCT: usize = 65_536;

/// One key column of the entity rows.
#[derive(Debug)]
pub(crate) enum KeyFilter {
    /// Whole numbers, and what is stored as such.
    Numbers(Values<i64>),
    Texts(Values<String>),
}

/// Smallest, largest, and all of them where they are few.
#[derive(Debug)]
pub(crate) struct Values<T> {
    range: Option<(T, T)>,
    distinct: Option<(HashSet<T>, Vec<T>)>,
}

impl KeyFilter {
    /// The values of `keys`, of which NULL matches nothing; `None` for types that nothing is tested by.
    pub(crate) fn new(keys: &ArrayRef) -> Option<Self> {
        if let Some(numbers) = numbers(keys) {
            return Some(Self::Numbers(Values::new(numbers.iter().flatten(), |n| *n)));
        }
        let texts = keys.as_string_opt::<i32>()?;
        Some(Self::Texts(Values::new(texts.iter().flatten(), |text| {
            (*text).to_owned()
        })))
    }

    /// How many distinct values there are, where they are few.
    pub(crate) fn distinct(&self) -> Option<usize> {
        match self {
            Self::Numbers(values) => values.distinct.as_ref().map(|(set, _)| set.len()),
            Self::Texts(values) => values.distinct.as_ref().map(|(set, _)| set.len()),
        }
    }

    /// Whether any value lies within `low..=high`, the elements at `index`; NULL is unknown.
    pub(crate) fn overlaps(&self, low: &ArrayRef, high: &ArrayRef, index: usize) -> bool {
        if low.is_null(index) || high.is_null(index) {
            return true;
        }
        match self {
            Self::Numbers(values) => match (numbers(low), numbers(high)) {
                (Some(low), Some(high)) => values.overlaps(&low.value(index), &high.value(index)),
                _ => true,
            },
            Self::Texts(values) => match (low.as_string_opt::<i32>(), high.as_string_opt::<i32>()) {
                (Some(low), Some(high)) => values.overlaps(&low.value(index).to_owned(), &high.value(index).to_owned()),
                _ => true,
            },
        }
    }

    /// Whether `found` says yes to any of the values; yes when there are too many to ask.
    pub(crate) fn any(&self, limit: usize, mut found: impl FnMut(Value<'_>) -> bool) -> bool {
        if self.distinct().is_none_or(|count| count > limit) {
            return true;
        }
        let mut ask = |value| {
            if found(value) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        match self {
            Self::Numbers(values) => values
                .sorted()
                .iter()
                .try_for_each(|n| ask(Value::Number(*n)))
                .is_break(),
            Self::Texts(values) => values.sorted().iter().try_for_each(|t| ask(Value::Text(t))).is_break(),
        }
    }

    /// Which elements of `keys`, in the canonical type, are among the values; `None` when there
    /// are too many values to know.
    pub(crate) fn members(&self, keys: &ArrayRef) -> Option<BooleanArray> {
        match self {
            Self::Numbers(values) => {
                let (set, _) = values.distinct.as_ref()?;
                let keys = numbers(keys)?;
                Some(
                    keys.iter()
                        .map(|key| Some(key.is_some_and(|key| set.contains(&key))))
                        .collect(),
                )
            }
            Self::Texts(values) => {
                let (set, _) = values.distinct.as_ref()?;
                let keys = keys.as_string_opt::<i32>()?;
                Some(
                    keys.iter()
                        .map(|key| Some(key.is_some_and(|key| set.contains(key))))
                        .collect(),
                )
            }
        }
    }
}

/// A key's value.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'a> {
    Number(i64),
    Text(&'a str),
}

impl<T: Ord + Clone + std::hash::Hash> Values<T> {
    fn new<V: Ord + Copy>(values: impl Iterator<Item = V>, own: impl Fn(&V) -> T) -> Self {
        let mut range: Option<(V, V)> = None;
        let mut distinct = Some(HashSet::new());
        for value in values {
            if let Some(set) = &mut distinct {
                set.insert(own(&value));
                if set.len() > MAX_DISTINCT {
                    distinct = None;
                }
            }
            range = Some(range.map_or((value, value), |(low, high)| (low.min(value), high.max(value))));
        }
        let range = range.map(|(low, high)| (own(&low), own(&high)));
        let distinct = distinct.map(|set: HashSet<T>| {
            let mut sorted: Vec<T> = set.iter().cloned().collect();
            sorted.sort_unstable();
            (set, sorted)
        });
        Self { range, distinct }
    }

    fn sorted(&self) -> &[T] {
        self.distinct.as_ref().map_or(&[], |(_, sorted)| sorted)
    }

    fn overlaps(&self, low: &T, high: &T) -> bool {
        let Some((first, last)) = &self.range else {
            return false;
        };
        if last < low || first > high {
            return false;
        }
        match &self.distinct {
            None => true,
            Some((_, sorted)) => {
                let at = sorted.partition_point(|value| value < low);
                sorted.get(at).is_some_and(|value| value <= high)
            }
        }
    }
}

/// Whole numbers, days and instants as Int64.
fn numbers(array: &ArrayRef) -> Option<arrow::array::Int64Array> {
    match array.data_type() {
        DataType::Int64 => Some(array.as_primitive::<Int64Type>().clone()),
        DataType::Date32 => Some(array.as_primitive::<Date32Type>().unary(i64::from)),
        DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, _) => {
            let (_, values, nulls) = array.as_primitive::<TimestampMicrosecondType>().clone().into_parts();
            Some(arrow::array::Int64Array::new(values, nulls))
        }
        _ => None,
    }
}
