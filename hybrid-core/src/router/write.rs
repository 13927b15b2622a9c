use arrow::datatypes::{DataType, Schema};

use super::HybridOfflineStore;
use super::operations::in_source;
use crate::error::nearest;
use crate::retrieval::join_keys_of;
use crate::store::{OutputColumn, SourceTable, WriteRequest};
use crate::{BatchStream, Call, Error, ErrorKind, FeatureRegistry, FeatureView, Result, ValueType, timestamp_type};

impl HybridOfflineStore {
    /// Appends rows to the source of `view`, under the source's own column names: all or none.
    /// Returns how many.
    ///
    /// # Errors
    /// InvalidInput, listing every column that is missing, unknown or of the wrong type, before
    /// anything is written; Unsupported where the store or layout cannot append atomically.
    pub async fn offline_write_batch(
        &self,
        registry: &FeatureRegistry,
        view: &FeatureView,
        rows: BatchStream,
        call: &Call,
    ) -> Result<u64> {
        let mut source = view.source.clone();
        if source.name.is_empty() {
            source.name.clone_from(&view.name);
        }
        let slot = self.slot(&source)?;
        let run = async {
            let store = slot.store().await?;
            if !store.capabilities().writes {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    format!("store `{}` does not write", slot.key),
                ));
            }
            let required = required_columns(registry, view)?;
            let existing = match store.source_schema(&source).await {
                Ok(schema) => Some(schema),
                Err(error) if error.kind() == ErrorKind::NotFound => None,
                Err(error) => return Err(error),
            };
            check_columns(rows.schema(), &required, existing.as_deref())?;
            let schema = rows.schema().clone();
            let request = WriteRequest {
                source: SourceTable::untyped(&source),
                required,
                rows,
                schema,
            };
            store.offline_write_batch(request, call).await
        };
        run.await.map_err(in_source("offline_write_batch", slot, &source))
    }
}

/// The source's columns that the view reads: keys, features, timestamps.
fn required_columns(registry: &FeatureRegistry, view: &FeatureView) -> Result<Vec<OutputColumn>> {
    let source = &view.source;
    let column = |name: &str, data_type: Option<DataType>| OutputColumn {
        source: source.column_of(name).to_owned(),
        name: name.to_owned(),
        data_type,
    };
    let mut required = Vec::new();
    for key in join_keys_of(registry, view)? {
        required.push(column(&key.name, key.value_type.as_ref().map(ValueType::to_arrow)));
    }
    required.extend(
        view.schema
            .iter()
            .map(|field| column(&field.name, Some(field.dtype.to_arrow()))),
    );
    let times = [Some(&source.timestamp_field), source.created_timestamp_column.as_ref()];
    required.extend(times.into_iter().flatten().map(|name| OutputColumn {
        source: name.clone(),
        name: source.name_of(name).to_owned(),
        data_type: Some(timestamp_type()),
    }));
    Ok(required)
}

/// Columns are matched by name, in any order. What the source has beyond the view's columns may
/// be given or left out; what neither knows is refused.
fn check_columns(rows: &Schema, required: &[OutputColumn], existing: Option<&Schema>) -> Result<()> {
    let mut problems = Vec::new();
    for column in required {
        match rows.field_with_name(&column.source) {
            Err(_) => problems.push(format!("column `{}` is missing", column.source)),
            Ok(field) => {
                let wanted = existing
                    .and_then(|schema| schema.field_with_name(&column.source).ok())
                    .map(|field| field.data_type().clone())
                    // A column without any value does not say its type.
                    .filter(|data_type| *data_type != DataType::Null)
                    .or_else(|| column.data_type.clone());
                problems.extend(wanted.and_then(|wanted| wrong_type(&column.source, field.data_type(), &wanted)));
            }
        }
    }
    for field in rows.fields() {
        let name = field.name();
        if required.iter().any(|column| column.source == *name) {
            continue;
        }
        match existing.map(|schema| schema.field_with_name(name)) {
            Some(Ok(known)) if known.data_type() == &DataType::Null => {}
            Some(Ok(known)) => problems.extend(wrong_type(name, field.data_type(), known.data_type())),
            _ => problems.push(unknown_column(name, required, existing)),
        }
    }
    if problems.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::InvalidInput,
        format!("the rows do not fit the source: {}", problems.join("; ")),
    )
    .with_help("columns are matched by the source's own names, in any order; nothing was written"))
}

fn unknown_column(name: &str, required: &[OutputColumn], existing: Option<&Schema>) -> String {
    let known = required.iter().map(|column| column.source.as_str());
    let known = known.chain(
        existing
            .into_iter()
            .flat_map(|schema| schema.fields().iter().map(|field| field.name().as_str())),
    );
    match nearest(name, known) {
        Some(near) => format!("column `{name}` is unknown (did you mean `{near}`?)"),
        None => format!("column `{name}` is unknown"),
    }
}

fn wrong_type(name: &str, given: &DataType, wanted: &DataType) -> Option<String> {
    (!fits(given, wanted)).then(|| format!("column `{name}` has type {given}, the source has {wanted}"))
}

/// Whether values of `given` can stand in a column of `wanted` without loss of meaning; a value
/// that does not fit after all is the store's error.
pub(crate) fn fits(given: &DataType, wanted: &DataType) -> bool {
    use DataType as T;
    let text = |t: &T| matches!(t, T::Utf8 | T::LargeUtf8 | T::Utf8View);
    let bytes = |t: &T| matches!(t, T::Binary | T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_));
    match (given, wanted) {
        (given, wanted) if given == wanted => true,
        (T::Null, _) => true,
        (T::Dictionary(_, values), wanted) => fits(values, wanted),
        (given, T::Dictionary(_, values)) => fits(given, values),
        (given, wanted) if given.is_integer() && wanted.is_integer() => true,
        (given, T::Float64) if given.is_integer() || given.is_floating() => true,
        (T::Float16, T::Float32) => true,
        (given, wanted) if text(given) && text(wanted) => true,
        (given, wanted) if bytes(given) && bytes(wanted) => true,
        (T::Timestamp(..), T::Timestamp(..)) => true,
        // A time column may hold dates or RFC 3339 text, in the source and in the rows.
        (T::Timestamp(..), wanted) if text(wanted) => true,
        (T::Date32 | T::Date64, T::Date32 | T::Date64 | T::Timestamp(..)) => true,
        (T::Decimal128(..), T::Decimal128(..)) => true,
        (T::List(a) | T::LargeList(a), T::List(b) | T::LargeList(b)) => fits(a.data_type(), b.data_type()),
        (T::Struct(a), T::Struct(b)) => {
            a.len() == b.len()
                && a.iter()
                    .zip(b)
                    .all(|(a, b)| a.name() == b.name() && fits(a.data_type(), b.data_type()))
        }
        (T::Map(a, _), T::Map(b, _)) => match (a.data_type(), b.data_type()) {
            (T::Struct(a), T::Struct(b)) => a.iter().zip(b).all(|(a, b)| fits(a.data_type(), b.data_type())),
            _ => false,
        },
        _ => false,
    }
}
