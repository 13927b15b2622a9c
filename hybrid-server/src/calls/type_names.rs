//! The names of column types as each kind of source in Feast has them: a client makes value types of them.

use hybrid_core::arrow::datatypes::DataType;

/// One engine's names, and how it names an array of them.
struct Names {
    key: &'static str,
    boolean: &'static str,
    int: &'static str,
    bigint: &'static str,
    float: &'static str,
    double: &'static str,
    decimal: &'static str,
    text: &'static str,
    bytes: &'static str,
    time: &'static str,
    date: &'static str,
    map: &'static str,
    structure: &'static str,
    /// `*` stands for the element's name.
    array: &'static str,
}

const ARROW: Names = Names {
    key: "file",
    boolean: "bool",
    int: "int32",
    bigint: "int64",
    float: "float",
    double: "double",
    decimal: "double",
    text: "string",
    bytes: "binary",
    time: "timestamp[us, tz=UTC]",
    date: "timestamp[us, tz=UTC]",
    map: "map<string, string>",
    structure: "struct<>",
    array: "list<item: *>",
};

const ENGINES: [Names; 6] = [
    Names {
        key: "postgres",
        boolean: "boolean",
        int: "integer",
        bigint: "bigint",
        float: "real",
        double: "double precision",
        decimal: "numeric",
        text: "text",
        bytes: "bytea",
        time: "timestamp with time zone",
        date: "date",
        map: "jsonb",
        structure: "jsonb",
        array: "*[]",
    },
    Names {
        key: "bigquery",
        boolean: "BOOL",
        int: "INT64",
        bigint: "INT64",
        float: "FLOAT64",
        double: "FLOAT64",
        // Feast takes NUMERIC for an integer.
        decimal: "FLOAT64",
        text: "STRING",
        bytes: "BYTES",
        time: "TIMESTAMP",
        date: "TIMESTAMP",
        map: "JSON",
        structure: "STRUCT",
        array: "ARRAY<*>",
    },
    Names {
        key: "redshift",
        boolean: "bool",
        int: "int4",
        bigint: "int8",
        float: "float4",
        double: "float8",
        decimal: "numeric",
        text: "varchar",
        // Feast knows neither bytes nor dates of Redshift.
        bytes: "varchar",
        time: "timestamptz",
        date: "timestamp",
        map: "super",
        structure: "super",
        array: "super",
    },
    Names {
        key: "snowflake",
        boolean: "BOOLEAN",
        int: "NUMBER32",
        bigint: "NUMBER64",
        float: "DOUBLE",
        double: "DOUBLE",
        decimal: "NUMBERwSCALE",
        text: "VARCHAR",
        bytes: "BINARY",
        time: "TIMESTAMP_LTZ",
        date: "DATE",
        map: "OBJECT",
        structure: "OBJECT",
        array: "ARRAY",
    },
    Names {
        key: "spark",
        boolean: "boolean",
        int: "int",
        bigint: "bigint",
        float: "float",
        double: "double",
        decimal: "decimal",
        text: "string",
        bytes: "byte",
        time: "timestamp",
        date: "date",
        map: "map<string,string>",
        structure: "struct<>",
        array: "array<*>",
    },
    Names {
        key: "trino",
        boolean: "boolean",
        int: "integer",
        bigint: "bigint",
        float: "real",
        double: "double",
        decimal: "decimal",
        text: "varchar",
        bytes: "varbinary",
        time: "timestamp",
        date: "date",
        map: "map(varchar,varchar)",
        structure: "row",
        array: "array(*)",
    },
];

/// The name of a type in the words of a store's kind of source; Arrow's words for a store that Feast does not have.
pub(super) fn type_name(key: &str, data_type: &DataType) -> String {
    let names = ENGINES.iter().find(|names| names.key == key).unwrap_or(&ARROW);
    name(names, data_type)
}

fn name(names: &Names, data_type: &DataType) -> String {
    use DataType as T;
    let name = match data_type {
        T::Boolean => names.boolean,
        T::Int8 | T::Int16 | T::Int32 | T::UInt8 | T::UInt16 => names.int,
        T::Int64 | T::UInt32 | T::UInt64 => names.bigint,
        T::Float16 | T::Float32 => names.float,
        T::Float64 => names.double,
        T::Decimal32(..) | T::Decimal64(..) | T::Decimal128(..) | T::Decimal256(..) => names.decimal,
        T::Binary | T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_) => names.bytes,
        T::Timestamp(..) => names.time,
        T::Date32 | T::Date64 => names.date,
        T::Map(..) => names.map,
        T::Struct(_) => names.structure,
        T::List(item) | T::LargeList(item) | T::ListView(item) | T::FixedSizeList(item, _) => {
            return names.array.replace('*', &name(names, item.data_type()));
        }
        T::Dictionary(_, value) => return name(names, value),
        _ => names.text,
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hybrid_core::arrow::datatypes::{Field, TimeUnit};
    use std::sync::Arc;

    #[test]
    fn each_source_has_its_own_words() {
        let list = DataType::List(Arc::new(Field::new("x", DataType::Int64, true)));
        let time = DataType::Timestamp(TimeUnit::Nanosecond, None);
        for (key, of_list, of_time) in [
            ("file", "list<item: int64>", "timestamp[us, tz=UTC]"),
            ("clickhouse", "list<item: int64>", "timestamp[us, tz=UTC]"),
            ("postgres", "bigint[]", "timestamp with time zone"),
            ("bigquery", "ARRAY<INT64>", "TIMESTAMP"),
            ("redshift", "super", "timestamptz"),
            ("snowflake", "ARRAY", "TIMESTAMP_LTZ"),
            ("spark", "array<bigint>", "timestamp"),
            ("trino", "array(bigint)", "timestamp"),
        ] {
            assert_eq!(type_name(key, &list), of_list);
            assert_eq!(type_name(key, &time), of_time);
        }
        assert_eq!(type_name("file", &DataType::LargeUtf8), "string");
    }
}
