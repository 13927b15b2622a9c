//! Keys that the Bloom filters of Parquet files know not to be there.

use arrow::datatypes::{DataType, TimeUnit};
use hybrid_core::{Result, guarded};
use parquet::basic::Type as PhysicalType;

use super::ParquetFile;
use super::filter::Value;
use super::plan::WantedKey;
use hybrid_core::values::is_text;

/// More keys than this are not looked up one by one.
const MAX_KEYS: usize = 4096;

/// Whether a Bloom filter rules out that `row_group` has any of the keys.
pub(super) fn excludes(file: &ParquetFile, row_group: usize, key: &WantedKey) -> Result<bool> {
    let keys = &key.values;
    if keys.distinct().is_none_or(|count| count > MAX_KEYS) {
        return Ok(false);
    }
    let Some(leaf) = leaf_of(file, key) else {
        return Ok(false);
    };
    let Some(group) = file
        .row_groups()
        .get(row_group)
        .filter(|g| g.column(leaf).bloom_filter_offset().is_some())
    else {
        return Ok(false);
    };
    let physical = group.column(leaf).column_type();
    guarded(&file.listed().name, || {
        let Some(bloom) = file.bloom_filter(row_group, leaf)? else {
            return Ok(false);
        };
        let may_have = |value: Value<'_>| match (value, physical) {
            (Value::Number(n), PhysicalType::INT64) => bloom.check(&n),
            // A number that the column cannot hold is not in it.
            (Value::Number(n), PhysicalType::INT32) => {
                u32::try_from(n).is_ok_and(|n| bloom.check(&n.cast_signed()))
                    || i32::try_from(n).is_ok_and(|n| bloom.check(&n))
            }
            (Value::Text(text), PhysicalType::BYTE_ARRAY) => bloom.check(text),
            _ => true,
        };
        Ok(!keys.any(MAX_KEYS, may_have))
    })
}

/// The leaf of a key's column, if it stores values just as the key's canonical type does: the
/// filter knows them by their bytes.
fn leaf_of(file: &ParquetFile, key: &WantedKey) -> Option<usize> {
    let (root, field) = file.schema().column_with_name(&key.column)?;
    let alike = match (&key.canonical, field.data_type()) {
        (DataType::Int64, stored) => stored.is_integer(),
        (DataType::Date32, stored) => stored == &DataType::Date32,
        (DataType::Timestamp(..), stored) => matches!(stored, DataType::Timestamp(TimeUnit::Microsecond, _)),
        (DataType::Utf8, stored) => is_text(stored),
        _ => false,
    };
    let parquet = file.footer().file_metadata().schema_descr();
    (0..parquet.num_columns()).find(|&leaf| alike && parquet.get_column_root_idx(leaf) == root)
}
