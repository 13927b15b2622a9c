//! DataSource: Feast's form of a source, read and updated in place.

use hybrid_core::{Error, ErrorKind, Options, Result, Source};
use prost_reflect::{DynamicMessage, ReflectMessage, Value};
use serde_json::Value as Json;

use super::source_kind::{self, CUSTOM, Carrier, SourceKind};
use crate::proto::Fields;

/// The tag with the options that Feast's messages have no place for, as JSON.
const OPTIONS_TAG: &str = "hybrid:options";

/// A field of every source, which stands among the options in Feast: only Spark's message has one for it.
const PARTITION_FORMAT: &str = "date_partition_column_format";

/// Reads a DataSource.
///
/// # Errors
/// Unsupported, for a stream or a request, and for a class whose options are no JSON.
pub(crate) fn read(message: &DynamicMessage) -> Result<Source> {
    let class = message.text("data_source_class_type");
    let number = message.number("type");
    let (key, kind) = if number == i64::from(CUSTOM) {
        let key = source_kind::key_of_class(class);
        (key.clone(), source_kind::by_key(&key))
    } else {
        let kind = source_kind::by_number(number).ok_or_else(|| no_batch_source(message))?;
        (kind.key.to_owned(), Some(kind))
    };
    let mut source = Source::new(key).with_name(message.text("name"));
    source.field_mapping = message.map("field_mapping");
    // Feast takes a mapped name here too.
    source.timestamp_field = source.column_of(message.text("timestamp_field")).to_owned();
    source.created_timestamp_column = filled(source.column_of(message.text("created_timestamp_column")));
    source.date_partition_column = filled(message.text("date_partition_column"));
    source.description = message.text("description").to_owned();
    source.owner = message.text("owner").to_owned();
    source.tags = message.map("tags");
    source.options = read_options(message, kind)?;
    if let Some(text) = source.tags.remove(OPTIONS_TAG) {
        source.options.extend(object(text.as_bytes(), &source.name)?);
    }
    source.date_partition_column_format = take_text(&mut source.options, PARTITION_FORMAT);
    Ok(source)
}

/// Takes an option that is a text; another is left for the store to refuse.
fn take_text(options: &mut Options, name: &str) -> Option<String> {
    let text = filled(options.get(name)?.as_str()?);
    options.remove(name);
    text
}

