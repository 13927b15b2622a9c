# shellcheck shell=bash
# BigQuery's other stand-in, a second opinion: bqemulator (REST and the Storage API). Exports HYBRID_BIGQUERY_*.

# shellcheck source=tests/engines/bigquery.sh
source "$ENGINES/bigquery.sh"

start_bqemulator() {
    local dir="$1" python rest grpc
    mkdir -p "$dir/home"
    dir="$(cd "$dir" && pwd)"
    python="$(bigquery_venv bqemulator "$dir")"
    bigquery_extensions "$python" "$dir/home" spatial
    rest="$(free_port)"
    grpc="$(free_port)"
    # Its Storage API listens last. What reads Avro would be looked for on the network.
    engine_start bqemulator "$grpc" "$dir" env HOME="$dir/home" BQEMU_ENABLE_FORMAT_EXTENSIONS=false \
        BQEMU_UPLOAD_STAGING_DIR="$dir/uploads" "$python" "$ENGINES/bigquery/start_bqemulator.py" start \
        --rest-port "$rest" --grpc-port "$grpc" --project hybrid --log-level warning
    export HYBRID_BIGQUERY_REST="http://127.0.0.1:$rest" HYBRID_BIGQUERY_STORAGE="http://127.0.0.1:$grpc"
    export HYBRID_BIGQUERY_PROJECT=hybrid
}
