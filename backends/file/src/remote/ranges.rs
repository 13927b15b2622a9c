//! Which requests bring some byte ranges of an object: near ones in one request, large ones in several
//! that run side by side.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

/// Reading a gap of this size costs less than another request.
const GAP: u64 = 1 << 20;
/// One request brings at most this much: several connections are faster than one, and a request that
/// fails is not long.
const PART: u64 = 8 << 20;

/// The requests for some ranges.
pub(super) struct Requests {
    /// Sorted, without overlaps.
    parts: Vec<Range<u64>>,
}

impl Requests {
    pub(super) fn of(ranges: &[Range<u64>]) -> Self {
        Self::sized(ranges, GAP, PART)
    }

    fn sized(ranges: &[Range<u64>], gap: u64, part: u64) -> Self {
        let mut sorted: Vec<Range<u64>> = ranges.iter().filter(|range| range.start < range.end).cloned().collect();
        sorted.sort_unstable_by_key(|range| range.start);
        let mut spans: Vec<Range<u64>> = Vec::new();
        for range in sorted {
            match spans.last_mut() {
                Some(last) if range.start <= last.end.saturating_add(gap) => last.end = last.end.max(range.end),
                _ => spans.push(range),
            }
        }
        let parts = spans.into_iter().flat_map(|span| {
            let end = span.end;
            let starts = std::iter::successors(Some(span.start), move |start| start.checked_add(part));
            starts
                .take_while(move |start| *start < end)
                .map(move |start| start..end.min(start.saturating_add(part)))
        });
        Self { parts: parts.collect() }
    }

    pub(super) fn parts(&self) -> &[Range<u64>] {
        &self.parts
    }

    /// The bytes of `range` out of what the requests brought.
    pub(super) fn cut(&self, fetched: &[Bytes], range: &Range<u64>) -> Bytes {
        let first = self.parts.partition_point(|part| part.end <= range.start);
        let within = |part: &Range<u64>, bytes: &Bytes| {
            let at = |place: u64| usize::try_from(place.clamp(part.start, part.end) - part.start).unwrap_or(usize::MAX);
            bytes.slice(at(range.start).min(bytes.len())..at(range.end).min(bytes.len()))
        };
        let mut pieces = self
            .parts
            .iter()
            .zip(fetched)
            .skip(first)
            .take_while(|(part, _)| part.start < range.end);
        let Some((part, bytes)) = pieces.next().filter(|_| range.start < range.end) else {
            return Bytes::new();
        };
        if range.end <= part.end {
            return within(part, bytes);
        }
        let mut whole = BytesMut::from(within(part, bytes).as_ref());
        for (part, bytes) in pieces {
            whole.extend_from_slice(&within(part, bytes));
        }
        whole.freeze()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn near_ranges_share_a_request_and_long_ones_are_split() {
        let requests = Requests::of(&[20 * MIB..20 * MIB + 5, 0..10, MIB..2 * MIB, 5..5]);
        assert_eq!(requests.parts(), [0..2 * MIB, 20 * MIB..20 * MIB + 5]);
        let requests = Requests::of(&[3..3 + 20 * MIB, u64::MAX - 1..u64::MAX]);
        assert_eq!(requests.parts().len(), 4);
        assert!(Requests::of(&[]).parts().is_empty());
    }

    proptest! {
        #[test]
        fn what_was_asked_comes_back(ranges in proptest::collection::vec((0..400_u64, 0..120_u64), 1..6)) {
            let ranges: Vec<Range<u64>> = ranges.into_iter().map(|(start, length)| start..start + length).collect();
            let requests = Requests::sized(&ranges, 10, 80);
            let content = |range: &Range<u64>| Bytes::from_iter(range.clone().map(|at| (at % 251) as u8));
            let fetched: Vec<Bytes> = requests.parts().iter().map(content).collect();
            for range in &ranges {
                prop_assert!(requests.cut(&fetched, range) == content(range));
            }
        }
    }
}
