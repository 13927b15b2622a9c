"""Redshift's stand-in, as AWS's own SDK reaches it by the Data API, and psycopg by a connection."""
import os
import time
import uuid

import boto3
import psycopg
import pyarrow as pa
import pyarrow.dataset as dataset
import pyarrow.parquet as pq
from pyarrow.fs import S3FileSystem

from rows import COLUMNS, declared, selected, summed, write

REGION, DATABASE = "us-east-1", os.environ["HYBRID_REDSHIFT_DATABASE"]
BUCKET, FOLDER = os.environ["HYBRID_REDSHIFT_STAGING"].removeprefix("s3://").split("/", 1)
TYPES = {"Int64": "bigint", "Float64": "double precision", "Time": "timestamptz"}
ARROW = {"Int64": pa.int64(), "Float64": pa.float64(), "Time": pa.timestamp("us", "UTC")}
BATCH = 65_536


def connect():
    return boto3.client("redshift-data", REGION, endpoint_url=os.environ["HYBRID_REDSHIFT_ENDPOINT"])


def s3():
    return boto3.client("s3", REGION, endpoint_url=os.environ["HYBRID_REDSHIFT_S3"])


def run(client, *statements):
    """Runs them in one transaction, and waits: boto3 leaves that to who uses it."""
    place = {"ClusterIdentifier": "cluster", "Database": DATABASE, "DbUser": "hybrid"}
    statement = client.batch_execute_statement(Sqls=list(statements), **place)["Id"]
    while (told := client.describe_statement(Id=statement))["Status"] != "FINISHED":
        if told["Status"] in ("FAILED", "ABORTED"):
            raise SystemExit(told.get("Error", told["Status"]))
        time.sleep(0.1)


def direct():
    variable = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD", "dbname": "DATABASE"}
    return psycopg.connect(**{key: os.environ[f"HYBRID_REDSHIFT_{name}"] for key, name in variable.items()})


def empty(name):
    run(connect(), f"DROP TABLE IF EXISTS {name}", f"CREATE TABLE {name} ({declared(TYPES)})")


def times_ten(name, source):
    run(connect(), f"DROP TABLE IF EXISTS {name}", f"CREATE TABLE {name} AS SELECT {source}.* FROM {source}, generate_series(1, 10)")


def held(name):
    with direct() as connection:
        return connection.execute(summed(name)).fetchone()


def copy(name, file):
    """To S3, by COPY into a staging table, from there: COPY reads times with a zone as text. The file is deleted."""
    client, store, rows, key = connect(), s3(), pq.read_table(file), f"{FOLDER}/{uuid.uuid4()}/rows.parquet"

    def call():
        texts = [column.cast(pa.string()) if COLUMNS[at] == "Time" else column for at, column in zip(rows.column_names, rows.columns)]
        out = pa.BufferOutputStream()
        pq.write_table(pa.table(texts, rows.column_names), out)
        store.put_object(Bucket=BUCKET, Key=key, Body=out.getvalue().to_pybytes())
        run(client, f"CREATE TEMPORARY TABLE staged ({declared(TYPES | {'Time': 'varchar(64)'})})",
            f"COPY staged FROM 's3://{BUCKET}/{key}' IAM_ROLE default FORMAT AS PARQUET",
            f"INSERT INTO {name} SELECT {', '.join(f'{column}::{TYPES[kind]}' for column, kind in COLUMNS.items())} FROM staged")
        store.delete_object(Bucket=BUCKET, Key=key)
    return call


def unload(name, out):
    """By UNLOAD to S3, from there by pyarrow. The files are deleted."""
    client, folder = connect(), f"{BUCKET}/{FOLDER}/{uuid.uuid4()}/"
    files = S3FileSystem(endpoint_override=os.environ["HYBRID_REDSHIFT_S3"].removeprefix("http://"), scheme="http", region=REGION)
    options = dataset.ParquetFileFormat(coerce_int96_timestamp_unit="us")

    def call():
        run(client, f"UNLOAD ('{selected(name)}') TO 's3://{folder}' IAM_ROLE default FORMAT AS PARQUET")
        write(dataset.dataset(folder, format=options, filesystem=files).to_batches(), out)
        files.delete_dir(folder)
    return call


def fetchmany(name, out):
    """Over a connection: rows of the cursor, some at a time."""
    connection = direct()

    def tables():
        with connection.cursor("bench") as cursor:
            cursor.execute(selected(name))
            while rows := cursor.fetchmany(BATCH):
                yield pa.table([pa.array(column, ARROW[kind]) for column, kind in zip(zip(*rows), COLUMNS.values())], list(COLUMNS))
    return lambda: write(tables(), out)


load = copy
