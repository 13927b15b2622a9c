//! Which type the values of a column of text are: what CSV files are read as.

use arrow::compute::kernels::cast_utils::string_to_datetime;
use arrow::datatypes::{DataType, TimeUnit};
use chrono::Utc;

/// What the values of a column of text have been so far, one bit each.
const BOOLEAN: u16 = 1;
/// A whole number that prints as it stands.
const INTEGER: u16 = 1 << 1;
/// A whole number that would print otherwise: `00123`.
const PADDED: u16 = 1 << 2;
/// A whole number beyond 32 bits.
const LONG: u16 = 1 << 3;
/// A whole number that a float would round.
const HUGE: u16 = 1 << 4;
const FLOAT: u16 = 1 << 5;
const DATE: u16 = 1 << 6;
const TIME: u16 = 1 << 7;
/// A time with a zone or an offset.
const ZONED: u16 = 1 << 8;
/// A time with more than microseconds.
const NANOS: u16 = 1 << 9;
const TEXT: u16 = 1 << 10;

const TIMES: u16 = DATE | TIME | ZONED | NANOS;

/// Finds the type of a column of text, value by value. Whole numbers are numbers only where every
/// one of them prints as it stands, so that a code like `00123` stays what it is. Floats, booleans
/// and times may print in another form of the same value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TextColumn(u16);

impl TextColumn {
    /// Takes one value; an empty one is NULL, which every type has.
    pub fn add(&mut self, value: &str) {
        if self.0 & TEXT == 0 && !value.is_empty() {
            self.0 |= kind(value);
        }
    }

    /// The type of the values: Boolean, Int64, Float64, Date32, Timestamp (in microseconds, or in
    /// nanoseconds where a value has them; with the zone UTC where a value says its zone), else
    /// Utf8. `None` without any value.
    pub fn data_type(self) -> Option<DataType> {
        Some(match self.0 {
            0 => return None,
            BOOLEAN => DataType::Boolean,
            DATE => DataType::Date32,
            _ if self.only(INTEGER | LONG | HUGE) => DataType::Int64,
            _ if self.only(INTEGER | LONG | FLOAT) => DataType::Float64,
            _ if self.only(TIMES) => self.timestamp(),
            _ => DataType::Utf8,
        })
    }

    /// The declared type where every value is one of it, else the type of the values.
    pub fn declared(self, declared: &DataType) -> DataType {
        let fits = match declared {
            DataType::Utf8 | DataType::LargeUtf8 => true,
            DataType::Int32 => self.only(INTEGER | PADDED),
            DataType::Int64 => self.only(INTEGER | PADDED | LONG | HUGE),
            DataType::Boolean => self.only(BOOLEAN),
            DataType::Timestamp(TimeUnit::Microsecond, _) => self.only(TIMES & !NANOS),
            _ => false,
        };
        match declared {
            _ if fits => declared.clone(),
            // Widths interchange.
            DataType::Int32 if self.only(INTEGER | PADDED | LONG | HUGE) => DataType::Int64,
            DataType::Timestamp(..) if self.only(TIMES) => self.timestamp(),
            _ => self.data_type().unwrap_or(DataType::Utf8),
        }
    }

    fn only(self, kinds: u16) -> bool {
        self.0 & !kinds == 0
    }

    fn timestamp(self) -> DataType {
        let unit = match self.0 & NANOS {
            0 => TimeUnit::Microsecond,
            _ => TimeUnit::Nanosecond,
        };
        DataType::Timestamp(unit, (self.0 & ZONED != 0).then(|| "UTC".into()))
    }
}

fn kind(value: &str) -> u16 {
    let bytes = value.as_bytes();
    let digits = value.strip_prefix('-').unwrap_or(value);
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return integer(value, digits);
    }
    if value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false") {
        return BOOLEAN;
    }
    if bytes.len() >= 10 && bytes[4] == b'-' && bytes[7] == b'-' {
        return time(value);
    }
    if is_float(value, digits) { FLOAT } else { TEXT }
}

fn integer(value: &str, digits: &str) -> u16 {
    let Ok(number) = value.parse::<i64>() else { return TEXT };
    let padded = digits.len() > 1 && digits.starts_with('0') || value == "-0";
    let mut kind = if padded { PADDED } else { INTEGER };
    if i32::try_from(number).is_err() {
        kind |= LONG;
    }
    if number.unsigned_abs() > 1 << f64::MANTISSA_DIGITS {
        kind |= HUGE;
    }
    kind
}

