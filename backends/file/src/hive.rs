//! Columns that folders' names give: `year=2024/month=05/part.parquet`.

use arrow::datatypes::DataType;

use crate::location::percent_decoded;

/// What Hive calls the folder of the rows whose partition column is NULL.
pub(crate) const NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// A column that is the same for all rows of a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Partition {
    pub column: String,
    /// `None` is NULL.
    pub value: Option<String>,
}

/// What a folder's name says, if it is `column=value`.
pub(crate) fn partition_of(folder: &str) -> Option<Partition> {
    let (column, value) = folder.split_once('=').filter(|(column, _)| !column.is_empty())?;
    Some(Partition {
        column: percent_decoded(column),
        value: (value != NULL).then(|| percent_decoded(value)),
    })
}

/// The folder's name for a value, the reverse of [`partition_of`].
pub(crate) fn folder_of(column: &str, value: Option<&str>) -> String {
    format!(
        "{}={}",
        percent_encoded(column),
        value.map_or_else(|| NULL.to_owned(), percent_encoded)
    )
}

fn percent_encoded(text: &str) -> String {
    let plain = |c: char| !c.is_control() && !"/\\:*?\"<>|%='#{}[]^".contains(c);
    let mut encoded = String::with_capacity(text.len());
    for c in text.chars() {
        if plain(c) {
            encoded.push(c);
        } else {
            let mut buffer = [0; 4];
            for byte in c.encode_utf8(&mut buffer).bytes() {
                encoded.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    encoded
}

/// The type of a partition column that nobody declared: whole numbers, else text.
pub(crate) fn inferred<'a>(values: impl Iterator<Item = &'a Option<String>>) -> DataType {
    // `007` is text: as a number it would lose its zeros.
    let is_number = |v: &str| {
        v.parse::<i64>()
            .is_ok_and(|number| number.to_string() == v || zero_padded(v))
    };
    let mut values = values.flatten().peekable();
    let any = values.peek().is_some();
    if any && values.all(|value| is_number(value)) {
        DataType::Int64
    } else {
        DataType::Utf8
    }
}

/// `month=05` is a number all the same.
fn zero_padded(value: &str) -> bool {
    value.len() == 2 && value.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn folders_say_column_and_value() {
        let partition = |column: &str, value: Option<&str>| Partition {
            column: column.into(),
            value: value.map(Into::into),
        };
        assert_eq!(partition_of("year=2024").unwrap(), partition("year", Some("2024")));
        assert_eq!(partition_of("t=a%2Fb%3Dc").unwrap(), partition("t", Some("a/b=c")));
        assert_eq!(
            partition_of("t=__HIVE_DEFAULT_PARTITION__").unwrap(),
            partition("t", None)
        );
        assert_eq!(partition_of("t=").unwrap(), partition("t", Some("")));
        assert!(partition_of("plain").is_none() && partition_of("=x").is_none());
        for value in [Some("a/b c=ä%"), None] {
            assert_eq!(partition_of(&folder_of("k", value)).unwrap(), partition("k", value));
        }
    }

    #[test]
    fn numbers_are_inferred_and_codes_stay_text() {
        let values = |v: &[&str]| v.iter().map(|v| Some((*v).to_owned())).collect::<Vec<_>>();
        assert_eq!(inferred(values(&["1", "-20"]).iter()), DataType::Int64);
        assert_eq!(inferred(values(&["01", "12"]).iter()), DataType::Int64);
        assert_eq!(inferred(values(&["007"]).iter()), DataType::Utf8);
        assert_eq!(inferred([None].iter()), DataType::Utf8);
    }
}
