"""What callers say of a call is in the log and in the traces: x-request-id, and traceparent of W3C."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
import pyarrow as pa
import pyarrow.flight as fl

from checks import equal, fails, test
from rows import at, table
from world import retrieval

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
        with world.own("--log-format", "json", OTEL_EXPORTER_OTLP_ENDPOINT=address) as own:
            own.apply(own.view("traced", table("driver_id event_timestamp v", (1, at(0), 1))))
            client = own.flight()
            equal(retrieve(client, "traced", "train-7"), [1])
            with fails(Exception, "unheard_of"):
                retrieve(client, "unheard_of", "train-8")
    sent = b"".join(received)
    for part in (bytes.fromhex(TRACE), bytes.fromhex(SPAN), b"train-7", b"train-8", b"get_historical_features"):
        assert part in sent, f"{part!r} was not sent: {sent!r}"
    ended = {line["span"]["request"]: line for line in lines(own.server) if line.get("message") == "ended"}
    equal({name: line["outcome"] for name, line in ended.items()}, {"train-7": "ok", "train-8": "not_found"})
    equal(ended["train-7"]["rows"], 1)


def retrieve(client: fl.FlightClient, view: str, name: str) -> list:
    headers = [(b"x-request-id", name.encode()), (b"traceparent", f"00-{TRACE}-{SPAN}-01".encode())]
    rows = pa.table({"driver_id": [1], "event_timestamp": [at(1)]})
    writer, reader = client.do_exchange(retrieval(view), options=fl.FlightCallOptions(headers=headers))
    with writer:
        writer.begin(rows.schema)
        writer.write_table(rows)
        writer.done_writing()
        return reader.read_all().column("v").to_pylist()
