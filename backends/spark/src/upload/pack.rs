use std::sync::Arc;

use arrow::array::{ArrayRef, ListArray, RecordBatch};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::ipc::writer::StreamWriter;
use hybrid_core::Result;

use crate::error::unexpected;

/// So many values of each column are one row. Few enough that a small frame still spreads over the executors.
const ROWS: usize = 4096;

/// Packs rows into arrays of values, in Arrow streams.
pub(crate) struct Packer {
    names: Vec<String>,
    schema: SchemaRef,
    writer: Option<StreamWriter<Vec<u8>>>,
}

impl Packer {
    pub(crate) fn new(rows: &Schema) -> Self {
        let packed = |(index, field): (usize, &Arc<Field>)| {
            let item = Field::new("item", field.data_type().clone(), true);
            Field::new(format!("c{index}"), DataType::List(Arc::new(item)), true)
        };
        // Without any column there would be no rows to unpack.
        let mut fields: Vec<Field> = rows.fields().iter().enumerate().map(packed).collect();
        if fields.is_empty() {
            fields.push(Field::new("c0", DataType::new_list(DataType::Boolean, true), true));
        }
        Self {
            names: rows.fields().iter().map(|field| field.name().clone()).collect(),
            schema: Arc::new(Schema::new(fields)),
            writer: None,
        }
    }

    /// Adds rows.
    pub(crate) fn push(&mut self, batch: &RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let columns = self
            .schema
            .fields()
            .iter()
            .zip(batch.columns())
            .map(|(field, column)| list(field, column));
        let packed = RecordBatch::try_new(self.schema.clone(), columns.collect::<Result<_>>()?)?;
        self.writer()?.write(&packed)?;
        Ok(())
    }

    fn writer(&mut self) -> Result<&mut StreamWriter<Vec<u8>>> {
        Ok(match &mut self.writer {
            Some(writer) => writer,
            none => none.insert(StreamWriter::try_new(Vec::new(), &self.schema)?),
        })
    }

    /// How many bytes wait to be taken.
    pub(crate) fn len(&self) -> usize {
        self.writer.as_ref().map_or(0, |writer| writer.get_ref().len())
    }

    /// The Arrow stream of what was pushed since the last one.
    pub(crate) fn take(&mut self) -> Result<Vec<u8>> {
        if self.writer.is_none() {
            // Spark wants a batch in every stream, be it an empty one.
            let none = RecordBatch::new_empty(self.schema.clone());
            self.writer()?.write(&none)?;
        }
        let writer = self
            .writer
            .take()
            .ok_or_else(|| unexpected("no Arrow stream was begun"))?;
        Ok(writer.into_inner()?)
    }

    /// The SELECT of the rows that `packed` holds.
    pub(crate) fn unpacked(&self, packed: &str) -> String {
        let columns: Vec<String> = (0..self.names.len().max(1)).map(|index| format!("c{index}")).collect();
        let named = self.names.iter().enumerate();
        let named: Vec<String> = named
            .map(|(index, name)| format!("z.c{index} AS `{}`", name.replace('`', "``")))
            .collect();
        format!(
            "SELECT {} FROM (SELECT EXPLODE(ARRAYS_ZIP({})) AS z FROM `{packed}`)",
            named.join(", "),
            columns.join(", ")
        )
    }
}

/// A column as lists of at most [`ROWS`] values; the values are not copied.
fn list(field: &Field, column: &ArrayRef) -> Result<ArrayRef> {
    let DataType::List(item) = field.data_type() else {
        return Err(unexpected("a packed column is no list"));
    };
    let ends = (0..=column.len())
        .step_by(ROWS)
        .chain((!column.len().is_multiple_of(ROWS)).then_some(column.len()));
    let ends =
        ends.map(|end| i32::try_from(end).map_err(|_| unexpected("a batch has more than two thousand million rows")));
    let offsets = OffsetBuffer::new(ScalarBuffer::from(ends.collect::<Result<Vec<i32>>>()?));
    Ok(Arc::new(ListArray::try_new(
        item.clone(),
        offsets,
        column.clone(),
        None,
    )?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use arrow::array::{Array, AsArray, Int64Array};

    #[test]
    fn values_are_packed_and_none_is_lost() {
        let field = Field::new("c0", DataType::new_list(DataType::Int64, true), true);
        for rows in [0, 1, ROWS - 1, ROWS, ROWS + 1, 3 * ROWS] {
            let column: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows as i64));
            let packed = list(&field, &column).unwrap();
            let packed = packed.as_list::<i32>();
            assert_eq!(packed.len(), rows.div_ceil(ROWS));
            assert_eq!(packed.iter().map(|values| values.unwrap().len()).sum::<usize>(), rows);
        }
    }

    #[test]
    fn names_are_quoted() {
        let schema = Schema::new(vec![
            Field::new("a`b", DataType::Int64, true),
            Field::new("c d", DataType::Utf8, true),
        ]);
        assert_eq!(
            Packer::new(&schema).unpacked("v"),
            "SELECT z.c0 AS `a``b`, z.c1 AS `c d` FROM (SELECT EXPLODE(ARRAYS_ZIP(c0, c1)) AS z FROM `v`)"
        );
    }
}
