"""PostgreSQL, as the benchmark and Feast reach it."""
import io
import os

import psycopg
import pyarrow as pa
import pyarrow.csv as csv

SERVER = {"host": os.environ["HYBRID_POSTGRES_HOST"], "port": int(os.environ["HYBRID_POSTGRES_PORT"]),
          "user": os.environ["HYBRID_POSTGRES_USER"], "password": os.environ["HYBRID_POSTGRES_PASSWORD"], "sslmode": "disable"}
DATABASE = os.environ["HYBRID_POSTGRES_DATABASE"]
TYPES = {pa.int64(): "bigint", pa.float64(): "double precision", pa.timestamp("us", "UTC"): "timestamptz"}

FEAST_WHOLE = True

# Feast's template sorts every pair of S3's rows: without a limit it fills the disk.
TEMPORARY_FILES = "20GB"


def connect():
    return psycopg.connect(**SERVER, dbname=DATABASE, autocommit=True)


def make(cursor, name, schema):
    cursor.execute(f"drop table if exists {name}")
    cursor.execute(f"create table {name} ({', '.join(f'{field.name} {TYPES[field.type]}' for field in schema)})")


def copy(cursor, name, table):
    with cursor.copy(f"copy {name} from stdin (format csv)") as out:
        for batch in table.to_batches(max_chunksize=100_000):
            text = io.BytesIO()
            csv.write_csv(batch, text, csv.WriteOptions(include_header=False))
            out.write(text.getbuffer())


def load(tables):
    """Makes each table of its rows."""
    with connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"alter database {DATABASE} set temp_file_limit = '{TEMPORARY_FILES}'")
        for name, table in tables:
            make(cursor, name, table.schema)
            copy(cursor, name, table)
            cursor.execute(f"vacuum (analyze) {name}")


def cancel():
    with connect() as connection:
        connection.execute("select pg_terminate_backend(pid, 60000) from pg_stat_activity "
                           "where pid <> pg_backend_pid() and backend_type = 'client backend' and datname = current_database()")


def gave_up(error):
    """Whether the server could not go on: it has no more room for temporary files."""
    return isinstance(error, (psycopg.errors.ConfigurationLimitExceeded, psycopg.errors.DiskFull))


def feast_config():
    return {"type": "postgres", **SERVER, "database": DATABASE}


def feast_source(view):
    from feast.infra.offline_stores.contrib.postgres_offline_store.postgres_source import PostgreSQLSource
    return PostgreSQLSource(name=view.name, table=view.name, timestamp_field="event_timestamp", created_timestamp_column="created")


def empty(name, like):
    """Makes a table without rows."""
    with connect() as connection:
        connection.execute(f"drop table if exists {name}")
        connection.execute(f"create table {name} (like {like})")


def times_ten(name, source):
    with connect() as connection:
        connection.execute(f"drop table if exists {name}")
        connection.execute(f"create table {name} as select {source}.* from {source}, generate_series(1, 10)")


def files(folder):
    """What psql loads, as CSV and in COPY's binary format: a table, and entity rows as hybrid sends them."""
    frame = "(select row_id, event_timestamp, driver_id, zone_id from bulk_frame)"
    for name, rows, kind in (("bulk_full", "bulk_full", "csv"), ("bulk_full", "bulk_full", "binary"), ("bulk_frame", frame, "binary")):
        with connect().cursor() as cursor, open(f"{folder}/{name}.{kind}", "wb") as file:
            with cursor.copy(f"copy {rows} to stdout (format {kind})") as blocks:
                for block in blocks:
                    file.write(block)
