"""What callers say of a call is in the log and in the traces: x-request-id, and traceparent of W3C."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
import pyarrow as pa
import pyarrow.flight as fl

import server
from checks import equal, fails, test
from repo import Repo
from rows import at, table
from world import World

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@contextmanager
def collector():
    """A collector that keeps the messages as they come; an empty answer says that all is well."""
    received = []

    class Handler(grpc.GenericRpcHandler):
        def service(self, call):
            if call.method != EXPORT:
                return None
            return grpc.unary_unary_rpc_method_handler(lambda message, _: received.append(message) or b"")

    listening = grpc.server(ThreadPoolExecutor(2), handlers=[Handler()])
    port = listening.add_insecure_port("127.0.0.1:0")
    listening.start()
    try:
        yield f"http://127.0.0.1:{port}", received
    finally:
        listening.stop(None)


def lines(started) -> list[dict]:
    return [json.loads(line) for line in started.output().splitlines() if line.startswith("{")]


@test
def a_calls_name_and_trace_go_on_in_the_server(world):
    if not world.hybrid:
        return
    with collector() as (address, received):
        authority = world.certificates and world.certificates.authority
        repo = Repo(world.repo.folder / f"traced-{uuid.uuid4().hex}", "hybrid", server.free_port(), authority)
        command = [*server.hybrid(repo.server, repo.port, world.certificates), "--log-format", "json"]
        started = server.Server(command, OTEL_EXPORTER_OTLP_ENDPOINT=address)
        started.start()
        try:
            own = World(repo, started, "hybrid", world.certificates)
            own.apply(own.view("traced", table("driver_id event_timestamp v", (1, at(0), 1))))
            client = own.flight()
            equal(retrieve(client, "traced", "train-7"), [1])
            with fails(Exception, "unheard_of"):
                retrieve(client, "unheard_of", "train-8")
        finally:
            equal(started.stop(), 0, "exit code")
    sent = b"".join(received)
    for part in (bytes.fromhex(TRACE), bytes.fromhex(SPAN), b"train-7", b"train-8", b"get_historical_features"):
        assert part in sent, f"{part!r} was not sent: {sent!r}"
    ended = {line["span"]["request"]: line for line in lines(started) if line.get("message") == "ended"}
    equal({name: line["outcome"] for name, line in ended.items()}, {"train-7": "ok", "train-8": "not_found"})
    equal(ended["train-7"]["rows"], 1)


def retrieve(client: fl.FlightClient, view: str, name: str) -> list:
    command = fl.FlightDescriptor.for_command(json.dumps({
        "command_id": str(uuid.uuid4()), "api": "get_historical_features", "feature_view_names": [view],
        "name_aliases": [None], "feature_refs": [f"{view}:v"], "project": "serve", "full_feature_names": False}))
    headers = [(b"x-request-id", name.encode()), (b"traceparent", f"00-{TRACE}-{SPAN}-01".encode())]
    rows = pa.table({"driver_id": [1], "event_timestamp": [at(1)]})
    writer, reader = client.do_exchange(command, options=fl.FlightCallOptions(headers=headers))
    with writer:
        writer.begin(rows.schema)
        writer.write_table(rows)
        writer.done_writing()
        return reader.read_all().column("v").to_pylist()
