use std::borrow::Cow;

use hybrid_core::Result;

use crate::error::protocol;

/// Reads JSON from front to back, value by value, without making a tree of it.
pub(crate) struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    /// Reads `bytes`.
    pub(crate) fn new(bytes: &'a [u8]) -> Result<Self> {
        let text = std::str::from_utf8(bytes).map_err(protocol)?;
        Ok(Self { text, at: 0 })
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn slice(&self, start: usize, end: usize) -> Result<&'a str> {
        self.text.get(start..end).ok_or_else(|| self.wrong("a broken text"))
    }

    pub(crate) fn wrong(&self, what: &str) -> hybrid_core::Error {
        protocol(format!("{what} at byte {} of {}", self.at, self.text.len()))
    }

    /// The next byte that is no space, still to be read.
    pub(crate) fn peek(&mut self) -> Result<u8> {
        let rest = self.rest();
        let spaces = rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        self.at += spaces;
        rest.get(spaces).copied().ok_or_else(|| self.wrong("an unexpected end"))
    }

    /// Reads this byte, or fails.
    pub(crate) fn expect(&mut self, byte: u8) -> Result<()> {
        match self.take(byte)? {
            true => Ok(()),
            false => Err(self.wrong(&format!("no `{}`", char::from(byte)))),
        }
    }

    /// Reads this byte if it is there.
    pub(crate) fn take(&mut self, byte: u8) -> Result<bool> {
        let there = self.peek()? == byte;
        self.at += usize::from(there);
        Ok(there)
    }

    /// Reads `null` if it is there.
    pub(crate) fn null(&mut self) -> Result<bool> {
        let there = self.peek()? == b'n';
        if there {
            self.word("null")?;
        }
        Ok(there)
    }

    fn word(&mut self, word: &str) -> Result<()> {
        if !self.rest().starts_with(word.as_bytes()) {
            return Err(self.wrong(&format!("no `{word}`")));
        }
        self.at += word.len();
        Ok(())
    }

    pub(crate) fn boolean(&mut self) -> Result<bool> {
        let value = self.peek()? == b't';
        self.word(if value { "true" } else { "false" })?;
        Ok(value)
    }

    /// Reads a text, a number or a word as text.
    pub(crate) fn scalar(&mut self) -> Result<Cow<'a, str>> {
        if self.peek()? == b'"' {
            return self.string();
        }
        let start = self.at;
        let end = |byte: &u8| matches!(byte, b',' | b']' | b'}' | b':') || byte.is_ascii_whitespace();
        self.at += self.rest().iter().position(end).unwrap_or(self.rest().len());
        match self.at == start {
            true => Err(self.wrong("no value")),
            false => self.slice(start, self.at).map(Cow::Borrowed),
        }
    }

    /// Reads a text.
    pub(crate) fn string(&mut self) -> Result<Cow<'a, str>> {
        self.expect(b'"')?;
        let mut made = String::new();
        loop {
            let start = self.at;
            let Some(length) = self.rest().iter().position(|byte| matches!(byte, b'"' | b'\\')) else {
                return Err(self.wrong("a text without an end"));
            };
            self.at += length;
            let part = self.slice(start, self.at)?;
            if self.rest().first() == Some(&b'"') {
                self.at += 1;
                return Ok(match made.is_empty() {
                    true => Cow::Borrowed(part),
                    false => Cow::Owned(made + part),
                });
            }
            made.push_str(part);
            made.push(self.escaped()?);
        }
    }

    /// Reads a backslash and what it stands for.
    fn escaped(&mut self) -> Result<char> {
        let escape = self
            .rest()
            .get(1)
            .copied()
            .ok_or_else(|| self.wrong("an unexpected end"))?;
        self.at += 2;
        Ok(match escape {
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'u' => return self.unicode(),
            b'"' | b'\\' | b'/' => char::from(escape),
            _ => return Err(self.wrong("an unknown escape")),
        })
    }

    /// Reads four digits, or two times four for what lies beyond the basic plane.
    fn unicode(&mut self) -> Result<char> {
        let first = self.hex()?;
        if !(0xd800..0xdc00).contains(&first) || !self.rest().starts_with(b"\\u") {
            return Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        self.at += 2;
        let second = self.hex()?;
        let joined = 0x10000 + ((first - 0xd800) << 10) + (second.wrapping_sub(0xdc00) & 0x3ff);
        Ok(char::from_u32(joined).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hex(&mut self) -> Result<u32> {
        let digits = self.slice(self.at, self.at + 4)?;
        self.at += 4;
        u32::from_str_radix(digits, 16).map_err(|_| self.wrong("no hexadecimal digits"))
    }

    /// Reads `[…]` or `{…}`, with `item` for each thing between commas.
    pub(crate) fn items(&mut self, open: u8, close: u8, mut item: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        self.expect(open)?;
        if self.take(close)? {
            return Ok(());
        }
        loop {
            item(self)?;
            if !self.take(b',')? {
                return self.expect(close);
            }
        }
    }

    /// Passes over a value and gives it as it stands.
    pub(crate) fn skip(&mut self) -> Result<&'a str> {
        self.peek()?;
        let start = self.at;
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'"' => self.pass_string()?,
                b'[' | b'{' => {
                    depth += 1;
                    self.at += 1;
                    continue;
                }
                b']' | b'}' if depth > 0 => {
                    depth -= 1;
                    self.at += 1;
                }
                b',' | b':' if depth > 0 => {
                    self.at += 1;
                    continue;
                }
                _ => drop(self.scalar()?),
            }
            if depth == 0 {
                return self.slice(start, self.at);
            }
        }
    }

    fn pass_string(&mut self) -> Result<()> {
        self.at += 1;
        loop {
            let Some(length) = self.rest().iter().position(|byte| matches!(byte, b'"' | b'\\')) else {
                return Err(self.wrong("a text without an end"));
            };
            let escaped = self.rest().get(length) == Some(&b'\\');
            self.at += length + 1 + usize::from(escaped);
            if !escaped {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_and_passed_over() {
        let text = r#" {"a" : [1, -2.5e3, "x\"\u00e9\ud83d\ude00\n", null, true], "b\\": {"c": []}} "#;
        let mut reader = Reader::new(text.as_bytes()).unwrap();
        let mut seen = Vec::new();
        reader
            .items(b'{', b'}', |r| {
                let name = r.string()?.into_owned();
                r.expect(b':')?;
                seen.push((name, r.skip()?.to_owned()));
                Ok(())
            })
            .unwrap();
        assert_eq!(seen[1], ("b\\".to_owned(), "{\"c\": []}".to_owned()));
        let mut inside = Reader::new(seen[0].1.as_bytes()).unwrap();
        let mut values = Vec::new();
        inside
            .items(b'[', b']', |r| {
                values.push(r.scalar()?.into_owned());
                Ok(())
            })
            .unwrap();
        assert_eq!(values, ["1", "-2.5e3", "x\"é😀\n", "null", "true"]);
    }

    #[test]
    fn broken_text_is_an_error_and_never_a_panic() {
        let whole = r#"[["a\u00e9\\b", 1.5, {"k": [null, false]}], ["größer"]]"#;
        for end in (0..whole.len()).filter(|end| whole.is_char_boundary(*end)) {
            let mut reader = Reader::new(&whole.as_bytes()[..end]).unwrap();
            assert!(reader.skip().is_err(), "{}", &whole[..end]);
        }
        for broken in [
            "[\"\\",
            "\"\\u12",
            "\"\\u12é4\"",
            "\"\\ud800\\u\"",
            "\"\\x\"",
            "]",
            ",",
            "",
            "\u{e9}",
        ] {
            let mut reader = Reader::new(broken.as_bytes()).unwrap();
            let _ = reader.string();
            let _ = Reader::new(broken.as_bytes())
                .unwrap()
                .items(b'[', b']', |r| r.scalar().map(drop));
        }
        assert!(Reader::new(&[0xff]).is_err());
    }
}
