"""Snowflake's emulator, as Snowflake's own connector reaches it."""
import os
import re
import uuid

import pyarrow.parquet as pq
from snowflake.connector import SnowflakeConnection
from snowflake.connector.cursor import SnowflakeCursor
from snowflake.connector.pandas_tools import write_pandas as pandas_written

from rows import COLUMNS, declared, selected, summed, write

QUOTE = '"'
TYPES = {"Int64": "NUMBER(38,0)", "Float64": "FLOAT", "Time": "TIMESTAMP_TZ(6)"}


class Cursor(SnowflakeCursor):
    """Names stages without the single quotes around them that `write_pandas` has and the emulator does not know."""

    def execute(self, command, *arguments, **options):
        return super().execute(re.sub(r"'(@[^']*)'", r"\1", command), *arguments, **options)


class Connection(SnowflakeConnection):
    def cursor(self, kind=Cursor):
        return super().cursor(kind)


def connection():
    return Connection(
        user="tester", password="secret", account="tests", host=os.environ["HYBRID_SNOWFLAKE_HOST"],
        port=int(os.environ["HYBRID_SNOWFLAKE_PORT"]), protocol="http", database="TEST", schema="PUBLIC",
        session_parameters={"CLIENT_TELEMETRY_ENABLED": False})


def connect():
    return connection().cursor()


def empty(name):
    connect().execute(f'CREATE OR REPLACE TABLE "{name}" ({declared(TYPES, QUOTE)})')


def held(name):
    return connect().execute(summed(f'"{name}"', QUOTE)).fetchone()


def write_pandas(name, file):
    opened, rows = connection(), pq.read_table(file).to_pandas()
    return lambda: pandas_written(opened, rows, name, use_logical_type=True)


def put_and_copy(name, file):
    """The file as it is."""
    cursor, stage = connect(), f'"{uuid.uuid4()}"'
    cursor.execute(f"CREATE TEMPORARY STAGE {stage}")

    def call():
        cursor.execute(f"PUT 'file://{file}' @{stage} AUTO_COMPRESS = FALSE")
        values = ", ".join(f'$1:"{column}"::{TYPES[kind]}' for column, kind in COLUMNS.items())
        cursor.execute(f'COPY INTO "{name}" FROM (SELECT {values} FROM @{stage}) FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE)')
    return call


def fetch_arrow_all(name, out):
    cursor = connect()
    return lambda: pq.write_table(cursor.execute(selected(f'"{name}"', QUOTE)).fetch_arrow_all(), out)


def fetch_arrow_batches(name, out):
    cursor = connect()
    return lambda: write(cursor.execute(selected(f'"{name}"', QUOTE)).fetch_arrow_batches(), out)


load = put_and_copy
