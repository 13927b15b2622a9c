"""Redshift's Data API in front of a PostgreSQL server, as far as a client sees it.

Statements run on PostgreSQL. UNLOAD and COPY, which it does not have, are read here and run as a query or a load, with
Parquet in S3 on the other side. What Redshift refuses and PostgreSQL does not is refused: windows of aggregates without a
frame, RANGE, LATERAL, a LIMIT in what is unloaded, statements of more than 100 kB.
"""

import json
import re
import sys
import tempfile
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import psycopg
import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as pq

POSTGRES, S3_ENDPOINT = sys.argv[2], sys.argv[3]
# Small results come in several files too, as those of a cluster do.
FIRST_FILES, ROWS_PER_FIRST_FILE, ROWS_PER_FILE = 8, 1_000, 100_000
PAGE = 500

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
    return boto3.client("s3", endpoint_url=S3_ENDPOINT)


class Refused(Exception):
    """What Redshift would not run."""


def check(sql):
    """Refuses what Redshift does not have."""
    if len(sql.encode()) > 100 * 1024:
        raise Refused("ERROR: the statement is longer than 100 kB")
    bare = LITERALS.sub("x", sql)
    for match in re.finditer(r"\b(MAX|MIN|SUM|COUNT|AVG|LAST_VALUE|FIRST_VALUE)\([^()]*\)\s+OVER\s*\(([^()]*)\)", bare, re.I):
        if re.search(r"ORDER BY", match[2], re.I) and not re.search(r"\bROWS\b", match[2], re.I):
            raise Refused("ERROR: Aggregate window functions with an ORDER BY clause require a frame clause")
    for word in ("LATERAL", "TABLESAMPLE", "RANGE BETWEEN", "ON COMMIT", "UNNEST", "timezone('"):
        if re.search(rf"\b{re.escape(word)}", bare, re.I):
            raise Refused(f'ERROR: syntax error at or near "{word}"')


class Connection:
    """One connection to PostgreSQL, with what runs on it."""

    def __init__(self):
        self.postgres = psycopg.connect(POSTGRES, autocommit=True)
        self.busy = threading.Lock()
        self.until = None

    def close(self):
        self.postgres.close()

    def run(self, sql):
        """Columns and rows of a statement, or nothing."""
        if SETTINGS.match(sql):
            return None, [], 0
        if match := UNLOAD.match(sql):
            return None, [], unload(self.postgres, match)
        if match := COPY.match(sql):
            return None, [], copy(self.postgres, match)
        check(sql)
        with self.postgres.cursor() as cursor:
            cursor.execute(sql.encode(), prepare=False)
            if cursor.description is None:
                return None, [], cursor.rowcount
            columns = [column_metadata(column) for column in cursor.description]
            raw = cursor.pgresult
            rows = [[raw.get_value(row, at) for at in range(raw.nfields)] for row in range(raw.ntuples)]
            fields = [[field(value, column["typeName"]) for value, column in zip(row, columns)] for row in rows]
            return columns, fields, len(fields)


def column_metadata(column):
    name = NAMES.get(column.type_code, "geometry")
    precision, scale = column.precision or 0, column.scale or 0
    return {"name": column.name, "label": column.name, "typeName": name, "precision": precision, "scale": scale,
            "nullable": 1, "length": 0, "isCaseSensitive": False, "isCurrency": False, "isSigned": True, "schemaName": "",
            "tableName": ""}


def field(value, name):
    if value is None:
        return {"isNull": True}
    text = value.decode()
    if name in ("int8", "int4", "int2", "oid"):
        return {"longValue": int(text)}
    if name in ("float4", "float8") and text not in ("NaN", "Infinity", "-Infinity"):
        return {"doubleValue": float(text)}
    if name == "bool":
        return {"booleanValue": text == "t"}
    if name == "varbyte":
        text = text.removeprefix("\\x")
    return {"stringValue": text}


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


