# shellcheck shell=bash
# BigQuery's stand-in: local-bigquery (REST and the Storage API). Exports HYBRID_BIGQUERY_*.

# A Python 3.13 or newer, which the emulators are written for.
bigquery_python() {
    local python
    for python in "${HYBRID_PYTHON313:-}" python3.14 python3.13 python3 "$HOME"/.pyenv/versions/3.1[3-9]*/bin/python3 \
        "$HOME"/.local/share/uv/python/cpython-3.1[3-9]*/bin/python3; do
        [[ -n "$python" ]] || continue
        if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 13))' 2>/dev/null; then
            "$python" -c 'import sys; print(sys.executable)'
            return
        fi
    done
    die "the BigQuery emulators need Python 3.13 or newer: install one (pyenv, uv, the distribution), or name it in HYBRID_PYTHON313"
}

# The Python of an environment made by a Python 3.13: bigquery_venv NAME SCRATCH
bigquery_venv() {
    local links="$2/python" python
    mkdir -p "$links"
    python="$(bigquery_python)" || exit 1
    # By its own name, or it would not know where its library is.
    printf '#!/bin/sh\nexec "%s" "$@"\n' "$python" >"$links/python3"
    chmod +x "$links/python3"
    # The list is complete, and what its packages say of each other is stricter than what works.
    PATH="$links:$PATH" PIP_NO_DEPS=1 venv "$1" "$ENGINES/bigquery/$1.txt"
}

# The extensions of DuckDB that an emulator loads, put where it looks for them: bigquery_extensions PYTHON HOME NAME…
bigquery_extensions() {
    local python="$1" home="$2"
    shift 2
    HOME="$home" "$python" - "$@" <<'PYTHON'
import sys

import duckdb
from duckdb_extensions import import_extension

for name in sys.argv[1:]:
    import_extension(name, con=duckdb.connect())
PYTHON
}

start_bigquery() {
    local dir="$1" python rest grpc
    mkdir -p "$dir/data" "$dir/home" "$dir/gcs/hybrid-test"
    dir="$(cd "$dir" && pwd)"
    python="$(bigquery_venv local-bigquery "$dir")"
    bigquery_extensions "$python" "$dir/home" ducklake httpfs spatial
    # For tests that sign as a service account does.
    need openssl "install OpenSSL"
    openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$dir/key.pem" 2>/dev/null ||
        die "openssl did not make a key"
    rest="$(free_port)"
    grpc="$(free_port)"
    engine_start local-bigquery "$rest" "$dir" env HOME="$dir/home" PYTHONPATH="$ENGINES/bigquery" \
        GCS_LOCAL_ROOT="$dir/gcs" "$python" -c 'from local_bigquery.cli import main; main()' serve \
        --host 127.0.0.1 --port "$rest" --grpc-port "$grpc" --data-dir "$dir/data" --project hybrid --dataset feast
    export HYBRID_BIGQUERY_REST="http://127.0.0.1:$rest" HYBRID_BIGQUERY_STORAGE="http://127.0.0.1:$grpc"
    export HYBRID_BIGQUERY_PROJECT=hybrid HYBRID_BIGQUERY_GCS="$dir/gcs" HYBRID_BIGQUERY_KEY="$dir/key.pem"
    export HYBRID_BIGQUERY_PID="${engine_pids[-1]}"
}
