"""A server that is killed in a write, a client that is killed in a call, a frame of 3 GiB."""

import random
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
import urllib.request
from collections import Counter

import pandas as pd
import pyarrow as pa
import pyarrow.flight as fl

from checks import equal, slow, test
from rows import START, at, frame, table
from world import retrieval

MIB = 1 << 20


@test
@slow
def a_server_killed_in_a_write_loses_and_halves_nothing(world):
    """Every row of a batch carries the batch's number: what was acknowledged is there, and whole."""
    if not world.hybrid:
        return
    size, rng = 50_000, random.Random(7)
    with world.own() as own:
        view = own.view("killed", table("driver_id event_timestamp created v", (0, at(0), at(0), 0)))
        own.apply(view)
        acknowledged, number = [], 0
        for _ in range(6):
            killer = threading.Timer(0.2 + rng.random(), own.server.process.kill)
            killer.start()
            while own.server.running():
                number += 1
                try:
                    own.store.write_to_offline_store("killed", batch(number, size))
                    acknowledged.append(number)
                except Exception:
                    own.server.process.wait(20)
            killer.join()
            own.server.start()
            found = Counter(own.repo.read(view.feast.batch_source.path).column("v").to_pylist())
            assert found.pop(0) == 1 and set(found.values()) <= {size}, f"a batch is not whole: {found}"
            missing = set(acknowledged) - set(found)
            assert not missing, f"acknowledged and lost: {missing}"
        assert acknowledged, "no write was acknowledged before the server was killed"
        got = own.ask(frame("driver_id event_timestamp", (1, at(9))), view.refs())
        equal(got.num_rows, 1)


def batch(number: int, size: int) -> pd.DataFrame:
    return pd.DataFrame({"driver_id": range(size), "event_timestamp": START, "created": START, "v": number})


@test
def a_client_killed_in_a_call_leaves_the_server_as_it_was(world):
    """Killed while it sends, and later: the server's only place for a call is free again afterwards."""
    if not world.hybrid:
        return
    with world.own("--concurrent-calls", "1", "--status-port", "0") as own:
        view = own.view("left", table("driver_id event_timestamp v", (1, at(0), 1)))
        own.apply(view)
        for later in (0.0, 0.4):
            program = textwrap.dedent(f"""
                import pandas as pd
                from feast import FeatureStore
                rows = pd.DataFrame({{"driver_id": range(2_000_000), "event_timestamp": pd.Timestamp("{at(1)}")}})
                FeatureStore(repo_path={str(own.repo.client())!r}).get_historical_features(rows, ["left:v"]).to_arrow()
            """)
            client = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            until(lambda: running(own) == 1 or client.poll() is not None)
            equal(client.poll(), None, "the client ended before it was killed")
            time.sleep(later)
            client.send_signal(signal.SIGKILL)
            client.wait()
            own.check(frame("driver_id event_timestamp", (1, at(1)), (1, at(2))), view)
            until(lambda: running(own) == 0)


def running(own) -> int:
    """How many retrievals the server says that it runs."""
    page = re.search(r"^state and metrics on (http://\S+)", own.server.output(), re.MULTILINE)[1]
    with urllib.request.urlopen(f"{page.rstrip('/')}/metrics") as answer:
        text = answer.read().decode()
    found = re.search(r'^hybrid_calls_running{api="get_historical_features"} (\d+)$', text, re.MULTILINE)
    return int(found[1]) if found else 0


def until(condition, seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass in time"
        time.sleep(0.01)


@test
@slow
def a_frame_of_three_gigabytes_in_bounded_memory(world):
    """Sent in messages of 8 MiB, as both generations of clients send: the answer has every row in its place, and the
    server never holds more than a small part of it."""
    if not world.hybrid:
        return
    size = 3072 if world.certificates is None else 512
    with world.own() as own:
        data = table("driver_id event_timestamp v", *((n, at(0), n) for n in range(100)))
        own.apply(own.view("big", data))
        for ask in (exchanged, put_and_fetched):
            for_one = size if ask is exchanged else size // 4
            sent, got = ask(own.flight(), messages(for_one))
            equal(got, sent, ask.__name__)
        peak = own.server.memory("VmHWM")
        assert peak < 500 * MIB, f"the server held {peak / MIB:.0f} MiB"


ROWS, WIDTH = 2048, 4096
SCHEMA = pa.schema({"driver_id": pa.int64(), "event_timestamp": pa.timestamp("us", tz="UTC"), "label": pa.int64(),
                    "text": pa.string()})


def messages(mebibytes: int):
    """Batches of 8 MiB; `label` counts the rows."""
    text = pa.array([f"{n:04}" * (WIDTH // 4) for n in range(ROWS)])
    times = pa.array([at(1)] * ROWS, pa.timestamp("us", tz="UTC"))
    for number in range(mebibytes // 8):
        labels = pa.array(range(number * ROWS, (number + 1) * ROWS), pa.int64())
        keys = pa.array([n % 101 for n in range(ROWS)], pa.int64())
        yield pa.record_batch([keys, times, labels, text], schema=SCHEMA)


def exchanged(client: fl.FlightClient, batches):
    writer, reader = client.do_exchange(retrieval("big"))
    with writer:
        writer.begin(SCHEMA)
        sent = send(writer, batches)
        writer.done_writing()
        return sent, counted(reader)


def put_and_fetched(client: fl.FlightClient, batches):
    descriptor = retrieval("big")
    writer, _ = client.do_put(descriptor, SCHEMA)
    sent = send(writer, batches)
    writer.close()
    ticket = client.get_flight_info(descriptor).endpoints[0].ticket
    return sent, counted(client.do_get(ticket))


def send(writer, batches) -> int:
    sent = 0
    for rows in batches:
        writer.write_batch(rows)
        sent += rows.num_rows
    return sent


def counted(reader) -> int:
    """The rows of an answer, each seen to be in its place and to have its value."""
    count = 0
    for chunk in reader:
        rows = chunk.data
        places = range(count, count + rows.num_rows)
        equal(rows.column("label").to_pylist(), list(places), "labels")
        keys = [place % ROWS % 101 for place in places]
        equal(rows.column("v").to_pylist(), [key if key < 100 else None for key in keys], "values")
        equal(rows.column("text")[0].as_py()[:4], f"{count % ROWS:04}", "text")
        count += rows.num_rows
    return count
