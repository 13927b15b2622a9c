use hybrid_core::Result;
use tonic::metadata::MetadataMap;

use super::unauthenticated;

/// Longer ones are not looked at.
const LONGEST: usize = 16 << 10;

const HELP: &str = "send the header `authorization: Bearer TOKEN`";

/// The token of the `authorization` header.
///
/// # Errors
/// Unauthenticated, when there is none, or none that can be one.
pub(super) fn token(metadata: &MetadataMap) -> Result<&str> {
    let refused = |message: &str| Err(unauthenticated(message).with_help(HELP));
    let mut headers = metadata.get_all("authorization").iter();
    let Some(header) = headers.next() else {
        return refused("the call has no `authorization` header");
    };
    if headers.next().is_some() {
        return refused("the call has several `authorization` headers");
    }
    let text = header.to_str().unwrap_or_default().trim();
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return refused("the `authorization` header is not of the scheme Bearer");
    }
    match token.trim() {
        "" => refused("the `authorization` header holds no token"),
        token if token.len() > LONGEST => refused("the token is longer than any that is accepted"),
        token if token.contains(char::is_whitespace) => refused("the token is malformed"),
        token => Ok(token),
    }
}
