use super::*;

/// As the Data API tells them.
#[test]
fn failed_statements_have_kinds() {
    use ErrorKind as K;
    for (told, kind) in [
        ("ERROR: relation \"public.nope\" does not exist", K::NotFound),
        ("ERROR: column \"nope\" does not exist in drivers", K::NotFound),
        ("ERROR: permission denied for relation drivers", K::PermissionDenied),
        (
            "ERROR: User arn:aws:redshift:us-west-2:1:dbuser:c/u is not authorized to assume IAM Role arn:aws:iam::1:role/r",
            K::PermissionDenied,
        ),
        (
            "ERROR: S3ServiceException:Access Denied,Status 403,Error AccessDenied",
            K::PermissionDenied,
        ),
        ("ERROR: Query (123) cancelled on user's request", K::Cancelled),
        (
            "ERROR: Query cancelled by WLM abort action of Query Monitoring Rule \"big\".",
            K::ResourceExhausted,
        ),
        (
            "ERROR: 1023 DETAIL: Serializable isolation violation on table in Redshift",
            K::Unavailable,
        ),
        ("ERROR: Disk Full Detail: ----", K::ResourceExhausted),
        ("ERROR: syntax error at or near \"FRM\" Position: 10", K::InvalidInput),
        ("ERROR: Invalid digit, Value 'x', Pos 0, Type: Integer", K::InvalidInput),
        ("ERROR: value too long for type character varying(3)", K::InvalidInput),
        (
            "ERROR: Specified unload destination on S3 is not empty. Consider using a different bucket / prefix.",
            K::InvalidInput,
        ),
        (
            "ERROR: Spectrum Scan Error Detail: a file is not Parquet",
            K::Unexpected,
        ),
        ("", K::Unexpected),
    ] {
        let error = failed(told, "SELECT\n  1");
        assert_eq!(error.kind(), kind, "{told}");
        assert!(error.to_string().contains("in: SELECT 1"), "{error}");
    }
}

#[test]
fn refused_requests_have_kinds() {
    use ErrorKind as K;
    for (code, message, kind, retryable) in [
        ("ThrottlingException", "Rate exceeded", K::Unavailable, true),
        (
            "ExpiredTokenException",
            "The security token included in the request is expired",
            K::Unauthenticated,
            true,
        ),
        (
            "InvalidToken",
            "The provided token is malformed or otherwise invalid.",
            K::Unauthenticated,
            false,
        ),
        (
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
            K::Unauthenticated,
            false,
        ),
        (
            "AccessDeniedException",
            "User: arn:aws:iam::1:user/u is not authorized to perform: redshift-data:ExecuteStatement",
            K::PermissionDenied,
            false,
        ),
        (
            "ValidationException",
            "Redshift endpoint doesn't exist in this region.",
            K::InvalidInput,
            false,
        ),
        ("ValidationException", "Session is not available", K::Unavailable, false),
        ("ActiveStatementsExceededException", "", K::ResourceExhausted, true),
        ("ActiveWaitingRequestsExceededException", "", K::ResourceExhausted, true),
        ("SomethingNew", "", K::Unexpected, false),
    ] {
        let (found, again, _) = by_code(code, message);
        assert_eq!((found, again), (kind, retryable), "{code}");
    }
    // Others are looked for once, all the same.
    assert!(asks_for_others("ExpiredToken") && asks_for_others("InvalidToken"));
    assert!(!asks_for_others("AccessDenied"));
}

#[test]
fn a_session_that_is_gone_is_told_from_other_refusals() {
    for gone in [
        "Session is not available",
        "Session with Id: 5a254dc6-4fc2-4203-87a8-551155432ee4 is invalid",
    ] {
        assert!(is_session_gone(&refused("ValidationException", gone)), "{gone}");
    }
    for (code, message) in [
        ("ValidationException", "Redshift endpoint doesn't exist in this region."),
        ("ValidationException", "The session name is invalid"),
        ("ActiveSessionsExceededException", "Session is not available"),
    ] {
        assert!(!is_session_gone(&refused(code, message)), "{message} ({code})");
    }
}

#[test]
fn states_of_a_connection_have_kinds() {
    use ErrorKind as K;
    for (state, message, kind) in [
        ("42P01", "relation \"t\" does not exist", K::NotFound),
        ("28000", "no pg_hba.conf entry", K::Unauthenticated),
        ("57014", "canceling statement due to statement timeout", K::Timeout),
        ("57014", "canceling statement due to user request", K::Cancelled),
        ("22P02", "invalid input syntax", K::InvalidInput),
        ("53100", "No space left on device", K::ResourceExhausted),
    ] {
        assert_eq!(by_state(state, message).map(|(kind, _)| kind), Some(kind), "{state}");
    }
    assert_eq!(by_state("XX000", "Assert"), None);
    assert_eq!(by_state("", ""), None);
}
