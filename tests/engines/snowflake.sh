# shellcheck shell=bash
# Snowflake's protocol and SQL by fakesnow, over http, its tables in memory. Exports HYBRID_SNOWFLAKE_*.

start_snowflake() {
    local dir="$1" python port
    python="$(venv snowflake "$ENGINES/snowflake.txt")"
    port="$(free_port)"
    # Staged files are written below the folder that is removed with the run.
    mkdir -p "$dir/tmp"
    engine_start snowflake "$port" "$dir" env TMPDIR="$dir/tmp" "$python" -m fakesnow -s --host 127.0.0.1 --port "$port"
    export HYBRID_SNOWFLAKE_HOST=127.0.0.1 HYBRID_SNOWFLAKE_PORT="$port" HYBRID_SNOWFLAKE_PYTHON="$python"
    export HYBRID_SNOWFLAKE_STAGED="$dir/tmp"
}
