//! `source_schema`: the columns and types of a source.

use super::common::*;

/// Every column is listed, in its order, with its type, where the engine stores it as it came.
pub async fn lists_the_columns(fixture: &dyn Fixture) -> Verdict {
    let columns = [
        ("driver_id", DataType::Int64),
        ("ts", time()),
        ("created", time()),
        ("conv rate", DataType::Float64),
        ("name", DataType::Utf8),
    ];
    let view = View::new("stats", &["driver_id"], Table::new(&columns, rows![[1, at(1.0), at(2.0), 0.5, "a"]]));
    let schema = fixture.store().source_schema(&view.create(fixture).await?).await?;
    let found: Vec<(&str, Option<ValueType>)> = schema
        .fields()
        .iter()
        .map(|field| (field.name().as_str(), ValueType::from_arrow(field.data_type())))
        .collect();
    let right: Vec<(&str, Option<ValueType>)> =
        columns.iter().map(|(name, data_type)| (*name, ValueType::from_arrow(data_type))).collect();
    same("the source's columns", &found, &right)
}

/// A table that does not exist is an error, and not an empty schema.
pub async fn missing_table_is_an_error(fixture: &dyn Fixture) -> Verdict {
    let name = format!("conformance_missing_{}", std::process::id());
    let table = stats(rows![]).table;
    let source = created(fixture.create(&name, table.schema(), table.batches(1)?).await)?;
    fixture.drop(&name).await?;
    let found = fixture.store().source_schema(&source).await;
    refused("a missing table", found, &[ErrorKind::NotFound], &[])
}
