use arrow::compute::concat_batches;
use arrow::datatypes::DataType;
use hybrid_core::ValueType;

use super::asked::Asked;
use super::{Answer, Scene};
use crate::oracle::micros;
use crate::verdict::ensure;
use crate::{Fixture, Miss, Table, Value, Verdict};

/// A failure shows at most so many differences.
const SHOWN: usize = 8;

impl Scene {
    /// Runs the retrieval and compares with the oracle: the frame's columns untouched, one row
    /// per entity row in order, each feature in its declared type, each value one that may win.
    ///
    /// # Errors
    /// Failed, with the rows that differ.
    pub async fn check(&self, fixture: &dyn Fixture) -> Verdict<Table> {
        let answer = self.answer(fixture).await?;
        self.check_answer(&answer, fixture.capabilities().stable_ties)
    }

    /// The same of an answer that is there.
    pub(super) fn check_answer(&self, answer: &Answer, stable_ties: bool) -> Verdict<Table> {
        self.check_schema(answer)?;
        self.check_frame(answer)?;
        let found = Table::read(&answer.schema, &answer.batches)?;
        self.check_values(&found, stable_ties)?;
        Ok(found)
    }

    /// As [`check`](Self::check), and the features must be these, which says that the oracle is right too.
    ///
    /// # Errors
    /// Failed, with the rows that differ.
    pub async fn gives(&self, fixture: &dyn Fixture, features: Vec<Vec<Value>>) -> Verdict {
        let found = self.check(fixture).await?;
        self.has_features(&found, &features)
    }

    /// Runs the retrieval and compares the features with these alone.
    ///
    /// # Errors
    /// Failed, with the rows that differ.
    pub async fn gives_exactly(&self, fixture: &dyn Fixture, features: Vec<Vec<Value>>) -> Verdict {
        let answer = self.answer(fixture).await?;
        self.check_schema(&answer)?;
        self.check_frame(&answer)?;
        self.has_features(&Table::read(&answer.schema, &answer.batches)?, &features)
    }

    fn has_features(&self, found: &Table, features: &[Vec<Value>]) -> Verdict {
        let skip = self.frame.columns.len();
        let rows: Vec<&[Value]> = found.rows.iter().map(|row| &row[skip..]).collect();
        ensure(rows == features, || {
            format!("the features are\n{}\nright is\n{}", shown(&rows), shown(features))
        })
    }

    /// The features' names in the output and their declared types, in its order.
    pub(super) fn outputs(&self) -> Verdict<Vec<(String, ValueType)>> {
        let (usages, asked) = self.asked()?;
        let declared = |one: Asked| {
            let view = &self.views[usages[one.usage].view];
            let dtype = view.features.iter().find(|(name, _)| *name == one.feature);
            let (_, dtype) = dtype.ok_or_else(|| Miss::Failed(format!("no feature `{}` in the scene", one.feature)))?;
            Ok((one.output, dtype.clone()))
        };
        asked.into_iter().map(declared).collect()
    }

    /// The frame's columns as they came, then the features, nullable and in their declared types.
    fn check_schema(&self, answer: &Answer) -> Verdict {
        let features = self.outputs()?;
        let features = features.iter().map(|(name, dtype)| (name.clone(), dtype.to_arrow()));
        let right: Vec<(String, DataType)> = self.frame.columns.iter().cloned().chain(features).collect();
        let fields = answer.schema.fields();
        let found: Vec<_> = fields
            .iter()
            .map(|f| (f.name().clone(), f.data_type().clone()))
            .collect();
        ensure(found == right, || {
            format!("the output's columns are {found:?}, right is {right:?}")
        })?;
        let strict = fields
            .iter()
            .skip(self.frame.columns.len())
            .find(|field| !field.is_nullable());
        ensure(strict.is_none(), || format!("the feature {strict:?} is not nullable"))
    }

