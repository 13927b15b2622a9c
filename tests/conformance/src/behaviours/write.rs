//! `offline_write_batch`: appends rows, all or none.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::future::try_join_all;
use hybrid_core::{BatchStream, FeatureRegistry, FeatureView, Progress};

use super::common::*;
use super::pull_latest::pull;

/// A view that rows are written to, and the definitions around it.
struct Target<'a> {
    fixture: &'a dyn Fixture,
    registry: FeatureRegistry,
    view: FeatureView,
}

impl<'a> Target<'a> {
    /// A view by driver with columns driver_id, ts, created, v and one row.
    async fn new(fixture: &'a dyn Fixture) -> Verdict<Self> {
        Self::of(fixture, stats_created(rows![[1, at(1.0), NULL, 10]])).await
    }

    async fn of(fixture: &'a dyn Fixture, view: View) -> Verdict<Self> {
        needs(fixture.capabilities().writes, "writes")?;
        let mut registry = Scene::new([view.clone()], drivers(rows![])).entities();
        let view = view.definition(view.create(fixture).await?);
        registry.feature_views.push(view.clone());
        Ok(Self { fixture, registry, view })
    }

    async fn write(&self, rows: &Table, batch_rows: usize) -> Verdict<Result<u64>> {
        let stream = BatchStream::from_batches(rows.schema(), rows.batches(batch_rows)?);
        let call = Call::default();
        Ok(self.fixture.store().offline_write_batch(&self.registry, &self.view, stream, &call).await)
    }

    /// Writes, and the answer must be how many rows there were.
    async fn writes(&self, rows: &Table, batch_rows: usize) -> Verdict {
        let written = self.write(rows, batch_rows).await??;
        same("the number of rows written", &written, &(rows.rows.len() as u64))
    }

    /// The table's rows are its first one and `right`: driver_id, v, ts, created.
    async fn holds(&self, right: Vec<Vec<Value>>) -> Verdict {
        let found = self.read(&["driver_id"], &["v"]).await?;
        same_rows("the table after the write", &found, [rows![[1, 10, at(1.0), NULL]], right].concat())
    }

    async fn read(&self, keys: &[&str], features: &[&str]) -> Verdict<Table> {
        let pull = pull(self.view.source.clone(), keys, features);
        let stream = self.fixture.store().pull_all_from_table_or_query(&pull, None, None, &Call::default()).await?;
        let schema = stream.schema().clone();
        Table::read(&schema, &stream.collect().await?)
    }

    /// The write is refused with these words, and nothing has changed.
    async fn refuses(&self, rows: &Table, words: &[&str]) -> Verdict {
        refused("this batch", self.write(rows, 1).await?, CALLERS, words)?;
        self.holds(rows![]).await
    }
}

fn batch(rows: Vec<Vec<Value>>) -> Table {
    stats_created(rows).table
}

/// Rows that were written are there afterwards, beside those that were.
pub async fn appended_rows_are_visible(fixture: &dyn Fixture) -> Verdict {
    let target = Target::new(fixture).await?;
    target.writes(&batch(rows![[2, at(2.0), at(3.0), 20], [1, at(4.0), at(5.0), 11]]), 10).await?;
    target.writes(&batch(rows![[3, at(2.5), at(3.5), 30]]), 10).await?;
    let right = rows![[2, 20, at(2.0), at(3.0)], [1, 11, at(4.0), at(5.0)], [3, 30, at(2.5), at(3.5)]];
    target.holds(right).await
}

/// Columns are matched by name, in any order.
pub async fn columns_in_any_order(fixture: &dyn Fixture) -> Verdict {
    let target = Target::new(fixture).await?;
    let columns = [("v", DataType::Int64), ("created", time()), ("driver_id", DataType::Int64), ("ts", time())];
    target.writes(&Table::new(&columns, rows![[20, at(3.0), 2, at(2.0)]]), 10).await?;
    target.holds(rows![[2, 20, at(2.0), at(3.0)]]).await
}

