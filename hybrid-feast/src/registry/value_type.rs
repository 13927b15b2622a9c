//! Feast's numbers for value types, and the tags that carry what a number cannot: the fields of a
//! struct, and what is inside a list of lists.

use std::collections::BTreeMap;

use hybrid_core::{Error, ErrorKind, Result, ValueType};
use prost_reflect::DynamicMessage;
use serde_json::{Map, Value as Json};

use crate::proto::Fields;

const STRUCT_TAG: &str = "feast:struct_schema";
const NESTED_TAG: &str = "feast:nested_inner_type";
/// Marks a struct inside another type's text.
const STRUCT_MARK: &str = "__struct__";
const MAX_DEPTH: usize = 16;

const STRUCT: i32 = 34;
const STRUCT_LIST: i32 = 35;
const VALUE_LIST: i32 = 42;
const VALUE_SET: i32 = 43;

/// A type, Feast's name for it inside of tags, and the numbers of it, of a list and of a set of it.
type Row = (ValueType, &'static str, i32, Option<i32>, Option<i32>);

#[rustfmt::skip]
const NUMBERS: [Row; 17] = [
    (ValueType::Bytes,          "BYTES",            1, Some(11), Some(22)),
    (ValueType::String,         "STRING",           2, Some(12), Some(23)),
    (ValueType::Int32,          "INT32",            3, Some(13), Some(24)),
    (ValueType::Int64,          "INT64",            4, Some(14), Some(25)),
    (ValueType::Float64,        "FLOAT64",          5, Some(15), Some(26)),
    (ValueType::Float32,        "FLOAT32",          6, Some(16), Some(27)),
    (ValueType::Bool,           "BOOL",             7, Some(17), Some(28)),
    (ValueType::UnixTimestamp,  "UNIX_TIMESTAMP",   8, Some(18), Some(29)),
    (ValueType::Map,            "MAP",             20, Some(21), None),
    (ValueType::PdfBytes,       "PDF_BYTES",       30, None,     None),
    (ValueType::ImageBytes,     "IMAGE_BYTES",     31, None,     None),
    (ValueType::Json,           "JSON",            32, Some(33), None),
    (ValueType::Uuid,           "UUID",            36, Some(38), Some(40)),
    (ValueType::TimeUuid,       "TIME_UUID",       37, Some(39), Some(41)),
    (ValueType::Decimal,        "DECIMAL",         44, Some(45), Some(46)),
    (ValueType::ScalarMap,      "SCALAR_MAP",      47, None,     None),
    (ValueType::ZonedTimestamp, "ZONED_TIMESTAMP", 48, None,     None),
];

/// The number of `value_type`.
///
/// # Errors
/// Unsupported, when Feast has none.
pub(crate) fn number_of(value_type: &ValueType) -> Result<i32> {
    let row = |item: &ValueType| NUMBERS.iter().find(|(scalar, ..)| scalar == item);
    let number = match value_type {
        ValueType::Struct(_) => Some(STRUCT),
        ValueType::Array(item) => match &**item {
            ValueType::Struct(_) => Some(STRUCT_LIST),
            ValueType::Array(_) | ValueType::Set(_) => Some(VALUE_LIST),
            scalar => row(scalar).and_then(|row| row.3),
        },
        ValueType::Set(item) => match &**item {
            ValueType::Array(_) | ValueType::Set(_) => Some(VALUE_SET),
            scalar => row(scalar).and_then(|row| row.4),
        },
        scalar => row(scalar).map(|row| row.2),
    };
    number.ok_or_else(|| {
        let message = format!("Feast's registry has no value type for {value_type}");
        Error::new(ErrorKind::Unsupported, message)
    })
}

/// The type of `number`; what a struct or a nested list holds is `None` here.
pub(crate) fn scalar_or_list(number: i64) -> Option<ValueType> {
    let number = i32::try_from(number).ok()?;
    NUMBERS.iter().find_map(|(scalar, _, one, list, set)| {
        let boxed = || Box::new(scalar.clone());
        if *one == number {
            Some(scalar.clone())
        } else if *list == Some(number) {
            Some(ValueType::Array(boxed()))
        } else if *set == Some(number) {
            Some(ValueType::Set(boxed()))
        } else {
            None
        }
    })
}

/// The type of a FeatureSpecV2.
///
/// # Errors
/// Unsupported, for a type that this version does not know.
pub(crate) fn read(field: &DynamicMessage) -> Result<ValueType> {
    let number = field.number("value_type");
    let tags = field.map("tags");
    let placeholder = || Box::new(ValueType::Array(Box::new(ValueType::String)));
    let nested = |otherwise: ValueType| tags.get(NESTED_TAG).map_or(Ok(otherwise), |text| parse(text, 0));
    match i32::try_from(number) {
        Ok(STRUCT) => struct_of(&tags),
        Ok(STRUCT_LIST) => Ok(ValueType::Array(Box::new(struct_of(&tags)?))),
        Ok(VALUE_LIST) => nested(ValueType::Array(placeholder())),
        Ok(VALUE_SET) => nested(ValueType::Set(placeholder())),
        _ => scalar_or_list(number).ok_or_else(|| {
            let message = format!("`{}` has the unknown value type {number}", field.text("name"));
            Error::new(ErrorKind::Unsupported, message)
        }),
    }
}

/// The user's own tags of a FeatureSpecV2.
pub(crate) fn user_tags(field: &DynamicMessage) -> BTreeMap<String, String> {
    let mut tags = field.map("tags");
    tags.retain(|key, _| key != STRUCT_TAG && key != NESTED_TAG);
    tags
}

/// Sets the type and the tags of a FeatureSpecV2; a type that is already there stays as it is written.
pub(crate) fn write(field: &mut DynamicMessage, value_type: &ValueType, tags: &BTreeMap<String, String>) -> Result<()> {
    let mut tags = tags.clone();
    let present = field.map("tags");
    let same = read(field).is_ok_and(|old| old == *value_type);
    let (structure, nesting) = match same {
        true => (present.get(STRUCT_TAG).cloned(), present.get(NESTED_TAG).cloned()),
        false => (struct_tag(value_type)?, nested_tag(value_type)?),
    };
    tags.extend(structure.map(|text| (STRUCT_TAG.to_owned(), text)));
    tags.extend(nesting.map(|text| (NESTED_TAG.to_owned(), text)));
    field.set("value_type", prost_reflect::Value::I32(number_of(value_type)?))?;
    field.set_map("tags", &tags)
}

fn struct_tag(value_type: &ValueType) -> Result<Option<String>> {
    match value_type {
        ValueType::Struct(fields) => fields_json(fields).map(|json| Some(json.to_string())),
        ValueType::Array(item) if matches!(**item, ValueType::Struct(_)) => struct_tag(item),
        _ => Ok(None),
    }
}

fn nested_tag(value_type: &ValueType) -> Result<Option<String>> {
    match value_type {
        ValueType::Array(item) | ValueType::Set(item) => match **item {
            ValueType::Array(_) | ValueType::Set(_) => text_of(value_type).map(Some),
            _ => Ok(None),
        },
        _ => Ok(None),
    }
}

fn text_of(value_type: &ValueType) -> Result<String> {
    Ok(match value_type {
        ValueType::Array(item) => format!("Array({})", text_of(item)?),
        ValueType::Set(item) => format!("Set({})", text_of(item)?),
        ValueType::Struct(fields) => {
            let mut outer = Map::new();
            outer.insert(STRUCT_MARK.to_owned(), fields_json(fields)?);
            Json::Object(outer).to_string()
        }
        scalar => {
            let row = NUMBERS.iter().find(|row| row.0 == *scalar);
            row.map(|row| row.1.to_owned()).ok_or_else(|| {
                let message = format!("Feast's registry has no value type for {value_type}");
                Error::new(ErrorKind::Unsupported, message)
            })?
        }
    })
}

fn fields_json(fields: &[(String, ValueType)]) -> Result<Json> {
    let pair = |(name, field): &(String, ValueType)| Ok((name.clone(), Json::String(text_of(field)?)));
    fields.iter().map(pair).collect::<Result<Map<_, _>>>().map(Json::Object)
}

fn struct_of(tags: &BTreeMap<String, String>) -> Result<ValueType> {
    match tags.get(STRUCT_TAG) {
        Some(text) => fields_of(&json(text)?, text, 0),
        // What Feast itself assumes of a struct that says nothing.
        None => Ok(ValueType::Struct(vec![("_value".to_owned(), ValueType::String)])),
    }
}

fn fields_of(fields: &Json, text: &str, depth: usize) -> Result<ValueType> {
    let fields = fields.as_object().ok_or_else(|| wrong(text))?;
    let field = |(name, inner): (&String, &Json)| {
        let inner = inner.as_str().ok_or_else(|| wrong(text))?;
        Ok((name.clone(), parse(inner, depth + 1)?))
    };
    fields.iter().map(field).collect::<Result<_>>().map(ValueType::Struct)
}

fn parse(text: &str, depth: usize) -> Result<ValueType> {
    if depth > MAX_DEPTH {
        return Err(wrong(text).with_help(format!("types may be nested {MAX_DEPTH} deep")));
    }
    let inside = |open: &str| text.strip_prefix(open).and_then(|rest| rest.strip_suffix(')'));
    if let Some(item) = inside("Array(") {
        return Ok(ValueType::Array(Box::new(parse(item, depth + 1)?)));
    }
    if let Some(item) = inside("Set(") {
        return Ok(ValueType::Set(Box::new(parse(item, depth + 1)?)));
    }
    if text.starts_with('{') {
        return fields_of(json(text)?.get(STRUCT_MARK).ok_or_else(|| wrong(text))?, text, depth);
    }
    let row = NUMBERS.iter().find(|row| row.1 == text);
    row.map(|row| row.0.clone()).ok_or_else(|| wrong(text))
}

fn json(text: &str) -> Result<Json> {
    serde_json::from_str(text).map_err(|error| wrong(text).with_cause(error))
}

fn wrong(text: &str) -> Error {
    let shown: String = text.chars().take(80).collect();
    Error::new(ErrorKind::Corrupt, format!("`{shown}` is no type of Feast's registry"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::proto::descriptor;

    fn round_trip(value_type: &ValueType) -> Result<ValueType> {
        let mut field = DynamicMessage::new(descriptor("FeatureSpecV2")?);
        write(
            &mut field,
            value_type,
            &BTreeMap::from([("mine".to_owned(), "1".to_owned())]),
        )?;
        assert_eq!(user_tags(&field).len(), 1);
        read(&field)
    }

    #[test]
    fn every_type_that_feast_has_goes_both_ways() {
        for scalar in ValueType::scalars() {
            assert_eq!(round_trip(&scalar).unwrap(), scalar);
        }
        for text in [
            "Array(Int64)",
            "Set(String)",
            "Array(Map)",
            "Array(Array(Float32))",
            "Set(Array(Uuid))",
            "Array(Set(Array(Int32)))",
            "Struct({a: Int64, b: Array(String)})",
            "Struct({a: Struct({b: Float64})})",
            "Array(Struct({a: Array(Array(Bool))}))",
            "Array(Array(Struct({a: Int64})))",
        ] {
            let value_type: ValueType = text.parse().unwrap();
            assert_eq!(round_trip(&value_type).unwrap(), value_type, "{text}");
        }
    }

    #[test]
    fn what_feast_has_no_number_for_is_unsupported() {
        for text in [
            "Array(PdfBytes)",
            "Set(Map)",
            "Set(Struct({a: Int64}))",
            "Array(ZonedTimestamp)",
        ] {
            let error = round_trip(&text.parse().unwrap()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{text}");
        }
    }

    #[test]
    fn text_in_tags_is_bounded_and_checked() {
        assert!(parse(&("Array(".repeat(1000) + &")".repeat(1000)), 0).is_err());
        for text in ["", "int64", "{", "{}", "{\"__struct__\": 3}", "Array(INT64"] {
            assert_eq!(parse(text, 0).unwrap_err().kind(), ErrorKind::Corrupt, "{text}");
        }
    }
}