    /// The entity frame comes back bit by bit, in its order.
    fn check_frame(&self, answer: &Answer) -> Verdict {
        let (frame, found) = (self.frame.batch()?, concat_batches(&answer.schema, &answer.batches)?);
        ensure(found.num_rows() == frame.num_rows(), || {
            format!(
                "{} rows came back for {} entity rows",
                found.num_rows(),
                frame.num_rows()
            )
        })?;
        for (at, (name, _)) in self.frame.columns.iter().enumerate() {
            ensure(found.column(at) == frame.column(at), || {
                format!(
                    "the frame's column `{name}` came back as {:?}, it was {:?}",
                    found.column(at),
                    frame.column(at)
                )
            })?;
        }
        Ok(())
    }

    fn check_values(&self, found: &Table, stable: bool) -> Verdict {
        let (usages, asked) = self.asked()?;
        let frame = reread(&self.frame)?;
        let mut wrong = Vec::new();
        for (number, usage) in usages.iter().enumerate() {
            let (view, features) = (&self.views[usage.view], reread(&self.views[usage.view].table)?);
            let columns = self.columns_of(number, &asked, |name| features.index(view.column_of(name)))?;
            for (row, ties) in self.winners(usage, &frame, &features)?.iter().enumerate() {
                let ties = if stable {
                    &ties[ties.len().saturating_sub(1)..]
                } else {
                    &ties[..]
                };
                if !may_be(&found.rows[row], &columns, ties, &features) {
                    wrong.push(difference(row, &found.rows[row], &columns, ties, &features));
                }
            }
        }
        ensure(wrong.is_empty(), || {
            format!(
                "{} answers are wrong:\n{}",
                wrong.len(),
                wrong[..wrong.len().min(SHOWN)].join("\n")
            )
        })
    }

    /// Pairs of an output column and the source column that it shows.
    fn columns_of(
        &self,
        usage: usize,
        asked: &[Asked],
        source: impl Fn(&str) -> Verdict<usize>,
    ) -> Verdict<Vec<(usize, usize)>> {
        let own = asked.iter().enumerate().filter(|(_, one)| one.usage == usage);
        own.map(|(at, one)| Ok((self.frame.columns.len() + at, source(&one.feature)?)))
            .collect()
    }
}

/// The values as their columns can hold them: a float that is stored in 32 bits is one.
fn reread(table: &Table) -> Verdict<Table> {
    Table::read(&table.schema(), &[table.batch()?])
}

/// Whether the row shows one of the tied feature rows, or nothing where there is none.
fn may_be(row: &[Value], columns: &[(usize, usize)], ties: &[usize], features: &Table) -> bool {
    if ties.is_empty() {
        return columns.iter().all(|(output, _)| row[*output].is_null());
    }
    let shows = |tie: &usize| {
        columns
            .iter()
            .all(|(output, source)| same(&row[*output], &features.rows[*tie][*source]))
    };
    ties.iter().any(shows)
}

/// Equal, or the same instant in another unit.
fn same(left: &Value, right: &Value) -> bool {
    let instants = matches!(
        (left, right),
        (Value::Time(_) | Value::Nanos(_), Value::Time(_) | Value::Nanos(_))
    );
    left == right || (instants && micros(left) == micros(right))
}

fn difference(row: usize, found: &[Value], columns: &[(usize, usize)], ties: &[usize], features: &Table) -> String {
    let show = |values: Vec<&Value>| values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let right = ties.iter().map(|tie| {
        show(
            columns
                .iter()
                .map(|(_, source)| &features.rows[*tie][*source])
                .collect(),
        )
    });
    let right: Vec<String> = right.collect();
    format!(
        "  row {row} [{}]: found ({}), right is {}",
        show(found.iter().collect()),
        show(columns.iter().map(|(output, _)| &found[*output]).collect()),
        if right.is_empty() {
            "NULL".to_owned()
        } else {
            format!("({})", right.join(") or ("))
        }
    )
}

/// Rows, one to a line.
pub(crate) fn shown(rows: &[impl AsRef<[Value]>]) -> String {
    let line = |row: &[Value]| {
        format!(
            "  [{}]",
            row.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        )
    };
    rows.iter().map(|row| line(row.as_ref())).collect::<Vec<_>>().join("\n")
}
