//! What a scalar means: YAML 1.2's core schema, and what YAML 1.1's users write.

use super::node::Scalar;

/// A scalar by the core schema.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Resolved<'a> {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(&'a str),
}

impl Scalar {
    /// A value that a variable gave is null only when it is empty: a password may be `null`.
    pub(super) fn is_null(&self) -> bool {
        let word = matches!(self.text.as_str(), "~" | "null" | "Null" | "NULL");
        self.plain && (self.text.is_empty() || (word && !self.expanded))
    }

    pub(super) fn resolve(&self) -> Resolved<'_> {
        if !self.plain {
            return Resolved::Text(&self.text);
        }
        if self.is_null() {
            return Resolved::Null;
        }
        let text = self.text.as_str();
        match text {
            "true" | "True" | "TRUE" => Resolved::Bool(true),
            "false" | "False" | "FALSE" => Resolved::Bool(false),
            _ if has_leading_zero(text) => Resolved::Text(text),
            _ => integer(text)
                .or_else(|| float(text).map(Resolved::Float))
                .unwrap_or(Resolved::Text(text)),
        }
    }

    /// The boolean where one is wanted: YAML 1.1's `yes`, `no`, `on` and `off` count too.
    pub(super) fn wanted_bool(&self) -> Option<bool> {
        if !self.plain {
            return None;
        }
        match self.text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" => Some(true),
            "false" | "no" | "off" => Some(false),
            _ => None,
        }
    }

    /// The number where a whole one is wanted: digits may be grouped with `_`.
    pub(super) fn wanted_integer(&self) -> Option<Resolved<'_>> {
        let plain = self.plain && !has_leading_zero(&self.text);
        let grouped = self.text.contains('_') && self.text.starts_with(|c: char| c.is_ascii_digit() || c == '-');
        if plain && grouped {
            return integer(&self.text.replace('_', "")).map(|number| match number {
                Resolved::Signed(value) => Resolved::Signed(value),
                Resolved::Unsigned(value) => Resolved::Unsigned(value),
                _ => Resolved::Null,
            });
        }
        plain.then(|| integer(&self.text)).flatten()
    }

    /// The number where any is wanted.
    pub(super) fn wanted_float(&self) -> Option<f64> {
        let plain = self.plain && !has_leading_zero(&self.text);
        plain.then(|| float(&self.text)).flatten()
    }

    /// Whether YAML 1.1 reads it as octal and YAML 1.2 as decimal.
    pub(super) fn is_ambiguous_octal(&self) -> bool {
        self.plain && has_leading_zero(&self.text)
    }

    /// What it is, with an article, for errors.
    pub(super) fn described(&self) -> String {
        let kind = match self.resolve() {
            Resolved::Null => return "nothing".to_owned(),
            Resolved::Bool(_) => "the boolean",
            Resolved::Unsigned(_) | Resolved::Signed(_) | Resolved::Float(_) => "the number",
            Resolved::Text(_) => "the text",
        };
        match self.shown() {
            Some(value) => format!("{kind} {value}"),
            None if self.expanded && !self.secret => format!("{} from a variable", kind.replacen("the", "a", 1)),
            None => kind.replacen("the", "a", 1),
        }
    }
}

/// `010` and the like, which come back as another number or not at all.
fn has_leading_zero(text: &str) -> bool {
    let digits = text.trim_start_matches(['+', '-']);
    digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit() || b == b'_')
}

fn integer(text: &str) -> Option<Resolved<'static>> {
    let radix = |digits: &str, radix| {
        let plain = digits.bytes().all(|b| b.is_ascii_hexdigit());
        plain.then(|| u64::from_str_radix(digits, radix).ok()).flatten()
    };
    if let Some(digits) = text.strip_prefix("0x") {
        return radix(digits, 16).map(Resolved::Unsigned);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return radix(digits, 8).map(Resolved::Unsigned);
    }
    match text.parse::<u64>() {
        Ok(value) => Some(Resolved::Unsigned(value)),
        Err(_) => text.parse::<i64>().ok().map(Resolved::Signed),
    }
}

fn float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    match unsigned {
        ".inf" | ".Inf" | ".INF" if text.starts_with('-') => Some(f64::NEG_INFINITY),
        ".inf" | ".Inf" | ".INF" => Some(f64::INFINITY),
        ".nan" | ".NaN" | ".NAN" if unsigned == text => Some(f64::NAN),
        // Rust reads `inf`, `nan` and `infinity` as floats; YAML does not.
        _ if unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') => text.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Scalar {
        Scalar {
            text: text.to_owned(),
            plain: true,
            expanded: false,
            secret: false,
        }
    }

    #[test]
    fn the_core_schema() {
        for (text, expected) in [
            ("", Resolved::Null),
            ("~", Resolved::Null),
            ("true", Resolved::Bool(true)),
            ("FALSE", Resolved::Bool(false)),
            ("5432", Resolved::Unsigned(5432)),
            ("+7", Resolved::Unsigned(7)),
            ("-7", Resolved::Signed(-7)),
            ("0x1F", Resolved::Unsigned(31)),
            ("0o17", Resolved::Unsigned(15)),
            ("18446744073709551615", Resolved::Unsigned(u64::MAX)),
            ("1.5e3", Resolved::Float(1500.0)),
            (".5", Resolved::Float(0.5)),
            ("-.inf", Resolved::Float(f64::NEG_INFINITY)),
            ("yes", Resolved::Text("yes")),
            ("010", Resolved::Text("010")),
            ("1_000", Resolved::Text("1_000")),
            ("inf", Resolved::Text("inf")),
            ("0x", Resolved::Text("0x")),
            ("0x+1", Resolved::Text("0x+1")),
            (".", Resolved::Text(".")),
            ("1h30m", Resolved::Text("1h30m")),
            ("2024-01-01", Resolved::Text("2024-01-01")),
        ] {
            assert_eq!(plain(text).resolve(), expected, "{text}");
        }
        assert!(matches!(plain(".nan").resolve(), Resolved::Float(value) if value.is_nan()));
    }

    #[test]
    fn what_users_of_yaml_1_1_write() {
        assert_eq!(plain("Yes").wanted_bool(), Some(true));
        assert_eq!(plain("off").wanted_bool(), Some(false));
        assert_eq!(plain("y").wanted_bool(), None);
        assert_eq!(plain("1_000").wanted_integer(), Some(Resolved::Unsigned(1000)));
        assert_eq!(plain("010").wanted_integer(), None);
        assert!(plain("010").is_ambiguous_octal() && !plain("0").is_ambiguous_octal());
    }

    #[test]
    fn a_variable_is_null_only_when_empty() {
        let expanded = |text: &str| Scalar {
            expanded: true,
            ..plain(text)
        };
        assert!(expanded("").is_null() && !expanded("null").is_null());
    }
}
