"""Snowflake's Python connector beside the throughput test: the same table out, as many rows in. client.py PORT"""

import pathlib
import resource
import subprocess
import sys
import tempfile
import time

import pyarrow
import pyarrow.parquet
import snowflake.connector

ROWS = 1_000_000


def connected(port):
    return snowflake.connector.connect(
        user="tester",
        password="secret",
        account="tests",
        host="127.0.0.1",
        port=port,
        protocol="http",
        database="TEST",
        schema="PUBLIC",
    ).cursor()


def read(cursor):
    cursor.execute('SELECT * FROM "TEST"."PUBLIC"."million_rows"')
    return sum(batch.num_rows for batch in cursor.fetch_arrow_batches())


def write(cursor):
    ids = range(ROWS)
    table = pyarrow.table(
        {
            "id": pyarrow.array(ids, pyarrow.int64()),
            "ts": pyarrow.array([1_714_521_600_000_000 + at * 1_000_003 for at in ids]).cast(pyarrow.timestamp("us")),
            "a": pyarrow.array([at * 0.5 for at in ids]),
            "b": pyarrow.array([at * 0.25 for at in ids]),
            "name": pyarrow.array([f"driver {at % 1000}" for at in ids]),
        }
    )
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "rows.parquet"
        pyarrow.parquet.write_table(table, file)
        cursor.execute('CREATE TEMPORARY STAGE "client_stage"')
        cursor.execute(f'PUT file://{file} @"client_stage" AUTO_COMPRESS = FALSE')
        types = {"id": "NUMBER(38,0)", "ts": "TIMESTAMP_NTZ(6)", "a": "FLOAT", "b": "FLOAT", "name": "VARCHAR"}
        columns = ", ".join(f'"{name}" {kind}' for name, kind in types.items())
        values = ", ".join(f'$1:"{name}"::{kind}' for name, kind in types.items())
        cursor.execute(f'CREATE OR REPLACE TABLE "TEST"."PUBLIC"."client_rows" ({columns})')
        cursor.execute(
            f'COPY INTO "TEST"."PUBLIC"."client_rows" FROM (SELECT {values} FROM @"client_stage") FILE_FORMAT = (TYPE = PARQUET)'
        )
    return ROWS, time.monotonic() - start


def main(port, what):
    cursor = connected(port)
    start = time.monotonic()
    if what == "out":
        rows, took = read(cursor), time.monotonic() - start
    else:
        rows, took = write(cursor)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"Snowflake's Python connector: {rows} rows {what}: {took:.2f} s, peak {peak} MiB")


if len(sys.argv) > 2:
    main(int(sys.argv[1]), sys.argv[2])
else:
    # Each in a process of its own: memory at its highest is that of all that came before.
    for direction in ("in", "out"):
        subprocess.run([sys.executable, __file__, sys.argv[1], direction], check=True)
