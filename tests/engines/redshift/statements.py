"""What Redshift's SQL has and PostgreSQL's has not, on a connection to PostgreSQL.

UNLOAD and COPY are read here and run as a query or a load, with Parquet in S3 on the other side. What Redshift refuses and
PostgreSQL does not is refused: windows of aggregates without a frame, RANGE, LATERAL, a LIMIT in what is unloaded.

A connection describes a query, and copies out of and into PostgreSQL: `describe`, `copy_out`, `copy_in`.
"""

import json
import os
import re
import tempfile

import boto3
import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as pq

# Small results come in several files too, as those of a cluster do.
FIRST_FILES, ROWS_PER_FIRST_FILE, ROWS_PER_FILE = 8, 1_000, 100_000

# By the type's number: Redshift's name of it.
NAMES = {16: "bool", 20: "int8", 21: "int2", 23: "int4", 25: "varchar", 18: "char", 19: "name", 26: "oid", 700: "float4",
         701: "float8", 1042: "bpchar", 1043: "varchar", 1082: "date", 1083: "time", 1114: "timestamp", 1184: "timestamptz",
         1186: "interval", 1266: "timetz", 1700: "numeric", 17: "varbyte", 3802: "super", 114: "super", 705: "unknown"}

UNLOAD = re.compile(r"\s*UNLOAD\s*\(\s*'(?P<query>(?:[^'\\]|''|\\.)*)'\s*\)\s*TO\s*'s3://(?P<bucket>[^/']+)/"
                    r"(?P<prefix>[^']*)'\s*IAM_ROLE\s+(?P<role>default|'arn:[^']+')\s*(?P<options>.*)$", re.S | re.I)
UNLOAD_OPTIONS = re.compile(r"\s*FORMAT AS PARQUET(?P<manifest>\s+MANIFEST VERBOSE)?(?P<serial>\s+PARALLEL OFF)?(\s+MAXFILESIZE \d+ MB)?\s*$", re.I)
COPY = re.compile(r"\s*COPY\s+(?P<table>(?:\"(?:[^\"]|\"\")*\"|[\w.])+)\s*FROM\s*'s3://(?P<bucket>[^/']+)/(?P<prefix>[^']*)'\s*"
                  r"IAM_ROLE\s+(?P<role>default|'arn:[^']+')\s*FORMAT AS PARQUET\s*$", re.S | re.I)
SETTINGS = re.compile(r"\s*SET\s+(query_group|enable_case_sensitive_identifier)\s+TO\s+('[^']*'|true|false)\s*$", re.I)
LITERALS = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")


def s3():
    return boto3.client("s3", endpoint_url=os.environ["HYBRID_S3_ENDPOINT"])


class Refused(Exception):
    """What Redshift would not run."""


def check(sql):
    """Refuses what Redshift does not have."""
    bare = LITERALS.sub("x", sql)
    for match in re.finditer(r"\b(MAX|MIN|SUM|COUNT|AVG|LAST_VALUE|FIRST_VALUE)\([^()]*\)\s+OVER\s*\(([^()]*)\)", bare, re.I):
        if re.search(r"ORDER BY", match[2], re.I) and not re.search(r"\bROWS\b", match[2], re.I):
            raise Refused("ERROR: Aggregate window functions with an ORDER BY clause require a frame clause")
    for word in ("LATERAL", "TABLESAMPLE", "RANGE BETWEEN", "ON COMMIT", "UNNEST", "timezone('"):
        if re.search(rf"\b{re.escape(word)}", bare, re.I):
            raise Refused(f'ERROR: syntax error at or near "{word}"')


ARROW = {"bool": pa.bool_(), "int8": pa.int64(), "int2": pa.int16(), "int4": pa.int32(), "float4": pa.float32(),
         "float8": pa.float64(), "varchar": pa.string(), "bpchar": pa.string(), "unknown": pa.string(), "date": pa.int32(),
         "timestamp": pa.int64(), "timestamptz": pa.int64()}


def unloaded_column(column):
    """How a column gets out as text, and its types before and after."""
    name, quoted = NAMES.get(column.type_code, "geometry"), '"' + column.name.replace('"', '""') + '"'
    if name == "numeric":
        if not column.precision:
            raise Refused(f"ERROR: UNLOAD of column {column.name}: a numeric without precision")
        kind = pa.decimal128(column.precision, column.scale or 0)
        return quoted, kind, kind
    if name not in ARROW:
        raise Refused(f"ERROR: UNLOAD to Parquet does not support the type {name} of column {column.name}")
    if name == "date":
        return f"({quoted} - date '1970-01-01')", pa.int32(), pa.date32()
    if name.startswith("timestamp"):
        return f"(extract(epoch from {quoted}) * 1000000)::bigint", pa.int64(), pa.timestamp("us")
    return quoted, ARROW[name], ARROW[name]


