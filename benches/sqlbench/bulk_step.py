"""One step of the bulk benchmark in an engine: its tables, or what its own Python client takes.

usage: bulk_step.py ENGINE DIR prepare | empty | up | down

up and down print seconds, imports not counted, and the factor by which they were multiplied because fewer rows were sent.
"""
import importlib
import pathlib
import sys
import time

import pyarrow.parquet as pq


def prepare(engine, folder):
    engine.load([("bulk_full", pq.read_table(folder / "bulk.parquet")), ("bulk_few", pq.read_table(folder / "bulk.parquet").slice(0, 1000))])
    engine.times_ten("bulk_ten", "bulk_full")
    if hasattr(engine, "files"):
        engine.load([("bulk_frame", pq.read_table(folder / "bulk_frame.parquet"))])
        engine.files(folder)


def up(engine, folder):
    timed(*engine.upload("bulk", pq.read_table(folder / "bulk.parquet")))


def down(engine, folder):
    timed(engine.download("bulk_full"), 1)


def timed(call, factor):
    began = time.perf_counter()
    # Held until the clock is read: what it frees is not its time.
    answer = call()
    seconds = time.perf_counter() - began
    del answer
    print(seconds * factor, factor)


if __name__ == "__main__":
    name, folder, step = sys.argv[1:]
    steps = {"prepare": prepare, "empty": lambda engine, _: engine.empty("bulk", "bulk_full"), "up": up, "down": down}
    steps[step](importlib.import_module(f"on_{name}"), pathlib.Path(folder))
