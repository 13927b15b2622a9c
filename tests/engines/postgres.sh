# shellcheck shell=bash
# PostgreSQL: one throwaway cluster for the tests, with TLS, and one that they may break.

# The folder of initdb, pg_ctl, postgres and psql: HYBRID_POSTGRES_BIN_DIR, else of what is installed, with apt where it is
# missing.
postgres_bin() {
    postgres_find && return
    [[ "$(id -u)" == 0 ]] || die "PostgreSQL's server is needed: apt-get install postgresql-15 postgresql-contrib"
    locked apt postgres_install || exit 1
    postgres_find || die "apt-get installed PostgreSQL, but there is no initdb in /usr/lib/postgresql/*/bin"
}

postgres_find() {
    local bin
    if [[ -n "${HYBRID_POSTGRES_BIN_DIR:-}" ]]; then
        [[ -x "$HYBRID_POSTGRES_BIN_DIR/initdb" ]] || die "HYBRID_POSTGRES_BIN_DIR: there is no initdb in $HYBRID_POSTGRES_BIN_DIR"
        (cd "$HYBRID_POSTGRES_BIN_DIR" && pwd)
        return
    fi
    for bin in /usr/lib/postgresql/15/bin /usr/lib/postgresql/*/bin "$(pg_config --bindir 2>/dev/null)"; do
        [[ -x "$bin/initdb" ]] && printf '%s\n' "$bin" && return
    done
    return 1
}

postgres_install() {
    # Another part may have installed it meanwhile.
    postgres_find >/dev/null && return
    printf 'installing PostgreSQL\n' >&2
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y postgresql; } >/dev/null 2>&1 ||
        die "apt-get install postgresql failed"
}

# Who may come how: the roles are made by postgres_roles.
postgres_hba() {
    cat <<'HBA'
local     all all                     trust
hostssl   all certified 127.0.0.1/32  cert
hostnossl all encrypted 127.0.0.1/32  reject
hostssl   all plain     127.0.0.1/32  reject
host      all all       127.0.0.1/32  scram-sha-256
HBA
}

# For template1, so that `reader` reads the tables of every database; pg_read_all_data is of version 14.
postgres_roles() {
    cat <<'SQL'
CREATE ROLE reader LOGIN PASSWORD 'hybrid-secret';
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO reader;
CREATE DATABASE hybrid;
REVOKE TEMPORARY ON DATABASE hybrid FROM PUBLIC;
CREATE ROLE certified LOGIN;
CREATE ROLE encrypted LOGIN PASSWORD 'hybrid-secret';
CREATE ROLE plain LOGIN PASSWORD 'hybrid-secret';
SQL
}

# The server refuses to run as root: the user who runs it then.
postgres_user() {
    [[ "$(id -u)" == 0 ]] || return 0
    need setpriv "install util-linux"
    id postgres >/dev/null 2>&1 ||
        die "root needs a user postgres to run PostgreSQL as: install postgresql-common (Debian), or useradd --system --user-group postgres"
}

# Makes a cluster: postgres_init BIN DIR PORT
postgres_init() {
    local bin="$1" dir="$2" port="$3"
    printf 'hybrid-secret' >"$dir/password"
    "$bin/initdb" -D "$dir/data" -U hybrid --pwfile="$dir/password" -A scram-sha-256 --no-sync --locale=C.UTF-8 -E UTF8
    certificates "$dir" localhost certified
    postgres_hba >"$dir/data/pg_hba.conf"
    cat >>"$dir/data/postgresql.conf" <<CONF
port = $port
listen_addresses = '127.0.0.1'
unix_socket_directories = '$dir'
fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
shared_buffers = 128MB
max_connections = 50
ssl = on
ssl_ca_file = '$dir/ca.crt'
ssl_cert_file = '$dir/localhost.crt'
ssl_key_file = '$dir/localhost.key'
CONF
    "$bin/pg_ctl" -D "$dir/data" -w -l "$dir/server.log" start
    postgres_roles | "$bin/psql" -h "$dir" -p "$port" -U hybrid -d template1 -q -v ON_ERROR_STOP=1
}

# Makes a cluster, keeps it until it is told to end, and leaves nothing: postgres_keep BIN DIR PORT
postgres_keep() {
    local bin="$1" dir="$2"
    set -euo pipefail
    umask 077
    # shellcheck disable=SC2064 # the values of now
    trap "'$bin/pg_ctl' -D '$dir/data' -m immediate stop || true; rm -rf '$dir'" EXIT
    trap 'exit 0' TERM INT
    postgres_init "$@"
    while true; do sleep 1 & wait $!; done
}

# Starts one cluster in a folder and waits for its last role: postgres_cluster NAME LOGS BIN PORT DIR
postgres_cluster() {
    local name="$1" logs="$2" bin="$3" port="$4" dir="$5"
    local run=(env HOME="$dir" LC_ALL=C bash -c "$(declare -f)"$'\n''postgres_keep "$@"' postgres_keep "$bin" "$dir" "$port")
    # The server refuses to run as root.
    if [[ "$(id -u)" == 0 ]]; then
        chown postgres "$dir"
        run=(setpriv --reuid=postgres --regid=postgres --init-groups "${run[@]}")
    fi
    engine_start "$name" "$port" "$logs" "${run[@]}"
    until [[ "$(PGPASSWORD=hybrid-secret "$bin/psql" -h 127.0.0.1 -p "$port" -U hybrid -d postgres -Atc \
        "SELECT count(*) FROM pg_roles WHERE rolname = 'plain'" 2>/dev/null)" == 1 ]]; do
        if ! kill -0 "${engine_pids[${#engine_pids[@]} - 1]}" 2>/dev/null; then
            cat "$logs/$name.log" >&2
            die "$name ended before it was ready; its output is above"
        fi
        sleep 0.1
    done
}

# shellcheck disable=SC2034 # for those who start it
start_postgres() {
    local logs="$1" bin
    need openssl "install openssl"
    bin="$(postgres_bin)"
    postgres_user
    HYBRID_POSTGRES_DIR="$(mktemp -d "${TMPDIR:-/tmp}/hybrid-postgres.XXXXXX")"
    HYBRID_POSTGRES_PORT="$(free_port)"
    postgres_cluster postgres "$logs" "$bin" "$HYBRID_POSTGRES_PORT" "$HYBRID_POSTGRES_DIR"
    HYBRID_POSTGRES_FRAGILE_DIR="$(mktemp -d "${TMPDIR:-/tmp}/hybrid-postgres.XXXXXX")"
    HYBRID_POSTGRES_FRAGILE_PORT="$(free_port)"
    postgres_cluster fragile-postgres "$logs" "$bin" "$HYBRID_POSTGRES_FRAGILE_PORT" "$HYBRID_POSTGRES_FRAGILE_DIR"
    HYBRID_POSTGRES_BIN="$bin"
    export HYBRID_POSTGRES_DIR HYBRID_POSTGRES_PORT HYBRID_POSTGRES_FRAGILE_DIR HYBRID_POSTGRES_FRAGILE_PORT HYBRID_POSTGRES_BIN
    export HYBRID_POSTGRES_HOST=127.0.0.1 HYBRID_POSTGRES_USER=hybrid HYBRID_POSTGRES_PASSWORD=hybrid-secret HYBRID_POSTGRES_DATABASE=hybrid
}
