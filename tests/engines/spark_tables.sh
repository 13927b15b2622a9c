# shellcheck shell=bash
# A Spark Connect server of a version that Delta Lake and Iceberg are both released for, with both: Delta in the session's
# catalog, Iceberg in the catalog `lake`. Exports HYBRID_SPARK_TABLES_REMOTE.

# shellcheck source=tests/engines/spark.sh
source "$ENGINES/spark.sh"

SPARK_TABLES_ARTIFACTS=(
    io.delta:delta-spark_4.1_2.13:4.3.1
    io.delta:delta-storage:4.3.1
    org.apache.iceberg:iceberg-spark-runtime-4.1_2.13:1.11.0
)

# The folder of their jars; made once.
spark_tables_jars() {
    local key dir
    key="$(printf '%s\n' "${SPARK_TABLES_ARTIFACTS[@]}" | sha256)"
    dir="$HYBRID_CACHE/spark-tables-$key"
    locked "spark-tables-$key" spark_tables_install "$dir" || exit 1
    printf '%s\n' "$dir"
}

spark_tables_install() {
    local dir="$1" artifact
    [[ ! -e "$dir/ready" ]] || return 0
    need mvn "install Maven (Debian: maven)"
    printf 'getting Delta Lake and Iceberg (about 60 MB) into %s\n' "$dir" >&2
    for artifact in "${SPARK_TABLES_ARTIFACTS[@]}"; do
        mvn --quiet --batch-mode dependency:copy -Dartifact="$artifact:jar" -DoutputDirectory="$dir" \
            -Dmdep.useBaseVersion=true >&2 || die "Maven could not get $artifact"
    done
    touch "$dir/ready"
}

start_spark_tables() {
    local dir="$1" python home port jars token="tables-$RANDOM$RANDOM"
    spark_java
    python="$(venv spark-tables "$ENGINES/spark_tables.txt")"
    home="$(spark_home "$python")"
    jars="$(spark_tables_jars)"
    jars="$(printf '%s,' "$jars"/*.jar)"
    port="$(free_port)"
    mkdir -p "$dir"
    dir="$(cd "$dir" && pwd)"
    engine_start spark_tables "$port" "$dir" "$ENGINES/spark/serve" "$home" "$port" "$dir" "$token" --jars "${jars%,}" \
        --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension,org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions \
        --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
        --conf spark.sql.catalog.lake=org.apache.iceberg.spark.SparkCatalog \
        --conf spark.sql.catalog.lake.type=hadoop --conf "spark.sql.catalog.lake.warehouse=$dir/lake"
    export HYBRID_SPARK_TABLES_REMOTE="sc://127.0.0.1:$port/;token=$token"
}
