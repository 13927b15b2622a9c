"""Snowflake's emulator, as Snowflake's own connector reaches it."""
import os
import uuid

import pyarrow.parquet as pq
import snowflake.connector

from rows import COLUMNS, declared, selected, summed, write

QUOTE = '"'
TYPES = {"Int64": "NUMBER(38,0)", "Float64": "FLOAT", "Time": "TIMESTAMP_TZ(6)"}


def connect():
    return snowflake.connector.connect(
        user="tester", password="secret", account="tests", host=os.environ["HYBRID_SNOWFLAKE_HOST"],
        port=int(os.environ["HYBRID_SNOWFLAKE_PORT"]), protocol="http", database="TEST", schema="PUBLIC",
        session_parameters={"CLIENT_TELEMETRY_ENABLED": False}).cursor()


def empty(name):
    connect().execute(f'CREATE OR REPLACE TABLE "{name}" ({declared(TYPES, QUOTE)})')


def held(name):
    return connect().execute(summed(f'"{name}"', QUOTE)).fetchone()


def put_and_copy(name, file):
    """What `write_pandas` does: the emulator does not take its statements."""
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