/// Rows in several batches, empty ones among them, are one write.
pub async fn several_batches(fixture: &dyn Fixture) -> Verdict {
    let target = Target::new(fixture).await?;
    let rows = rows![[2, at(2.0), NULL, 20], [3, at(2.0), NULL, 30], [4, at(2.0), NULL, 40]];
    target.writes(&batch(rows), 1).await?;
    target.holds(rows![[2, 20, at(2.0), NULL], [3, 30, at(2.0), NULL], [4, 40, at(2.0), NULL]]).await
}

/// A batch without rows writes none and is no error.
pub async fn empty_batch(fixture: &dyn Fixture) -> Verdict {
    let target = Target::new(fixture).await?;
    target.writes(&batch(rows![]), 1).await?;
    target.holds(rows![]).await
}

/// What was written is found by the point-in-time join.
pub async fn then_historical(fixture: &dyn Fixture) -> Verdict {
    let target = Target::new(fixture).await?;
    target.writes(&batch(rows![[1, at(4.0), NULL, 11], [2, at(4.0), NULL, 20]]), 10).await?;
    let frame = drivers(rows![[1, at(3.0)], [1, at(4.0)], [2, at(5.0)], [2, at(3.0)]]);
    let scene = Scene::new([stats_created(rows![])], frame);
    let job = scene.ask(fixture, &target.registry, scene.entity_frame()?).await?;
    let (schema, batches) = (job.schema().clone(), job.to_arrow().await?);
    let found = Table::read(&schema, &batches)?;
    let values: Vec<Value> = found.rows.iter().map(|row| row[2].clone()).collect();
    same("the values after the write", &values, &rows![[10, 11, 20, NULL]].concat())
}

/// Missing, extra and wrongly typed columns are listed in one error.
pub async fn problems_are_listed_at_once(fixture: &dyn Fixture) -> Verdict {
    let target = Target::new(fixture).await?;
    let columns = [("driver_id", DataType::Utf8), ("created", time()), ("v", DataType::Int64), ("surplus", DataType::Int64)];
    target.refuses(&Table::new(&columns, rows![["2", at(2.0), 1, 1]]), &["driver_id", "ts", "surplus"]).await
}

/// A batch without one of the view's columns is refused by the column's name.
pub async fn missing_column(fixture: &dyn Fixture) -> Verdict {
    let target = Target::new(fixture).await?;
    let columns = [("driver_id", DataType::Int64), ("ts", time()), ("created", time())];
    target.refuses(&Table::new(&columns, rows![[2, at(2.0), at(2.0)]]), &["v"]).await
}

/// A batch with a column that the source lacks is refused by the column's name.
pub async fn extra_column(fixture: &dyn Fixture) -> Verdict {
    let target = Target::new(fixture).await?;
    let mut rows = batch(rows![[2, at(2.0), NULL, 20]]);
    rows.columns.push(("surplus".to_owned(), DataType::Int64));
    rows.rows[0].push(Value::Int(1));
    target.refuses(&rows, &["surplus"]).await
}

/// A batch with a column of another type is refused by the column's name.
pub async fn wrong_type(fixture: &dyn Fixture) -> Verdict {
    let target = Target::new(fixture).await?;
    let columns = [("driver_id", DataType::Int64), ("ts", time()), ("created", time()), ("v", DataType::Utf8)];
    target.refuses(&Table::new(&columns, rows![[2, at(2.0), NULL, "many"]]), &["v"]).await
}

/// Where the stream of rows breaks off, nothing of it is there: the whole batch or none of it.
pub async fn refused_batch_leaves_nothing(fixture: &dyn Fixture) -> Verdict {
    let target = Target::new(fixture).await?;
    let rows = batch(rows![[2, at(2.0), NULL, 20]]);
    let broken = hybrid_core::Error::new(ErrorKind::Unavailable, "the rows broke off");
    let batches: Vec<Result<RecordBatch>> = vec![Ok(rows.batch()?), Err(broken)];
    let stream = BatchStream::new(rows.schema(), futures::stream::iter(batches));
    let call = Call::default();
    let outcome = fixture.store().offline_write_batch(&target.registry, &target.view, stream, &call).await;
    refused("a stream that breaks off", outcome, &[ErrorKind::Unavailable], &["the rows broke off"])?;
    target.holds(rows![]).await
}

