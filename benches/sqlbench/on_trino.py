"""Trino, as the benchmark and Feast's template reach it. The entity rows are in a table before the template runs."""
import os
import pathlib

import pyarrow as pa
import pyarrow.parquet as pq
import trino

from template import point_in_time_query

# Its store uploads entity rows as literals: the statement alone is measured, over a table.
FEAST_WHOLE = False
WAREHOUSE = pathlib.Path(os.environ["HYBRID_TRINO_WAREHOUSE"])
CATALOG, SCHEMA = "iceberg", "bench"
TYPES = {pa.int64(): "bigint", pa.float64(): "double", pa.timestamp("us", "UTC"): "timestamp(6) with time zone"}
SERVER = {"host": os.environ["HYBRID_TRINO_HOST"], "port": int(os.environ["HYBRID_TRINO_PORT"]), "user": "bench"}


def connect(source="bench"):
    return trino.dbapi.connect(**SERVER, catalog=CATALOG, schema=SCHEMA, source=source)


def run(connection, statement):
    """Its rows: a cursor that is not read to its end does not run."""
    return connection.cursor().execute(statement).fetchall()


def make(connection, name, schema):
    run(connection, f"drop table if exists {name}")
    run(connection, f"create table {name} ({', '.join(f'{field.name} {TYPES[field.type]}' for field in schema)})")


# A table of features grows by appends. One that was written at once is one file, which one thread reads, whoever asks.
APPENDS, MANY = 8, 500_000


def load(tables):
    """Makes each table of its rows: Trino reads them from its storage and writes them itself."""
    connection = connect()
    run(connection, f"create schema if not exists {CATALOG}.{SCHEMA}")
    run(connection, "create schema if not exists hive.staging with (location = 'local:///staging')")
    for name, table in tables:
        make(connection, f"{name}_files", table.schema)
        parts = files_of(name, table)
        run(connection, f"alter table {name}_files execute add_files(location => 'local:///bench-files/{name}', format => 'PARQUET')")
        make(connection, name, table.schema)
        for part in range(parts):
            run(connection, f"insert into {name} select * from {name}_files where \"$path\" like '%/{part}.parquet'")
        run(connection, f"drop table {name}_files")


def files_of(name, table):
    """Writes the rows where Trino finds them: how many files."""
    folder = WAREHOUSE / "bench-files" / name
    folder.mkdir(parents=True, exist_ok=True)
    parts = APPENDS if table.num_rows > MANY else 1
    rows = -(-table.num_rows // parts)
    for part in range(parts):
        pq.write_table(table.slice(part * rows, rows), folder / f"{part}.parquet")
    return parts


def cancel():
    connection = connect("canceller")
    running = run(connection, "select query_id from system.runtime.queries where source = 'feast' and state not in ('FINISHED', 'FAILED')")
    for (query,) in running:
        run(connection, f"call system.runtime.kill_query(query_id => '{query}', message => 'it took too long')")


def gave_up(error):
    """Whether the server could not go on: a query gets half of its heap."""
    return getattr(error, "error_type", None) == "INSUFFICIENT_RESOURCES"


def feast_config():
    return {"type": "trino", **SERVER, "catalog": CATALOG, "dataset": SCHEMA, "connector": {"type": "iceberg"}}


def feast_source(view):
    from feast.infra.offline_stores.contrib.trino_offline_store.trino_source import TrinoSource
    return TrinoSource(name=view.name, table=f"{CATALOG}.{SCHEMA}.{view.name}", timestamp_field="event_timestamp",
                       created_timestamp_column="created")


def feast_statement(store, references, case, frame):
    from feast.infra.offline_stores.contrib.trino_offline_store.trino import MULTIPLE_FEATURE_VIEW_POINT_IN_TIME_JOIN as TEMPLATE
    return point_in_time_query(store, references, frame, f"{CATALOG}.{SCHEMA}.{case.frame}", TEMPLATE)


def asked(query):
    """What is timed: one statement, Feast's or hybrid's."""
    cursor = connect("feast").cursor()

    def call():
        cursor.execute(query)
        rows = cursor.fetchall()
        return lambda: pa.table([pa.array(column) for column in zip(*rows)], names=[column.name for column in cursor.description])
    return call


def served(query):
    """What is timed: the same statement, with its rows left in the server's memory."""
    connection = connect("feast")
    run(connection, "drop table if exists memory.default.answer")
    return lambda: run(connection, f"create table memory.default.answer as {query}")


def empty(name, like):
    """Makes a table without rows."""
    connection = connect()
    run(connection, f"drop table if exists {name}")
    run(connection, f"create table {name} (like {like})")


def times_ten(name, source):
    connection = connect()
    run(connection, f"drop table if exists {name}")
    run(connection, f"create table {name} as select s.* from {source} s cross join unnest(sequence(1, 10)) t(n)")


# A statement must stay under a million characters; more statements take as much longer.
ROWS_PER_INSERT, INSERTS = 4000, 3


def literal(value):
    return "NULL" if value is None else f"TIMESTAMP '{value:%Y-%m-%d %H:%M:%S.%f} UTC'" if hasattr(value, "year") else repr(value)


def upload(name, table):
    """Inserts the first rows: gives what is timed, and by how much it stands for more."""
    statements = []
    for first in range(0, min(ROWS_PER_INSERT * INSERTS, table.num_rows), ROWS_PER_INSERT):
        rows = zip(*(column.to_pylist() for column in table.slice(first, ROWS_PER_INSERT).columns))
        statements.append(f"INSERT INTO {name} VALUES " + ",".join(f"({','.join(map(literal, row))})" for row in rows))
    connection = connect()
    return lambda: [run(connection, statement) for statement in statements], max(1, table.num_rows / (ROWS_PER_INSERT * INSERTS))


def download(name):
    return lambda: run(connect(), f"select * from {name}")
