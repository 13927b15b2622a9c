use std::collections::HashMap;
use std::io::Read;

use bytes::Bytes;
use hybrid_core::Result;
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName};

use super::http::{Client, header};
use crate::error::protocol;

/// A segment of rows may not be larger than this once it is unpacked.
const LARGEST: usize = 1 << 30;

/// How rows of a segment are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Json,
    Zstd,
    Lz4,
}

impl Encoding {
    pub(super) fn of(name: &str) -> Result<Self> {
        match name {
            "json" => Ok(Self::Json),
            "json+zstd" => Ok(Self::Zstd),
            "json+lz4" => Ok(Self::Lz4),
            other => Err(protocol(format!("rows encoded as `{other}`"))),
        }
    }
}

/// A part of a result's rows, inside of a page or in storage.
#[derive(Debug)]
pub(super) struct Segment {
    place: Place,
    encoding: Encoding,
    /// How large it is unpacked; absent where it is not packed.
    size: Option<usize>,
}

#[derive(Debug)]
enum Place {
    Inline(Bytes),
    Spooled {
        url: Url,
        acknowledged: Option<Url>,
        headers: Box<HeaderMap>,
    },
}

impl Segment {
    pub(super) fn inline(data: Bytes, encoding: Encoding, size: Option<usize>) -> Self {
        Self {
            place: Place::Inline(data),
            encoding,
            size,
        }
    }

    pub(super) fn spooled(
        url: Url,
        acknowledged: Option<Url>,
        written: &HashMap<String, Vec<String>>,
        encoding: Encoding,
        size: Option<usize>,
    ) -> Result<Self> {
        let mut headers = HeaderMap::new();
        for (name, values) in written {
            for value in values {
                let name: HeaderName = name.parse().map_err(protocol)?;
                headers.append(name.clone(), header(name.as_str(), value)?);
            }
        }
        let place = Place::Spooled {
            url,
            acknowledged,
            headers: Box::new(headers),
        };
        Ok(Self { place, encoding, size })
    }

    /// The packed rows, fetched where they are elsewhere, and the server told that they have arrived.
    pub(super) async fn fetch(&mut self, client: &Client) -> Result<()> {
        let Place::Spooled {
            url,
            acknowledged,
            headers,
        } = &self.place
        else {
            return Ok(());
        };
        let data = client.segment(url, headers).await?;
        if let Some(acknowledged) = acknowledged {
            // Segments that nobody asks for any more expire.
            let _ = client.segment(acknowledged, headers).await;
        }
        self.place = Place::Inline(data);
        Ok(())
    }

    /// The JSON array of rows.
    pub(super) fn unpack(self) -> Result<Bytes> {
        let Place::Inline(data) = self.place else {
            return Err(protocol("a segment that was not fetched"));
        };
        let Some(size) = self.size else { return Ok(data) };
        if size > LARGEST {
            return Err(protocol(format!("a segment of {size} bytes")));
        }
        let mut rows = vec![0; size];
        let length = match self.encoding {
            Encoding::Json => return Ok(data),
            Encoding::Zstd => read_all(zstd::stream::read::Decoder::new(data.as_ref())?, &mut rows)?,
            Encoding::Lz4 => lz4_flex::block::decompress_into(&data, &mut rows).map_err(protocol)?,
        };
        rows.truncate(length);
        Ok(rows.into())
    }
}

fn read_all(mut packed: impl Read, rows: &mut [u8]) -> Result<usize> {
    packed.read_exact(rows).map_err(protocol)?;
    Ok(rows.len())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_unpacked_as_they_were_packed() {
        let rows = b"[[1,2,3],[1,2,3],[1,2,3],[1,2,3]]";
        let zstd = zstd::encode_all(&rows[..], 3).unwrap();
        let lz4 = lz4_flex::block::compress(rows);
        for (data, encoding, size) in [
            (zstd.clone(), Encoding::Zstd, Some(rows.len())),
            (lz4, Encoding::Lz4, Some(rows.len())),
            (rows.to_vec(), Encoding::Zstd, None),
            (rows.to_vec(), Encoding::Json, Some(rows.len())),
        ] {
            let segment = Segment::inline(data.into(), encoding, size);
            assert_eq!(segment.unpack().unwrap().as_ref(), rows, "{encoding:?}");
        }
        for (size, data) in [(5, vec![1, 2, 3]), (usize::MAX, zstd.clone()), (1_000, zstd)] {
            for encoding in [Encoding::Zstd, Encoding::Lz4] {
                assert!(
                    Segment::inline(data.clone().into(), encoding, Some(size))
                        .unpack()
                        .is_err()
                );
            }
        }
        assert!(Encoding::of("parquet").is_err());
    }
}
