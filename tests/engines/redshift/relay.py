"""A connection to PostgreSQL as one to Redshift.

Messages are passed on as they come, but for UNLOAD and COPY: these are run over the client's own connection, so that they see
its transaction and its temporary tables. A client waits for an answer before it asks again; there is no TLS.
"""

import contextlib
import socket
import socketserver
import struct
from types import SimpleNamespace

from psycopg.conninfo import conninfo_to_dict

from statements import COPY, SETTINGS, UNLOAD, check, copy, unload

CANCEL = (80877102).to_bytes(4)
NUMERIC = 1700
# What a login asks the client for: a password, as it is or by MD5, and the steps of SCRAM.
LOGIN = (3, 5, 10, 11)
VERSION = ("PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat 3.4.2-6.fc3), "
           "Redshift 1.0.12103")


class Told(Exception):
    """An error of PostgreSQL, as it was sent."""


class Side:
    """The messages of one side of the relay."""

    def __init__(self, connected):
        self.file = connected.makefile("rwb")

    def receive(self):
        kind = self.file.read(1)
        if not kind:
            raise EOFError
        return kind, self.body()

    def body(self):
        return self.file.read(int.from_bytes(self.file.read(4)) - 4)

    def send(self, kind, body):
        self.file.write(kind + (len(body) + 4).to_bytes(4) + body)


class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        with contextlib.suppress(EOFError, OSError), socket.create_connection(self.server.postgres) as postgres:
            self.client, self.engine = Side(self.request), Side(postgres)
            startup = self.client.body()
            self.engine.send(b"", startup)
            if startup.startswith(CANCEL):
                self.engine.file.flush()
                return
            self.answer()
            while True:
                kind, body = self.client.receive()
                if kind == b"Q":
                    self.run(body[:-1].decode())
                else:
                    self.engine.send(kind, body)
                    # What came before a Sync is answered with it.
                    if kind == b"S":
                        self.answer()

    def answer(self):
        """Passes on what PostgreSQL says, until it waits for the client."""
        kind = None
        while kind != b"Z":
            self.engine.file.flush()
            kind, body = self.engine.receive()
            self.client.send(kind, body)
            if kind in (b"R", b"E", b"Z"):
                self.client.file.flush()
            if kind == b"R" and int.from_bytes(body[:4]) in LOGIN:
                self.engine.send(*self.client.receive())
        self.status = body

    def run(self, sql):
        unloaded, copied = UNLOAD.match(sql), COPY.match(sql)
        try:
            if not unloaded and not copied:
                check(sql)
                self.engine.send(b"Q", adapted(sql).encode() + b"\0")
                return self.answer()
            unload(self, unloaded) if unloaded else copy(self, copied)
            self.client.send(b"C", b"UNLOAD\0" if unloaded else b"COPY\0")
        except Told as told:
            self.client.send(b"E", told.args[0])
        except Exception as error:  # whatever it is, the statement has failed
            self.client.send(b"E", refusal(str(error)))
        self.client.send(b"Z", self.status)
        self.client.file.flush()

    def ask(self, sql, sink=None, data=b""):
        """Runs a statement of the relay's own; the columns of its rows."""
        self.engine.send(b"Q", sql.encode() + b"\0")
        kind, failed, columns = None, None, []
        while kind != b"Z":
            self.engine.file.flush()
            kind, body = self.engine.receive()
            if kind == b"T":
                columns = described(body)
            elif kind == b"d":
                sink.write(body)
            elif kind == b"G":
                self.engine.send(b"d", data)
                self.engine.send(b"c", b"")
            elif kind == b"E":
                failed = body
        self.status = body
        if failed:
            raise Told(failed)
        return columns

    def describe(self, sql):
        return self.ask(sql)

    def copy_out(self, sql, sink):
        self.ask(sql, sink=sink)

    def copy_in(self, sql, data):
        self.ask(sql, data=data)


def adapted(sql):
    """What PostgreSQL is told of what is meant for Redshift."""
    sql = sql.replace("SELECT version()", f"SELECT '{VERSION}' AS version")
    return "; ".join(part for part in sql.split("; ") if not SETTINGS.match(part))


def described(body):
    """The columns of a RowDescription, with what is asked of them."""
    columns, rest = [], body[2:]
    while rest:
        name, _, rest = rest.partition(b"\0")
        _, _, kind, _, modifier, _ = struct.unpack("!IhIhih", rest[:18])
        packed = modifier - 4 if kind == NUMERIC and modifier >= 4 else 0
        columns.append(SimpleNamespace(name=name.decode(), type_code=kind, precision=packed >> 16, scale=packed & 0xFFFF))
        rest = rest[18:]
    return columns


def refusal(text):
    """An ErrorResponse of what Redshift would not run."""
    fields = {"S": "ERROR", "V": "ERROR", "C": "XX000", "M": text.removeprefix("ERROR: ")}
    return b"".join(f"{name}{value}\0".encode() for name, value in fields.items()) + b"\0"


class Relay(socketserver.ThreadingTCPServer):
    allow_reuse_address, daemon_threads, request_queue_size = True, True, 128

    def __init__(self, port, postgres):
        super().__init__(("127.0.0.1", port), Handler)
        where = conninfo_to_dict(postgres)
        self.postgres = where["host"], int(where["port"])
