//! The columns of a source whose files may differ in order and width.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use hybrid_core::store::FROM_TEXT;
use hybrid_core::{Error, ErrorKind, Result, timestamp_type};

use super::format::Format;
use super::table::{DataFile, Table};
use hybrid_core::values::is_text;

/// Every column's name: of the files in order of first appearance, then of the folders.
pub(crate) fn names(table: &Table) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut add = |name: &str| {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    };
    for file in &table.files {
        match file {
            DataFile::Parquet(file) => file.schema().fields().iter().for_each(|field| add(field.name())),
            DataFile::Csv(file) => file.header().iter().for_each(|name| add(name)),
        }
    }
    for file in &table.files {
        file.listed().partitions.iter().for_each(|p| add(&p.column));
    }
    names
}

/// The columns and their types, wide enough for every file.
pub(crate) fn merged(table: &Table) -> Result<SchemaRef> {
    let (mut fields, mut first) = (Vec::new(), true);
    for file in &table.files {
        let schema = match file {
            DataFile::Parquet(file) => Arc::clone(file.schema()),
            DataFile::Csv(file) => file.inferred()?,
        };
        for field in schema.fields() {
            add(&mut fields, field, first, &file.listed().name)?;
        }
        relax(&mut fields, &schema);
        first = false;
    }
    for name in names(table) {
        if !fields.iter().any(|field| field.name() == &name) {
            fields.push(Field::new(&name, table.partition_type(&name), true));
        }
    }
    let own = |field: &Field| table.files.iter().any(|file| file.has_column(field.name()));
    for field in &mut fields {
        if table.format == Format::Csv || !own(field) {
            field.set_metadata([(FROM_TEXT.to_owned(), String::new())].into());
        }
    }
    Ok(Arc::new(Schema::new(fields)))
}

/// A column that one of the files lacks is NULL there.
fn relax(fields: &mut [Field], schema: &Schema) {
    for field in fields {
        if schema.column_with_name(field.name()).is_none() {
            field.set_nullable(true);
        }
    }
}

/// Adds a column of the `first` or a later file.
fn add(fields: &mut Vec<Field>, field: &Field, first: bool, file: &str) -> Result<()> {
    let Some(known) = fields.iter_mut().find(|known| known.name() == field.name()) else {
        let nullable = !first || field.is_nullable();
        fields.push(Field::new(field.name(), field.data_type().clone(), nullable));
        return Ok(());
    };
    let Some(wide) = wider(known.data_type(), field.data_type()) else {
        let message = format!(
            "column `{}` is {} in `{file}` and {} in files before it",
            field.name(),
            field.data_type(),
            known.data_type()
        );
        return Err(Error::new(ErrorKind::InvalidInput, message)
            .with_help("files of one source hold one kind of value per column"));
    };
    *known = Field::new(known.name(), wide, known.is_nullable() || field.is_nullable());
    Ok(())
}

/// The type that holds the values of both.
fn wider(a: &DataType, b: &DataType) -> Option<DataType> {
    use DataType::*;
    Some(match (a, b) {
        _ if a == b => a.clone(),
        (Null, other) | (other, Null) => other.clone(),
        (Timestamp(..) | Date32 | Date64, Timestamp(..) | Date32 | Date64) => timestamp_type(),
        (x, y) if is_text(x) && is_text(y) => LargeUtf8,
        (x, y) if x.is_binary() && y.is_binary() => LargeBinary,
        (Float16 | Float32, Float16 | Float32) => Float32,
        (x, y) if x.is_integer() && y.is_integer() => wider_integer(x, y),
        (x, y) if is_number(x) && is_number(y) => Float64,
        _ => return None,
    })
}

fn is_number(data_type: &DataType) -> bool {
    data_type.is_integer() || data_type.is_floating()
}

fn wider_integer(a: &DataType, b: &DataType) -> DataType {
    let order = [
        DataType::Int8,
        DataType::UInt8,
        DataType::Int16,
        DataType::UInt16,
        DataType::Int32,
        DataType::UInt32,
        DataType::Int64,
    ];
    let both =
        |wide: &&DataType| hybrid_core::values::is_lossless(a, wide) && hybrid_core::values::is_lossless(b, wide);
    order.iter().find(both).cloned().unwrap_or(DataType::Int64)
}
