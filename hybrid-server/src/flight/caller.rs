//! Who calls, and what of: headers of a request.

use opentelemetry::Context;
use opentelemetry::propagation::Extractor;
use tonic::metadata::{KeyRef, MetadataMap};

use crate::auth::Identity;

/// The name that a caller gives a call, so that both sides' logs can be read together.
const REQUEST_ID: &str = "x-request-id";
/// Longer names are not taken over: they are logged with every line.
const LONGEST_ID: usize = 128;

/// Who calls, and what of.
pub(crate) struct Caller {
    pub(crate) who: Identity,
    pub(crate) origin: Origin,
}

/// What a call is a part of.
pub(crate) struct Origin {
    /// The caller's name of the call, else one of ours.
    pub(crate) request: String,
    /// The caller's span, where `traceparent` names one and traces are sent anywhere.
    pub(crate) parent: Context,
}

impl Origin {
    pub(crate) fn of(headers: &MetadataMap) -> Self {
        let headers = Headers(headers);
        let given = headers.get(REQUEST_ID).filter(|id| is_printable(id));
        let request = given.map_or_else(|| uuid::Uuid::new_v4().to_string(), str::to_owned);
        let parent = opentelemetry::global::get_text_map_propagator(|propagator| propagator.extract(&headers));
        Self { request, parent }
    }
}

fn is_printable(id: &str) -> bool {
    (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

struct Headers<'a>(&'a MetadataMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        let text = |key| match key {
            KeyRef::Ascii(key) => Some(key.as_str()),
            KeyRef::Binary(_) => None,
        };
        self.0.keys().filter_map(text).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn origin(id: &str) -> Origin {
        let mut headers = MetadataMap::new();
        headers.insert(REQUEST_ID, id.parse().unwrap());
        Origin::of(&headers)
    }

    #[test]
    fn a_callers_name_is_kept_where_it_can_be_logged() {
        assert_eq!(origin("train-7/a").request, "train-7/a");
        for wrong in ["", "two words", &"x".repeat(LONGEST_ID + 1)] {
            let ours = origin(wrong).request;
            assert!(uuid::Uuid::parse_str(&ours).is_ok(), "{ours}");
        }
        assert_ne!(
            Origin::of(&MetadataMap::new()).request,
            Origin::of(&MetadataMap::new()).request
        );
    }
}
