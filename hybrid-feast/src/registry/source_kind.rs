//! Which of Feast's source classes belongs to which store key, and where its options are kept.

use hybrid_core::store::key_of;

/// How Feast keeps the options of one source class.
pub(crate) struct SourceKind {
    /// The store key.
    pub key: &'static str,
    /// Feast's number for the type of source.
    pub number: i32,
    /// Feast's class.
    pub class: &'static str,
    /// The message with the options; its fields are [`Carrier`]s.
    pub message: &'static str,
    /// Our name of an option, Feast's, and how it is kept.
    pub options: &'static [(&'static str, &'static str, Carrier)],
}

/// How one option is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// As a string field.
    Text,
    /// As the member of the message's oneof `format` that is called `VALUE_format`.
    Format,
    /// As a member of the JSON in custom_options; Feast reads it even when it is null.
    Json,
}

use Carrier::{Format, Json, Text};

/// Feast's number for a source of a class that is not among its own.
pub(crate) const CUSTOM: i32 = 6;

const TABLE_AND_QUERY: &[(&str, &str, Carrier)] = &[("table", "table", Text), ("query", "query", Text)];

const TABLE_IN_SCHEMA: &[(&str, &str, Carrier)] = &[
    ("table", "table", Text),
    ("query", "query", Text),
    ("schema", "schema", Text),
    ("database", "database", Text),
];

const TABLE_AND_QUERY_JSON: &[(&str, &str, Carrier)] = &[("table", "table", Json), ("query", "query", Json)];

macro_rules! class {
    ($path:literal) => {
        concat!("feast.infra.offline_stores.", $path)
    };
}

#[rustfmt::skip]
const KINDS: [SourceKind; 9] = [
    SourceKind { key: "file", number: 1, class: class!("file_source.FileSource"), message: "file_options", options: &[
        ("path", "uri", Text), ("file_format", "file_format", Format), ("s3_endpoint_override", "s3_endpoint_override", Text)] },
    SourceKind { key: "bigquery", number: 2, class: class!("bigquery_source.BigQuerySource"),
        message: "bigquery_options", options: TABLE_AND_QUERY },
    SourceKind { key: "redshift", number: 5, class: class!("redshift_source.RedshiftSource"),
        message: "redshift_options", options: TABLE_IN_SCHEMA },
    SourceKind { key: "snowflake", number: 8, class: class!("snowflake_source.SnowflakeSource"),
        message: "snowflake_options", options: TABLE_IN_SCHEMA },
    SourceKind { key: "trino", number: 10, class: class!("contrib.trino_offline_store.trino_source.TrinoSource"),
        message: "trino_options", options: TABLE_AND_QUERY },
    SourceKind { key: "spark", number: 11, class: class!("contrib.spark_offline_store.spark_source.SparkSource"),
        message: "spark_options", options: &[("table", "table", Text), ("query", "query", Text), ("path", "path", Text),
            ("file_format", "file_format", Text), ("table_format", "table_format", Format),
            ("date_partition_column_format", "date_partition_column_format", Text)] },
    SourceKind { key: "athena", number: 12, class: class!("contrib.athena_offline_store.athena_source.AthenaSource"),
        message: "athena_options", options: &[("table", "table", Text), ("query", "query", Text),
            ("database", "database", Text), ("data_source", "data_source", Text)] },
    SourceKind { key: "postgres", number: CUSTOM, class: class!("contrib.postgres_offline_store.postgres_source.PostgreSQLSource"),
        message: "custom_options", options: TABLE_AND_QUERY_JSON },
    SourceKind { key: "clickhouse", number: CUSTOM, class: class!("contrib.clickhouse_offline_store.clickhouse_source.ClickhouseSource"),
        message: "custom_options", options: TABLE_AND_QUERY_JSON },
];

/// The kind of a source of store `key`, when it is one of Feast's own.
pub(crate) fn by_key(key: &str) -> Option<&'static SourceKind> {
    KINDS.iter().find(|kind| kind.key == key)
}

/// The kind of a source with Feast's number, when the number alone tells.
pub(crate) fn by_number(number: i64) -> Option<&'static SourceKind> {
    KINDS
        .iter()
        .find(|kind| kind.number != CUSTOM && i64::from(kind.number) == number)
}

/// The store key of a class path: of Feast's own classes by the table, of others by the naming rule.
pub(crate) fn key_of_class(class: &str) -> String {
    let name = class.rsplit('.').next().unwrap_or(class);
    let own = KINDS.iter().find(|kind| kind.class.rsplit('.').next() == Some(name));
    own.map_or_else(|| key_of(name), |kind| kind.key.to_owned())
}

/// The class path for a store key that is not one of Feast's own: the name of the compiled-in
/// source type, else what the naming rule makes of the key.
pub(crate) fn custom_class(key: &str) -> String {
    let backends = hybrid_core::backends();
    if let Some(backend) = backends.iter().find(|backend| backend.key() == key) {
        return backend.source_type().to_owned();
    }
    let mut letters = key.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}Source", letters.as_str())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::proto::descriptor;

    #[test]
    fn the_table_fits_the_description() {
        let source = descriptor("DataSource").unwrap();
        for kind in &KINDS {
            let field = source.get_field_by_name(kind.message).unwrap();
            let message = field.kind().as_message().unwrap().clone();
            for (_, feast, carrier) in kind.options.iter().filter(|option| option.2 != Json) {
                let is_message = message.get_field_by_name(feast).unwrap().kind().as_message().is_some();
                assert_eq!(is_message, *carrier == Format, "{} {feast}", kind.key);
            }
        }
    }

    #[test]
    fn classes_have_keys_and_keys_have_classes() {
        for kind in &KINDS {
            assert_eq!(key_of_class(kind.class), kind.key);
        }
        assert_eq!(key_of_class("company.stores.DuckLakeSource"), "ducklake");
        assert_eq!(key_of_class(&custom_class("ducklake")), "ducklake");
    }
}