/// A NULL that was written is a NULL.
pub async fn null_values_survive(fixture: &dyn Fixture) -> Verdict {
    let target = Target::new(fixture).await?;
    target.writes(&batch(rows![[2, at(2.0), NULL, NULL]]), 10).await?;
    target.holds(rows![[2, NULL, at(2.0), NULL]]).await
}

/// Writes at the same time all arrive, each whole.
pub async fn overlapping_writes_all_arrive(fixture: &dyn Fixture) -> Verdict {
    let target = Target::new(fixture).await?;
    let rows = |writer: i64| (0..3_i64).map(|i| vec![writer.into(), at(2.0), NULL, i.into()]).collect::<Vec<_>>();
    let batches: Vec<Table> = (0..4).map(|writer| batch(rows(writer))).collect();
    try_join_all(batches.iter().map(|batch| target.writes(batch, 2))).await?;
    let row = |row: Vec<Value>| [0, 3, 1, 2].iter().map(|at: &usize| row[*at].clone()).collect();
    target.holds((0..4).flat_map(rows).map(row).collect()).await
}

/// A source's columns that the view does not read may be given, and become NULL where they are not.
pub async fn columns_beyond_the_view(fixture: &dyn Fixture) -> Verdict {
    let columns = [("driver_id", DataType::Int64), ("ts", time()), ("v", DataType::Int64), ("note", DataType::Utf8)];
    let all = |rows| Table::new(&columns, rows);
    let view = View::new("stats", &["driver_id"], all(rows![[1, at(1.0), 10, "a"]]));
    let target = Target::of(fixture, view.with_features(&[("v", ValueType::Int64)])).await?;
    target.writes(&all(rows![[2, at(2.0), 20, "b"]]), 10).await?;
    target.writes(&Table::new(&columns[..3], rows![[3, at(3.0), 30]]), 10).await?;
    let found = target.read(&["driver_id"], &["v", "note"]).await?;
    let right = rows![[1, 10, "a", at(1.0)], [2, 20, "b", at(2.0)], [3, 30, NULL, at(3.0)]];
    same_rows("the table after the writes", &found, right)
}

/// Rows are written under the source's own column names, whatever they are mapped to.
pub async fn source_names_are_used(fixture: &dyn Fixture) -> Verdict {
    let view = stats(rows![[1, at(1.0), 10]]).with_mapping(&[("v", "value"), ("ts", "event_timestamp")]);
    let target = Target::of(fixture, view).await?;
    target.writes(&stats(rows![[2, at(2.0), 20]]).table, 10).await?;
    let found = target.read(&["driver_id"], &["value"]).await?;
    same_rows("the table after the write", &found, rows![[1, 10, at(1.0)], [2, 20, at(2.0)]])
}

/// A write reports how many rows it has written, and in the end all of them.
pub async fn progress_is_reported(fixture: &dyn Fixture) -> Verdict {
    let target = Target::new(fixture).await?;
    let told = Arc::new(AtomicU64::new(0));
    let teller = told.clone();
    let call = Call {
        progress: Progress::new(move |rows, _| teller.store(rows, Ordering::Relaxed)),
    };
    let rows = batch(rows![[2, at(2.0), NULL, 20], [3, at(2.0), NULL, 30], [4, at(2.0), NULL, 40]]);
    let stream = BatchStream::from_batches(rows.schema(), rows.batches(1)?);
    fixture.store().offline_write_batch(&target.registry, &target.view, stream, &call).await?;
    same("the rows that were reported last", &told.load(Ordering::Relaxed), &3)
}
