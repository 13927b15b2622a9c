//! What became of a job, and where it is.

use hybrid_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use super::live::Live;
use super::rest::{Job, JobReference};
use crate::error::problem_error;

/// A job that was refused does not run; one whose answer was lost may.
pub(super) fn refused(guard: Live, error: &Error) {
    if !may_run(error) {
        guard.done();
    }
}

/// Whether a request's failure leaves open what became of its job. One of several sendings may have arrived before
/// what is told now: a refusal that passes, or an answer that cannot be read.
pub(super) fn may_run(error: &Error) -> bool {
    use ErrorKind as K;
    error.is_retryable() || matches!(error.kind(), K::Unavailable | K::Timeout | K::Unexpected)
}

/// The job, unless it has failed.
pub(super) fn ended(job: Job) -> Result<Job> {
    let Some(problem) = job.status.error_result else {
        return Ok(job);
    };
    let others = job
        .status
        .errors
        .iter()
        .filter(|other| other.message != problem.message);
    let others: Vec<String> = others.take(3).map(|other| other.message.clone()).collect();
    let error = problem_error(problem);
    Err(others.into_iter().fold(error, Error::with_help))
}

pub(super) fn at(reference: &JobReference) -> Vec<(&str, &str)> {
    reference
        .location
        .iter()
        .map(|location| ("location", location.as_str()))
        .collect()
}

pub(super) fn written(reference: &JobReference) -> Value {
    let mut value = json!({"projectId": reference.project_id, "jobId": reference.job_id});
    if let (Some(location), Some(value)) = (&reference.location, value.as_object_mut()) {
        value.insert("location".to_owned(), location.as_str().into());
    }
    value
}

/// The location in `Already Exists: Job project:EU.id`.
pub(super) fn location_in(message: &str, reference: &JobReference) -> Option<String> {
    let (before, _) = message.split_once(&format!(".{}", reference.job_id))?;
    let location = before.rsplit(':').next()?;
    (!location.is_empty() && !location.contains(' ')).then(|| location.to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use reqwest::StatusCode;

    use super::*;
    use crate::error::{protocol, status_error};

    #[test]
    fn only_a_definite_refusal_says_that_there_is_no_job() {
        let refusal = |code: StatusCode, reason: &str| {
            let body = json!({"error": {"message": "No.", "errors": [{"message": "No.", "reason": reason}]}});
            status_error(code, &body.to_string())
        };
        for (code, reason, open) in [
            (StatusCode::FORBIDDEN, "rateLimitExceeded", true),
            (StatusCode::SERVICE_UNAVAILABLE, "backendError", true),
            (StatusCode::TOO_MANY_REQUESTS, "", true),
            (StatusCode::FORBIDDEN, "quotaExceeded", false),
            (StatusCode::FORBIDDEN, "accessDenied", false),
            (StatusCode::BAD_REQUEST, "invalidQuery", false),
            (StatusCode::NOT_FOUND, "notFound", false),
        ] {
            assert_eq!(may_run(&refusal(code, reason)), open, "{code} {reason}");
        }
        assert!(may_run(&protocol("no JSON")));
    }

    #[test]
    fn a_job_that_is_there_already_tells_its_location() {
        let reference = JobReference {
            job_id: "hybrid_1".to_owned(),
            ..JobReference::default()
        };
        let found = location_in("Already Exists: Job my-project:europe-west1.hybrid_1", &reference);
        assert_eq!(found.as_deref(), Some("europe-west1"));
        assert_eq!(location_in("Already Exists: Job", &reference), None);
    }

    #[test]
    fn a_failed_job_tells_all_that_is_known() {
        let job: Job = serde_json::from_str(
            r#"{"status": {"state": "DONE", "errorResult": {"reason": "invalid", "message": "too many errors"},
            "errors": [{"reason": "invalid", "message": "too many errors"}, {"reason": "invalid", "message": "row 7: x"}]},
            "statistics": {"totalBytesProcessed": "12", "load": {"outputRows": "5"}}}"#,
        )
        .unwrap();
        assert_eq!(job.statistics.total_bytes_processed, Some(12));
        assert_eq!(job.statistics.load.clone().unwrap().output_rows, Some(5));
        let error = ended(job).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("row 7: x"), "{error}");
    }
}