/// Decimal or scientific notation, not the names of infinity and its like, nor padding.
fn is_float(value: &str, digits: &str) -> bool {
    let padded = digits.starts_with('0') && digits[1..].starts_with(|next: char| next.is_ascii_digit());
    let spelled = digits.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
    spelled && !padded && value.parse::<f64>().is_ok_and(f64::is_finite)
}

fn time(value: &str) -> u16 {
    let Ok(time) = string_to_datetime(&Utc, value) else {
        return TEXT;
    };
    let Some(after) = value.get("2021-01-01T00:00:00".len()..) else {
        return if value.len() == "2021-01-01".len() { DATE } else { TEXT };
    };
    let (fraction, zone) = match after.strip_prefix('.') {
        Some(rest) => rest.split_at(rest.bytes().take_while(u8::is_ascii_digit).count()),
        None => ("", after),
    };
    let zoned = if zone.trim().is_empty() { 0 } else { ZONED };
    TIME | zoned
        | match (fraction.len() > 6, time.timestamp_nanos_opt()) {
            (false, _) => 0,
            (true, Some(_)) => NANOS,
            // Beyond the years that nanoseconds can count it stays what it is.
            (true, None) => TEXT,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timestamp_type;

    const NAIVE: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);

    fn column(values: &[&str]) -> TextColumn {
        let mut column = TextColumn::default();
        values.iter().for_each(|value| column.add(value));
        column
    }

    #[test]
    fn the_type_holds_every_value() {
        let nanos = |zone: Option<&str>| DataType::Timestamp(TimeUnit::Nanosecond, zone.map(Into::into));
        let cases: [(&[&str], DataType); 25] = [
            (&["1", "-20", "", "0"], DataType::Int64),
            (&["9223372036854775807"], DataType::Int64),
            (&["9223372036854775808"], DataType::Utf8),
            (&["1", "00123"], DataType::Utf8),
            (&["-0"], DataType::Utf8),
            (&["+1"], DataType::Utf8),
            (&["1", "2.5"], DataType::Float64),
            (&["1e5", ".5", "-1.10", "1."], DataType::Float64),
            (&["00.5"], DataType::Utf8),
            (&["1.5", "9007199254740993"], DataType::Utf8),
            (&["1e999"], DataType::Utf8),
            (&["NaN"], DataType::Utf8),
            (&["inf"], DataType::Utf8),
            (&["-"], DataType::Utf8),
            (&["1.5", "007"], DataType::Utf8),
            (&["true", "False"], DataType::Boolean),
            (&["true", "1"], DataType::Utf8),
            (&["2021-01-01"], DataType::Date32),
            (&["2021-01-01", "2021-01-01T00:00:00"], NAIVE),
            (&["2021-01-01 00:00:00.123"], NAIVE),
            (
                &["2021-01-01T00:00:00", "2021-01-01T02:00:00.5+02:00"],
                timestamp_type(),
            ),
            (&["2021-01-01T00:00:00.1234567"], nanos(None)),
            (&["2021-01-01T00:00:00.123456789Z"], nanos(Some("UTC"))),
            (&["2021-13-01T00:00:00Z"], DataType::Utf8),
            (&["2021-01-01T00:00:00Z", "soon"], DataType::Utf8),
        ];
        for (values, expected) in cases {
            assert_eq!(column(values).data_type(), Some(expected), "{values:?}");
        }
        assert_eq!(column(&["", ""]).data_type(), None);
    }

    #[test]
    fn a_declared_type_is_taken_where_it_fits() {
        let cases: [(&[&str], DataType, DataType); 11] = [
            (&["00123", "7"], DataType::Utf8, DataType::Utf8),
            (&["1.50"], DataType::Utf8, DataType::Utf8),
            (&["00123"], DataType::Int64, DataType::Int64),
            (&["5"], DataType::Int32, DataType::Int32),
            (&["5000000000"], DataType::Int32, DataType::Int64),
            (&["a"], DataType::Int64, DataType::Utf8),
            (&["1.5"], DataType::Int64, DataType::Float64),
            (&[], DataType::Int32, DataType::Int32),
            (&[], DataType::Boolean, DataType::Boolean),
            (&[], DataType::Binary, DataType::Utf8),
            (&["2021-01-01"], timestamp_type(), timestamp_type()),
        ];
        for (values, declared, expected) in cases {
            assert_eq!(column(values).declared(&declared), expected, "{values:?} as {declared}");
        }
    }

    #[test]
    fn no_value_is_too_strange() {
        for value in [
            "é",
            "ééééé-éé-é",
            "0é",
            "2021-01-0é",
            "2021-01-01T00:00:0é",
            "-",
            ".",
            "e",
            "0",
            "2021-01-01T00:00:00.",
        ] {
            column(&[value]).data_type();
        }
    }
}
