"""BigQuery's emulator, as Google's own client reaches it."""
import os

import grpc
import pyarrow.parquet as pq
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery
from google.cloud.bigquery_storage_v1 import BigQueryReadClient
from google.cloud.bigquery_storage_v1.services.big_query_read.transports import BigQueryReadGrpcTransport

from rows import declared, selected, summed, write

PROJECT, DATASET = os.environ["HYBRID_BIGQUERY_PROJECT"], "feast"
TYPES = {"Int64": "INT64", "Float64": "FLOAT64", "Time": "TIMESTAMP"}


def connect():
    return bigquery.Client(PROJECT, AnonymousCredentials(), client_options={"api_endpoint": os.environ["HYBRID_BIGQUERY_REST"]})


def storage():
    # As the client makes its channel, which it does with TLS only.
    sizes = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
    channel = grpc.insecure_channel(os.environ["HYBRID_BIGQUERY_STORAGE"].removeprefix("http://"), sizes)
    return BigQueryReadClient(transport=BigQueryReadGrpcTransport(channel=channel))


def named(name):
    return f"{PROJECT}.{DATASET}.{name}"


def run(sql):
    return list(connect().query(sql).result())


def empty(name):
    run(f"CREATE OR REPLACE TABLE {named(name)} ({declared(TYPES)})")


def times_ten(name, source):
    run(f"CREATE OR REPLACE TABLE {named(name)} AS SELECT s.* FROM {named(source)} AS s CROSS JOIN UNNEST(GENERATE_ARRAY(1, 10))")


def held(name):
    return run(summed(named(name)))[0]


def load_table_from_file(name, file):
    client, config = connect(), bigquery.LoadJobConfig(source_format="PARQUET", write_disposition="WRITE_APPEND")

    def call():
        with open(file, "rb") as rows:
            client.load_table_from_file(rows, named(name), job_config=config).result()
    return call


def to_arrow(name, out):
    client, read = connect(), storage()
    return lambda: pq.write_table(client.query(selected(named(name))).result().to_arrow(bqstorage_client=read), out)


def to_arrow_iterable(name, out):
    client, read = connect(), storage()
    return lambda: write(client.query(selected(named(name))).result().to_arrow_iterable(bqstorage_client=read), out)


load = load_table_from_file
