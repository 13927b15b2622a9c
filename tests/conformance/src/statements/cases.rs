use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use futures::future::LocalBoxFuture;
use hybrid_core::sql::{Dialect, Formulation, SQL_TYPE};
use hybrid_core::store::{ENTITY_TIME, ROW_NUMBER};
use hybrid_core::{
    BatchStream, EntityRows, Explain, HistoricalRequest, HistoricalView, JoinKey, OfflineStore, OutputColumn,
    PullAllRequest, PullLatestRequest, Result, SelectFrame, SourceTable, timestamp_type,
};

use super::Recorder;
use super::recorder::RecordedSource;

const DAY: i64 = 86_400_000_000;

/// 2024-05-01 UTC.
const MAY: i64 = 1_714_521_600_000_000;

/// The columns of every source of the cases, as Arrow has them.
pub fn columns() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("driver_id", DataType::Int64, true),
        Field::new("region", DataType::Utf8, true),
        Field::new("ts", timestamp_type(), true),
        Field::new("created", timestamp_type(), true),
        Field::new("day", DataType::Date32, true),
        Field::new("day text", DataType::Utf8, true),
        Field::new("trips", DataType::Int64, true),
        Field::new("it's \"rated\"", DataType::Float64, true),
    ]))
}

/// The same with the dialect's own names of their types.
///
/// # Errors
/// Unsupported, where the dialect lacks one.
pub fn columns_of(dialect: &dyn Dialect) -> Result<SchemaRef> {
    let typed = |field: &Arc<Field>| {
        let name = dialect.sql_type(field.data_type())?;
        Ok(field
            .as_ref()
            .clone()
            .with_metadata([(SQL_TYPE.to_owned(), name)].into()))
    };
    let fields = columns().fields().iter().map(typed).collect::<Result<Vec<_>>>()?;
    Ok(Arc::new(Schema::new(fields)))
}

/// One statement.
pub struct Case {
    /// What it is about; the name of its file.
    pub name: String,
    formulation: Option<Formulation>,
    /// What the estimate finds: feature rows, pairs, rows of the table.
    counts: (i64, i64, Option<u64>),
    asked: Asked,
}

/// What the store is asked.
enum Asked {
    Explain(Explain<RecordedSource>),
    /// For a statement that has the entity rows in it.
    Sql(Explain<RecordedSource>),
    /// To keep the rows of a SELECT as entity rows.
    Frame(SelectFrame),
}

impl Case {
    /// A view of one key by a formulation, whose statement has the entity rows in it or not.
    pub fn by(formulation: Formulation, embedded: bool) -> Self {
        Self {
            name: format!("{formulation:?}"),
            formulation: Some(formulation),
            counts: (0, 0, None),
            asked: match embedded {
                true => Asked::Sql(one_key()),
                false => Asked::Explain(one_key()),
            },
        }
    }

    /// What was chosen, the statement, and before them what else is run and staged.
    ///
    /// # Errors
    /// Whatever the operation gives.
    pub fn statement(&self, dialect: Box<dyn Dialect>, columns: SchemaRef) -> LocalBoxFuture<'_, Result<String>> {
        // Boxed, so that tests do not compile it again.
        Box::pin(self.made(dialect, columns))
    }

    async fn made(&self, dialect: Box<dyn Dialect>, columns: SchemaRef) -> Result<String> {
        let (features, pairs, rows) = self.counts;
        let recorder = Recorder::new(dialect, columns)
            .with_formulation(self.formulation)
            .with_counts(features, pairs, rows);
        let statement = match &self.asked {
            Asked::Explain(operation) => OfflineStore::explain(&recorder, operation.clone()).await?,
            Asked::Sql(operation) => OfflineStore::to_sql(&recorder, operation.clone()).await?,
            Asked::Frame(select) => {
                drop(OfflineStore::stage_select(&recorder, select.clone()).await?);
                String::new()
            }
        };
        let mut texts = recorder.asked();
        texts.push(statement);
        Ok(format!("{}\n", texts.join("\n\n").trim()))
    }
}

/// Every case that makes sense in a dialect.
pub fn all(dialect: &dyn Dialect) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |name: String, formulation, counts, asked| {
        cases.push(Case {
            name,
            formulation,
            counts,
            asked,
        });
    };
    for formulation in Formulation::offered(dialect) {
        for (shape, views, filtered) in shapes() {
            let operation = Explain::Historical(request(views, filtered));
            add(
                format!("{formulation:?}-{shape}").to_lowercase(),
                Some(formulation),
                (0, 0, None),
                Asked::Explain(operation),
            );
        }
    }
    for (name, counts) in [
        ("estimated-few", (1_000, 100, None)),
        ("estimated-many", (1_000, 100_000, None)),
        ("estimated-table", (30_000, 100, Some(3_000_000))),
    ] {
        add(name.to_owned(), None, counts, Asked::Explain(one_key()));
    }
    for (name, operation) in pulls() {
        add(name.to_owned(), None, (0, 0, None), Asked::Explain(operation));
    }
    add("to-sql".to_owned(), None, (0, 0, None), Asked::Sql(one_key()));
    for (name, select) in frames() {
        add(name.to_owned(), None, (0, 0, None), Asked::Frame(select));
    }
    cases
}