fn filled(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn no_batch_source(message: &DynamicMessage) -> Error {
    let text = format!(
        "source `{}` of Feast's type {} holds no rows that a store could read",
        message.text("name"),
        message.number("type")
    );
    Error::new(ErrorKind::Unsupported, text)
}

fn object(bytes: &[u8], source: &str) -> Result<Options> {
    let wrong = || {
        let message = format!("the options of source `{source}` are no JSON object");
        Error::new(ErrorKind::Unsupported, message)
    };
    match serde_json::from_slice(bytes) {
        Ok(Json::Object(mut options)) => {
            options.retain(|_, value| !value.is_null());
            Ok(options)
        }
        Ok(_) => Err(wrong()),
        Err(error) => Err(wrong().with_cause(error)),
    }
}

fn read_options(message: &DynamicMessage, kind: Option<&SourceKind>) -> Result<Options> {
    let carried = message.child(kind.map_or("custom_options", |kind| kind.message));
    let Some(carried) = carried else {
        return Ok(Options::new());
    };
    if message.number("type") == i64::from(CUSTOM) {
        let configuration = carried.bytes("configuration");
        let configuration = if configuration.is_empty() { b"{}" } else { configuration };
        let mut options = object(configuration, message.text("name"))?;
        if kind.is_some() {
            // Feast's own classes repeat the source's name, and may write what is absent as no text.
            options.remove("name");
            options.retain(|_, value| value.as_str() != Some(""));
        }
        return Ok(options);
    }
    let options = kind.map_or(&[][..], |kind| kind.options).iter();
    Ok(options
        .filter_map(|(ours, feast, carrier)| Some(((*ours).to_owned(), read_option(carried, feast, *carrier)?)))
        .collect())
}

fn read_option(carried: &DynamicMessage, name: &str, carrier: Carrier) -> Option<Json> {
    let text = match carrier {
        Carrier::Format => {
            let format = carried.child(name)?;
            let member = format.fields().next()?.0;
            member.name().strip_suffix("_format")?.to_owned()
        }
        Carrier::Text | Carrier::Json => filled(carried.text(name))?,
    };
    Some(Json::String(text))
}

/// Makes `message` say what `source` says.
pub(crate) fn write(message: &mut DynamicMessage, source: &Source) -> Result<()> {
    let kind = source_kind::by_key(&source.key);
    message.set_text("name", &source.name)?;
    let created = source.created_timestamp_column.as_deref().unwrap_or_default();
    for (name, column) in [
        ("timestamp_field", source.timestamp_field.as_str()),
        ("created_timestamp_column", created),
    ] {
        if source.column_of(message.text(name)) != column {
            message.set_text(name, column)?;
        }
    }
    let partition = source.date_partition_column.as_deref().unwrap_or_default();
    message.set_text("date_partition_column", partition)?;
    message.set_map("field_mapping", &source.field_mapping)?;
    message.set_text("description", &source.description)?;
    message.set_text("owner", &source.owner)?;
    write_class(message, &source.key, kind)?;
    message.set("type", Value::EnumNumber(kind.map_or(CUSTOM, |kind| kind.number)))?;
    let rest = match kind {
        Some(kind) if kind.number != CUSTOM => write_fields(message, kind, options_of(source))?,
        kind => {
            write_custom(message, kind, &source.name, options_of(source))?;
            Options::new()
        }
    };
    write_tags(message, source, rest)
}

/// A class path that leads to the same key stays: only Feast's user knows the module. Where the
/// number of the type tells the class, Feast may leave the path out.
fn write_class(message: &mut DynamicMessage, key: &str, kind: Option<&SourceKind>) -> Result<()> {
    let class = message.text("data_source_class_type");
    let told = kind.is_some_and(|kind| kind.number != CUSTOM && i64::from(kind.number) == message.number("type"));
    if (class.is_empty() && told) || (!class.is_empty() && source_kind::key_of_class(class) == key) {
        return Ok(());
    }
    let class = kind.map_or_else(|| source_kind::custom_class(key), |kind| kind.class.to_owned());
    message.set_text("data_source_class_type", &class)
}

/// What Feast has among the options.
fn options_of(source: &Source) -> Options {
    let mut options = source.options.clone();
    options.retain(|_, value| !value.is_null());
    let format = source.date_partition_column_format.as_deref();
    options.extend(format.map(|format| (PARTITION_FORMAT.to_owned(), Json::from(format))));
    options
}

/// Writes the options that have a field and returns the others.
fn write_fields(message: &mut DynamicMessage, kind: &SourceKind, mut rest: Options) -> Result<Options> {
    let carried = message.child_mut(kind.message)?;
    for (ours, feast, carrier) in kind.options {
        let text = rest.get(*ours).and_then(Json::as_str).unwrap_or_default().to_owned();
        let written = match carrier {
            Carrier::Format => write_format(carried, feast, &text)?,
            Carrier::Text | Carrier::Json => {
                carried.set_text(feast, &text)?;
                true
            }
        };
        if written && rest.get(*ours).is_some_and(Json::is_string) {
            rest.remove(*ours);
        }
    }
    Ok(rest)
}

/// Sets the member of the oneof that is called after `text`; false when there is none.
fn write_format(carried: &mut DynamicMessage, name: &str, text: &str) -> Result<bool> {
    let member = format!("{text}_format");
    let known = carried
        .descriptor()
        .get_field_by_name(name)
        .and_then(|field| field.kind().as_message()?.get_field_by_name(&member));
    if known.is_none() {
        carried.clear_field_by_name(name);
        return Ok(text.is_empty());
    }
    if carried.child(name).is_none_or(|format| format.child(&member).is_none()) {
        carried.child_mut(name)?.child_mut(&member)?;
    }
    Ok(true)
}

fn write_custom(
    message: &mut DynamicMessage,
    kind: Option<&SourceKind>,
    name: &str,
    mut wanted: Options,
) -> Result<()> {
    let is_custom = message.child("custom_options").is_some();
    if is_custom && read_options(message, kind).is_ok_and(|old| old == wanted) {
        return Ok(());
    }
    if let Some(kind) = kind {
        wanted.insert("name".to_owned(), Json::String(name.to_owned()));
        for (_, feast, _) in kind.options {
            wanted.entry(*feast).or_insert(Json::Null);
        }
    }
    let bytes = Json::Object(wanted).to_string().into_bytes();
    let carried = message.child_mut("custom_options")?;
    carried.set("configuration", Value::Bytes(bytes.into()))
}

fn write_tags(message: &mut DynamicMessage, source: &Source, rest: Options) -> Result<()> {
    let mut tags = source.tags.clone();
    let present = message.map("tags");
    if !rest.is_empty() {
        let old = present
            .get(OPTIONS_TAG)
            .filter(|text| object(text.as_bytes(), "").is_ok_and(|old| old == rest));
        let text = old.cloned().unwrap_or_else(|| Json::Object(rest).to_string());
        tags.insert(OPTIONS_TAG.to_owned(), text);
    }
    message.set_map("tags", &tags)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::proto::descriptor;
    use serde_json::json;

    fn new() -> DynamicMessage {
        DynamicMessage::new(descriptor("DataSource").unwrap())
    }

    fn source(key: &str, options: Json) -> Source {
        let mut source = Source::new(key)
            .with_name("s")
            .with_timestamp_field("ts")
            .with_created_timestamp_column("created")
            .with_field("a", "b");
        source.tags.insert("team".to_owned(), "x".to_owned());
        source.options = options.as_object().unwrap().clone();
        source.date_partition_column_format = take_text(&mut source.options, PARTITION_FORMAT);
        source
    }

    #[test]
    fn every_kind_of_source_goes_both_ways() {
        for (key, options) in [
            (
                "file",
                json!({"path": "a.parquet", "file_format": "parquet", "s3_endpoint_override": "http://x"}),
            ),
            ("file", json!({"path": "a.csv", "file_format": "csv", "header": true})),
            ("bigquery", json!({"table": "p.d.t"})),
            (
                "bigquery",
                json!({"table": "p.d.t", "date_partition_column_format": "%Y%m%d"}),
            ),
            ("redshift", json!({"table": "t", "schema": "public", "database": "d"})),
            (
                "redshift",
                json!({"table": "t", "schema": "public", "date_partition_column_format": "%Y%m%d"}),
            ),
            ("snowflake", json!({"query": "SELECT 1", "database": "d"})),
            (
                "snowflake",
                json!({"query": "SELECT 1", "database": "d", "date_partition_column_format": "%Y%m%d"}),
            ),
            (
                "spark",
                json!({"path": "s3://x", "file_format": "parquet", "table_format": "iceberg"}),
            ),
            ("spark", json!({"table": "t", "date_partition_column_format": "%Y%m%d"})),
            ("trino", json!({"table": "c.s.t"})),
            (
                "trino",
                json!({"table": "c.s.t", "date_partition_column_format": "%Y%m%d"}),
            ),
            ("athena", json!({"table": "t", "data_source": "AwsDataCatalog"})),
            ("postgres", json!({"table": "t"})),
            (
                "postgres",
                json!({"table": "t", "date_partition_column_format": "%Y%m%d"}),
            ),
            ("ducklake", json!({"table": "t", "depth": 3, "nested": {"a": [1, 2]}})),
        ] {
            let source = source(key, options);
            let mut message = new();
            write(&mut message, &source).unwrap();
            assert_eq!(read(&message).unwrap(), source, "{key}");
            let before = message.clone();
            write(&mut message, &source).unwrap();
            assert_eq!(message, before, "writing {key} again changes nothing");
        }
    }

    #[test]
    fn the_format_of_partitions_is_where_feast_keeps_it_else_among_the_options() {
        let written = |key: &str| {
            let mut message = new();
            let source = source(key, json!({"table": "t"})).with_date_partition_column_format("%Y%m%d");
            write(&mut message, &source).unwrap();
            message
        };
        let spark = written("spark");
        let options = spark.child("spark_options").unwrap();
        assert_eq!(options.text("date_partition_column_format"), "%Y%m%d");
        assert!(!spark.map("tags").contains_key(OPTIONS_TAG));
        let kept = written("trino").map("tags").remove(OPTIONS_TAG).unwrap();
        assert_eq!(kept, r#"{"date_partition_column_format":"%Y%m%d"}"#);
        let postgres = written("postgres");
        let kept: Json =
            serde_json::from_slice(postgres.child("custom_options").unwrap().bytes("configuration")).unwrap();
        assert_eq!(kept["date_partition_column_format"], "%Y%m%d");
    }

    #[test]
    fn a_change_of_type_leaves_nothing_of_the_old_one() {
        let mut message = new();
        write(&mut message, &source("file", json!({"path": "a", "odd": 1}))).unwrap();
        let table = source("bigquery", json!({"table": "t"}));
        write(&mut message, &table).unwrap();
        assert_eq!(read(&message).unwrap(), table);
        assert!(message.text("data_source_class_type").ends_with(".BigQuerySource"));
        assert!(message.child("file_options").is_none());
    }

    #[test]
    fn postgres_gets_the_members_that_feast_asks_for() {
        let mut message = new();
        write(&mut message, &source("postgres", json!({"table": "t"}))).unwrap();
        let configuration: Json =
            serde_json::from_slice(message.child("custom_options").unwrap().bytes("configuration")).unwrap();
        assert_eq!(configuration, json!({"table": "t", "name": "s", "query": null}));
    }

    #[test]
    fn the_class_path_of_a_custom_source_stays() {
        let mut message = new();
        message
            .set_text("data_source_class_type", "company.stores.DuckLakeSource")
            .unwrap();
        write(&mut message, &source("ducklake", json!({}))).unwrap();
        assert_eq!(message.text("data_source_class_type"), "company.stores.DuckLakeSource");
    }

    #[test]
    fn streams_and_odd_options_are_unsupported() {
        let mut stream = new();
        stream.set("type", Value::EnumNumber(3)).unwrap();
        assert_eq!(read(&stream).unwrap_err().kind(), ErrorKind::Unsupported);
        let mut odd = new();
        odd.set("type", Value::EnumNumber(CUSTOM)).unwrap();
        odd.set_text("data_source_class_type", "x.OddSource").unwrap();
        odd.child_mut("custom_options")
            .unwrap()
            .set("configuration", Value::Bytes(vec![0x80, 4].into()))
            .unwrap();
        assert_eq!(read(&odd).unwrap_err().kind(), ErrorKind::Unsupported);
    }
}