def unload(postgres, match):
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
    with postgres.cursor() as cursor:
        cursor.execute(f"SELECT * FROM ({query}\n) AS u WHERE FALSE".encode(), prepare=False)
        columns = [unloaded_column(column) for column in cursor.description]
        names = [column.name for column in cursor.description]
    if len(set(names)) != len(names):
        raise Refused("ERROR: UNLOAD to Parquet needs column names that differ")
    # An ORDER BY at the end of the query is kept: PostgreSQL scans a subquery in its order.
    text = f"COPY (SELECT {', '.join(expr for expr, _, _ in columns)} FROM ({query}\n) AS u) TO STDOUT (FORMAT CSV)"
    with tempfile.TemporaryFile() as spool:
        with postgres.cursor() as cursor, cursor.copy(text.encode()) as rows:
            for data in rows:
                spool.write(data)
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


def copy(postgres, match):
    client, total = s3(), 0
    found = client.list_objects_v2(Bucket=match["bucket"], Prefix=match["prefix"]).get("Contents", [])
    if not found:
        raise Refused(f"ERROR: The specified S3 prefix '{match['prefix']}' does not exist")
    with postgres.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {match['table']} WHERE FALSE".encode(), prepare=False)
        target = list(cursor.description)
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
        with postgres.cursor() as cursor, cursor.copy(f"COPY {match['table']} FROM STDIN (FORMAT CSV)".encode()) as rows:
            rows.write(sink.getvalue().to_pybytes())
        total += table.num_rows
    return total


class Statement:
    def __init__(self, sqls, batch):
        self.id, self.sqls, self.batch = str(uuid.uuid4()), sqls, batch
        self.status, self.error, self.results = "SUBMITTED", None, [None] * len(sqls)
        self.connection, self.session, self.at = None, None, 0

    def run(self, connection, keep):
        self.connection, self.status = connection, "STARTED"
        try:
            if self.batch:
                with connection.postgres.transaction():
                    self.all(connection)
            else:
                self.all(connection)
            self.status = "FINISHED" if self.status == "STARTED" else self.status
        except Exception as error:  # whatever it is, the statement has failed
            if self.status != "ABORTED":
                self.error, self.status = told(error), "FAILED"
        finally:
            connection.until = None if keep is None else time.monotonic() + keep
            connection.busy.release()
            if keep is None:
                connection.close()

    def all(self, connection):
        for at, sql in enumerate(self.sqls):
            self.at = at
            self.results[at] = connection.run(sql)

    def part(self, at):
        """What has become of one of several statements."""
        if self.status == "FAILED":
            return "FINISHED" if at < self.at else "FAILED" if at == self.at else "ABORTED"
        return self.status


def told(error):
    if isinstance(error, psycopg.Error) and error.diag.message_primary:
        text = f"ERROR: {error.diag.message_primary}"
        return f"{text}\n  Detail: {error.diag.message_detail}" if error.diag.message_detail else text
    return str(error)