/// Views of every shape, and whether they are filtered by created.
fn shapes() -> Vec<(&'static str, Vec<HistoricalView<RecordedSource>>, bool)> {
    let mut query = stats(&["driver_id"], None);
    query.source.options.table = "SELECT * FROM rides -- all of them".to_owned();
    query.source.created_timestamp_column = None;
    let mut partitioned = stats(&["driver_id"], Some(DAY));
    partitioned.source.date_partition_column = Some("day".to_owned());
    let mut by_text = stats(&["driver_id"], Some(DAY));
    by_text.source.date_partition_column = Some("day text".to_owned());
    by_text.source.date_partition_column_format = Some("%Y-%m-%d".to_owned());
    vec![
        ("one-key", vec![stats(&["driver_id"], Some(30 * DAY))], false),
        (
            "two-keys-created-filter",
            vec![stats(&["driver_id", "region"], Some(1_500_001))],
            true,
        ),
        ("no-key", vec![stats(&[], None)], false),
        ("query", vec![query], false),
        ("partitioned", vec![partitioned], false),
        ("partitioned-by-text", vec![by_text], false),
        (
            "two-views",
            vec![stats(&["driver_id"], None), stats(&["region"], Some(DAY))],
            false,
        ),
    ]
}

fn table() -> SourceTable<RecordedSource> {
    SourceTable {
        name: "stats".to_owned(),
        options: RecordedSource {
            table: "lake.driver stats".to_owned(),
        },
        timestamp_field: "ts".to_owned(),
        created_timestamp_column: Some("created".to_owned()),
        date_partition_column: None,
        date_partition_column_format: None,
    }
}

fn output(source: &str, data_type: Option<DataType>) -> OutputColumn {
    OutputColumn {
        source: source.to_owned(),
        name: source.to_owned(),
        data_type,
    }
}

fn key_type(name: &str) -> DataType {
    if name == "region" {
        DataType::Utf8
    } else {
        DataType::Int64
    }
}

fn stats(keys: &[&str], ttl: Option<i64>) -> HistoricalView<RecordedSource> {
    let key = |name: &&str| JoinKey {
        source: (*name).to_owned(),
        entity: format!("my_{name}"),
        data_type: key_type(name),
    };
    HistoricalView {
        name: format!("stats_by_{}", keys.join("_")),
        source: table(),
        join_keys: keys.iter().map(key).collect(),
        features: vec![
            output("trips", Some(DataType::Int64)),
            output("it's \"rated\"", Some(DataType::Float64)),
        ],
        ttl,
    }
}

fn one_key() -> Explain<RecordedSource> {
    Explain::Historical(request(vec![stats(&["driver_id"], Some(30 * DAY))], false))
}

fn request(views: Vec<HistoricalView<RecordedSource>>, filtered: bool) -> HistoricalRequest<RecordedSource> {
    HistoricalRequest {
        views,
        entities: entities(),
        filter_by_created_timestamp: filtered,
    }
}

/// Two rows, a day apart; the second has no driver.
fn entities() -> EntityRows {
    let schema = Arc::new(Schema::new(vec![
        Field::new(ROW_NUMBER, DataType::UInt64, false),
        Field::new(ENTITY_TIME, timestamp_type(), false),
        Field::new("my_driver_id", DataType::Int64, true),
        Field::new("my_region", DataType::Utf8, true),
    ]));
    let times = TimestampMicrosecondArray::from(vec![MAY, MAY + DAY]).with_timezone("UTC");
    let columns: Vec<ArrayRef> = vec![
        Arc::new(UInt64Array::from(vec![0, 1])),
        Arc::new(times),
        Arc::new(Int64Array::from(vec![Some(7), None])),
        Arc::new(StringArray::from(vec!["it's", "b"])),
    ];
    let made = schema.clone();
    EntityRows::new(schema, 2, Some((MAY, MAY + DAY)), move || {
        let batch = RecordBatch::try_new(made.clone(), columns.clone())?;
        Ok(BatchStream::from_batches(made.clone(), vec![batch]))
    })
}

fn pulls() -> Vec<(&'static str, Explain<RecordedSource>)> {
    let latest = |keys: &[&str]| {
        Explain::Latest(PullLatestRequest {
            source: table(),
            join_keys: keys.iter().map(|key| output(key, Some(key_type(key)))).collect(),
            features: vec![output("trips", None)],
            timestamp_name: "ts".to_owned(),
            created_name: Some("created".to_owned()),
            start: MAY - DAY,
            end: MAY,
        })
    };
    let all = |start, end| {
        Explain::All(PullAllRequest {
            source: SourceTable {
                date_partition_column: Some("day".to_owned()),
                ..table()
            },
            join_keys: vec![output("driver_id", None)],
            features: vec![output("trips", None)],
            timestamp_name: "ts".to_owned(),
            created_name: Some("created".to_owned()),
            start,
            end,
        })
    };
    vec![
        ("latest", latest(&["driver_id", "region"])),
        ("latest-no-key", latest(&[])),
        ("all", all(None, None)),
        ("all-window", all(Some(MAY - DAY), Some(MAY))),
    ]
}

/// SELECTs that give the entity rows.
fn frames() -> [(&'static str, SelectFrame); 2] {
    let frame = |query: &str| SelectFrame {
        query: query.to_owned(),
        time: "ts".to_owned(),
        keys: vec![
            ("driver_id".to_owned(), key_type("driver_id")),
            ("region".to_owned(), key_type("region")),
        ],
    };
    [
        ("frame", frame("SELECT * FROM rides -- all of them")),
        (
            "frame-in-order",
            frame("SELECT * FROM rides ORDER BY ts DESC, driver_id;"),
        ),
    ]
}
