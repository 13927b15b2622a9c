use std::fmt;
use std::path::PathBuf;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// Whether, and by what, the server's certificate is checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Verify {
    /// By the certificate authorities of the system.
    #[default]
    System,
    /// Not at all.
    Off,
    /// By the authorities in a PEM file, and by no other.
    File(PathBuf),
}

impl<'de> Deserialize<'de> for Verify {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written)
    }
}

struct Written;

impl Visitor<'_> for Written {
    type Value = Verify;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true, false, or the path of a PEM file of certificate authorities")
    }

    fn visit_bool<E: Error>(self, checked: bool) -> Result<Verify, E> {
        Ok(if checked { Verify::System } else { Verify::Off })
    }

    /// Feast's own field is a text: "true" and "false" stand in such texts too.
    fn visit_str<E: Error>(self, text: &str) -> Result<Verify, E> {
        match text {
            "" => Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)),
            text if text.eq_ignore_ascii_case("true") => Ok(Verify::System),
            text if text.eq_ignore_ascii_case("false") => Ok(Verify::Off),
            path => Ok(Verify::File(path.into())),
        }
    }
}
