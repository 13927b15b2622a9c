use hybrid_core::{Error, ErrorKind};
use hybrid_objects::request_error;

/// A request that failed: what was being done (`read`, `list`, `write`) to which URL.
pub(super) fn store_error(action: &str, url: &str, error: &object_store::Error) -> Error {
    let made = request_error(action, url, error);
    match made.kind() {
        ErrorKind::Unauthenticated => {
            made.with_help("check the credentials in the environment (AWS_*, GOOGLE_*, AZURE_*)")
        }
        ErrorKind::PermissionDenied => made.with_help("give these credentials the right to list, read and write there"),
        _ => made,
    }
}
