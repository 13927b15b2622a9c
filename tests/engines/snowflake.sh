# shellcheck shell=bash
# Snowflake's protocol and SQL by fakesnow, over http, its tables in memory. Exports HYBRID_SNOWFLAKE_*.

start_snowflake() {
    local dir="$1" python port
    need curl "install curl"
    python="$(venv snowflake "$ENGINES/snowflake.txt")"
    port="$(free_port)"
    # Staged files are written below the folder that is removed with the run.
    mkdir -p "$dir/tmp"
    engine_start snowflake "$port" "$dir" env TMPDIR="$dir/tmp" "$python" -m fakesnow -s --host 127.0.0.1 --port "$port"
    # The database is made by the first login: before several come at once.
    curl --fail --silent --output /dev/null --data '{"data":{"SESSION_PARAMETERS":{}}}' \
        "http://127.0.0.1:$port/session/v1/login-request?databaseName=TEST&schemaName=PUBLIC" ||
        die "the database of the tests could not be made in the emulator"
    export HYBRID_SNOWFLAKE_HOST=127.0.0.1 HYBRID_SNOWFLAKE_PORT="$port" HYBRID_SNOWFLAKE_PYTHON="$python"
    export HYBRID_SNOWFLAKE_STAGED="$dir/tmp"
}
