use hybrid_core::{Error, ErrorKind};
use hybrid_objects::request_error;

use super::address::Address;

/// Says that `staging` is what an error is about.
pub(crate) fn of_staging(error: Error) -> Error {
    error.within("`staging`")
}

/// A request that failed: what this process could not do to which folder.
pub(super) fn storage(action: &str, address: &Address, error: &object_store::Error) -> Error {
    let made = of_staging(request_error(action, &address.to_string(), error));
    match made.kind() {
        ErrorKind::Unauthenticated => made.with_help(format!(
            "`staging` takes credentials from the environment: check {}",
            address.at.kind.variables()
        )),
        ErrorKind::PermissionDenied => made.with_help(
            "the credentials in the environment must be allowed to write, read, list and delete below the folder of `staging`, on \
             S3 also s3:AbortMultipartUpload",
        ),
        ErrorKind::NotFound => made.with_help("check the bucket that `location`, or `path`, of `staging` names"),
        _ => made,
    }
}
