# shellcheck shell=bash
# Redshift's stand-in: a PostgreSQL of its own with Redshift's types and functions that it lacks, and before it a gateway that
# speaks the Data API and, on another port, PostgreSQL's protocol, and runs UNLOAD and COPY against moto's S3. Start moto
# before it. Exports HYBRID_REDSHIFT_*.

# shellcheck source=tests/engines/postgres.sh
source "$ENGINES/postgres.sh"

# AWS profiles: `refreshing` and `lasting`, whose program gives keys that are always about to expire or live for an hour, and
# writes a line with the profile's name for each; `rotated`, whose keys stand in a file; `role` and `web-identity`, to which
# moto's STS gives the keys of a role.
redshift_profiles() {
    local dir="$1"
    cat >"$dir/credentials" <<'SH'
#!/usr/bin/env bash
echo "$1" >>"$(dirname "$0")/credentials.log"
date -u -d "+$2 minutes" '+{"Version": 1, "AccessKeyId": "AKIDREFRESHED", "SecretAccessKey": "s3cr3t", "SessionToken": "t0k3n", "Expiration": "%Y-%m-%dT%H:%M:%SZ"}'
SH
    chmod +x "$dir/credentials"
    printf '[profile %s]\ncredential_process = %s\n' refreshing "$dir/credentials refreshing 2" lasting "$dir/credentials lasting 60" \
        >"$dir/aws-config"
    printf 'token' >"$dir/web-identity"
    printf '[profile %s]\nrole_arn = arn:aws:iam::123456789012:role/features\n%s\n' \
        role 'source_profile = rotated' web-identity "web_identity_token_file = $dir/web-identity" >>"$dir/aws-config"
    printf '[rotated]\naws_access_key_id = AKIDOLD\naws_secret_access_key = s3cr3t\n' >"$dir/aws-credentials"
    export AWS_CONFIG_FILE="$dir/aws-config" AWS_SHARED_CREDENTIALS_FILE="$dir/aws-credentials"
    export HYBRID_REDSHIFT_CREDENTIALS_LOG="$dir/credentials.log"
}

start_redshift() {
    local dir="$1" bin python port gateway relay
    [[ -n "${HYBRID_S3_ENDPOINT:-}" ]] || die "redshift needs moto before it: tests/engines/with moto redshift -- …"
    need openssl "install openssl"
    bin="$(postgres_bin)"
    postgres_user
    HYBRID_REDSHIFT_DIR="$(mktemp -d "${TMPDIR:-/tmp}/hybrid-redshift.XXXXXX")"
    port="$(free_port)"
    postgres_cluster redshift-postgres "$dir" "$bin" "$port" "$HYBRID_REDSHIFT_DIR"
    PGPASSWORD=hybrid-secret "$bin/psql" -h 127.0.0.1 -p "$port" -U hybrid -d postgres -q -v ON_ERROR_STOP=1 \
        -f "$ENGINES/redshift/postgres.sql" >"$dir/postgres.sql.log" || die "PostgreSQL did not become Redshift"
    python="$(venv redshift "$ENGINES/redshift/gateway.txt")"
    gateway="$(free_port)"
    relay="$(free_port)"
    engine_start redshift-gateway "$gateway" "$dir" "$python" "$ENGINES/redshift/gateway.py" "$gateway" "$relay" \
        "host=127.0.0.1 port=$port user=hybrid password=hybrid-secret dbname=redshift options='-c timezone=UTC'"
    redshift_profiles "$dir"
    export HYBRID_REDSHIFT_HOST=127.0.0.1 HYBRID_REDSHIFT_PORT="$port" HYBRID_REDSHIFT_DATABASE=redshift
    export HYBRID_REDSHIFT_USER=hybrid HYBRID_REDSHIFT_PASSWORD=hybrid-secret HYBRID_REDSHIFT_DIR
    export HYBRID_REDSHIFT_ENDPOINT="http://127.0.0.1:$gateway" HYBRID_REDSHIFT_RELAY="$relay" HYBRID_REDSHIFT_S3="$HYBRID_S3_ENDPOINT"
    export HYBRID_REDSHIFT_STAGING="s3://$HYBRID_S3_BUCKET/staging"
}
