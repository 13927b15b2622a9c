# shellcheck shell=bash
# Trino: coordinator and worker in one, http for everybody, https for those who prove who they are, spooled results
# on moto's S3. Its files are under tests/engines/trino. Exports HYBRID_TRINO_*.
# HYBRID_ENGINE_HEAP: MiB of heap, 2048 without.

TRINO_VERSION=476
# What stays of the server's plugins.
TRINO_PLUGINS=(delta-lake exchange-filesystem hive iceberg memory password-authenticators resource-group-managers
    session-property-managers spooling-filesystem)

# A JDK that Trino runs on: TRINO_JAVA_HOME, JAVA_HOME, or one that is installed.
trino_java() {
    local home release
    for home in "${TRINO_JAVA_HOME:-}" "${JAVA_HOME:-}" /usr/lib/jvm/* /Library/Java/JavaVirtualMachines/*/Contents/Home; do
        [[ -n "$home" && -x "$home/bin/java" && -r "$home/release" ]] || continue
        release="$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$home/release")"
        ((${release:-0} >= 24)) && printf '%s\n' "$home" && return
    done
    die "Trino $TRINO_VERSION needs a JDK 24 or newer: install one (Temurin 25) and set TRINO_JAVA_HOME to its folder"
}

# The unpacked server with its connectors; made once.
trino_home() {
    local home="$HYBRID_CACHE/trino-$TRINO_VERSION"
    locked "trino-$TRINO_VERSION" trino_install "$home" || exit 1
    printf '%s\n' "$home"
}

trino_install() {
    local home="$1" making archive plugin
    # An installation of before has no Delta.
    [[ ! -e "$home/ready" || ! -e "$home/plugin/delta-lake" ]] || return 0
    need mvn "install Maven (Debian: maven)"
    printf 'installing Trino %s (about 800 MB) into %s\n' "$TRINO_VERSION" "$home" >&2
    making="$(mktemp -d "$HYBRID_CACHE/trino.XXXXXX")"
    archive="$making/trino-server-$TRINO_VERSION.tar.gz"
    # Maven Central has no archive of every connector by itself: this is the whole server.
    mvn --quiet --batch-mode dependency:copy -Dartifact="io.trino:trino-server:$TRINO_VERSION:tar.gz" \
        -DoutputDirectory="$making" -Dmdep.useBaseVersion=true >&2 ||
        die "Maven could not get io.trino:trino-server:$TRINO_VERSION"
    tar -xzf "$archive" -C "$making" --strip-components 1 || die "Trino's server cannot be unpacked"
    rm "$archive"
    for plugin in "$making"/plugin/*; do
        [[ " ${TRINO_PLUGINS[*]} " == *" $(basename "$plugin") "* ]] || rm -rf "$plugin"
    done
    touch "$making/ready"
    rm -rf "$home"
    mv "$making" "$home"
}

# Certificates and secrets of one run: a CA, the server's and a client's certificate, a password, a token.
trino_secrets() (
    umask 077
    need openssl "install OpenSSL"
    mkdir -p "$1"
    cd "$1" || exit 1
    quiet openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj "/CN=hybrid test CA" -keyout ca.key -out ca.pem
    trino_certificate server "/CN=localhost" "subjectAltName=DNS:localhost,IP:127.0.0.1"
    trino_certificate client "/CN=carol" "extendedKeyUsage=clientAuth"
    python3 "$ENGINES/trino/credentials.py"
)

trino_certificate() {
    quiet openssl req -newkey rsa:2048 -nodes -subj "$2" -keyout "$1.key" -out "$1.csr"
    quiet openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -out "$1.crt" \
        -extfile <(printf '%s\n' "$3")
    cat "$1.key" "$1.crt" >"$1.pem"
}

# The configuration of one run, from the templates: trino_etc DIR HTTP-PORT HTTPS-PORT HOME
trino_etc() {
    local dir="$1" file heap="${HYBRID_ENGINE_HEAP:-2048}"
    for file in config.properties jvm.config node.properties password-authenticator.properties \
        spooling-manager.properties catalog/delta_lake.properties catalog/hive.properties catalog/iceberg.properties \
        catalog/memory.properties catalog/readonly.properties; do
        mkdir -p "$(dirname "$dir/etc/$file")"
        sed -e "s|@DIR@|$dir|g" -e "s|@HTTP@|$2|g" -e "s|@HTTPS@|$3|g" -e "s|@HOME@|$4|g" \
            -e "s|@SECRET@|$(cat "$dir/secrets/shared.key")|g" -e "s|@S3@|$HYBRID_S3_ENDPOINT|g" \
            -e "s|@HEAP@|$heap|g" -e "s|@QUERY@|$((heap / 2))|g" -e "s|@HEADROOM@|$((heap / 5))|g" \
            -e "s|@BUCKET@|$HYBRID_S3_BUCKET|g" "$ENGINES/trino/$file" >"$dir/etc/$file"
    done
}

trino_ready() {
    local deadline=$((SECONDS + 300))
    until curl --fail --silent "http://127.0.0.1:$1/v1/info" 2>/dev/null | grep -q '"starting":false'; do
        kill -0 "$2" 2>/dev/null || { tail -n 40 "$3" >&2 && die "Trino ended while it started; its output is above"; }
        ((SECONDS < deadline)) || { tail -n 40 "$3" >&2 && die "Trino did not start in time; its output is above"; }
        sleep 0.3
    done
}

start_trino() {
    local dir="$1" java home http https pid
    need curl "install curl"
    if [[ -z "${HYBRID_S3_ENDPOINT:-}" ]]; then
        # shellcheck source=tests/engines/moto.sh
        source "$ENGINES/moto.sh"
        start_moto "$dir/moto"
    fi
    java="$(trino_java)"
    home="$(trino_home)"
    http="$(free_port)"
    https="$(free_port)"
    mkdir -p "$dir/warehouse" "$dir/data"
    dir="$(cd "$dir" && pwd)"
    trino_secrets "$dir/secrets"
    trino_etc "$dir" "$http" "$https" "$home"
    env JAVA_HOME="$java" PATH="$java/bin:$PATH" "$home/bin/launcher" --etc-dir "$dir/etc" --data-dir "$dir/data" \
        --pid-file "$dir/trino.pid" run >"$dir/trino.log" 2>&1 </dev/null &
    pid=$!
    engine_pids+=("$pid")
    trino_ready "$http" "$pid" "$dir/trino.log"
    printf 'engine trino listens on 127.0.0.1:%s and %s\n' "$http" "$https" >&2
    export HYBRID_TRINO_HOST=127.0.0.1 HYBRID_TRINO_PORT="$http" HYBRID_TRINO_HTTPS_PORT="$https"
    export HYBRID_TRINO_SECRETS="$dir/secrets" HYBRID_TRINO_WAREHOUSE="$dir/warehouse"
}
