//! `$VAR` and `${VAR}` in scalars that are already parsed: a value with `:` or `#` survives, a
//! plain scalar may be a number again, a quoted one stays text.

use super::node::{Node, Scalar, Value};
use super::problems::Problems;

/// Bytes that the variables of one file may give altogether.
const MAX_EXPANDED: usize = 32 << 20;

/// Where variables get their values.
pub(super) type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Node {
    /// Replaces the variables in all scalars; keys stay as they are.
    pub(super) fn expand(&mut self, variables: Variables<'_>, problems: &mut Problems) {
        let mut left = MAX_EXPANDED;
        self.expand_within(variables, problems, &mut left);
    }

    fn expand_within(&mut self, variables: Variables<'_>, problems: &mut Problems, left: &mut usize) {
        match &mut self.value {
            Value::Sequence(items) => items
                .iter_mut()
                .for_each(|item| item.expand_within(variables, problems, left)),
            Value::Mapping(entries) => entries
                .iter_mut()
                .for_each(|entry| entry.value.expand_within(variables, problems, left)),
            Value::Scalar(scalar) if scalar.text.contains('$') => match scalar.expanded(variables, left) {
                Ok(expanded) => *scalar = expanded,
                Err(message) => {
                    let error = self.error(message).with_help("`$$` is a dollar sign");
                    problems.push_unresolved(error);
                }
            },
            Value::Scalar(_) => {}
        }
    }
}

enum Piece<'a> {
    Text(&'a str),
    Variable { name: &'a str, braced: bool },
}

impl Scalar {
    fn expanded(&self, variables: Variables<'_>, left: &mut usize) -> Result<Scalar, String> {
        let (mut text, mut rest, mut used) = (String::new(), self.text.as_str(), false);
        while let Some((piece, tail)) = next_piece(rest)? {
            match piece {
                Piece::Text(part) => text += part,
                Piece::Variable { name, braced } => {
                    text += &variables(name).ok_or_else(|| self.undefined(name, braced))?;
                    used = true;
                }
            }
            if text.len() > *left {
                return Err("the variables give more than 32 MiB".to_owned());
            }
            rest = tail;
        }
        *left -= text.len().min(*left);
        Ok(Scalar {
            text,
            expanded: used,
            ..self.clone()
        })
    }

    /// A password with a dollar in it must not be quoted as the name of a variable.
    fn undefined(&self, name: &str, braced: bool) -> String {
        let is_whole = self.text.len() == name.len() + 1;
        let looks_like_one = !name.contains(|c: char| c.is_ascii_lowercase());
        if !self.secret || braced || (is_whole && looks_like_one) {
            format!("the variable `{name}` is not defined")
        } else {
            "a variable in this value is not defined".to_owned()
        }
    }
}

/// The first piece of `text` and what follows it; `None` at the end.
fn next_piece(text: &str) -> Result<Option<(Piece<'_>, &str)>, String> {
    let Some(after) = text.strip_prefix('$') else {
        let end = text.find('$').unwrap_or(text.len());
        let (part, tail) = text.split_at(end);
        return Ok((!text.is_empty()).then_some((Piece::Text(part), tail)));
    };
    if let Some(tail) = after.strip_prefix('$') {
        return Ok(Some((Piece::Text("$"), tail)));
    }
    if let Some(inside) = after.strip_prefix('{') {
        let (name, tail) = inside
            .split_once('}')
            .filter(|(name, _)| name_length(name) == name.len() && !name.is_empty())
            .ok_or("`${` must be followed by the name of a variable and `}`")?;
        return Ok(Some((Piece::Variable { name, braced: true }, tail)));
    }
    let (name, tail) = after.split_at(name_length(after));
    let piece = match name {
        "" => Piece::Text("$"),
        name => Piece::Variable { name, braced: false },
    };
    Ok(Some((piece, tail)))
}

/// How much of the beginning of `text` is the name of a variable.
fn name_length(text: &str) -> usize {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return 0;
    }
    text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(text.len())
}
