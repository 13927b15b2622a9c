//! `persist`: what a retrieval gives as a new table of the store's own, whole or not at all.

use hybrid_core::{BatchStream, Error, FeatureRegistry, Source, Summary};

use super::common::*;
use super::types::{arrays, declared, maps_and_structs, samples, scalars};
use crate::scene::{PLACE, unique};

/// Where a result goes, and the definitions that give it.
struct Target<'a> {
    fixture: &'a dyn Fixture,
    registry: FeatureRegistry,
    destination: Source,
}

impl<'a> Target<'a> {
    /// A destination that is not there yet, and the views of `scene`.
    async fn new(fixture: &'a dyn Fixture, scene: &Scene) -> Verdict<Self> {
        needs(fixture.capabilities().writes, "writes")?;
        Ok(Self {
            fixture,
            destination: created(fixture.destination(&unique("result")))?,
            registry: scene.deploy(fixture).await?,
        })
    }

    async fn persist(&self, scene: &Scene, overwrite: bool) -> Verdict<Result<Summary>> {
        scene.persist(self.fixture, &self.registry, &self.destination, overwrite).await
    }

    /// Persists; the summary counts the rows, and they are what the oracle says.
    async fn keeps(&self, scene: &Scene, overwrite: bool) -> Verdict {
        let summary = self.persist(scene, overwrite).await??;
        same("the number of rows persisted", &summary.rows, &(scene.frame.rows.len() as u64))?;
        self.holds(scene).await
    }

    /// The destination has the rows of the oracle.
    async fn holds(&self, scene: &Scene) -> Verdict {
        scene.check_persisted(self.fixture, &self.destination).await
    }

    /// The destination's columns, in its order, and their types.
    async fn columns(&self) -> Verdict<Vec<(String, Option<ValueType>)>> {
        let schema = self.fixture.store().source_schema(&self.destination).await?;
        let fields = schema.fields().iter();
        Ok(fields.map(|field| (field.name().clone(), ValueType::from_arrow(field.data_type()))).collect())
    }

    /// Rows that break off on their way are refused with what they broke off by.
    async fn refuses_broken_rows(&self, overwrite: bool) -> Verdict {
        let rows = drivers(rows![[1, at(1.0)]]);
        let batches = vec![Ok(rows.batch()?), Err(Error::new(ErrorKind::Unavailable, "the rows broke off"))];
        let stream = BatchStream::new(rows.schema(), futures::stream::iter(batches));
        let outcome = self.fixture.store().persist(&self.destination, stream, overwrite).await;
        refused("a stream that breaks off", outcome, &[ErrorKind::Unavailable], &["the rows broke off"])
    }

    /// Nothing is there.
    async fn is_missing(&self) -> Verdict {
        let found = self.fixture.store().source_schema(&self.destination).await;
        refused("the destination of what failed", found, &[ErrorKind::NotFound], &[])
    }
}

/// An entity frame of drivers with the places of its rows: place, driver_id, event_timestamp.
fn numbered(data_type: DataType, rows: Vec<Vec<Value>>) -> Table {
    let columns = [(PLACE, DataType::Int64), ("driver_id", DataType::Int64), ("event_timestamp", data_type)];
    let row = |(place, row): (i64, Vec<Value>)| [vec![place.into()], row].concat();
    Table::new(&columns, (0..).zip(rows).map(row).collect())
}

/// A view by driver with a number `v` and a text `name`, asked about these drivers.
fn scene(rows: Vec<Vec<Value>>) -> Scene {
    let columns = [("driver_id", DataType::Int64), ("ts", time()), ("v", DataType::Int64), ("name", DataType::Utf8)];
    let known = rows![
        [1, at(1.0), 10, "größer"],
        [1, at(3.0), 9_007_199_254_740_993, "it's \"so\""],
        [2, at(2.0), NULL, "b"],
        [3, at(2.0), 30, NULL],
        [NULL, at(1.0), 40, "nobody's"],
    ];
    let view = View::new("stats", &["driver_id"], Table::new(&columns, known)).with_ttl(3 * SECOND);
    let mut scene = Scene::new([view], numbered(time(), rows));
    scene.batch_rows = 2;
    scene
}

