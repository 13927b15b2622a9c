# shellcheck shell=bash
# A Spark Connect server on one machine, as PyPI's pyspark brings it. Exports HYBRID_SPARK_*.
# HYBRID_ENGINE_HEAP: MiB of heap, 1500 without.

spark_java() {
    local version
    need "${JAVA_HOME:+$JAVA_HOME/bin/}java" "install a JDK 17 or newer (Debian: openjdk-17-jre-headless)"
    version="$("${JAVA_HOME:+$JAVA_HOME/bin/}java" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1)"
    ((${version:-0} >= 17)) || die "Spark 4 needs Java 17 or newer, found $version: install one and set JAVA_HOME"
}

# Where the Spark of a Python's pyspark is: spark_home PYTHON
spark_home() {
    "$1" -c 'import importlib.util as u; print(u.find_spec("pyspark").submodule_search_locations[0])'
}

start_spark() {
    local dir="$1" python home port
    spark_java
    python="$(venv spark "$ENGINES/spark.txt")"
    home="$(spark_home "$python")"
    port="$(free_port)"
    mkdir -p "$dir/tls"
    dir="$(cd "$dir" && pwd)"
    # Spark Connect speaks no TLS itself: what the tests put before it does, with these.
    certificates "$dir/tls" localhost
    export HYBRID_SPARK_TOKEN="spark-$RANDOM$RANDOM"
    engine_start spark "$port" "$dir" "$ENGINES/spark/serve" "$home" "$port" "$dir" "$HYBRID_SPARK_TOKEN"
    export HYBRID_SPARK_PORT="$port" HYBRID_SPARK_REMOTE="sc://127.0.0.1:$port/;token=$HYBRID_SPARK_TOKEN"
    # For tests that start and kill a server of their own, and for Spark's own client.
    export HYBRID_SPARK_HOME="$home" HYBRID_SPARK_SERVE="$ENGINES/spark/serve" HYBRID_SPARK_PYTHON="$python"
    export HYBRID_SPARK_DIR="$dir"
}
