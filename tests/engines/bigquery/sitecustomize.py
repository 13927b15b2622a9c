# The emulator gives DuckDB its time zone when it connects, before the statically linked icu is registered: DuckDB would
# then look for that extension on the network. Here the zone is set right afterwards instead.
import duckdb

_connect = duckdb.connect


def connect(*arguments, **options):
    config = dict(options.pop("config", None) or {})
    zone = config.pop("TimeZone", None)
    connection = _connect(*arguments, config=config, **options)
    if zone:
        connection.execute(f"SET GLOBAL TimeZone='{zone}'")
    # DuckDB's own: a join on BYTES loses rows whose key is NUL bytes when it filters the other side by the keys it has seen.
    connection.execute("SET GLOBAL disabled_optimizers='join_filter_pushdown'")
    return connection


duckdb.connect = connect
