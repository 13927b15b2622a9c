use super::*;

/// Recorded from servers of version 15, and of 17, for the states that only it has.
#[test]
fn states_have_kinds() {
    use ErrorKind as K;
    for (state, message, kind) in [
        (
            "28P01",
            "password authentication failed for user \"u\"",
            K::Unauthenticated,
        ),
        (
            "28000",
            "no pg_hba.conf entry for host \"127.0.0.1\", user \"u\", database \"d\", no encryption",
            K::Unauthenticated,
        ),
        ("42501", "permission denied for table t", K::PermissionDenied),
        (
            "42501",
            "permission denied to create temporary tables in database \"d\"",
            K::PermissionDenied,
        ),
        ("42P01", "relation \"public.t\" does not exist", K::NotFound),
        ("42703", "column \"x\" does not exist", K::NotFound),
        ("3F000", "schema \"s\" does not exist", K::NotFound),
        ("3D000", "database \"d\" does not exist", K::NotFound),
        ("57014", "canceling statement due to user request", K::Cancelled),
        ("57014", "canceling statement due to statement timeout", K::Timeout),
        (
            "57P01",
            "terminating connection due to administrator command",
            K::Unavailable,
        ),
        ("57P03", "the database system is starting up", K::Unavailable),
        (
            "53100",
            "could not write to file: No space left on device",
            K::ResourceExhausted,
        ),
        ("53200", "out of memory", K::ResourceExhausted),
        (
            "53400",
            "temporary file size exceeds temp_file_limit (1024kB)",
            K::ResourceExhausted,
        ),
        ("08006", "connection failure", K::Unavailable),
        ("22P02", "invalid input syntax for type integer: \"x\"", K::InvalidInput),
        (
            "23505",
            "duplicate key value violates unique constraint \"t_pkey\"",
            K::InvalidInput,
        ),
        ("0A000", "cannot use a set-returning function here", K::Unsupported),
        (
            "25006",
            "cannot execute CREATE TABLE in a read-only transaction",
            K::Unsupported,
        ),
        ("25006", "cannot execute COPY during recovery", K::Unsupported),
        ("25P04", "terminating connection due to transaction timeout", K::Timeout),
        (
            "40001",
            "canceling statement due to conflict with recovery",
            K::Unavailable,
        ),
        (
            "57P04",
            "terminating connection due to conflict with recovery",
            K::NotFound,
        ),
        ("XX000", "cache lookup failed", K::Unexpected),
        ("", "", K::Unexpected),
    ] {
        assert_eq!(kind_of(state, message).0, kind, "{state} {message}");
    }
}

#[test]
fn the_place_of_an_error_is_shown() {
    assert_eq!(excerpt("SELECT ü, x\nFROM t", 11), "SELECT ü,  ⟶ x FROM t");
    assert_eq!(excerpt("a", 9), "a ⟶ ");
}
