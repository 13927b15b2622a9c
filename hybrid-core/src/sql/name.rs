//! The names of tables, as sources write them.

/// The parts of a table's name between dots, without their double quotes, in which a part may hold anything and
/// two quotes are one. Letters stay as they are; nothing stands between a part and its dot but blanks around what
/// is not quoted.
pub fn name_parts(name: &str) -> Option<Vec<String>> {
    let (mut parts, mut rest) = (Vec::new(), name);
    loop {
        let (part, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_part(quoted)?,
            None => {
                let (part, after) = plain_part(rest);
                (part.to_owned(), after)
            }
        };
        if part.is_empty() {
            return None;
        }
        parts.push(part);
        match after.strip_prefix('.') {
            Some(after) => rest = after,
            None => return after.is_empty().then_some(parts),
        }
    }
}

/// The parts of a table's name as Postgres reads them: like [`name_parts`], but what is not quoted is in lower
/// case, and blanks may stand around every part.
///
/// # Errors
/// What is wrong with it, to stand behind a colon.
pub fn folded_name_parts(name: &str) -> Result<Vec<String>, &'static str> {
    let (mut parts, mut rest) = (Vec::new(), name.trim());
    loop {
        let (part, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_part(quoted).ok_or("a quote is not closed")?,
            None => {
                let (part, after) = plain_part(rest);
                (part.to_lowercase(), after)
            }
        };
        if part.is_empty() || part.contains('\0') {
            return Err("a part of it is empty");
        }
        parts.push(part);
        let after = after.trim_start();
        match after.strip_prefix('.') {
            Some(next) => rest = next.trim_start(),
            None if after.is_empty() => return Ok(parts),
            None => return Err("something follows a quoted part"),
        }
    }
}

/// The text up to a dot or a quote, without blanks around it, and what follows.
fn plain_part(text: &str) -> (&str, &str) {
    let (part, after) = text.split_at(text.find(['.', '"']).unwrap_or(text.len()));
    (part.trim(), after)
}

/// The text up to the closing quote, with doubled quotes made single, and what follows.
fn quoted_part(text: &str) -> Option<(String, &str)> {
    let (mut part, mut rest) = (String::new(), text);
    loop {
        let (before, after) = rest.split_once('"')?;
        part.push_str(before);
        match after.strip_prefix('"') {
            Some(after) => {
                part.push('"');
                rest = after;
            }
            None => return Some((part, after)),
        }
    }
}
