# shellcheck shell=bash
# What every engine script needs: free ports, waiting, Python environments, processes that end with the script.
# Sourced, with `set -euo pipefail` in force.

HYBRID_CACHE="${HYBRID_CACHE:-$HOME/.cache/hybrid-offline-store}"
# shellcheck disable=SC2034 # for the scripts that source this
ENGINES="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
engine_pids=()

# Says why and ends the script.
die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# Fails with a clear message when a program is missing: need PROGRAM HOW-TO-GET-IT
need() {
    command -v "$1" >/dev/null || die "$1 is needed but not installed: $2"
}

# A port of 127.0.0.1 that is free now.
free_port() {
    need python3 "install Python 3.11 or newer"
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

sha256() {
    if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -c 1-12
}

# Runs a command while nobody else holds that lock, since what runs beside each other may install the same:
# locked NAME COMMAND…
locked() {
    local lock="$HYBRID_CACHE/locks/$1"
    shift
    mkdir -p "$HYBRID_CACHE/locks"
    if command -v flock >/dev/null; then
        (flock 9 && "$@") 9>"$lock"
    else
        "$@"
    fi
}

# The Python of an environment with exactly these packages: venv NAME REQUIREMENTS. Made once, again when the
# requirements or the Python change.
venv() {
    local name="$1" requirements="$2" key dir
    need python3 "install Python 3.11 or newer"
    key="$({ python3 -VV && cat "$requirements"; } | sha256)"
    dir="$HYBRID_CACHE/venvs/$name-$key"
    locked "venv-$name-$key" venv_make "$dir" "$requirements" || exit 1
    printf '%s\n' "$dir/bin/python"
}

venv_make() {
    local dir="$1" requirements="$2"
    [[ ! -e "$dir/ready" ]] || return 0
    printf 'making the Python environment %s\n' "$dir" >&2
    rm -rf "$dir"
    python3 -m venv "$dir" >&2 || die "python3 -m venv failed: install the venv module (Debian: python3-venv)"
    "$dir/bin/python" -m pip install --quiet --requirement "$requirements" >&2 ||
        die "pip could not install $requirements into $dir"
    touch "$dir/ready"
}

# Runs a command whose output is of use only when it fails: quiet COMMAND…
quiet() {
    local said
    said="$("$@" 2>&1)" || { printf '%s\n' "$said" >&2 && return 1; }
}

# A certificate authority `ca`, another one `foreign`, and for each name a certificate that the first has signed:
# certificates DIR NAME…
certificates() {
    local dir="$1" name
    need openssl "install OpenSSL"
    shift
    for name in ca foreign; do
        quiet openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=hybrid $name" \
            -addext basicConstraints=critical,CA:TRUE -keyout "$dir/$name.key" -out "$dir/$name.crt"
    done
    for name in "$@"; do
        quiet openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$name" \
            -keyout "$dir/$name.key" -out "$dir/$name.csr"
        printf 'subjectAltName=DNS:%s\nbasicConstraints=CA:FALSE\n' "$name" >"$dir/$name.ext"
        quiet openssl x509 -req -in "$dir/$name.csr" -CA "$dir/ca.crt" -CAkey "$dir/ca.key" -CAcreateserial -days 2 \
            -extfile "$dir/$name.ext" -out "$dir/$name.crt"
    done
}

port_open() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# Waits until a port of 127.0.0.1 answers: wait_for_port NAME PORT PID LOG [SECONDS]
wait_for_port() {
    local name="$1" port="$2" pid="$3" log="$4" deadline=$((SECONDS + ${5:-60}))
    until port_open "$port"; do
        if ! kill -0 "$pid" 2>/dev/null; then
            cat "$log" >&2
            die "$name ended before it answered on port $port; its output is above"
        fi
        if ((SECONDS >= deadline)); then
            cat "$log" >&2
            die "$name did not answer on port $port in time; its output is above"
        fi
        sleep 0.1
    done
}

# Starts a server in the background and waits for its port: engine_start NAME PORT DIR COMMAND…
engine_start() {
    local name="$1" port="$2" dir="$3" pid
    shift 3
    mkdir -p "$dir"
    "$@" >"$dir/$name.log" 2>&1 </dev/null &
    pid=$!
    engine_pids+=("$pid")
    wait_for_port "$name" "$port" "$pid" "$dir/$name.log"
    printf 'engine %s listens on 127.0.0.1:%s\n' "$name" "$port" >&2
}

# Ends what engine_start started, by process id.
engines_stop() {
    local pid
    for pid in ${engine_pids[@]+"${engine_pids[@]}"}; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    engine_pids=()
}
