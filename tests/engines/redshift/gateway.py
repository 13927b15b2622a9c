"""Redshift in front of a PostgreSQL server, as far as a client sees it: its Data API on one port, and a relay on another.

    gateway.py PORT RELAY-PORT POSTGRES
"""

import json
import sys
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg

from relay import Relay
from statements import COPY, NAMES, SETTINGS, UNLOAD, Refused, check, copy, unload

POSTGRES = sys.argv[3]
PAGE = 500
# The longest statement of the Data API, and the longest that it waits for a statement's end.
STATEMENT = 100 * 1024
WAIT = 30


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
        if len(sql.encode()) > STATEMENT:
            raise Refused("ERROR: the statement is longer than 100 kB")
        if SETTINGS.match(sql):
            return None, [], 0
        if match := UNLOAD.match(sql):
            return None, [], unload(self, match)
        if match := COPY.match(sql):
            return None, [], copy(self, match)
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

    def describe(self, sql):
        with self.postgres.cursor() as cursor:
            cursor.execute(sql.encode(), prepare=False)
            return list(cursor.description)

    def copy_out(self, sql, sink):
        with self.postgres.cursor() as cursor, cursor.copy(sql.encode()) as rows:
            for data in rows:
                sink.write(data)

    def copy_in(self, sql, data):
        with self.postgres.cursor() as cursor, cursor.copy(sql.encode()) as rows:
            rows.write(data)


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


class Statement:
    def __init__(self, sqls, batch):
        self.id, self.sqls, self.batch = str(uuid.uuid4()), sqls, batch
        self.status, self.error, self.results = "SUBMITTED", None, [None] * len(sqls)
        self.connection, self.session, self.at = None, None, 0
        self.ended = threading.Event()

    def run(self, connection, keep):
        self.connection = connection
        if self.status != "ABORTED":
            self.status = "STARTED"
        status, error = "FINISHED", None
        try:
            if self.batch:
                with connection.postgres.transaction():
                    self.all(connection)
            else:
                self.all(connection)
        except Exception as failure:  # whatever it is, the statement has failed
            status, error = "FAILED", told(failure)
        connection.until = None if keep is None else time.monotonic() + keep
        # Who learns of the end may use the session at once.
        connection.busy.release()
        if self.status != "ABORTED":
            self.error, self.status = error, status
        self.ended.set()
        if keep is None:
            connection.close()

    def all(self, connection):
        for at, sql in enumerate(self.sqls):
            if self.status == "ABORTED":
                raise Refused("ERROR: Query cancelled on user's request")
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
        self.ended = set()
        threading.Thread(target=self.sweep, daemon=True).start()

    def sweep(self):
        while True:
            time.sleep(0.5)
            now = time.monotonic()
            with self.lock:
                over = [key for key, session in self.sessions.items() if session.until is not None and session.until < now]
                for key in over:
                    self.sessions.pop(key).close()
                self.ended.update(over)

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
            connection = self.sessions.get(session)
            if connection is None and session not in self.ended:
                raise Invalid(f"Session with Id: {session} is invalid")
            # Of one that has ended, and of one in use, it says the same.
            if connection is None or not connection.busy.acquire(blocking=False):
                raise Invalid("Session is not available")
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
        if wait := request.get("WaitTimeSeconds"):
            if not 1 <= wait <= WAIT:
                raise Invalid(f"WaitTimeSeconds must be 1 to {WAIT}")
            statement.ended.wait(wait)
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
        statement.ended.set()
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
threading.Thread(target=Relay(int(sys.argv[2]), POSTGRES).serve_forever, daemon=True).start()
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
