"""Runs on-demand feature views of Feast for `hybrid serve`, with BYTES and FOLDER. It is one script with views.py.

Requests come through stdin; answers go to what stdout was when the process began. A message is the length of its
header in 4 bytes, the header in JSON, and parts whose lengths the header has. Nothing is kept between requests.
"""

import faulthandler
import gc
import json
import os
import struct
import threading
import time


def channels():
    """Stdin and stdout, for messages alone: what functions print goes to stderr, and they read nothing."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    sys.stdout.reconfigure(line_buffering=True)
    return requests, answers


def receive(requests):
    size = requests.read(4)
    if len(size) < 4:
        return None
    header = json.loads(requests.read(struct.unpack("<I", size)[0]))
    return header, [requests.read(length) for length in header["parts"]]


def send(answers, header, parts=()):
    text = json.dumps(header | {"parts": [len(part) for part in parts]}).encode()
    answers.write(struct.pack("<I", len(text)) + text)
    for part in parts:
        answers.write(part)
    answers.flush()


def end_with(parent):
    """Ends the process when the one that started it has ended, also while a function runs."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def limit(memory):
    """Lets the process take so many bytes more than it has by now, where the system says how many that are."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        # What a crash leaves on the disk would be rows.
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with open("/proc/self/statm") as sizes:
            most = int(sizes.read().split()[0]) * resource.getpagesize() + memory
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def answer(header, parts):
    """The answer's header and parts."""
    *messages, agreed, rows = parts
    agreed = pa.ipc.open_stream(agreed).schema if agreed else None
    table = pa.ipc.open_stream(rows).read_all()
    given = table.num_columns
    for asked, message in zip(header["views"], messages):
        try:
            table = with_outputs(table, asked, message, agreed, header["full_feature_names"])
        except BaseException as error:
            return {"failure": failure(asked["name"], error)}, []
    outputs = table.select(range(given, table.num_columns)).replace_schema_metadata(None)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, outputs.schema) as writer:
        writer.write_table(outputs)
    return {"failure": None}, [sink.getvalue()]


def serve(requests, answers):
    gc.freeze()
    threads = threading.active_count()
    while (request := receive(requests)) is not None:
        header, parts = request
        # What is printed before it was printed for others.
        os.write(2, f"\n{header['mark']}\n".encode())
        header, parts = answer(header, parts)
        sys.stdout.flush()
        sys.stderr.flush()
        send(answers, header | {"clean": threading.active_count() == threads}, parts)
        del request, header, parts
        gc.collect()


@contextlib.contextmanager
def unchecked():
    """Feast has the types of its own calls checked; preparing that is most of its start. Functions of others keep theirs."""
    try:
        import typeguard
    except ImportError:
        yield
        return
    checked = typeguard.typechecked
    typeguard.typechecked = lambda target=None, **_: target if target is not None else (lambda it: it)
    try:
        yield
    finally:
        typeguard.typechecked = checked


requests, answers = channels()
try:
    with unchecked():
        import feast  # noqa: F401
    import pyarrow as pa
    from feast.on_demand_feature_view import OnDemandFeatureView
    from feast.protos.feast.core.OnDemandFeatureView_pb2 import OnDemandFeatureView as OnDemandFeatureViewProto
    from feast.types import from_feast_to_pyarrow_type
    from feast.version import get_version
except BaseException as error:
    send(answers, {"missing": f"{type(error).__name__}: {error}"})
    os._exit(1)
# Each thread takes of what memory the process may use.
pa.set_cpu_count(min(pa.cpu_count(), 4))
faulthandler.enable()
os.chdir(sys.argv[2])
sys.path.append(sys.argv[2])
threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
limit(int(sys.argv[1]))
send(answers, {"missing": None, "feast": get_version()})
serve(requests, answers)
# Threads of functions may still run.
os._exit(0)
