//! Arrow arrays of values.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, ListArray, MapArray,
    StringArray, StructArray, TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray,
    TimestampSecondArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Fields, TimeUnit};

use crate::{Miss, Value, Verdict};

/// An Arrow array of `data_type`.
pub(super) fn array(data_type: &DataType, cells: &[&Value]) -> Verdict<ArrayRef> {
    Ok(match data_type {
        DataType::Boolean => Arc::new(BooleanArray::from(pick(cells, data_type, |v| match v {
            Value::Bool(value) => Some(*value),
            _ => None,
        })?)),
        DataType::Date32 => Arc::new(Date32Array::from(pick(cells, data_type, |v| match v {
            Value::Date(days) => i32::try_from(*days).ok(),
            _ => None,
        })?)),
        DataType::Decimal128(precision, scale) => {
            let unscaled = pick(cells, data_type, |v| {
                if let Value::Decimal(d) = v { Some(*d) } else { None }
            })?;
            Arc::new(Decimal128Array::from(unscaled).with_precision_and_scale(*precision, *scale)?)
        }
        DataType::Timestamp(unit, zone) => timestamps(*unit, zone.clone(), cells)?,
        DataType::List(item) => list(item, cells)?,
        DataType::Map(entries, _) => map(entries, cells)?,
        DataType::Struct(fields) => structs(fields, cells)?,
        t if t.is_integer() => {
            let wide = pick(cells, t, |v| if let Value::Int(i) = v { Some(*i) } else { None })?;
            cast(&Int64Array::from(wide), t)?
        }
        t if t.is_floating() => {
            let wide = pick(cells, t, |v| if let Value::Float(f) = v { Some(f.0) } else { None })?;
            cast(&Float64Array::from(wide), t)?
        }
        t if matches!(t, DataType::Binary | DataType::LargeBinary | DataType::BinaryView) => {
            let bytes = pick(cells, t, |v| {
                if let Value::Bytes(b) = v {
                    Some(b.as_slice())
                } else {
                    None
                }
            })?;
            cast(&BinaryArray::from(bytes), t)?
        }
        t => {
            let text = pick(
                cells,
                t,
                |v| if let Value::Text(s) = v { Some(s.as_str()) } else { None },
            )?;
            cast(&StringArray::from(text), t)?
        }
    })
}

/// The cells as `T`; NULL stays, anything else that is no `T` is a mistake in a test.
fn pick<'a, T>(
    cells: &[&'a Value],
    data_type: &DataType,
    get: impl Fn(&'a Value) -> Option<T>,
) -> Verdict<Vec<Option<T>>> {
    let one = |cell: &&'a Value| match get(cell) {
        None if !cell.is_null() => Err(Miss::Failed(format!("{cell} is no {data_type}"))),
        value => Ok(value),
    };
    cells.iter().map(one).collect()
}

fn timestamps(unit: TimeUnit, zone: Option<Arc<str>>, cells: &[&Value]) -> Verdict<ArrayRef> {
    let data_type = DataType::Timestamp(unit, zone.clone());
    let nanos = pick(cells, &data_type, |v| match v {
        Value::Time(micros) => micros.checked_mul(1000),
        Value::Nanos(nanos) => Some(*nanos),
        _ => None,
    })?;
    let scaled = |scale: i64| nanos.iter().map(|n| n.map(|n| n.div_euclid(scale))).collect::<Vec<_>>();
    Ok(match unit {
        TimeUnit::Second => Arc::new(TimestampSecondArray::from(scaled(1_000_000_000)).with_timezone_opt(zone)),
        TimeUnit::Millisecond => Arc::new(TimestampMillisecondArray::from(scaled(1_000_000)).with_timezone_opt(zone)),
        TimeUnit::Microsecond => Arc::new(TimestampMicrosecondArray::from(scaled(1_000)).with_timezone_opt(zone)),
        TimeUnit::Nanosecond => Arc::new(TimestampNanosecondArray::from(scaled(1)).with_timezone_opt(zone)),
    })
}

fn validity(cells: &[&Value]) -> Option<NullBuffer> {
    Some(NullBuffer::from_iter(cells.iter().map(|cell| !cell.is_null())))
}

fn list(item: &Arc<Field>, cells: &[&Value]) -> Verdict<ArrayRef> {
    let lists = pick(cells, item.data_type(), |v| {
        if let Value::List(l) = v {
            Some(l.as_slice())
        } else {
            None
        }
    })?;
    let lists: Vec<&[Value]> = lists.into_iter().map(Option::unwrap_or_default).collect();
    let offsets = OffsetBuffer::from_lengths(lists.iter().map(|list| list.len()));
    let items: Vec<&Value> = lists.into_iter().flatten().collect();
    let items = array(item.data_type(), &items)?;
    Ok(Arc::new(ListArray::try_new(
        item.clone(),
        offsets,
        items,
        validity(cells),
    )?))
}

fn map(entries: &Arc<Field>, cells: &[&Value]) -> Verdict<ArrayRef> {
    let maps = pick(cells, entries.data_type(), |v| {
        if let Value::Map(m) = v {
            Some(m.as_slice())
        } else {
            None
        }
    })?;
    let maps: Vec<&[(Value, Value)]> = maps.into_iter().map(Option::unwrap_or_default).collect();
    let offsets = OffsetBuffer::from_lengths(maps.iter().map(|map| map.len()));
    let DataType::Struct(fields) = entries.data_type() else {
        return Err(Miss::Failed("a map's entries are a struct".to_owned()));
    };
    let keys: Vec<&Value> = maps.iter().flat_map(|map| map.iter().map(|(key, _)| key)).collect();
    let values: Vec<&Value> = maps.iter().flat_map(|map| map.iter().map(|(_, value)| value)).collect();
    let columns = vec![
        array(fields[0].data_type(), &keys)?,
        array(fields[1].data_type(), &values)?,
    ];
    let structs = StructArray::try_new(fields.clone(), columns, None)?;
    Ok(Arc::new(MapArray::try_new(
        entries.clone(),
        offsets,
        structs,
        validity(cells),
        false,
    )?))
}

fn structs(fields: &Fields, cells: &[&Value]) -> Verdict<ArrayRef> {
    let column = |(at, field): (usize, &Arc<Field>)| {
        let inner = cells.iter().map(|cell| {
            if let Value::Struct(values) = cell {
                &values[at]
            } else {
                &Value::Null
            }
        });
        array(field.data_type(), &inner.collect::<Vec<_>>())
    };
    let columns = fields.iter().enumerate().map(column).collect::<Verdict<_>>()?;
    Ok(Arc::new(StructArray::try_new(
        fields.clone(),
        columns,
        validity(cells),
    )?))
}
