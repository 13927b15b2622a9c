use std::sync::Arc;

use arrow::array::{
    ArrayRef, ArrowPrimitiveType, BinaryBuilder, BooleanBuilder, ListArray, MapArray, NullArray, NullBufferBuilder,
    PrimitiveBuilder, StringBuilder, StructArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Field, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    Time64MicrosecondType, TimestampMicrosecondType,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hybrid_core::Result;

use super::{Reader, Type, map_of, row_fields, time};

/// Takes one value after the other and gives them as an array.
pub(super) trait Column: Send {
    /// Takes the reader's next value, which may be null.
    fn read(&mut self, reader: &mut Reader<'_>) -> Result<()>;
    /// Takes a null.
    fn null(&mut self);
    /// What was taken.
    fn finish(&mut self) -> Result<ArrayRef>;
}

/// The column that takes values of a type.
pub(super) fn column(data_type: &Type) -> Box<dyn Column> {
    match data_type {
        Type::Boolean => Box::new(Booleans(BooleanBuilder::new())),
        Type::TinyInt => numbers::<Int8Type>(|text| text.parse().ok(), data_type),
        Type::SmallInt => numbers::<Int16Type>(|text| text.parse().ok(), data_type),
        Type::Integer => numbers::<Int32Type>(|text| text.parse().ok(), data_type),
        Type::BigInt => numbers::<Int64Type>(|text| text.parse().ok(), data_type),
        // Rust reads NaN, Infinity and -Infinity too, as Trino writes them.
        Type::Real => numbers::<Float32Type>(|text| text.parse().ok(), data_type),
        Type::Double => numbers::<Float64Type>(|text| text.parse().ok(), data_type),
        Type::Decimal(_, scale) => {
            let scale = *scale;
            numbers::<Decimal128Type>(move |text| decimal(text, scale), data_type)
        }
        Type::Date => numbers::<Date32Type>(time::days, data_type),
        Type::Time => numbers::<Time64MicrosecondType>(time::time_of_day, data_type),
        Type::Timestamp(false) => numbers::<TimestampMicrosecondType>(time::naive_micros, data_type),
        Type::Timestamp(true) => numbers::<TimestampMicrosecondType>(time::zoned_micros, data_type),
        Type::Text => Box::new(Texts(StringBuilder::new())),
        Type::VarBinary => Box::new(Bytes(BinaryBuilder::new(), Vec::new())),
        Type::Array(item) => Box::new(Lists {
            field: Arc::new(Field::new_list_field(item.arrow(), true)),
            rows: Rows::default(),
            items: column(item),
        }),
        Type::Map(value) => Box::new(Maps {
            data_type: map_of(value.arrow()),
            rows: Rows::default(),
            keys: StringBuilder::new(),
            values: column(value),
        }),
        Type::Row(fields) => Box::new(Structs {
            fields: row_fields(fields),
            valid: NullBufferBuilder::new(0),
            columns: fields.iter().map(|(_, field)| column(field)).collect(),
        }),
        Type::Unknown => Box::new(Nothing(0)),
    }
}

struct Numbers<T: ArrowPrimitiveType, F> {
    builder: PrimitiveBuilder<T>,
    parse: F,
}

fn numbers<T: ArrowPrimitiveType>(
    parse: impl Fn(&str) -> Option<T::Native> + Send + 'static,
    data_type: &Type,
) -> Box<dyn Column> {
    let builder = PrimitiveBuilder::<T>::new().with_data_type(data_type.arrow());
    Box::new(Numbers { builder, parse })
}

impl<T: ArrowPrimitiveType, F: Fn(&str) -> Option<T::Native> + Send> Column for Numbers<T, F> {
    fn read(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        if reader.null()? {
            self.null();
            return Ok(());
        }
        let text = reader.scalar()?;
        let value = (self.parse)(&text);
        self.builder
            .append_value(value.ok_or_else(|| reader.wrong(&format!("the odd value `{text}`")))?);
        Ok(())
    }

    fn null(&mut self) {
        self.builder.append_null();
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        Ok(Arc::new(self.builder.finish()))
    }
}

/// The digits of a decimal number, which has at most `scale` of them after the point.
fn decimal(text: &str, scale: i8) -> Option<i128> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let missing = usize::try_from(scale).ok()?.checked_sub(fraction.len())?;
    let mut number = 0_i128;
    for digit in whole
        .bytes()
        .chain(fraction.bytes())
        .chain(std::iter::repeat_n(b'0', missing))
    {
        if !digit.is_ascii_digit() {
            return None;
        }
        number = number.checked_mul(10)?.checked_add(i128::from(digit - b'0'))?;
    }
    (!digits.is_empty()).then_some(sign * number)
}

struct Booleans(BooleanBuilder);

impl Column for Booleans {
    fn read(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        match reader.null()? {
            true => self.null(),
            false => self.0.append_value(reader.boolean()?),
        }
        Ok(())
    }

    fn null(&mut self) {
        self.0.append_null();
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        Ok(Arc::new(self.0.finish()))
    }
}

struct Texts(StringBuilder);

impl Column for Texts {
    fn read(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        match reader.peek()? {
            b'n' if reader.null()? => self.null(),
            // A type that is not known here and does not travel as text stays as it is written.
            b'[' | b'{' => self.0.append_value(reader.skip()?),
            _ => self.0.append_value(reader.scalar()?),
        }
        Ok(())
    }

    fn null(&mut self) {
        self.0.append_null();
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        Ok(Arc::new(self.0.finish()))
    }
}

struct Bytes(BinaryBuilder, Vec<u8>);

impl Column for Bytes {
    fn read(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        if reader.null()? {
            self.null();
            return Ok(());
        }
        let text = reader.string()?;
        self.1.clear();
        STANDARD
            .decode_vec(text.as_bytes(), &mut self.1)
            .map_err(|_| reader.wrong("bytes that are no base64"))?;
        self.0.append_value(&self.1);
        Ok(())
    }

    fn null(&mut self) {
        self.0.append_null();
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        Ok(Arc::new(self.0.finish()))
    }
}

/// Where each row of a nested column ends, and whether it is there.
struct Rows {
    ends: Vec<usize>,
    valid: NullBufferBuilder,
}

impl Default for Rows {
    fn default() -> Self {
        Self {
            ends: Vec::new(),
            valid: NullBufferBuilder::new(0),
        }
    }
}

impl Rows {
    fn push(&mut self, length: usize, valid: bool) {
        self.ends.push(length);
        self.valid.append(valid);
    }

    fn finish(&mut self) -> (OffsetBuffer<i32>, Option<arrow::buffer::NullBuffer>) {
        let lengths = std::mem::take(&mut self.ends);
        (OffsetBuffer::from_lengths(lengths), self.valid.finish())
    }
}

struct Lists {
    field: Arc<Field>,
    rows: Rows,
    items: Box<dyn Column>,
}

impl Column for Lists {
    fn read(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        if reader.null()? {
            self.null();
            return Ok(());
        }
        let mut length = 0;
        reader.items(b'[', b']', |reader| {
            length += 1;
            self.items.read(reader)
        })?;
        self.rows.push(length, true);
        Ok(())
    }

    fn null(&mut self) {
        self.rows.push(0, false);
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let (ends, valid) = self.rows.finish();
        let list = ListArray::try_new(Arc::clone(&self.field), ends, self.items.finish()?, valid)?;
        Ok(Arc::new(list))
    }
}

struct Maps {
    data_type: DataType,
    rows: Rows,
    keys: StringBuilder,
    values: Box<dyn Column>,
}

impl Column for Maps {
    fn read(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        if reader.null()? {
            self.null();
            return Ok(());
        }
        let mut length = 0;
        reader.items(b'{', b'}', |reader| {
            length += 1;
            self.keys.append_value(reader.string()?);
            reader.expect(b':')?;
            self.values.read(reader)
        })?;
        self.rows.push(length, true);
        Ok(())
    }

    fn null(&mut self) {
        self.rows.push(0, false);
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let (ends, valid) = self.rows.finish();
        let DataType::Map(field, sorted) = &self.data_type else {
            return Err(crate::error::protocol("a map that is none"));
        };
        let DataType::Struct(fields) = field.data_type() else {
            return Err(crate::error::protocol("a map without entries"));
        };
        let entries: Vec<ArrayRef> = vec![Arc::new(self.keys.finish()), self.values.finish()?];
        let entries = StructArray::try_new(fields.clone(), entries, None)?;
        Ok(Arc::new(MapArray::try_new(
            Arc::clone(field),
            ends,
            entries,
            valid,
            *sorted,
        )?))
    }
}

struct Structs {
    fields: arrow::datatypes::Fields,
    valid: NullBufferBuilder,
    columns: Vec<Box<dyn Column>>,
}

impl Column for Structs {
    fn read(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        if reader.null()? {
            self.null();
            return Ok(());
        }
        let mut index = 0;
        reader.items(b'[', b']', |reader| {
            let column = self
                .columns
                .get_mut(index)
                .ok_or_else(|| reader.wrong("a row with too many fields"))?;
            index += 1;
            column.read(reader)
        })?;
        // Fields that are not there keep the columns of one length.
        self.columns.iter_mut().skip(index).for_each(|column| column.null());
        self.valid.append_non_null();
        Ok(())
    }

    fn null(&mut self) {
        self.columns.iter_mut().for_each(|column| column.null());
        self.valid.append_null();
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let columns = self
            .columns
            .iter_mut()
            .map(|column| column.finish())
            .collect::<Result<_>>()?;
        let length = self.valid.len();
        let valid = self.valid.finish();
        Ok(Arc::new(StructArray::try_new_with_length(
            self.fields.clone(),
            columns,
            valid,
            length,
        )?))
    }
}

struct Nothing(usize);

impl Column for Nothing {
    fn read(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        reader.skip()?;
        self.null();
        Ok(())
    }

    fn null(&mut self) {
        self.0 += 1;
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        Ok(Arc::new(NullArray::new(std::mem::take(&mut self.0))))
    }
}
