//! Messages to and from a process: the length of a header in 4 bytes, the header in JSON, and parts whose lengths the
//! header has.

use std::io::{Error, ErrorKind, Read, Result, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Bytes of a header at most.
const HEADER: u32 = 1 << 20;

#[derive(Serialize, Deserialize)]
struct Framed<T> {
    parts: Vec<u64>,
    #[serde(flatten)]
    header: T,
}

pub(super) fn write(to: &mut impl Write, header: impl Serialize, parts: &[&[u8]]) -> Result<()> {
    let framed = Framed {
        parts: parts.iter().map(|part| part.len() as u64).collect(),
        header,
    };
    let text = serde_json::to_vec(&framed)?;
    let length = u32::try_from(text.len()).map_err(|_| invalid("a header is too long"))?;
    to.write_all(&length.to_le_bytes())?;
    to.write_all(&text)?;
    for part in parts {
        to.write_all(part)?;
    }
    to.flush()
}

/// Reads a message whose parts have at most `most` bytes together. The sender may be anything.
pub(super) fn read<T: DeserializeOwned>(from: &mut impl Read, most: u64) -> Result<(T, Vec<Vec<u8>>)> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    if length > HEADER {
        return Err(invalid("a header is too long"));
    }
    let framed: Framed<T> = serde_json::from_slice(&exactly(from, length.into())?)?;
    let all = framed.parts.iter().try_fold(0_u64, |sum, part| sum.checked_add(*part));
    if all.is_none_or(|all| all > most) {
        return Err(Error::new(ErrorKind::FileTooLarge, "an answer is too long"));
    }
    let parts = framed.parts.iter().map(|part| exactly(from, *part));
    Ok((framed.header, parts.collect::<Result<_>>()?))
}

/// Memory is taken as bytes come, and not on a promise of them.
fn exactly(from: &mut impl Read, length: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(length).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == length {
        Ok(bytes)
    } else {
        Err(ErrorKind::UnexpectedEof.into())
    }
}

fn invalid(text: &str) -> Error {
    Error::new(ErrorKind::InvalidData, text)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Header {
        name: String,
    }

    fn written(parts: &[&[u8]]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let name = "a".to_owned();
        write(&mut bytes, Header { name }, parts).unwrap();
        bytes
    }

    fn read_back(bytes: &[u8], most: u64) -> Result<(Header, Vec<Vec<u8>>)> {
        read(&mut &bytes[..], most)
    }

    #[test]
    fn a_message_comes_back() {
        let (header, parts) = read_back(&written(&[b"xy", b"", b"z"]), 3).unwrap();
        assert_eq!(
            (header.name.as_str(), parts),
            ("a", vec![b"xy".to_vec(), Vec::new(), b"z".to_vec()])
        );
    }

    #[test]
    fn what_is_no_message_is_an_error() {
        let kind = |bytes: &[u8], most| read_back(bytes, most).unwrap_err().kind();
        let whole = written(&[b"xy"]);
        for end in 0..whole.len() {
            assert_eq!(kind(&whole[..end], 10), ErrorKind::UnexpectedEof, "{end}");
        }
        assert_eq!(kind(&whole, 1), ErrorKind::FileTooLarge);
        assert_eq!(kind(&[0xff; 100], 10), ErrorKind::InvalidData);
        assert!(read_back(b"\x02\0\0\0{}", 10).is_err());
        let endless = br#"{"parts":[18446744073709551615,1],"name":"a"}"#;
        let endless = [&(endless.len() as u32).to_le_bytes()[..], endless].concat();
        assert_eq!(kind(&endless, u64::MAX), ErrorKind::FileTooLarge);
    }
}
