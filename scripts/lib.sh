# shellcheck shell=bash
# What scripts/test, its parts and benches/run share. Sourced, with `set -euo pipefail` in force.

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
# shellcheck source=tests/engines/lib.sh
source "$ROOT/tests/engines/lib.sh"
cd "$ROOT" || exit 1

export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-${HYBRID_TARGET_DIR:-$HYBRID_CACHE/target}}"
export CARGO_TERM_COLOR=never PYTHONDONTWRITEBYTECODE=1
# One set of features for lint and tests, so that nothing is built twice.
# shellcheck disable=SC2034 # for the scripts that source this
EVERYTHING=(--release --workspace --all-features)

# shellcheck disable=SC2034 # for the scripts that source this
TEMPORARY="${TMPDIR:-/tmp}"
# Makes SCRATCH, a folder inside PARENT that goes when the script ends, and with it every process that
# engine_start started: scratch PARENT
scratch() {
    mkdir -p "$1"
    SCRATCH="$(mktemp -d "$1/hybrid.XXXXXX")"
    trap 'engines_stop; rm -rf "$SCRATCH"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
}

# Runs a command and counts it as one check: check WHAT COMMAND…
check() {
    local what="$1" code=0
    shift
    "$@" || code=$?
    if ((code == 0)); then
        printf 'check passed: %s\n' "$what"
    else
        printf 'check FAILED: %s (exit code %s: %s)\n' "$what" "$code" "$*"
        return 1
    fi
}

# Succeeds when the command ends with that exit code: exits_with CODE COMMAND…
exits_with() {
    local expected="$1" code=0
    shift
    "$@" || code=$?
    ((code == expected))
}

# Fails unless the pinned toolchain is what `cargo` runs.
need_rust() {
    local pinned
    need cargo "install Rust with rustup (https://rustup.rs)"
    pinned="$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)"
    [[ "$(cargo --version)" == "cargo $pinned "* ]] ||
        die "Rust $pinned is needed (rust-toolchain.toml), cargo here is: $(cargo --version)"
}

# What another checkout built into the same cache goes: cargo takes it for this one's, and tests know where they were
# built.
forget_other_checkouts() {
    local mark="$CARGO_TARGET_DIR/checkout"
    if [[ -e "$mark" && "$(cat "$mark")" != "$ROOT" ]]; then
        printf 'forgetting what %s built\n' "$(cat "$mark")"
        cargo clean --quiet --release --workspace
    fi
    mkdir -p "$CARGO_TARGET_DIR"
    printf '%s' "$ROOT" >"$mark"
}

# Builds the command with every backend, for tests that start HYBRID_BIN: a copy in SCRATCH, since another part may build
# another one meanwhile.
build_hybrid_for_tests() {
    cargo build "${EVERYTHING[@]}" --bin hybrid
    export HYBRID_BIN="$SCRATCH/hybrid"
    cp "$CARGO_TARGET_DIR/release/hybrid" "$HYBRID_BIN"
}

# Builds the command as users build it and puts it first on the PATH.
build_hybrid() {
    cargo build --release
    export PATH="$CARGO_TARGET_DIR/release:$PATH"
}
