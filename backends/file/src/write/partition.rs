//! The folder of a hive-partitioned source that rows belong to.

use std::path::PathBuf;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, Scalar};
use arrow::compute::cast;
use arrow::compute::kernels::cmp::distinct;
use arrow::datatypes::{DataType, Field};
use hybrid_core::Result;

use crate::error::{invalid, unsupported};
use crate::hive::{NULL, folder_of, inferred};
use crate::listing::Listed;

/// The columns that folders' names give, and the folders there are.
#[derive(Debug)]
pub(super) struct Partitions {
    /// Outermost first; empty where folders are not partitions.
    pub fields: Vec<Field>,
    folders: Vec<(Vec<Option<String>>, PathBuf)>,
    /// The values of the rows so far.
    chosen: Option<Vec<Option<String>>>,
}

impl Partitions {
    /// # Errors
    /// Unsupported where files are partitioned by different columns.
    pub(super) fn of(files: &[Listed]) -> Result<Self> {
        let columns = |file: &Listed| file.partitions.iter().map(|p| p.column.clone()).collect::<Vec<_>>();
        let names = files
            .iter()
            .map(&columns)
            .find(|names| !names.is_empty())
            .unwrap_or_default();
        let differs =
            |file: &&Listed| !names.is_empty() && (columns(file) != names || file.parts.len() != names.len() + 1);
        if let Some(file) = files.iter().find(differs) {
            let message = format!(
                "`{}` is not partitioned as other files of the source are, by {}",
                file.name,
                names.join(", ")
            );
            return Err(unsupported(message).with_help("name the folder of one partition, and rows are appended there"));
        }
        let of_file = |file: &Listed| file.partitions.iter().map(|p| p.value.clone()).collect::<Vec<_>>();
        let field = |(at, name): (usize, &String)| {
            let values: Vec<Option<String>> = files.iter().map(|file| file.partitions[at].value.clone()).collect();
            Field::new(name, inferred(values.iter()), true)
        };
        let mut folders: Vec<_> = files
            .iter()
            .map(|file| (of_file(file), file.parts[..names.len()].iter().collect::<PathBuf>()))
            .collect();
        folders.dedup();
        Ok(Self {
            fields: names.iter().enumerate().map(field).collect(),
            folders,
            chosen: None,
        })
    }

    /// Looks at more rows.
    ///
    /// # Errors
    /// Unsupported when not all rows belong to one partition.
    pub(super) fn check(&mut self, batch: &RecordBatch) -> Result<()> {
        if self.fields.is_empty() {
            return Ok(());
        }
        let values = self
            .fields
            .iter()
            .map(|field| only_value(batch, field.name()))
            .collect::<Result<Vec<_>>>()?;
        match &self.chosen {
            None => self.chosen = Some(values),
            Some(chosen) if *chosen == values => {}
            Some(chosen) => {
                let at = chosen.iter().zip(&values).position(|(a, b)| a != b).unwrap_or(0);
                return Err(several(self.fields[at].name()));
            }
        }
        Ok(())
    }

    /// The folder of the rows, below that of the source.
    pub(super) fn folder(&self) -> PathBuf {
        let Some(chosen) = &self.chosen else {
            return PathBuf::new();
        };
        let same = |(field, (a, b)): (&Field, (&Option<String>, &Option<String>))| a == b || same_number(field, a, b);
        let known = self
            .folders
            .iter()
            .find(|(values, _)| self.fields.iter().zip(values.iter().zip(chosen)).all(same));
        match known {
            Some((_, folder)) => folder.clone(),
            None => self
                .fields
                .iter()
                .zip(chosen)
                .map(|(field, value)| folder_of(field.name(), value.as_deref()))
                .collect(),
        }
    }
}

/// `05` and `5` are one number.
fn same_number(field: &Field, a: &Option<String>, b: &Option<String>) -> bool {
    let number = |text: &Option<String>| text.as_ref().and_then(|text| text.parse::<i64>().ok());
    field.data_type() == &DataType::Int64 && number(a).is_some() && number(a) == number(b)
}

/// The value that all rows have in a column, as text.
fn only_value(batch: &RecordBatch, name: &str) -> Result<Option<String>> {
    let Some(column) = batch.column_by_name(name).filter(|column| !column.is_empty()) else {
        return Ok(None);
    };
    let first: ArrayRef = column.slice(0, 1);
    let text = cast(&first, &DataType::Utf8)?;
    let text = text.as_string::<i32>();
    if column.data_type() != &DataType::Null && distinct(column, &Scalar::new(first))?.true_count() > 0 {
        return Err(several(name));
    }
    let value = text.is_valid(0).then(|| text.value(0).to_owned());
    if value.as_deref() == Some(NULL) {
        return Err(invalid(format!(
            "column `{name}`: `{NULL}` as a folder's name means NULL"
        )));
    }
    Ok(value)
}

fn several(column: &str) -> hybrid_core::Error {
    let message =
        format!("rows of several partitions of column `{column}`: their files would not become visible at once");
    unsupported(message).with_help("write the rows of one partition at a time; nothing was written")
}