/// Few rows of it.
fn few() -> Scene {
    scene(rows![[1, at(2.0)], [2, at(2.5)]])
}

/// Every row of the retrieval is there, once: those alike, those without a match, those whose key is NULL.
pub async fn rows_are_those_of_the_retrieval(fixture: &dyn Fixture) -> Verdict {
    let frame = rows![
        [3, at(2.0)],
        [1, at(2.5)],
        [1, at(2.5)],
        [1, at(3.000_001)],
        [2, at(5.000_001)],
        [NULL, at(2.0)],
        [7, at(2.0)],
        [1, at(0.5)],
    ];
    let scene = scene(frame);
    Target::new(fixture, &scene).await?.keeps(&scene, false).await
}

/// The columns are the retrieval's, in its order, and have its types, where the engine stores them as they came.
pub async fn columns_and_types_are_kept(fixture: &dyn Fixture) -> Verdict {
    let scene = few();
    let target = Target::new(fixture, &scene).await?;
    target.keeps(&scene, false).await?;
    let right = [
        (PLACE, ValueType::Int64),
        ("driver_id", ValueType::Int64),
        ("event_timestamp", ValueType::UnixTimestamp),
        ("v", ValueType::Int64),
        ("name", ValueType::String),
    ];
    let right = right.map(|(name, value_type)| (name.to_owned(), Some(value_type))).to_vec();
    same("the destination's columns", &target.columns().await?, &right)
}

/// A retrieval of a feature of each of these types, whose values are there afterwards in these types.
async fn kept(fixture: &dyn Fixture, types: &[ValueType]) -> Verdict {
    let names: Vec<String> = (0..types.len()).map(|number| format!("v{number}")).collect();
    let features: Vec<(&str, ValueType)> = names.iter().map(String::as_str).zip(types.iter().cloned()).collect();
    let stored = features.iter().map(|(name, value_type)| (*name, value_type.to_arrow()));
    let columns: Vec<(&str, DataType)> =
        [("driver_id", DataType::Int64), ("ts", time())].into_iter().chain(stored).collect();
    let row = |driver: i64, value: &dyn Fn(&ValueType) -> Value| {
        [driver.into(), at(1.0)].into_iter().chain(types.iter().map(value)).collect::<Vec<Value>>()
    };
    let rows = vec![
        row(1, &|value_type| samples(value_type)[0].clone()),
        row(2, &|value_type| samples(value_type)[1].clone()),
        row(3, &|_| NULL),
    ];
    let view = View::new("stats", &["driver_id"], Table::new(&columns, rows)).with_features(&features);
    let frame = numbered(time(), rows![[3, at(5.0)], [2, at(5.0)], [4, at(5.0)], [1, at(5.0)], [2, at(0.0)]]);
    let scene = Scene::new([view], frame);
    Target::new(fixture, &scene).await?.keeps(&scene, false).await
}

/// All of them in one table; where the engine lacks one, each by itself, and those that it lacks are named in the end.
async fn each_is_kept(fixture: &dyn Fixture, types: Vec<ValueType>) -> Verdict {
    needs(fixture.capabilities().writes, "writes")?;
    match kept(fixture, &types).await {
        Err(Miss::NotRun(_)) => {}
        verdict => return verdict,
    }
    let mut parts = Parts::default();
    for value_type in types {
        parts.add(&value_type, kept(fixture, std::slice::from_ref(&value_type)).await)?;
    }
    parts.end()
}

/// Every scalar type of Feast's is kept, with its extremes, empty values and NULL.
pub async fn scalars_are_kept(fixture: &dyn Fixture) -> Verdict {
    each_is_kept(fixture, scalars()).await
}

/// Arrays and sets of every scalar type, and arrays of arrays, are kept.
pub async fn arrays_are_kept(fixture: &dyn Fixture) -> Verdict {
    each_is_kept(fixture, arrays()).await
}

