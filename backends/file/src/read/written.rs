//! Types that Parquet itself cannot say, from the Arrow schema that Arrow's writers add to a footer.
//!
//! Arrow's own reader of it panics on broken bytes; this one looks at what it needs and nothing else.

use arrow::datatypes::{DataType, TimeUnit};
use arrow::ipc;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parquet::arrow::ARROW_SCHEMA_META_KEY;
use parquet::file::metadata::ParquetMetaData;

/// What each top-level column was written from, where that says more than Parquet; empty when the
/// footer does not tell.
pub(super) fn types(footer: &ParquetMetaData) -> Vec<Option<DataType>> {
    decoded(footer).unwrap_or_default()
}

/// Whether values stored as `stored` are read as `written`.
pub(super) fn stands_for(stored: &DataType, written: &DataType) -> bool {
    use DataType::*;
    match (stored, written) {
        (Int64, Timestamp(..) | Date64 | Duration(_)) => true,
        (Timestamp(a, _), Timestamp(b, Some(_))) => a == b,
        (Utf8, LargeUtf8) | (Binary, LargeBinary) | (Date32, Date64) => true,
        _ => false,
    }
}

fn decoded(footer: &ParquetMetaData) -> Option<Vec<Option<DataType>>> {
    let notes = footer.file_metadata().key_value_metadata()?;
    let note = notes.iter().find(|note| note.key == ARROW_SCHEMA_META_KEY)?;
    let bytes = STANDARD.decode(note.value.as_ref()?).ok()?;
    // A stream's message begins with a marker and its length.
    let message = bytes
        .strip_prefix(&[0xff; 4])
        .map_or(Some(&bytes[..]), |rest| rest.get(4..))?;
    let schema = ipc::root_as_message(message).ok()?.header_as_schema()?;
    let (fields, columns) = (
        schema.fields()?,
        footer.file_metadata().schema_descr().root_schema().get_fields(),
    );
    let alike = fields.len() == columns.len() && fields.iter().zip(columns).all(|(f, c)| f.name() == Some(c.name()));
    alike.then(|| fields.iter().map(type_of).collect())
}

fn type_of(field: ipc::Field<'_>) -> Option<DataType> {
    match field.type_type() {
        ipc::Type::Timestamp => {
            let time = field.type_as_timestamp()?;
            Some(DataType::Timestamp(unit(time.unit())?, time.timezone().map(Into::into)))
        }
        ipc::Type::Date => (field.type_as_date()?.unit() == ipc::DateUnit::MILLISECOND).then_some(DataType::Date64),
        ipc::Type::Duration => Some(DataType::Duration(unit(field.type_as_duration()?.unit())?)),
        ipc::Type::LargeUtf8 => Some(DataType::LargeUtf8),
        ipc::Type::LargeBinary => Some(DataType::LargeBinary),
        _ => None,
    }
}

fn unit(unit: ipc::TimeUnit) -> Option<TimeUnit> {
    match unit {
        ipc::TimeUnit::SECOND => Some(TimeUnit::Second),
        ipc::TimeUnit::MILLISECOND => Some(TimeUnit::Millisecond),
        ipc::TimeUnit::MICROSECOND => Some(TimeUnit::Microsecond),
        ipc::TimeUnit::NANOSECOND => Some(TimeUnit::Nanosecond),
        _ => None,
    }
}
