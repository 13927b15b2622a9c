use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hybrid_core::Result;
use reqwest::Url;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::segment::{Encoding, Segment};
use crate::error::{Failure, protocol};
use crate::types::{Described, Reader};

/// One page of a result.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) id: String,
    /// Where the next page is; none: this is the last.
    pub(super) next: Option<Url>,
    pub(super) columns: Option<Vec<Described>>,
    pub(super) chunks: Vec<Chunk>,
    pub(super) failure: Option<Failure>,
    /// How many rows a statement wrote.
    pub(super) update_count: Option<u64>,
}

/// Rows that are still to be decoded.
#[derive(Debug)]
pub(super) enum Chunk {
    /// A JSON array of rows.
    Rows(Bytes),
    /// The same, encoded, or still to be fetched.
    Segment(Box<Segment>),
}

impl Page {
    /// Takes a page apart; its rows stay as they are.
    pub(super) fn parse(body: &Bytes) -> Result<Self> {
        let mut page = Self::default();
        let mut reader = Reader::new(body)?;
        reader.items(b'{', b'}', |reader| {
            let name = reader.string()?;
            reader.expect(b':')?;
            let value = reader.skip()?;
            page.set(&name, value, body)
        })?;
        Ok(page)
    }

    fn set(&mut self, name: &str, value: &str, body: &Bytes) -> Result<()> {
        match name {
            "id" => self.id = read(value)?,
            "nextUri" => self.next = read::<Option<String>>(value)?.map(|uri| url(&uri)).transpose()?,
            "columns" => self.columns = read(value)?,
            "error" => self.failure = read(value)?,
            "updateCount" => self.update_count = read(value)?,
            "data" => self.chunks = chunks(value, body)?,
            _ => {}
        }
        Ok(())
    }
}

fn read<T: DeserializeOwned>(value: &str) -> Result<T> {
    serde_json::from_str(value).map_err(protocol)
}

fn url(uri: &str) -> Result<Url> {
    Url::parse(uri).map_err(protocol)
}

/// The rows of a page: an array in the page, or segments.
fn chunks(value: &str, body: &Bytes) -> Result<Vec<Chunk>> {
    match value.as_bytes().first() {
        Some(b'[') => Ok(vec![Chunk::Rows(body.slice(place(value, body)?))]),
        Some(b'{') => {
            let spooled: Spooled = read(value)?;
            let encoding = Encoding::of(&spooled.encoding)?;
            let chunk = |written: Written| Ok(Chunk::Segment(Box::new(written.segment(encoding)?)));
            spooled.segments.into_iter().map(chunk).collect()
        }
        _ => Ok(Vec::new()),
    }
}

/// Where a part of a body stands in it.
fn place(part: &str, body: &Bytes) -> Result<Range<usize>> {
    let start = (part.as_ptr() as usize).checked_sub(body.as_ptr() as usize);
    let start = start.filter(|start| start + part.len() <= body.len());
    start
        .map(|start| start..start + part.len())
        .ok_or_else(|| protocol("rows outside of their page"))
}

#[derive(Deserialize)]
struct Spooled {
    encoding: String,
    #[serde(default)]
    segments: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    data: Option<String>,
    #[serde(default)]
    uri: Option<String>,
    #[serde(default)]
    ack_uri: Option<String>,
    #[serde(default)]
    headers: std::collections::HashMap<String, Vec<String>>,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    #[serde(default)]
    uncompressed_size: Option<usize>,
}

impl Written {
    fn segment(self, encoding: Encoding) -> Result<Segment> {
        let size = self.metadata.uncompressed_size;
        match (self.kind.as_str(), self.data, self.uri) {
            ("inline", Some(data), _) => {
                let data = STANDARD.decode(data).map_err(protocol)?;
                Ok(Segment::inline(data.into(), encoding, size))
            }
            ("spooled", _, Some(uri)) => {
                let acknowledged = self.ack_uri.as_deref().map(url).transpose()?;
                Segment::spooled(url(&uri)?, acknowledged, &self.headers, encoding, size)
            }
            (kind, ..) => Err(protocol(format!("a segment of kind `{kind}`"))),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_taken_apart_in_any_order() {
        let body = Bytes::from_static(
            br#"{"data":[[1,"a"],[2,null]],"stats":{"state":"RUNNING","x":[1]},"id":"20260101_1","nextUri":"http://h:1/v1/statement/2",
                "columns":[{"name":"n","type":"bigint","typeSignature":{"rawType":"bigint","arguments":[]}}],"updateCount":3,"warnings":[]}"#,
        );
        let page = Page::parse(&body).unwrap();
        assert_eq!((page.id.as_str(), page.update_count), ("20260101_1", Some(3)));
        assert_eq!(page.next.unwrap().path(), "/v1/statement/2");
        assert_eq!(page.columns.unwrap().len(), 1);
        assert!(matches!(&page.chunks[..], [Chunk::Rows(rows)] if rows.as_ref() == br#"[[1,"a"],[2,null]]"#));
    }

    #[test]
    fn segments_are_inline_or_elsewhere() {
        let page = |segment: &str| {
            let body = format!(r#"{{"id":"1","data":{{"encoding":"json+zstd","segments":[{segment}]}}}}"#);
            Page::parse(&Bytes::from(body))
        };
        assert_eq!(
            page(r#"{"type":"inline","data":"W10=","metadata":{"rowsCount":0}}"#)
                .unwrap()
                .chunks
                .len(),
            1
        );
        let spooled = r#"{"type":"spooled","uri":"http://s/1","ackUri":"http://s/2","headers":{"x-a":["b"]},"metadata":{"uncompressedSize":10}}"#;
        assert_eq!(page(spooled).unwrap().chunks.len(), 1);
        for wrong in [
            r#"{"type":"inline"}"#,
            r#"{"type":"new"}"#,
            r#"{"type":"inline","data":"*"}"#,
            r#"{"type":"spooled","uri":"x"}"#,
        ] {
            assert!(page(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_no_page_is_an_error() {
        for body in [
            "",
            "[]",
            "{",
            "<html>",
            r#"{"id":1}"#,
            r#"{"nextUri":"no url"}"#,
            r#"{"columns":[{}]}"#,
        ] {
            assert!(Page::parse(&Bytes::from(body)).is_err(), "{body}");
        }
    }
}