/// Maps, structs and arrays of them are kept.
pub async fn maps_and_structs_are_kept(fixture: &dyn Fixture) -> Verdict {
    each_is_kept(fixture, maps_and_structs()).await
}

/// The instants of the frame are kept, whatever the type of its time: naive, in a zone, in another unit.
pub async fn times_of_the_frame_are_kept(fixture: &dyn Fixture) -> Verdict {
    let types = [
        DataType::Timestamp(TimeUnit::Microsecond, None),
        DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
        DataType::Timestamp(TimeUnit::Microsecond, Some("Europe/Berlin".into())),
    ];
    for data_type in types {
        let mut scene = few();
        scene.frame = numbered(data_type, rows![[1, at(2.0)], [1, at(3.001)], [2, at(0.0)]]);
        Target::new(fixture, &scene).await?.keeps(&scene, false).await?;
    }
    Ok(())
}

/// A retrieval without rows makes a table with its columns and none.
pub async fn no_rows_make_an_empty_table(fixture: &dyn Fixture) -> Verdict {
    let scene = scene(rows![]);
    let target = Target::new(fixture, &scene).await?;
    target.keeps(&scene, false).await?;
    let names: Vec<String> = target.columns().await?.into_iter().map(|(name, _)| name).collect();
    let right = [PLACE, "driver_id", "event_timestamp", "v", "name"].map(str::to_owned).to_vec();
    same("the destination's columns", &names, &right)
}

/// A destination that is there is refused unless it may be overwritten, and stays as it is.
pub async fn existing_is_refused(fixture: &dyn Fixture) -> Verdict {
    let there = few();
    let target = Target::new(fixture, &there).await?;
    target.keeps(&there, false).await?;
    let other = scene(rows![[3, at(3.0)]]);
    let outcome = target.persist(&other, false).await?;
    refused("a destination that is there", outcome, &[ErrorKind::InvalidInput], &["exist"])?;
    target.holds(&there).await
}

/// A destination that may be overwritten need not be there; where it is, rows and columns are replaced.
pub async fn existing_is_replaced(fixture: &dyn Fixture) -> Verdict {
    let first = few();
    let target = Target::new(fixture, &first).await?;
    target.keeps(&first, true).await?;
    let other = scene(rows![[3, at(3.0)]]).asking(&["stats:name"]);
    target.keeps(&other, true).await?;
    let names: Vec<String> = target.columns().await?.into_iter().map(|(name, _)| name).collect();
    let right = [PLACE, "driver_id", "event_timestamp", "name"].map(str::to_owned).to_vec();
    same("the destination's columns", &names, &right)
}

/// Where the rows break off, nothing is there, and nothing is in the way of the next.
pub async fn broken_rows_leave_nothing(fixture: &dyn Fixture) -> Verdict {
    let scene = few();
    let target = Target::new(fixture, &scene).await?;
    for overwrite in [false, true] {
        target.refuses_broken_rows(overwrite).await?;
        target.is_missing().await?;
    }
    target.keeps(&scene, false).await
}

/// Where rows that were to replace others break off, the others are there as before.
pub async fn broken_rows_leave_what_was_there(fixture: &dyn Fixture) -> Verdict {
    let there = few();
    let target = Target::new(fixture, &there).await?;
    target.keeps(&there, false).await?;
    target.refuses_broken_rows(true).await?;
    target.holds(&there).await
}

/// A retrieval that fails on its way leaves nothing.
pub async fn failed_retrieval_leaves_nothing(fixture: &dyn Fixture) -> Verdict {
    let overflows = declared(DataType::Int64, [7.into(), (i64::from(i32::MAX) + 1).into()], ValueType::Int32);
    let mut target = Target::new(fixture, &overflows).await?;
    let outcome = target.persist(&overflows, false).await?;
    ensure(outcome.is_err(), || format!("an Int32 that overflows must be an error, and gave {outcome:?}"))?;
    target.is_missing().await?;
    let right = few();
    target.registry = right.deploy(fixture).await?;
    target.keeps(&right, false).await
}