class Api:
    """The operations, by name."""

    def __init__(self):
        self.statements, self.sessions, self.tokens, self.lock = {}, {}, {}, threading.Lock()
        threading.Thread(target=self.sweep, daemon=True).start()

    def sweep(self):
        while True:
            time.sleep(0.5)
            now = time.monotonic()
            with self.lock:
                over = [key for key, session in self.sessions.items() if session.until is not None and session.until < now]
                for key in over:
                    self.sessions.pop(key).close()

    def ExecuteStatement(self, request):
        return self.submit(request, [request["Sql"]], False)

    def BatchExecuteStatement(self, request):
        return self.submit(request, request["Sqls"], True)

    def submit(self, request, sqls, batch):
        places = [request.get(name) for name in ("ClusterIdentifier", "WorkgroupName", "SessionId")]
        if sum(place is not None for place in places) != 1:
            raise Invalid("Exactly one of ClusterIdentifier, WorkgroupName and SessionId must be given")
        if places[0] == "no-such-cluster":
            raise Invalid("Redshift endpoint doesn't exist in this region.")
        if places[0] and not (request.get("DbUser") or request.get("SecretArn")):
            raise Invalid("DbUser or SecretArn must be given")
        token, keep = request.get("ClientToken"), request.get("SessionKeepAliveSeconds")
        with self.lock:
            if token and token in self.tokens:
                return self.answer(self.tokens[token])
            statement = Statement(sqls, batch)
            connection = self.connection(request.get("SessionId"), keep, statement)
            self.statements[statement.id] = statement
            if token:
                self.tokens[token] = statement
        threading.Thread(target=statement.run, args=(connection, keep if keep is not None else (3600 if statement.session else None)), daemon=True).start()
        return self.answer(statement)

    def connection(self, session, keep, statement):
        if session is not None:
            if session not in self.sessions:
                raise Invalid(f"Session {session} is not available")
            connection = self.sessions[session]
            if not connection.busy.acquire(blocking=False):
                raise Invalid(f"Session {session} is busy")
            connection.until, statement.session = None, session
            return connection
        connection = Connection()
        connection.busy.acquire()
        if keep is not None:
            statement.session = str(uuid.uuid4())
            self.sessions[statement.session] = connection
        return connection

    @staticmethod
    def answer(statement):
        answer = {"Id": statement.id, "CreatedAt": time.time()}
        return answer | ({"SessionId": statement.session} if statement.session else {})

    def find(self, request):
        id, _, at = request["Id"].partition(":")
        if id not in self.statements:
            raise Missing(f"Query does not exist: {id}")
        return self.statements[id], int(at or 1) - 1

    def DescribeStatement(self, request):
        statement, _ = self.find(request)
        answer = {"Id": statement.id, "Status": statement.status, "HasResultSet": any(result and result[0] for result in statement.results),
                  "ResultRows": (statement.results[-1] or (None, [], -1))[2], "Duration": 0}
        if statement.error:
            answer["Error"] = statement.error
        if statement.batch:
            answer["SubStatements"] = [{"Id": f"{statement.id}:{at + 1}", "Status": statement.part(at),
                                        "HasResultSet": bool(result and result[0])} for at, result in enumerate(statement.results)]
        return answer

    def CancelStatement(self, request):
        statement, _ = self.find(request)
        if statement.status in ("FINISHED", "FAILED", "ABORTED"):
            raise Invalid(f"Could not cancel a query that is already in {statement.status} state")
        statement.status = "ABORTED"
        if statement.connection:
            statement.connection.postgres.cancel()
        return {"Status": True}

    def GetStatementResult(self, request):
        statement, at = self.find(request)
        if statement.status != "FINISHED" or not statement.results[at] or statement.results[at][0] is None:
            raise Missing("Query does not have result. Please check query status with DescribeStatement.")
        columns, rows, _ = statement.results[at]
        start = int(request.get("NextToken") or 0)
        answer = {"ColumnMetadata": columns, "Records": rows[start:start + PAGE], "TotalNumRows": len(rows)}
        return answer | ({"NextToken": str(start + PAGE)} if start + PAGE < len(rows) else {})


class Invalid(Exception):
    kind = "ValidationException"


class Missing(Exception):
    kind = "ResourceNotFoundException"


API = Api()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        target = self.headers.get("X-Amz-Target", "").removeprefix("RedshiftData.")
        try:
            if not self.headers.get("Authorization", "").startswith("AWS4-HMAC-SHA256"):
                raise Invalid("the request is not signed")
            code, answer = 200, getattr(API, target)(json.loads(body))
        except (Invalid, Missing) as error:
            code, answer = 400, {"__type": error.kind, "message": str(error)}
        except Exception as error:  # a mistake here is told, not hidden
            code, answer = 500, {"__type": "InternalServerException", "message": repr(error)}
        data = json.dumps(answer).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments):
        pass


ThreadingHTTPServer.allow_reuse_address = True
ThreadingHTTPServer.request_queue_size = 128
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