def unload(connection, match):
    """Runs an UNLOAD. How many rows."""
    options = UNLOAD_OPTIONS.match(match["options"])
    if not options:
        raise Refused(f"ERROR: syntax error in the options of UNLOAD: {match['options']}")
    query = re.sub(r"\\(.)", r"\1", match["query"]).replace("''", "'")
    check(query)
    if re.search(r"\bLIMIT\s+\d+\s*$", LITERALS.sub("x", query), re.I):
        raise Refused("ERROR: Limit clause is not supported in the outer SELECT of UNLOAD")
    bucket, prefix, client = match["bucket"], match["prefix"], s3()
    if client.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents"):
        raise Refused(f"ERROR: Specified unload destination on S3 is not empty: s3://{bucket}/{prefix}")
    described = connection.describe(f"SELECT * FROM ({query}\n) AS u WHERE FALSE")
    columns, names = [unloaded_column(column) for column in described], [column.name for column in described]
    if len(set(names)) != len(names):
        raise Refused("ERROR: UNLOAD to Parquet needs column names that differ")
    # An ORDER BY at the end of the query is kept: PostgreSQL scans a subquery in its order.
    text = f"COPY (SELECT {', '.join(expr for expr, _, _ in columns)} FROM ({query}\n) AS u) TO STDOUT (FORMAT CSV)"
    with tempfile.TemporaryFile() as spool:
        connection.copy_out(text, spool)
        empty = spool.tell() == 0
        spool.seek(0)
        batches = [] if empty else read(spool, names, columns)
        return write(client, bucket, prefix, names, columns, batches, options)


def read(spool, names, columns):
    keys = [f"c{at}" for at in range(len(names))]
    return csv.open_csv(
        spool,
        csv.ReadOptions(column_names=keys, block_size=4 << 20),
        csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        csv.ConvertOptions(column_types=dict(zip(keys, (kind for _, kind, _ in columns))), null_values=[""], strings_can_be_null=True,
                           quoted_strings_can_be_null=False, true_values=["t"], false_values=["f"]))


def write(client, bucket, prefix, names, columns, batches, options):
    """Files of some rows each, as the slices of a cluster write them, and the manifest. How many rows."""
    schema = pa.schema([pa.field(name, kind) for name, (_, _, kind) in zip(names, columns)])
    entries, pending, total = [], [], 0

    def flush():
        table = pa.Table.from_batches(pending)
        arrays = [column.cast(kind) for column, kind in zip(table.columns, schema.types)]
        table = pa.Table.from_arrays(arrays, schema=schema)
        at = len(entries)
        name = f"{at:03}.parquet" if options["serial"] else f"{at % 4:04}_part_{at // 4:02}.parquet"
        sink = pa.BufferOutputStream()
        # Times in both of the forms that Parquet has had.
        times = {"use_deprecated_int96_timestamps": True} if at % 2 == 0 else {"coerce_timestamps": "us"}
        pq.write_table(table, sink, compression="snappy", version="1.0", row_group_size=50_000, **times)
        body = sink.getvalue().to_pybytes()
        client.put_object(Bucket=bucket, Key=prefix + name, Body=body)
        entries.append({"url": f"s3://{bucket}/{prefix}{name}", "meta": {"content_length": len(body), "record_count": table.num_rows}})
        pending.clear()

    waiting = 0
    for batch in batches:
        while batch.num_rows:
            most = ROWS_PER_FIRST_FILE if len(entries) < FIRST_FILES else ROWS_PER_FILE
            part = batch.slice(0, most - waiting)
            batch = batch.slice(part.num_rows)
            pending.append(part)
            waiting += part.num_rows
            total += part.num_rows
            if waiting >= most:
                flush()
                waiting = 0
    if pending:
        flush()
    if options["manifest"]:
        manifest = {"entries": entries, "schema": {"elements": []}, "meta": {"content_length": 0, "record_count": total},
                    "author": {"name": "Amazon Redshift", "version": "1.0.0"}}
        client.put_object(Bucket=bucket, Key=prefix + "manifest", Body=json.dumps(manifest).encode())
    return total


COPIED = {"bool": pa.bool_(), "int8": pa.int64(), "int4": pa.int32(), "float4": pa.float32(), "float8": pa.float64(),
          "varchar": pa.string(), "varbyte": pa.binary(), "date": pa.date32()}


def copied(column):
    """A column as CSV takes it."""
    if pa.types.is_binary(column.type):
        return pa.array([None if value is None else "\\x" + value.hex() for value in column.to_pylist()], pa.string())
    return column


def copy(connection, match):
    """Runs a COPY. How many rows."""
    client, total = s3(), 0
    found = client.list_objects_v2(Bucket=match["bucket"], Prefix=match["prefix"]).get("Contents", [])
    if not found:
        raise Refused(f"ERROR: The specified S3 prefix '{match['prefix']}' does not exist")
    target = connection.describe(f"SELECT * FROM {match['table']} WHERE FALSE")
    for entry in found:
        body = client.get_object(Bucket=match["bucket"], Key=entry["Key"])["Body"].read()
        table = pq.read_table(pa.BufferReader(body))
        if table.num_columns != len(target):
            raise Refused("ERROR: the file and the table have different numbers of columns")
        for kind, column in zip(table.schema.types, target):
            name = NAMES.get(column.type_code)
            wanted = pa.decimal128(column.precision, column.scale or 0) if name == "numeric" else COPIED.get(name)
            if kind != wanted:
                raise Refused(f"ERROR: Spectrum Scan Error: File has an incompatible Parquet schema for column {column.name}. "
                              f"Column type: {name}, Parquet schema: {kind}")
        table = pa.table([copied(column) for column in table.columns], [f"c{at}" for at in range(table.num_columns)])
        sink = pa.BufferOutputStream()
        csv.write_csv(table, sink, csv.WriteOptions(include_header=False))
        connection.copy_in(f"COPY {match['table']} FROM STDIN (FORMAT CSV)", sink.getvalue().to_pybytes())
        total += table.num_rows
    return total
