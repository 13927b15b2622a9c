"""Spark, as the benchmark and Feast reach it: through Connect."""
import os
import tempfile

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from cases import END
from template import point_in_time_query

FEAST_WHOLE = True
# So many values of a column are one value of what hybrid uploads.
PACKED = 4096


# Where Feast's store looks for it. With a token, the client speaks without TLS to the name `localhost` alone.
os.environ["SPARK_REMOTE"] = os.environ["HYBRID_SPARK_REMOTE"].replace("//127.0.0.1", "//localhost")


def connect():
    return SparkSession.builder.getOrCreate()


def load(tables):
    """Makes each table of its rows: Spark reads them from a file and writes them itself."""
    spark = connect()
    with tempfile.TemporaryDirectory() as folder:
        for name, table in tables:
            pq.write_table(table, f"{folder}/{name}.parquet")
            spark.sql(f"drop table if exists {name}")
            spark.sql(f"create table {name} using parquet as select * from parquet.`{folder}/{name}.parquet`")


def cancel():
    connect().interruptAll()


def feast_config():
    return {"type": "spark", "spark_conf": {}}


def feast_source(view):
    from feast.infra.offline_stores.contrib.spark_offline_store.spark_source import SparkSource
    return SparkSource(name=view.name, table=view.name, timestamp_field="event_timestamp", created_timestamp_column="created")


def feast_statement(store, references, case, frame):
    """Over the entity rows in a view such as Feast's store makes of them."""
    connect().createDataFrame(frame.to_pandas()).createOrReplaceTempView(case.frame)
    from feast.infra.offline_stores.contrib.spark_offline_store import spark as feast_spark
    return point_in_time_query(store, references, frame, case.frame,
                               feast_spark.MULTIPLE_FEATURE_VIEW_POINT_IN_TIME_JOIN, feast_spark.SparkFeatureViewQueryContext)


def upload_like_hybrid(name, table):
    """A view of the entity rows such as hybrid makes of them: it unpacks arrays."""
    ends = pa.array([*range(0, len(table), PACKED), len(table)], pa.int32())
    packed = {f"c{at}": pa.ListArray.from_arrays(ends, column.combine_chunks()) for at, column in enumerate(table.columns)}
    spark = connect()
    spark.createDataFrame(pa.table(packed)).createOrReplaceTempView(f"{name}_packed")
    columns = ", ".join(f"z.c{at} AS `{column}`" for at, column in enumerate(table.column_names))
    spark.sql(f"CREATE OR REPLACE TEMPORARY VIEW {name} AS SELECT {columns} FROM "
              f"(SELECT EXPLODE(ARRAYS_ZIP({', '.join(packed)})) AS z FROM {name}_packed)")


def answer(text):
    """The statements of Feast's template, or one of hybrid's, as the last one's rows to come."""
    spark = connect()
    *before, last = text.split(END)
    for statement in before:
        spark.sql(statement)
    return spark.sql(last)


def asked(text):
    """What is timed: gives the answer as an Arrow table."""
    connect()
    return lambda: answer(text).toArrow()


def served(text):
    """What is timed: the same statement, with its rows read by the server and thrown away."""
    connect()
    return lambda: answer(text).write.format("noop").mode("overwrite").save()


def empty(name, like):
    """Makes a table without rows."""
    connect().sql(f"drop table if exists {name}")
    connect().sql(f"create table {name} using parquet as select * from {like} limit 0")


def times_ten(name, source):
    connect().sql(f"drop table if exists {name}")
    connect().sql(f"create table {name} using parquet as select s.* from {source} s cross join range(10)")


def upload(name, table):
    """Appends the rows: gives what is timed, and by how much it stands for more."""
    spark = connect()
    return lambda: spark.createDataFrame(table).write.insertInto(name), 1


def download(name):
    """Into a file, as hybrid's are."""
    spark, folder = connect(), tempfile.TemporaryDirectory()
    return lambda: pq.write_table(spark.table(name).toArrow(), f"{folder.name}/out.parquet")
